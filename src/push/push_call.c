/*-------------------------------------------------------------------------
 *
 * push_call.c
 *	  A call of push: its mutations, one after the other.
 *
 * Each mutation has a subtransaction; an error rolls it back and becomes its
 * answer.  What says something about the server at this moment, and nothing
 * about the mutation (deadlock, cancel, out of memory, a bug), ends the call:
 * the client sends it again as it is.
 *
 * Constraints are checked with each statement, deferrable ones too, so that
 * no answer is taken back at COMMIT; in an atomic call at its end, so that
 * cycles can be pushed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "push/push_call.h"
#include "push/run.h"

/* arguments */
enum PushArgument
{
	ARG_MUTATIONS,
	ARG_CLIENT_ID,
	ARG_ATOMIC,
	ARG_ON_CONFLICT
};

/* What runs in a subtransaction. */
typedef void (*GuardedWork) (PushCall *call, PushItem *item);

static const char *const policies[] = {
	[CONFLICT_REPORT] = "report",
	[CONFLICT_SERVER] = "server",
	[CONFLICT_CLIENT] = "client",
	[CONFLICT_MERGE] = "merge"
};

static PushCall *read_arguments(FunctionCallInfo fcinfo,
								const EncodeOptions *options);
static char *read_client_id(FunctionCallInfo fcinfo);
static ConflictPolicy read_policy(FunctionCallInfo fcinfo);
static void read_items(PushCall *call, Jsonb *json);
static void make_entry(PushCall *call, NameMap *ids, PushItem *item);
static void find_table(PushCall *call, PushItem *item);
static void run_atomic(PushCall *call);
static void run_items(PushCall *call);
static void answer_item(PushCall *call, PushItem *item);
static void check_snapshot(const ErrorData *error);
static bool answer_known(PushCall *call, PushItem *item);
static void answer_again(PushCall *call, PushItem *item);
static ErrorData *run_guarded(PushCall *call, PushItem *item,
							  GuardedWork work);
static bool ends_call(int sqlstate);
static void open_table(PushCall *call, PushItem *item);
static void refuse_body(PushCall *call, PushItem *item);
static void apply_item(PushCall *call, PushItem *item);
static void check_constraints(PushCall *call, PushItem *item);
static void set_constraints(const char *sql);
static void show_row(PushCall *call, PushItem *item);
static void reject(PushCall *call, PushItem *item, const ErrorData *error);
static void reject_late(PushCall *call, const ErrorData *error);
static void keep_answer(PushCall *call, PushItem *item);
static bool has_failed(const PushCall *call);
static void take_back(PushCall *call, PushItem *item);
static void find_seq(PushCall *call);

PushCall *
sp_push_call(FunctionCallInfo fcinfo, const EncodeOptions *options)
{
	PushCall   *call;
	ListCell   *lc;

	PreventCommandIfReadOnly("syncport.push()");
	call = read_arguments(fcinfo, options);
	SPI_connect();
	MemoryContextSwitchTo(call->context);
	foreach(lc, call->items)
	{
		find_table(call, lfirst(lc));
	}
	if (call->atomic)
		run_atomic(call);
	else
	{
		check_constraints(call, NULL);
		run_items(call);
	}
	find_seq(call);
	SPI_finish();
	MemoryContextSwitchTo(call->context);
	return call;
}

/* The arguments. */
static PushCall *
read_arguments(FunctionCallInfo fcinfo, const EncodeOptions *options)
{
	PushCall   *call = palloc0(sizeof(PushCall));

	if (PG_ARGISNULL(ARG_MUTATIONS))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "mutations"),
				 errhint("Pass a JSON array, which may be empty.")));
	call->context = CurrentMemoryContext;
	call->policy = read_policy(fcinfo);
	call->client_id = read_client_id(fcinfo);
	call->atomic = !PG_ARGISNULL(ARG_ATOMIC) && PG_GETARG_BOOL(ARG_ATOMIC);
	call->job = palloc0(sizeof(JsonJob));
	call->job->options = *options;
	call->job->context = CurrentMemoryContext;
	call->tables = sp_name_map();
	call->written = sp_name_map();
	read_items(call, PG_GETARG_JSONB_P(ARG_MUTATIONS));
	return call;
}

/* The argument client_id; '' is none. */
static char *
read_client_id(FunctionCallInfo fcinfo)
{
	char	   *client_id;

	if (PG_ARGISNULL(ARG_CLIENT_ID))
		return NULL;
	client_id = text_to_cstring(PG_GETARG_TEXT_PP(ARG_CLIENT_ID));
	if (strlen(client_id) > MUTATION_ID_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("client_id is too long"),
				 errhint("It has %d bytes at most; a UUID does.",
						 MUTATION_ID_BYTES_MAX)));
	return client_id[0] == '\0' ? NULL : client_id;
}

