/*-------------------------------------------------------------------------
 *
 * selection.c
 *	  Which rows and columns of a table are exported, as a query.
 *
 * Privileges and row policies are the executor's work: nothing is looked at
 * here but names.  Values of the filter are parameters.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "export/selection.h"
#include "keyset/filter.h"
#include "keyset/order.h"
#include "support/quote.h"
#include "table/table.h"

static void append_columns(StringInfo sql, const ExportSelection *selection,
						   Relation rel, const EnabledTable *enabled);
static List *list_columns(Relation rel, const EnabledTable *enabled);
static void check_column(Relation rel, List *columns, const char *name);
static void append_conditions(StringInfo sql,
							  const ExportSelection *selection,
							  const FilterCondition *filter,
							  const EnabledTable *enabled);
static void append_order(StringInfo sql, const OrderSpec *order);
static ParamListInfo bind_filter(const FilterCondition *filter);
static void refuse_images(Relation rel);

void
sp_selection_add_filter(ExportSelection *selection, Jsonb *filter)
{
	char	   *both;

	if (filter == NULL || JB_ROOT_COUNT(filter) == 0)
		return;
	if (selection->filter == NULL)
	{
		selection->filter = filter;
		return;
	}
	both = psprintf("{\"and\":[%s,%s]}",
					JsonbToCString(NULL, &selection->filter->root, 0),
					JsonbToCString(NULL, &filter->root, 0));
	selection->filter = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
														   CStringGetDatum(both)));
}

SelectionQuery *
sp_selection_query(const ExportSelection *selection, Relation rel)
{
	SelectionQuery *query = palloc0(sizeof(SelectionQuery));
	EnabledTable *enabled = sp_table_find(RelationGetRelid(rel));
	FilterCondition *filter = sp_filter_compile(rel, selection->filter, 1);
	StringInfoData sql;

	if (selection->include_deleted && enabled != NULL && !enabled->row_mode)
		refuse_images(rel);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	append_columns(&sql, selection, rel, enabled);
	appendStringInfo(&sql, " FROM %s t", sp_quote_from(rel));
	append_conditions(&sql, selection, filter, enabled);
	if (selection->order_by != NULL)
		append_order(&sql, sp_order_parse(rel, selection->order_by, false));
	query->sql = sql.data;
	if (filter != NULL)
	{
		query->nparams = filter->nparams;
		query->types = filter->types;
		query->params = bind_filter(filter);
	}
	return query;
}

/* t.a, t.b */
static void
append_columns(StringInfo sql, const ExportSelection *selection,
			   Relation rel, const EnabledTable *enabled)
{
	List	   *columns = selection->columns;
	ListCell   *cell;

	if (columns == NIL)
		columns = list_columns(rel, enabled);
	foreach(cell, columns)
	{
		const char *name = lfirst(cell);

		check_column(rel, columns, name);
		appendStringInfo(sql, "%st.%s", foreach_current_index(cell) > 0 ?
						 ", " : "", quote_identifier(name));
	}
}

/* All columns but those that syncport looks after. */
static List *
list_columns(Relation rel, const EnabledTable *enabled)
{
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *columns = NIL;
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		char	   *name = NameStr(TupleDescAttr(desc, i)->attname);

		if (TupleDescAttr(desc, i)->attisdropped)
			continue;
		if (enabled != NULL && (strcmp(name, enabled->updated_at) == 0 ||
								strcmp(name, enabled->row_version) == 0 ||
								strcmp(name, enabled->deleted_at) == 0))
			continue;
		columns = lappend(columns, pstrdup(name));
	}
	return columns;
}

/* Refuse a name that is no column, or stands there twice. */
static void
check_column(Relation rel, List *columns, const char *name)
{
	int			times = 0;
	ListCell   *cell;

	foreach(cell, columns)
		times += strcmp(name, lfirst(cell)) == 0 ? 1 : 0;
	if (times > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("column \"%s\" is named twice in columns", name),
				 errhint("Name each column once.")));
	if (get_attnum(RelationGetRelid(rel), name) <= InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						name, RelationGetRelationName(rel)),
				 errdetail("It is named in columns."),
				 errhint("Names in columns are exact, and not folded to lower case.")));
}

/* WHERE */
static void
append_conditions(StringInfo sql, const ExportSelection *selection,
				  const FilterCondition *filter, const EnabledTable *enabled)
{
	const char *word = "WHERE";

	if (filter != NULL)
	{
		appendStringInfo(sql, " WHERE (%s)", filter->sql);
		word = "AND";
	}
	if (!selection->include_deleted && enabled != NULL && enabled->row_mode)
		appendStringInfo(sql, " %s t.%s IS NULL", word,
						 quote_identifier(enabled->deleted_at));
}

/* ORDER BY */
static void
append_order(StringInfo sql, const OrderSpec *order)
{
	int			i;

	for (i = 0; i < order->ncolumns; i++)
		appendStringInfo(sql, "%s t.%s %s NULLS %s",
						 i == 0 ? " ORDER BY" : ",",
						 quote_identifier(order->columns[i].name),
						 order->columns[i].descending ? "DESC" : "ASC",
						 order->columns[i].nulls_first ? "FIRST" : "LAST");
}

/* The filter's values. */
static ParamListInfo
bind_filter(const FilterCondition *filter)
{
	ParamListInfo params = makeParamList(filter->nparams);
	int			i;

	for (i = 0; i < filter->nparams; i++)
	{
		params->params[i].value = filter->values[i];
		params->params[i].isnull = filter->isnull[i];
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = filter->types[i];
	}
	return params;
}

/* Deleted rows that are not in the table. */
static void
refuse_images(Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("include_deleted is not supported for table \"%s\"",
					RelationGetRelationName(rel)),
			 errdetail("Its deleted rows are kept as images, outside of it."),
			 errhint("Read them with syncport.page or page_json, which take include_deleted.")));
}

Portal
sp_selection_open(const SelectionQuery *query)
{
	SPIParseOpenOptions options = {0};

	options.params = query->params;
	options.read_only = true;
	return SPI_cursor_parse_open(NULL, query->sql, &options);
}

List *
sp_selection_names(ArrayType *names)
{
	List	   *list = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int			i;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &values,
					  &nulls, &count);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns is empty"),
				 errhint("Leave it NULL for all columns.")));
	for (i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a name in columns is NULL")));
		list = lappend(list, TextDatumGetCString(values[i]));
	}
	return list;
}
