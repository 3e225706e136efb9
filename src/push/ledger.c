/*-------------------------------------------------------------------------
 *
 * ledger.c
 *	  Which mutations were answered, and what.
 *
 * A call costs two statements, whatever the number of its mutations: one
 * reserves the ids, in their order so that two calls cannot deadlock, one
 * writes the answers.  INSERT ... ON CONFLICT waits for whoever holds an id;
 * then his answer is read under a new snapshot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "push/ledger.h"
#include "push/name_map.h"
#include "push/run.h"

#define RESERVE_SQL \
	"INSERT INTO syncport.push_ledger (client_id, mutation_id, hash, seq)" \
	" SELECT $1, u.id, u.hash, $4" \
	" FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3))" \
	" u (id, hash) ORDER BY u.id ON CONFLICT DO NOTHING" \
	" RETURNING mutation_id, ctid"

/* OFFSET: one search of the primary key for each, and no other plan */
#define READ_SQL \
	"SELECT e.mutation_id, e.hash, e.seq, e.status, e.key, e.temp_key," \
	" e.conflict_columns, e.error" \
	" FROM pg_catalog.unnest($2) u (id), LATERAL (" \
	"SELECT l.* FROM syncport.push_ledger l" \
	" WHERE l.owner OPERATOR(pg_catalog.=) CURRENT_USER" \
	" AND l.principal OPERATOR(pg_catalog.=)" \
	" COALESCE((SELECT syncport.principal()), '')" \
	" AND l.client_id OPERATOR(pg_catalog.=) $1" \
	" AND l.mutation_id OPERATOR(pg_catalog.=) u.id OFFSET 0) e"

/* Nobody else sees the rows that were reserved: they stay where they are. */
#define WRITE_SQL \
	"UPDATE syncport.push_ledger l SET status = u.status, key = u.key," \
	" temp_key = u.temp_key, conflict_columns = u.conflict_columns," \
	" error = u.error" \
	" FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)," \
	" pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5)," \
	" pg_catalog.unnest($6))" \
	" u (tid, status, key, temp_key, conflict_columns, error)" \
	" WHERE l.ctid OPERATOR(pg_catalog.=) u.tid"

#define REMOVE_SQL \
	"DELETE FROM syncport.push_ledger l" \
	" WHERE l.ctid OPERATOR(pg_catalog.=) ANY ($1)"

/* parameters of WRITE_SQL */
enum WriteParameter
{
	PARAM_TID,
	PARAM_STATUS,
	PARAM_KEY,
	PARAM_TEMP_KEY,
	PARAM_CONFLICT_COLUMNS,
	PARAM_ERROR,
	WRITE_PARAMETERS
};

/* parameters of RESERVE_SQL, the first two those of READ_SQL */
enum ReserveParameter
{
	PARAM_CLIENT_ID,
	PARAM_ID,
	PARAM_HASH,
	PARAM_SEQ,
	RESERVE_PARAMETERS
};

/* the second column of RESERVE_SQL; the first is COLUMN_ID */
#define COLUMN_TID			2

/* columns of READ_SQL, from 1 */
enum LedgerColumn
{
	COLUMN_ID = 1,
	COLUMN_HASH,
	COLUMN_SEQ,
	COLUMN_STATUS,
	COLUMN_KEY,
	COLUMN_TEMP_KEY,
	COLUMN_CONFLICT_COLUMNS,
	COLUMN_ERROR
};

/* An array under construction. */
typedef struct ParamArray
{
	Datum	   *values;
	bool	   *isnull;
	int			count;
} ParamArray;

/* kept for the session */
static SPIPlanPtr read_plan = NULL;
static SPIPlanPtr remove_plan = NULL;
static SPIPlanPtr reserve_plan = NULL;
static SPIPlanPtr write_plan = NULL;

static List *reserve(List *entries, const char *client_id);
static List *read_known(List *entries, const char *client_id);
static void run_indexed(SPIPlanPtr *plan, const char *sql, int nparams,
						Oid *types, Datum *values, int expected);