/* The argument on_conflict. */
static ConflictPolicy
read_policy(FunctionCallInfo fcinfo)
{
	char	   *name;
	int			i;

	if (PG_ARGISNULL(ARG_ON_CONFLICT))
		return CONFLICT_REPORT;
	name = text_to_cstring(PG_GETARG_TEXT_PP(ARG_ON_CONFLICT));
	for (i = 0; i < lengthof(policies); i++)
	{
		if (strcmp(policies[i], name) == 0)
			return (ConflictPolicy) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown value of on_conflict: \"%s\"", name),
			 errhint("It is one of report, server, client and merge.")));
}

/* The mutations, with what can be said of any JSON. */
static void
read_items(PushCall *call, Jsonb *json)
{
	NameMap    *ids = sp_name_map();
	ListCell   *lc;

	foreach(lc, sp_mutation_list(json))
	{
		PushItem   *item = palloc0(sizeof(PushItem));

		item->json = lfirst(lc);
		item->ordinal = foreach_current_index(lc) + 1;
		item->id = sp_mutation_id(item->json);
		item->answer.client = sp_mutation_client(item->json);
		if (item->id)
			make_entry(call, ids, item);
		call->items = lappend(call->items, item);
	}
}

/* The ledger's entry of the item's id. */
static void
make_entry(PushCall *call, NameMap *ids, PushItem *item)
{
	sp_ledger_hash(item->json, item->hash);
	item->entry = sp_name_map_get(ids, item->id);
	if (item->entry != NULL)
		return;
	item->entry = palloc0(sizeof(LedgerEntry));
	item->entry->id = item->id;
	memcpy(item->entry->hash, item->hash, LEDGER_HASH_BYTES);
	sp_name_map_put(ids, item->id, item->entry);
	call->entries = lappend(call->entries, item->entry);
}

/*
 * The table of an item, locked outside of the item's own subtransaction: so
 * it stays as it is until the call ends.
 */
static void
find_table(PushCall *call, PushItem *item)
{
	char	   *name = sp_mutation_table(item->json);
	ErrorData  *error;

	if (name == NULL)
		return;
	item->table = sp_name_map_get(call->tables, name);
	if (item->table != NULL)
		return;
	error = run_guarded(call, item, open_table);
	if (error != NULL)
	{
		item->table = palloc0(sizeof(PushTable));
		item->table->name = name;
		item->table->error = error;
	}
	sp_name_map_put(call->tables, name, item->table);
}

/* Everything in a subtransaction of its own, which ends well or not at all. */
static void
run_atomic(PushCall *call)
{
	ResourceOwner owner = CurrentResourceOwner;
	bool		failed;
	ListCell   *lc;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(call->context);
	set_constraints("SET CONSTRAINTS ALL DEFERRED");
	run_items(call);
	failed = has_failed(call);
	if (!failed)
	{
		ErrorData  *error = run_guarded(call, NULL, check_constraints);

		failed = error != NULL;
		if (failed)
			reject_late(call, error);
	}
	if (failed)
		RollbackAndReleaseCurrentSubTransaction();
	else
		ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(call->context);
	CurrentResourceOwner = owner;
	if (!failed)
		return;
	foreach(lc, call->items)
	{
		take_back(call, lfirst(lc));
	}
}

/* Answer all mutations. */
static void
run_items(PushCall *call)
{
	MemoryContext work = AllocSetContextCreate(call->context,
											   "syncport mutation",
											   ALLOCSET_DEFAULT_SIZES);
	ListCell   *lc;

	if (call->entries != NIL)
		sp_ledger_reserve(call->entries, call->client_id, call->context);
	foreach(lc, call->items)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(work);
		answer_item(call, lfirst(lc));
		MemoryContextSwitchTo(call->context);
		keep_answer(call, lfirst(lc));
		MemoryContextReset(work);
	}
	if (call->entries != NIL)
		sp_ledger_write(call->entries);
	MemoryContextSwitchTo(call->context);
	MemoryContextDelete(work);
}

/*
 * Answer one.  An insert that met a key which nobody had when the row was
 * read is tried again: then it is a conflict with the row that is there.
 */
static void
answer_item(PushCall *call, PushItem *item)
{
	ErrorData  *error;

	if (item->entry && answer_known(call, item))
		return;
	error = run_guarded(call, item, apply_item);
	if (error && error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION)
		error = run_guarded(call, item, apply_item);
	if (error && IsolationUsesXactSnapshot())
		check_snapshot(error);
	if (error)
		reject(call, item, error);
	if (item->entry && !item->answer.retryable)
		item->entry->answer = &item->answer;
}

