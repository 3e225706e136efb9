/*-------------------------------------------------------------------------
 *
 * release_unique.c
 *	  syncport.release_unique: lets a unique value be used again once its
 *	  row has become a tombstone.
 *
 * A UNIQUE constraint cannot have a predicate, so it becomes a unique index
 * of its name; an EXCLUDE constraint gets the predicate.  The server's own
 * definition of either is taken, and the predicate is added where it ends.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "commands/comment.h"
#include "commands/tablespace.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "table/registry.h"
#include "table/target.h"

PG_FUNCTION_INFO_V1(syncport_release_unique);

/* what is to be released */
typedef struct Release
{
	const EnabledTable *table;
	const char *name;			/* of the constraint, and of the index */
	Oid			constraint;
	Oid			index;
	char		type;			/* of the constraint */
	bool		deferrable;
	bool		deferred;
} Release;

static bool find_constraint(Release *release);
static void check_kind(const Release *release);
static void check_references(const Release *release);
static void check_replica_identity(const Release *release);
static bool is_released(const Release *release, Oid index);
static Node *read_predicate(Oid index);
static char *define_index(const Release *release);
static char *define_exclusion(const Release *release);
static char *cut_end(char *definition, const char *end);
static void keep_comment(const Release *release, const char *comment);
static void run(const char *sql);

/*
 * syncport.release_unique(target, constraint_name) RETURNS void: nothing
 * happens where that was done before.
 */
Datum
syncport_release_unique(PG_FUNCTION_ARGS)
{
	Oid			relid = sp_target_argument(fcinfo, 0);
	Release		release = {0};
	const char *target = sp_table_quoted_name(relid);
	char	   *definition;
	char	   *comment;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("constraint_name must not be null"),
				 errhint("Name a UNIQUE or EXCLUDE constraint of the table.")));
	release.name = NameStr(*PG_GETARG_NAME(1));
	release.table = sp_target_enabled(relid);
	if (!release.table->row_mode)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" keeps no tombstones",
						get_rel_name(relid)),
				 errdetail("Its tombstones are images, which take no unique value."),
				 errhint("Constraints of this table need not be released.")));
	sp_target_lock(relid, AccessExclusiveLock);
	if (!find_constraint(&release) || is_released(&release, release.index))
		PG_RETURN_VOID();
	check_kind(&release);
	check_references(&release);
	check_replica_identity(&release);

	definition = release.type == CONSTRAINT_EXCLUSION
		? define_exclusion(&release) : define_index(&release);
	comment = GetComment(release.constraint, ConstraintRelationId, 0);
	SPI_connect();
	run(psprintf("ALTER TABLE %s DROP CONSTRAINT %s", target,
				 quote_identifier(release.name)));
	run(definition);
	if (comment != NULL)
		keep_comment(&release, comment);
	SPI_finish();
	PG_RETURN_VOID();
}

/* Look the constraint up; false where it has become an index already. */
static bool
find_constraint(Release *release)
{
	Oid			relid = release->table->relid;
	Oid			index = get_relname_relid(release->name,
										  get_rel_namespace(relid));
	HeapTuple	tuple;
	Form_pg_constraint form;

	release->constraint = get_relation_constraint_oid(relid, release->name,
													  true);
	if (!OidIsValid(release->constraint))
	{
		if (OidIsValid(index) && is_released(release, index))
			return false;
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("constraint \"%s\" of table \"%s\" does not exist",
						release->name, get_rel_name(relid)),
				 errhint("Name a UNIQUE or EXCLUDE constraint of the table.")));
	}
	tuple = SearchSysCache1(CONSTROID,
							ObjectIdGetDatum(release->constraint));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u",
			 release->constraint);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	release->index = form->conindid;
	release->type = form->contype;
	release->deferrable = form->condeferrable;
	release->deferred = form->condeferred;
	ReleaseSysCache(tuple);
	return true;
}

/* It is one that can be released. */
static void
check_kind(const Release *release)
{
	const char *table = get_rel_name(release->table->relid);

	if (release->type == CONSTRAINT_PRIMARY)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("constraint \"%s\" is the primary key of table \"%s\"",
						release->name, table),
				 errdetail("Clients know a deleted row by its key."),
				 errhint("Use syncport.restore for a row whose key is needed again, or keep tombstones as images.")));
	if (release->type != CONSTRAINT_UNIQUE &&
		release->type != CONSTRAINT_EXCLUSION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("constraint \"%s\" of table \"%s\" makes nothing unique",
						release->name, table),
				 errhint("Name a UNIQUE or EXCLUDE constraint of the table.")));
	if (release->type == CONSTRAINT_UNIQUE && release->deferrable)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("constraint \"%s\" of table \"%s\" is deferrable",
						release->name, table),
				 errdetail("It would become a unique index, whose check cannot be deferred."),
				 errhint("Replace it by a constraint that is NOT DEFERRABLE, or by an EXCLUDE constraint.")));
}

