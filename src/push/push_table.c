/*-------------------------------------------------------------------------
 *
 * push_table.c
 *	  A table that a call pushes to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "push/push_table.h"
#include "support/compat.h"
#include "support/quote.h"
#include "support/relation.h"
#include "syncport.h"
#include "table/registry.h"
#include "table/target.h"

static void read_columns(PushTable *table, Relation rel);
static void read_column(PushTable *table, Relation rel, PushColumn *column,
						Form_pg_attribute att);
static bool is_stamp(const EnabledTable *table, const char *name);
static void read_key(PushTable *table, Relation rel);
static void mark_references(PushTable *table, Relation rel);
static void list_readable(PushTable *table);
static bool changes_afterwards(Relation rel);
static RowEncoder *begin_encoder(JsonJob *job, Relation rel, int count,
								 const AttrNumber *columns);

PushTable *
sp_push_table_open(const char *name, JsonJob *job)
{
	PushTable  *table = palloc0(sizeof(PushTable));
	Relation	rel;
	char	   *schema;

	table->name = pstrdup(name);
	table->relid = DatumGetObjectId(DirectFunctionCall1(regclassin,
														CStringGetDatum(name)));
	rel = sp_relation_open_pageable(table->relid, RowExclusiveLock);
	table->table = sp_target_enabled(table->relid);
	if (!sp_table_intact(table->table))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is not as syncport.enable left it",
						RelationGetRelationName(rel)),
				 errdetail("A column that it named was renamed, dropped or changed since."),
				 errhint("Rename the column back, or call syncport.disable and then syncport.enable.")));
	table->from = sp_quote_from(rel);
	schema = get_namespace_name(RelationGetNamespace(rel));
	table->into = quote_qualified_identifier(schema,
											 RelationGetRelationName(rel));
	read_columns(table, rel);
	read_key(table, rel);
	mark_references(table, rel);
	list_readable(table);
	table->returning = !changes_afterwards(rel);
	table->row_encoder = begin_encoder(job, rel, table->nread, table->read);
	table->key_encoder = begin_encoder(job, rel, table->nkey, table->key);
	table_close(rel, NoLock);
	return table;
}

/* The columns, and which of them are ours. */
static void
read_columns(PushTable *table, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	int			i;

	table->natts = desc->natts;
	table->columns = palloc0(desc->natts * sizeof(PushColumn));
	for (i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			read_column(table, rel, &table->columns[i],
						TupleDescAttr(desc, i));
	}
	table->row_version = get_attnum(table->relid, table->table->row_version);
	if (table->table->row_mode)
		table->deleted_at = get_attnum(table->relid,
									   table->table->deleted_at);
}

/* One column. */
static void
read_column(PushTable *table, Relation rel, PushColumn *column,
			Form_pg_attribute att)
{
	TypeCacheEntry *type;
	Oid			fit;

	column->name = pstrdup(NameStr(att->attname));
	column->typmod = att->atttypmod;
	column->type = getBaseTypeAndTypmod(att->atttypid, &column->typmod);
	if (column->typmod >= 0 &&
		find_typmod_coercion_function(column->type, &fit) ==
		COERCION_PATH_FUNC)
		fmgr_info(fit, &column->fit);
	type = lookup_type_cache(column->type, TYPECACHE_EQ_OPR_FINFO);
	if (OidIsValid(type->eq_opr) && column->type != JSONOID)
		fmgr_info(type->eq_opr_finfo.fn_oid, &column->equal);
	get_typlenbyval(column->type, &column->length, &column->byval);
	column->ignored = att->attgenerated != '\0' ||
		is_stamp(table->table, column->name);
	column->readable =
		pg_class_aclcheck(table->relid, GetUserId(), ACL_SELECT) ==
		ACLCHECK_OK ||
		pg_attribute_aclcheck(table->relid, att->attnum, GetUserId(),
							  ACL_SELECT) == ACLCHECK_OK;
}

/* Whether it is what the stamp trigger, a delete or a restore sets. */
static bool
is_stamp(const EnabledTable *table, const char *name)
{
	return strcmp(name, table->updated_at) == 0 ||
		strcmp(name, table->deleted_at) == 0 ||
		strcmp(name, table->row_version) == 0;
}

/* The primary key. */
static void
read_key(PushTable *table, Relation rel)
{
	StringInfoData sql;
	ListCell   *lc;
	List	   *key = sp_relation_enabled_key(rel);

	table->key = palloc(list_length(key) * sizeof(AttrNumber));
	table->key_types = palloc(list_length(key) * sizeof(Oid));
	initStringInfo(&sql);
	foreach(lc, key)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel),
											  lfirst_int(lc) - 1);
		PushColumn *column = &table->columns[att->attnum - 1];
		int			i = table->nkey++;

		column->key = true;
		table->key[i] = att->attnum;
		table->key_types[i] = column->type;
		appendStringInfo(&sql, "%s%s %s $%d", i == 0 ? "" : " AND ",
						 sp_quote_column(att),
						 sp_quote_equality(att->atttypid), i + 1);
	}
	table->key_condition = sql.data;
}

/* The columns that name rows of other tables, or of this one. */
static void
mark_references(PushTable *table, Relation rel)
{
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *key = lfirst(lc);
		int			i;

		for (i = 0; i < key->nkeys; i++)
			table->columns[key->conkey[i] - 1].reference = true;
	}
}

/* What a row is shown by; the key and our columns have to be readable. */
static void
list_readable(PushTable *table)
{
	int			i;

	table->read = palloc(table->natts * sizeof(AttrNumber));
	for (i = 0; i < table->natts; i++)
	{
		PushColumn *column = &table->columns[i];

		if (column->key || i + 1 == table->row_version ||
			i + 1 == table->deleted_at)
			column->readable = true;
		if (column->name && column->readable)
			table->read[table->nread++] = i + 1;
	}
}

/*
 * Whether a row may be changed once more by the statement that wrote it:
 * triggers of others may do so, and those of partitions are not seen here.
 */
static bool
changes_afterwards(Relation rel)
{
	int			i;

	if (rel->rd_rules != NULL || rel->rd_rel->relhassubclass)
		return true;
	for (i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];
		char	   *schema;

		if (trigger->tgisinternal || !TRIGGER_FOR_AFTER(trigger->tgtype))
			continue;
		schema = get_namespace_name(get_func_namespace(trigger->tgfoid));
		if (schema == NULL || strcmp(schema, SP_SCHEMA) != 0)
			return true;
	}
	return false;
}

/* An encoder of some columns of a table. */
static RowEncoder *
begin_encoder(JsonJob *job, Relation rel, int count,
			  const AttrNumber *columns)
{
	TupleDesc	desc = CreateTemplateTupleDesc(count);
	int			i;

	for (i = 0; i < count; i++)
		TupleDescCopyEntry(desc, i + 1, RelationGetDescr(rel), columns[i]);
	return sp_json_row_begin(job, desc, count);
}

AttrNumber
sp_push_table_column(const PushTable *table, const char *name)
{
	StringInfoData list;
	int			i;

	initStringInfo(&list);
	for (i = 0; i < table->natts; i++)
	{
		if (table->columns[i].name == NULL)
			continue;
		if (strcmp(table->columns[i].name, name) == 0)
			return i + 1;
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
						 table->columns[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of table \"%s\" does not exist", name,
					table->name),
			 errhint("Its columns are: %s.", list.data),
			 err_generic_string(PG_DIAG_COLUMN_NAME, name)));
}

const char *
sp_push_table_quote(const PushTable *table, AttrNumber attnum)
{
	return quote_identifier(table->columns[attnum - 1].name);
}