/*
 * A key that is taken by a row which the transaction's snapshot does not show
 * says nothing about the mutation: another snapshot would show a conflict.
 */
static void
check_snapshot(const ErrorData *error)
{
	Oid			index;
	HeapTuple	tuple;
	bool		primary;

	if (error->sqlerrcode != ERRCODE_UNIQUE_VIOLATION ||
		error->schema_name == NULL || error->constraint_name == NULL)
		return;
	index = get_relname_relid(error->constraint_name,
							  get_namespace_oid(error->schema_name, true));
	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	if (!HeapTupleIsValid(tuple))
		return;
	primary = ((Form_pg_index) GETSTRUCT(tuple))->indisprimary;
	ReleaseSysCache(tuple);
	if (primary)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent insert"),
				 errdetail("The transaction's snapshot does not show the row that has the key."),
				 errhint("Push again in a new transaction.")));
}

/* Answer one whose id was answered before; false if it was not. */
static bool
answer_known(PushCall *call, PushItem *item)
{
	LedgerEntry *entry = item->entry;
	const uint8 *hash = entry->known ? entry->known_hash : entry->hash;

	if (!entry->known && entry->answer == NULL)
		return false;
	if (memcmp(item->hash, hash, LEDGER_HASH_BYTES) != 0)
		reject(call, item, run_guarded(call, item, refuse_body));
	else
		answer_again(call, item);
	return true;
}

/* The answer of before, with the row as it is now. */
static void
answer_again(PushCall *call, PushItem *item)
{
	LedgerEntry *entry = item->entry;
	PushAnswer *answer = &item->answer;

	if (entry->known)
	{
		answer->key = entry->key;
		answer->temp_key = entry->temp_key;
		answer->conflict_columns = entry->conflict_columns;
		answer->error = entry->error;
	}
	else
	{
		answer->key = entry->answer->key;
		answer->temp_key = entry->answer->temp_key;
		answer->conflict_columns = entry->answer->conflict_columns;
		answer->error = entry->answer->error;
	}
	answer->status = PUSH_DUPLICATE;
	(void) run_guarded(call, item, show_row);
}

/*
 * Do work in a subtransaction.  Returns the error that rolled it back, in
 * the context of the call, unless it ends the call.
 */
static ErrorData *
run_guarded(PushCall *call, PushItem *item, GuardedWork work)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(call, item);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(call->context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error && ends_call(error->sqlerrcode))
		ReThrowError(error);
	return error;
}

/*
 * Whether an error is about the server at this moment: rollback of the
 * transaction, resources, operators, the system, internal errors.
 */
static bool
ends_call(int sqlstate)
{
	static const int classes[] = {
		MAKE_SQLSTATE('4', '0', '0', '0', '0'),
		MAKE_SQLSTATE('5', '3', '0', '0', '0'),
		MAKE_SQLSTATE('5', '7', '0', '0', '0'),
		MAKE_SQLSTATE('5', '8', '0', '0', '0'),
		MAKE_SQLSTATE('X', 'X', '0', '0', '0')
	};

	for (int i = 0; i < lengthof(classes); i++)
		if (ERRCODE_TO_CATEGORY(sqlstate) == classes[i])
			return true;
	return false;
}

/* Guarded: open the table of an item. */
static void
open_table(PushCall *call, PushItem *item)
{
	MemoryContextSwitchTo(call->context);
	item->table = sp_push_table_open(sp_mutation_table(item->json),
									 call->job);
}

/* Guarded: the id of an item was used for something else. */
static void
refuse_body(PushCall *call, PushItem *item)
{
	sp_mutation_refuse(psprintf("mutation id \"%s\" was used for another mutation",
								item->id), NULL,
					   "Give every mutation an id of its own, and send it again unchanged.");
}

/* Guarded: apply an item. */
static void
apply_item(PushCall *call, PushItem *item)
{
	Mutation   *mutation;
	PushInput  *input;
	PushAnswer *answer = &item->answer;

	answer->key = NULL;
	answer->temp_key = NULL;
	mutation = sp_mutation_read(item->json);
	if (item->table->error)
		ReThrowError(item->table->error);
	input = sp_push_input(mutation, item->table, call->client_id);
	answer->temp_key = input->temp_key;
	if (input->key_complete)
		answer->key = sp_row_key(item->table, input->key.values);
	sp_push_input_values(input);
	sp_push_apply(input, call->policy, call->written, answer);
}

