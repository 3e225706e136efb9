/*-------------------------------------------------------------------------
 *
 * key.c
 *	  A row named by its primary key, as JSON.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "support/json_value.h"
#include "support/quote.h"
#include "support/relation.h"
#include "table/image.h"
#include "table/key.h"
#include "table/registry.h"
#include "table/target.h"

static void check_members(Relation rel, List *columns, Jsonb *json);
static JsonbValue *find_member(Jsonb *json, const char *name);
static Datum convert_member(Form_pg_attribute att, Jsonb *json);
static char *describe_key(Relation rel, List *columns, const char *before,
						  const char *after);

Relation
sp_key_open_target(FunctionCallInfo fcinfo, LOCKMODE mode,
				   EnabledTable **table)
{
	Oid			relid;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "target"),
				 errhint("Name a table.")));
	relid = PG_GETARG_OID(0);
	*table = sp_target_enabled(relid);
	if (!sp_table_intact(*table))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is not as syncport.enable left it",
						get_rel_name(relid)),
				 errdetail("A column that it named was renamed, dropped or changed since."),
				 errhint("Rename the column back, or call syncport.disable and then syncport.enable.")));
	/* what the running statement has deleted counts, too */
	sp_image_flush();
	CommandCounterIncrement();
	return table_open(relid, mode);
}

RowKey *
sp_key_argument(FunctionCallInfo fcinfo, int arg, Relation rel)
{
	List	   *columns = sp_relation_enabled_key(rel);
	RowKey	   *key = palloc0(sizeof(RowKey));
	Jsonb	   *json;
	StringInfoData sql;
	ListCell   *lc;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "key"),
				 errhint("Write it as {%s}.",
						 describe_key(rel, columns, "\"", "\": ..."))));
	json = PG_GETARG_JSONB_P(arg);
	check_members(rel, columns, json);
	key->types = palloc(sizeof(Oid) * list_length(columns));
	key->values = palloc(sizeof(Datum) * list_length(columns));
	initStringInfo(&sql);
	foreach(lc, columns)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel),
											  lfirst_int(lc) - 1);
		int			i = key->ncolumns++;

		key->types[i] = getBaseType(att->atttypid);
		key->values[i] = convert_member(att, json);
		appendStringInfo(&sql, "%s%s %s $%d", i == 0 ? "" : " AND ",
						 sp_quote_column(att),
						 sp_quote_equality(att->atttypid), i + 1);
	}
	key->condition = sql.data;
	return key;
}

char *
sp_key_join(Relation rel, const char *one, const char *other)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	foreach(lc, sp_relation_enabled_key(rel))
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel),
											  lfirst_int(lc) - 1);

		appendStringInfo(&sql, "%s%s %s %s", sql.len == 0 ? "" : " AND ",
						 sp_quote_column_of(one, att),
						 sp_quote_equality(att->atttypid),
						 sp_quote_column_of(other, att));
	}
	return sql.data;
}

/* The object has the columns of the key as its members, and no others. */
static void
check_members(Relation rel, List *columns, Jsonb *json)
{
	bool		fits = JB_ROOT_IS_OBJECT(json) &&
	JB_ROOT_COUNT(json) == list_length(columns);
	ListCell   *lc;

	foreach(lc, columns)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel),
											  lfirst_int(lc) - 1);

		fits = fits && find_member(json, NameStr(att->attname)) != NULL;
	}
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key is not an object of the key columns of table \"%s\"",
						RelationGetRelationName(rel)),
				 errdetail("The primary key is (%s).",
						   describe_key(rel, columns, "", "")),
				 errhint("Write it as {%s}.",
						 describe_key(rel, columns, "\"", "\": ..."))));
}

/* The value of a member, NULL where the object has none of that name. */
static JsonbValue *
find_member(Jsonb *json, const char *name)
{
	return getKeyJsonValueFromContainer(&json->root, name, strlen(name),
										NULL);
}

/* The value given for a column. */
static Datum
convert_member(Form_pg_attribute att, Jsonb *json)
{
	JsonbValue *value = find_member(json, NameStr(att->attname));

	if (value->type == jbvNull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("key gives null for column \"%s\"",
						NameStr(att->attname)),
				 errhint("Columns of a primary key are never null.")));
	return sp_json_value(ERRCODE_INVALID_PARAMETER_VALUE,
						 NameStr(att->attname), getBaseType(att->atttypid),
						 value);
}

/* The names of the key's columns, each between two texts. */
static char *
describe_key(Relation rel, List *columns, const char *before,
			 const char *after)
{
	StringInfoData names;
	ListCell   *lc;

	initStringInfo(&names);
	foreach(lc, columns)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel),
											  lfirst_int(lc) - 1);

		appendStringInfo(&names, "%s%s%s%s", names.len == 0 ? "" : ", ",
						 before, NameStr(att->attname), after);
	}
	return names.data;
}