static void read_entry(LedgerEntry *entry, HeapTuple tuple, TupleDesc desc);
static Jsonb *read_jsonb(HeapTuple tuple, TupleDesc desc, int column);
static ArrayType *names_from_json(Jsonb *json);
static Datum names_to_json(ArrayType *names);
static NameMap *map_entries(List *entries);
static LedgerEntry *find_entry(NameMap *map, uint64 row);
static void write_answers(List *entries);
static void remove_entries(List *entries);
static void init_array(ParamArray *array, int room);
static void put(ParamArray *array, Datum value, bool isnull);
static void put_jsonb(ParamArray *array, Jsonb *json);
static Datum finish_array(ParamArray *array, Oid element);
static Datum array_of_ids(List *entries);
static Datum array_of_tids(List *entries);

void
sp_ledger_hash(Jsonb *mutation, uint8 *hash)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	Jsonb	   *body = mutation;

	if (JB_ROOT_IS_OBJECT(mutation))
		body = DatumGetJsonbP(DirectFunctionCall2(jsonb_delete,
												  JsonbPGetDatum(mutation),
												  CStringGetTextDatum("id")));
	if (context == NULL || pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (uint8 *) &body->root,
							 VARSIZE(body) - VARHDRSZ) < 0 ||
		pg_cryptohash_final(context, hash, LEDGER_HASH_BYTES) < 0)
		elog(ERROR, "could not hash a mutation");
	pg_cryptohash_free(context);
}

void
sp_ledger_reserve(List *entries, const char *client_id,
				  MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);

	/* a clean-up may remove an answer before it is read: then it is free */
	do
	{
		CHECK_FOR_INTERRUPTS();
		entries = reserve(entries, client_id ? client_id : "");
		if (entries != NIL)
			entries = read_known(entries, client_id ? client_id : "");
	} while (entries != NIL);
	MemoryContextSwitchTo(caller);
}

/* Reserve ids; the entries that were there. */
static List *
reserve(List *entries, const char *client_id)
{
	Oid			types[RESERVE_PARAMETERS] = {TEXTOID, TEXTARRAYOID,
	BYTEAARRAYOID, INT8OID};
	Datum		values[RESERVE_PARAMETERS];
	ParamArray	hashes;
	List	   *taken = NIL;
	NameMap    *map;
	Datum		value;
	bool		isnull;
	uint64		i;
	ListCell   *lc;

	init_array(&hashes, list_length(entries));
	foreach(lc, entries)
	{
		LedgerEntry *entry = lfirst(lc);
		bytea	   *hash = palloc(VARHDRSZ + LEDGER_HASH_BYTES);

		SET_VARSIZE(hash, VARHDRSZ + LEDGER_HASH_BYTES);
		memcpy(VARDATA(hash), entry->hash, LEDGER_HASH_BYTES);
		put(&hashes, PointerGetDatum(hash), false);
		entry->known = true;
	}
	values[PARAM_CLIENT_ID] = CStringGetTextDatum(client_id);
	values[PARAM_ID] = array_of_ids(entries);
	values[PARAM_HASH] = finish_array(&hashes, BYTEAOID);
	values[PARAM_SEQ] =
		Int64GetDatum(U64FromFullTransactionId(GetTopFullTransactionId()));
	sp_run_kept(&reserve_plan, RESERVE_SQL, RESERVE_PARAMETERS, types, values,
				SPI_OK_INSERT_RETURNING);
	map = map_entries(entries);
	for (i = 0; i < SPI_processed; i++)
	{
		LedgerEntry *entry = find_entry(map, i);

		entry->known = false;
		value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
							  COLUMN_TID, &isnull);
		ItemPointerCopy((ItemPointer) DatumGetPointer(value), &entry->tid);
	}
	SPI_freetuptable(SPI_tuptable);
	foreach(lc, entries)
	{
		if (((LedgerEntry *) lfirst(lc))->known)
			taken = lappend(taken, lfirst(lc));
	}
	return taken;
}