/* Guarded: check what is deferred, and defer nothing from here on. */
static void
check_constraints(PushCall *call, PushItem *item)
{
	set_constraints("SET CONSTRAINTS ALL IMMEDIATE");
}

/* SET CONSTRAINTS, which a rollback takes back and nothing else does. */
static void
set_constraints(const char *sql)
{
	sp_run_sql(sql, 0, NULL, NULL, SPI_OK_UTILITY);
}

/* Guarded: the row of an item as it is now, and its key as written now. */
static void
show_row(PushCall *call, PushItem *item)
{
	PushTable  *table = item->table;
	ColumnValues key;
	Relation	rel;

	item->answer.server = NULL;
	if (item->answer.key == NULL || table == NULL || table->error)
		return;
	sp_push_input_key(table, item->answer.key, &key);
	if (bms_num_members(key.columns) != table->nkey)
		return;
	rel = table_open(table->relid, NoLock);
	item->answer.server = sp_row_json(table, sp_row_read(table, rel, &key));
	item->answer.key = sp_row_key(table, key.values);
	table_close(rel, NoLock);
}

/* An error becomes the answer. */
static void
reject(PushCall *call, PushItem *item, const ErrorData *error)
{
	PushAnswer *answer = &item->answer;

	answer->status = PUSH_REJECTED;
	answer->conflict_columns = NULL;
	answer->retryable = error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		error->sqlerrcode == ERRCODE_OBJECT_IN_USE;
	answer->error = sp_answer_error(error, answer->retryable);
	(void) run_guarded(call, item, show_row);
}

/*
 * A constraint that was checked at the end of an atomic call: the mutations
 * of its table are rejected, or all, where that is not told.
 */
static void
reject_late(PushCall *call, const ErrorData *error)
{
	bool		found = false;
	ListCell   *lc;

	for (int pass = 0; pass < 2 && !found; pass++)
	{
		foreach(lc, call->items)
		{
			PushItem   *item = lfirst(lc);

			if (item->answer.status != PUSH_APPLIED)
				continue;
			if (pass == 0 &&
				(error->table_name == NULL ||
				 strcmp(error->table_name,
						get_rel_name(item->table->relid)) != 0))
				continue;
			item->answer.status = PUSH_REJECTED;
			item->answer.error = sp_answer_error(error, false);
			found = true;
		}
	}
}

/* Copy what is to be kept of an answer. */
static void
keep_answer(PushCall *call, PushItem *item)
{
	PushAnswer *answer = &item->answer;

#define KEEP(field, size) \
	if (answer->field) \
		answer->field = memcpy(palloc(size), answer->field, size)
	KEEP(key, VARSIZE(answer->key));
	KEEP(temp_key, VARSIZE(answer->temp_key));
	KEEP(server, strlen(answer->server) + 1);
	KEEP(conflict_columns, VARSIZE(answer->conflict_columns));
	KEEP(error, VARSIZE(answer->error));
#undef KEEP
}

/* Whether an atomic call has to be rolled back. */
static bool
has_failed(const PushCall *call)
{
	ListCell   *lc;

	foreach(lc, call->items)
	{
		PushStatus	status = ((PushItem *) lfirst(lc))->answer.status;

		if (status == PUSH_CONFLICT || status == PUSH_REJECTED)
			return true;
	}
	return false;
}

/* The call was rolled back: what an item's answer is now. */
static void
take_back(PushCall *call, PushItem *item)
{
	PushAnswer *answer = &item->answer;

	if (answer->status == PUSH_APPLIED || answer->status == PUSH_NOOP ||
		(answer->status == PUSH_DUPLICATE && !item->entry->known))
		answer->status = PUSH_ROLLED_BACK;
	/* a key that the server chose is nobody's now */
	if (answer->status != PUSH_DUPLICATE && answer->key &&
		(answer->client == NULL ||
		 !DatumGetBool(DirectFunctionCall2(jsonb_contains,
										   JsonbPGetDatum(answer->client),
										   JsonbPGetDatum(answer->key)))))
		answer->key = NULL;
	(void) run_guarded(call, item, show_row);
}

/* Which transaction a client waits for to see its edits. */
static void
find_seq(PushCall *call)
{
	ListCell   *lc;

	foreach(lc, call->items)
	{
		PushItem   *item = lfirst(lc);

		if (item->answer.status != PUSH_DUPLICATE || !item->entry->known)
		{
			call->seq = 0;
			break;
		}
		call->seq = Max(call->seq, item->entry->seq);
	}
	if (call->seq == 0)
		call->seq =
			(int64) U64FromFullTransactionId(GetTopFullTransactionId());
}
