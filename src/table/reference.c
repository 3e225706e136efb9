/*-------------------------------------------------------------------------
 *
 * reference.c
 *	  Finds the foreign keys that refer to a table.
 *
 * A key between partitioned tables has a catalog entry for every pair of
 * partitions; only the one at the top of such a family is taken, since a
 * query on the child's top reaches every partition.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_operator.h"
#include "commands/defrem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "support/quote.h"
#include "table/reference.h"
#include "table/registry.h"

static ForeignReference *read_constraint(HeapTuple tuple);
static Datum read_array(HeapTuple tuple, int column);
static char **read_columns(HeapTuple tuple, int column, Oid relid,
						   int *count);
static void append_operand(StringInfo buf, const char *alias,
						   const char *column, Oid type);

List *
sp_reference_list(Oid relid)
{
	List	   *parents = list_make1_oid(relid);
	List	   *result = NIL;
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;

	if (get_rel_relispartition(relid))
		parents = list_concat(parents, get_partition_ancestors(relid));

	/* no index leads with confrelid: the server scans the catalog, too */
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		if (form->contype == CONSTRAINT_FOREIGN &&
			!OidIsValid(form->conparentid) &&
			list_member_oid(parents, form->confrelid))
			result = lappend(result, read_constraint(tuple));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

ForeignReference *
sp_reference_read(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID,
										ObjectIdGetDatum(constraint));
	ForeignReference *reference;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraint);
	reference = read_constraint(tuple);
	ReleaseSysCache(tuple);
	return reference;
}

char *
sp_reference_condition(const ForeignReference *reference, const char *alias)
{
	return psprintf("EXISTS (SELECT FROM %s c WHERE %s)",
					sp_table_quoted_name(reference->child),
					sp_reference_join(reference, alias, "c"));
}

char *
sp_reference_join(const ForeignReference *reference, const char *parent,
				  const char *child)
{
	StringInfoData buf;
	int			i;

	initStringInfo(&buf);
	for (i = 0; i < reference->ncolumns; i++)
	{
		Oid			operator = reference->operators[i];
		Oid			left;
		Oid			right;

		op_input_types(operator, &left, &right);
		if (i > 0)
			appendStringInfoString(&buf, " AND ");
		append_operand(&buf, parent, reference->parent_columns[i], left);
		appendStringInfo(&buf, " %s ", sp_quote_operator(operator));
		append_operand(&buf, child, reference->child_columns[i], right);
	}
	return buf.data;
}

/* A foreign key from its catalog entry. */
static ForeignReference *
read_constraint(HeapTuple tuple)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	ForeignReference *reference = palloc0(sizeof(ForeignReference));

	reference->oid = form->oid;
	reference->name = pstrdup(NameStr(form->conname));
	reference->child = form->conrelid;
	reference->child_columns = read_columns(tuple, Anum_pg_constraint_conkey,
											form->conrelid,
											&reference->ncolumns);
	reference->parent_columns = read_columns(tuple,
											 Anum_pg_constraint_confkey,
											 form->confrelid,
											 &reference->ncolumns);
	reference->operators = (Oid *)
		ARR_DATA_PTR(DatumGetArrayTypePCopy(read_array(tuple,
													   Anum_pg_constraint_conpfeqop)));
	reference->parent_operators = (Oid *)
		ARR_DATA_PTR(DatumGetArrayTypePCopy(read_array(tuple,
													   Anum_pg_constraint_conppeqop)));
	return reference;
}

/* An array of a foreign key's entry. */
static Datum
read_array(HeapTuple tuple, int column)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(CONSTROID, tuple, column, &isnull);

	if (isnull)
		elog(ERROR, "foreign key without columns or operators");
	return value;
}

/* Names of the columns in an int2[] of a constraint. */
static char **
read_columns(HeapTuple tuple, int column, Oid relid, int *count)
{
	ArrayType  *array = DatumGetArrayTypeP(read_array(tuple, column));
	int16	   *numbers = (int16 *) ARR_DATA_PTR(array);
	char	  **names;
	int			i;

	*count = ARR_DIMS(array)[0];
	names = palloc(sizeof(char *) * *count);
	for (i = 0; i < *count; i++)
		names[i] = get_attname(relid, numbers[i], false);
	return names;
}

/* alias.column, cast to what the operator takes */
static void
append_operand(StringInfo buf, const char *alias, const char *column, Oid type)
{
	appendStringInfo(buf, "%s.%s", alias, quote_identifier(column));
	if (!IsPolymorphicType(type))
		appendStringInfo(buf, "::%s", format_type_be_qualified(type));
}