/* No foreign key refers to its columns: that takes a constraint. */
static void
check_references(const Release *release)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL,
										  0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		if (form->contype != CONSTRAINT_FOREIGN ||
			form->conindid != release->index)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("constraint \"%s\" of table \"%s\" cannot be released",
						release->name, get_rel_name(release->table->relid)),
				 errdetail("Foreign key \"%s\" of table \"%s\" depends on it.",
						   NameStr(form->conname),
						   get_rel_name(form->conrelid)),
				 errhint("Let the foreign key refer to the primary key, or keep tombstones as images.")));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/* Publications do not need it: a partial index identifies no row. */
static void
check_replica_identity(const Release *release)
{
	if (get_index_isreplident(release->index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" is the replica identity of table \"%s\"",
						release->name, get_rel_name(release->table->relid)),
				 errdetail("An index over live rows alone cannot be that."),
				 errhint("ALTER TABLE ... REPLICA IDENTITY DEFAULT uses the primary key.")));
}

/* Whether an index is over live rows of the table alone. */
static bool
is_released(const Release *release, Oid index)
{
	Oid			relid = release->table->relid;
	AttrNumber	attnum = get_attnum(relid, release->table->deleted_at);
	ListCell   *lc;

	if (!OidIsValid(index) || IndexGetRelation(index, true) != relid)
		return false;
	foreach(lc, make_ands_implicit((Expr *) read_predicate(index)))
	{
		NullTest   *test = lfirst(lc);

		if (IsA(test, NullTest) && test->nulltesttype == IS_NULL &&
			IsA(test->arg, Var) && ((Var *) test->arg)->varattno == attnum)
			return true;
	}
	return false;
}

/* An index's predicate, or NULL. */
static Node *
read_predicate(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Node	   *predicate = NULL;
	bool		isnull;
	Datum		value;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", index);
	value = SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indpred, &isnull);
	if (!isnull)
		predicate = stringToNode(TextDatumGetCString(value));
	ReleaseSysCache(tuple);
	return predicate;
}

/* The statement that makes the index; a constraint's has no predicate. */
static char *
define_index(const Release *release)
{
	return psprintf("%s WHERE (%s IS NULL)",
					pg_get_indexdef_string(release->index),
					quote_identifier(release->table->deleted_at));
}

/*
 * The statement that makes the EXCLUDE constraint again: up to its
 * predicate, the tablespace, which the server's definition leaves out, the
 * predicate, and when it is checked.
 */
static char *
define_exclusion(const Release *release)
{
	Oid			relid = release->table->relid;
	char	   *definition = pg_get_constraintdef_command(release->constraint);
	Node	   *predicate = read_predicate(release->index);
	const char *deleted = quote_identifier(release->table->deleted_at);
	char	   *condition = psprintf("%s IS NULL", deleted);
	Oid			tablespace = get_rel_tablespace(release->index);
	const char *timing = "";

	if (release->deferrable)
		timing = release->deferred ? " DEFERRABLE INITIALLY DEFERRED"
			: " DEFERRABLE";
	definition = cut_end(definition, timing);
	if (predicate != NULL)
	{
		List	   *context = deparse_context_for(get_rel_name(relid), relid);
		char	   *old = deparse_expression(predicate, context, false, false);

		definition = cut_end(definition, psprintf(" WHERE (%s)", old));
		condition = psprintf("(%s) AND %s", old, condition);
	}
	return psprintf("%s%s%s WHERE (%s)%s", definition,
					OidIsValid(tablespace) ? " USING INDEX TABLESPACE " : "",
					OidIsValid(tablespace)
					? quote_identifier(get_tablespace_name(tablespace)) : "",
					condition, timing);
}

/* What stands ahead of a definition's end, which has to be this one. */
static char *
cut_end(char *definition, const char *end)
{
	Size		length = strlen(definition);
	Size		end_length = strlen(end);

	if (length < end_length ||
		strcmp(definition + length - end_length, end) != 0)
		elog(ERROR, "unexpected end of \"%s\"", definition);
	return pnstrdup(definition, length - end_length);
}

/* Give the constraint's comment to what has taken its place. */
static void
keep_comment(const Release *release, const char *comment)
{
	Oid			relid = release->table->relid;
	const char *name = quote_identifier(release->name);
	const char *schema = get_namespace_name(get_rel_namespace(relid));
	const char *literal = quote_literal_cstr(comment);

	if (release->type == CONSTRAINT_EXCLUSION)
		run(psprintf("COMMENT ON CONSTRAINT %s ON %s IS %s", name,
					 sp_table_quoted_name(relid), literal));
	else
		run(psprintf("COMMENT ON INDEX %s.%s IS %s", quote_identifier(schema),
					 name, literal));
}

/* Run one of our statements. */
static void
run(const char *sql)
{
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not run \"%s\"", sql);
}
