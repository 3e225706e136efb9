/*-------------------------------------------------------------------------
 *
 * image_query.c
 *	  Queries over images.
 *
 * The image of a key is found by the hash of the key's text, before any
 * query is run: mostly there is none.  That needs a type whose equal values
 * have equal texts, unlike numeric (1.0 and 1.00).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "nodes/params.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "support/compat.h"
#include "support/relation.h"
#include "table/image.h"
#include "table/image_query.h"
#include "table/registry.h"
#include "table/trigger.h"

#define TOMBSTONE_KEY_INDEX	"tombstone_target_key_idx"

struct ImageKeyQuery
{
	MemoryContext context;		/* holds all of this */
	Oid			target;			/* whose images they are */
	int			nkey;
	Oid		   *types;			/* of the parameters: key and ticket */
	ImageColumn *columns;		/* of the key; NULL where equal keys may have
								 * different texts */
	const char *select;
	const char *condition;
	ImageSource *source;		/* NULL until it is run */
	SPIPlanPtr	plan;			/* same */
};

static bool run_plan(ImageSource *source, SPIPlanPtr plan, int nparams,
					 const Oid *types, Datum *values, const ImageEntry *only);
static bool is_exact(Form_pg_attribute att);
static bool find_image(const ImageKeyQuery *query, const Datum *key,
					   ImageEntry *entry);
static text *key_text(const ImageKeyQuery *query, const Datum *key);
static void prepare(ImageKeyQuery *query, Relation rel);

void
sp_image_query_run(ImageSource *source, const char *sql, int nparams,
				   const Oid *types, Datum *values)
{
	(void) run_plan(source, sp_image_prepare(source, sql, nparams, types, 0),
					nparams, types, values, NULL);
}

/*
 * Run a plan whose last parameter is the ticket, over one image or all;
 * false where that one is not there any more.
 */
static bool
run_plan(ImageSource *source, SPIPlanPtr plan, int nparams, const Oid *types,
		 Datum *values, const ImageEntry *only)
{
	SPIExecuteOptions options = {.params = makeParamList(nparams)};
	ImageTicket ticket;
	int			result = 0;
	int			i;

	sp_image_open(&ticket, source);
	ticket.only = only;
	ticket.nonly = 1;
	values[nparams - 1] = Int64GetDatum(ticket.number);
	for (i = 0; i < nparams; i++)
	{
		options.params->params[i].value = values[i];
		options.params->params[i].isnull = false;
		options.params->params[i].pflags = PARAM_FLAG_CONST;
		options.params->params[i].ptype = types[i];
	}
	PG_TRY();
	{
		result = SPI_execute_plan_extended(plan, &options);
	}
	PG_FINALLY();
	{
		sp_image_close(&ticket);
	}
	PG_END_TRY();
	if (result != SPI_OK_SELECT)
		elog(ERROR, "query over images failed: %s",
			 SPI_result_code_string(result));
	return !ticket.stale;
}

ImageKeyQuery *
sp_image_key_query(Relation rel, const char *select, const char *condition,
				   const Oid *types)
{
	ImageKeyQuery *query = palloc0(sizeof(ImageKeyQuery));
	List	   *key = sp_relation_key(rel);
	ListCell   *lc;

	query->context = CurrentMemoryContext;
	query->target = sp_image_target(rel);
	query->nkey = list_length(key);
	query->types = palloc((query->nkey + 1) * sizeof(Oid));
	memcpy(query->types, types, query->nkey * sizeof(Oid));
	query->types[query->nkey] = INT8OID;
	query->select = pstrdup(select);
	query->condition = pstrdup(condition);
	query->columns = palloc0(query->nkey * sizeof(ImageColumn));
	foreach(lc, key)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel),
											  lfirst_int(lc) - 1);

		if (!is_exact(att))
		{
			query->columns = NULL;
			break;
		}
		sp_image_column_init(&query->columns[foreach_current_index(lc)],
							 att);
	}
	return query;
}

/* Whether equal values of a column have equal texts. */
static bool
is_exact(Form_pg_attribute att)
{
	switch (getBaseType(att->atttypid))
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case UUIDOID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return true;
		case TEXTOID:
		case VARCHAROID:
			return get_collation_isdeterministic(att->attcollation);
	}
	return type_is_enum(getBaseType(att->atttypid));
}

bool
sp_image_key_query_run(ImageKeyQuery *query, Relation rel, const Datum *key)
{
	Datum	   *values = palloc((query->nkey + 1) * sizeof(Datum));
	ImageEntry	entry;
	const ImageEntry *only = query->columns ? &entry : NULL;

	memcpy(values, key, query->nkey * sizeof(Datum));
	do
	{
		if (only && !find_image(query, key, &entry))
			return false;
		if (query->plan == NULL)
			prepare(query, rel);
	} while (!run_plan(query->source, query->plan, query->nkey + 1,
					   query->types, values, only));
	if (SPI_processed > 0)
		return true;
	SPI_freetuptable(SPI_tuptable);
	return false;
}

/* The newest image of a key; false where there is none that shows a row. */
static bool
find_image(const ImageKeyQuery *query, const Datum *key, ImageEntry *entry)
{
	text	   *name = key_text(query, key);
	Relation	tombstone = table_open(sp_table_own_oid("tombstone"),
									   AccessShareLock);
	Relation	index = index_open(sp_table_own_oid(TOMBSTONE_KEY_INDEX),
								   AccessShareLock);
	TupleTableSlot *slot = table_slot_create(tombstone, NULL);
	ScanKeyData keys[2];
	IndexScanDesc scan;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(query->target));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ,
				hash_any((unsigned char *) VARDATA(name),
						 VARSIZE(name) - VARHDRSZ));
	memset(entry, 0, sizeof(ImageEntry));
	/* what the transaction has deleted itself counts, too */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	scan = sp_compat_index_beginscan(tombstone, index, GetActiveSnapshot(),
									 2);
	index_rescan(scan, keys, 2, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, slot))
		sp_image_list_newest(slot, name, entry);
	index_endscan(scan);
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
	table_close(tombstone, NoLock);
	return entry->shown;
}

/* A key's text, as sp_image_add writes it. */
static text *
key_text(const ImageKeyQuery *query, const Datum *key)
{
	StringInfoData name;
	int			i;

	initStringInfo(&name);
	for (i = 0; i < query->nkey; i++)
	{
		ImageColumn *column = &query->columns[i];

		appendStringInfoChar(&name, i == 0 ? '{' : ',');
		appendBinaryStringInfo(&name, column->label, column->label_length);
		if (!column->write(column, key[i], &name))
			elog(ERROR, "a key is too long for an image");
	}
	appendStringInfoChar(&name, '}');
	return cstring_to_text_with_len(name.data, name.len);
}

/* Prepare the query, to live as long as SPI is connected. */
static void
prepare(ImageKeyQuery *query, Relation rel)
{
	MemoryContext caller = MemoryContextSwitchTo(query->context);
	int			ticket = query->nkey + 1;
	ImageSource *source = sp_image_source(rel, ticket);
	char	   *sql = psprintf("SELECT %s FROM %s WHERE %s AND %s"
							   " ORDER BY t.syncport_id DESC LIMIT 1",
							   query->select, source->from, query->condition,
							   source->not_live);

	query->plan = sp_image_prepare(source, sql, ticket, query->types,
								   CURSOR_OPT_GENERIC_PLAN);
	query->source = source;
	MemoryContextSwitchTo(caller);
}