/* Read the answers of entries that were there; those that are not any more. */
static List *
read_known(List *entries, const char *client_id)
{
	Oid			types[] = {TEXTOID, TEXTARRAYOID};
	Datum		values[2];
	List	   *gone = NIL;
	NameMap    *map;
	uint64		i;
	ListCell   *lc;

	values[PARAM_CLIENT_ID] = CStringGetTextDatum(client_id);
	values[PARAM_ID] = array_of_ids(entries);
	run_indexed(&read_plan, READ_SQL, 2, types, values, SPI_OK_SELECT);
	map = map_entries(entries);
	for (i = 0; i < SPI_processed; i++)
	{
		LedgerEntry *entry = find_entry(map, i);

		read_entry(entry, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	}
	SPI_freetuptable(SPI_tuptable);
	foreach(lc, entries)
	{
		/* transactions begin at 3 */
		if (((LedgerEntry *) lfirst(lc))->seq == 0)
			gone = lappend(gone, lfirst(lc));
	}
	return gone;
}

/*
 * Run a kept statement that must not read all of the ledger.  The planner
 * would, where it was empty when its statistics were last taken.
 */
static void
run_indexed(SPIPlanPtr *plan, const char *sql, int nparams, Oid *types,
			Datum *values, int expected)
{
	int			nest_level = NewGUCNestLevel();

	(void) set_config_option("enable_seqscan", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	sp_run_kept(plan, sql, nparams, types, values, expected);
	AtEOXact_GUC(true, nest_level);
}

/* One row of the ledger. */
static void
read_entry(LedgerEntry *entry, HeapTuple tuple, TupleDesc desc)
{
	Jsonb	   *names = read_jsonb(tuple, desc, COLUMN_CONFLICT_COLUMNS);
	bool		isnull;
	bytea	   *hash = DatumGetByteaPP(SPI_getbinval(tuple, desc, COLUMN_HASH,
													 &isnull));

	if (VARSIZE_ANY_EXHDR(hash) == LEDGER_HASH_BYTES)
		memcpy(entry->known_hash, VARDATA_ANY(hash), LEDGER_HASH_BYTES);
	entry->seq = DatumGetInt64(SPI_getbinval(tuple, desc, COLUMN_SEQ,
											 &isnull));
	entry->key = read_jsonb(tuple, desc, COLUMN_KEY);
	entry->temp_key = read_jsonb(tuple, desc, COLUMN_TEMP_KEY);
	entry->conflict_columns = names ? names_from_json(names) : NULL;
	entry->error = read_jsonb(tuple, desc, COLUMN_ERROR);
}

/* A column, copied; or NULL. */
static Jsonb *
read_jsonb(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, column, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(value);
}

/* An array of strings as text[]. */
static ArrayType *
names_from_json(Jsonb *json)
{
	int			count = JB_ROOT_IS_ARRAY(json) ? JB_ROOT_COUNT(json) : 0;
	Datum	   *names = palloc(Max(count, 1) * sizeof(Datum));
	int			n = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		JsonbValue *name = getIthJsonbValueFromContainer(&json->root, i);

		if (name->type == jbvString)
			names[n++] =
				PointerGetDatum(cstring_to_text_with_len(name->val.string.val,
														 name->val.string.len));
	}
	return construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT);
}

/* The entries by their ids. */
static NameMap *
map_entries(List *entries)
{
	NameMap    *map = sp_name_map();
	ListCell   *lc;

	foreach(lc, entries)
	{
		sp_name_map_put(map, ((LedgerEntry *) lfirst(lc))->id, lfirst(lc));
	}
	return map;
}

/* The entry that a row of the result is about. */
static LedgerEntry *
find_entry(NameMap *map, uint64 row)
{
	return sp_name_map_get(map, SPI_getvalue(SPI_tuptable->vals[row],
											 SPI_tuptable->tupdesc,
											 COLUMN_ID));
}

void
sp_ledger_write(List *entries)
{
	List	   *answered = NIL;
	List	   *unanswered = NIL;
	ListCell   *lc;

	foreach(lc, entries)
	{
		LedgerEntry *entry = lfirst(lc);

		if (entry->known)
			continue;
		if (entry->answer)
			answered = lappend(answered, entry);
		else
			unanswered = lappend(unanswered, entry);
	}
	if (answered != NIL)
		write_answers(answered);
	if (unanswered != NIL)
		remove_entries(unanswered);
}

/* Write what became of mutations. */
static void
write_answers(List *entries)
{
	Oid			types[WRITE_PARAMETERS] = {TIDARRAYOID, TEXTARRAYOID,
	JSONBARRAYOID, JSONBARRAYOID, JSONBARRAYOID, JSONBARRAYOID};
	Datum		values[WRITE_PARAMETERS];
	ParamArray	arrays[WRITE_PARAMETERS];
	ListCell   *lc;
	int			i;

	for (i = PARAM_STATUS; i < WRITE_PARAMETERS; i++)
		init_array(&arrays[i], list_length(entries));
	foreach(lc, entries)
	{
		const PushAnswer *answer = ((LedgerEntry *) lfirst(lc))->answer;

		put(&arrays[PARAM_STATUS],
			CStringGetTextDatum(sp_answer_status(answer->status)), false);
		put_jsonb(&arrays[PARAM_KEY], answer->key);
		put_jsonb(&arrays[PARAM_TEMP_KEY], answer->temp_key);
		put(&arrays[PARAM_CONFLICT_COLUMNS],
			answer->conflict_columns ?
			names_to_json(answer->conflict_columns) : (Datum) 0,
			answer->conflict_columns == NULL);
		put_jsonb(&arrays[PARAM_ERROR], answer->error);
	}
	values[PARAM_TID] = array_of_tids(entries);
	values[PARAM_STATUS] = finish_array(&arrays[PARAM_STATUS], TEXTOID);
	for (i = PARAM_KEY; i < WRITE_PARAMETERS; i++)
		values[i] = finish_array(&arrays[i], JSONBOID);
	run_indexed(&write_plan, WRITE_SQL, WRITE_PARAMETERS, types, values,
				SPI_OK_UPDATE);
	if (SPI_processed != list_length(entries))
		elog(ERROR, "syncport.push_ledger was changed while push was running");
}

/* Names of columns as a JSON array. */
static Datum
names_to_json(ArrayType *names)
{
	JsonbParseState *state = NULL;
	Datum	   *values;
	int			count;
	int			i;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL,
					  &count);
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (i = 0; i < count; i++)
	{
		JsonbValue	name = {.type = jbvString};

		name.val.string.val = VARDATA_ANY(DatumGetPointer(values[i]));
		name.val.string.len = VARSIZE_ANY_EXHDR(DatumGetPointer(values[i]));
		pushJsonbValue(&state, WJB_ELEM, &name);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state,
														   WJB_END_ARRAY,
														   NULL)));
}

/* Take reservations back. */
static void
remove_entries(List *entries)
{
	Oid			types[] = {TIDARRAYOID};
	Datum		values[1];

	values[0] = array_of_tids(entries);
	run_indexed(&remove_plan, REMOVE_SQL, 1, types, values, SPI_OK_DELETE);
}

/* Start an array. */
static void
init_array(ParamArray *array, int room)
{
	array->values = palloc(room * sizeof(Datum));
	array->isnull = palloc(room * sizeof(bool));
	array->count = 0;
}

/* Append an element. */
static void
put(ParamArray *array, Datum value, bool isnull)
{
	array->values[array->count] = value;
	array->isnull[array->count++] = isnull;
}

/* Append JSON, or NULL. */
static void
put_jsonb(ParamArray *array, Jsonb *json)
{
	put(array, JsonbPGetDatum(json), json == NULL);
}

/* The array of a type of variable length. */
static Datum
finish_array(ParamArray *array, Oid element)
{
	int			dims[] = {array->count};
	int			bounds[] = {1};

	return PointerGetDatum(construct_md_array(array->values, array->isnull,
											  1, dims, bounds, element, -1,
											  false, TYPALIGN_INT));
}

/* The ids of entries. */
static Datum
array_of_ids(List *entries)
{
	ParamArray	ids;
	ListCell   *lc;

	init_array(&ids, list_length(entries));
	foreach(lc, entries)
	{
		put(&ids, CStringGetTextDatum(((LedgerEntry *) lfirst(lc))->id),
			false);
	}
	return finish_array(&ids, TEXTOID);
}

/* Where their rows are. */
static Datum
array_of_tids(List *entries)
{
	Datum	   *tids = palloc(list_length(entries) * sizeof(Datum));
	ListCell   *lc;

	foreach(lc, entries)
	{
		tids[foreach_current_index(lc)] =
			PointerGetDatum(&((LedgerEntry *) lfirst(lc))->tid);
	}
	return PointerGetDatum(construct_array(tids, list_length(entries), TIDOID,
										   sizeof(ItemPointerData), false,
										   TYPALIGN_SHORT));
}
