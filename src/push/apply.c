/*-------------------------------------------------------------------------
 *
 * apply.c
 *	  Applying one mutation.
 *
 * The row is read, an action is chosen by what it is, and the action writes
 * only while the row is still that one (row_write.c).  Where somebody else
 * was faster the row is read and the action chosen again:
 *
 *		row		insert		upsert		update		delete		restore
 *		missing	INSERT		INSERT		conflict	nothing		conflict
 *		deleted	conflict	RESTORE		conflict	nothing		RESTORE
 *		live	conflict	UPDATE		UPDATE		DELETE		UPDATE
 *
 * UPDATE, DELETE and RESTORE ask for the base first, which may make them a
 * conflict, too; RESTORE goes on as UPDATE of the row that is live then.
 * UPDATE of what the row has already is nothing.  A row that the same call
 * has written is as the client wants it: then base is not asked, and an
 * insert restores or updates.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "push/apply.h"
#include "push/base.h"
#include "push/temp_id.h"

typedef enum PushAction
{
	ACTION_NOTHING,				/* the row is as the client wants it */
	ACTION_YIELD,				/* it is not, but the server's row wins */
	ACTION_CONFLICT,
	ACTION_INSERT,
	ACTION_UPDATE,
	ACTION_DELETE,
	ACTION_RESTORE
} PushAction;

/* A mutation at work. */
typedef struct PushWork
{
	PushInput  *input;
	Relation	rel;			/* its table, open */
	ConflictPolicy policy;
	PushRow    *row;			/* as read last */
	PushRow    *left;			/* as a write left it; NULL: to be read */
	bool		own;			/* this call has written the row before */
	bool		changed;		/* this mutation has written */
	Bitmapset  *columns;		/* that UPDATE is to write */
	Bitmapset  *conflict;		/* of a merge */
} PushWork;

static void read_row(PushWork *work);
static PushAction choose_action(PushWork *work);
static PushAction choose_missing(PushWork *work);
static PushAction choose_deleted(PushWork *work);
static PushAction choose_live(PushWork *work);
static PushAction choose_update(PushWork *work);
static bool is_alike(PushWork *work);
static PushAction resolve(PushWork *work);
static PushAction merge(PushWork *work);
static bool is_changed(PushWork *work);
static bool perform(PushWork *work, PushAction action);
static bool insert_row(PushWork *work);
static void keep_temps(PushWork *work);
static JsonbValue *value_of(Jsonb *object, const char *name);
static void check_progress(PushWork *work, const PushRow *before);
static void follow_key(PushWork *work);
static char *row_name(const PushTable *table, const Datum *values);
static ArrayType *names_of(const PushTable *table, Bitmapset *columns);

void
sp_push_apply(PushInput *input, ConflictPolicy policy, NameMap *written,
			  PushAnswer *answer)
{
	PushTable  *table = input->table;
	PushWork	work = {.input = input,.policy = policy};
	PushAction	action;
	char	   *name = NULL;

	work.rel = table_open(table->relid, NoLock);
	read_row(&work);
	if (work.row->state != ROW_MISSING)
	{
		name = row_name(table, work.row->values);
		work.own = sp_name_map_get(written, name) != NULL;
	}
	while ((action = choose_action(&work)) >= ACTION_INSERT)
	{
		PushRow    *before = work.row;

		CHECK_FOR_INTERRUPTS();
		if (perform(&work, action))
		{
			work.changed = true;
			work.own = true;
		}
		else
			work.own = false;
		if (work.left)
			work.row = work.left;
		else
			read_row(&work);
		work.left = NULL;
		if (!work.own)
			check_progress(&work, before);
		else if (action != ACTION_RESTORE)
			break;
	}
	if (action == ACTION_CONFLICT)
	{
		answer->status = PUSH_CONFLICT;
		answer->conflict_columns =
			names_of(table, work.conflict ? work.conflict :
					 sp_base_conflict(input, work.row));
	}
	else
		answer->status = work.changed ? PUSH_APPLIED : PUSH_NOOP;
	if (work.changed)
	{
		char	   *now = row_name(table, work.row->state != ROW_MISSING ?
								   work.row->values : input->key.values);

		sp_name_map_put(written, now, table);
		if (name == NULL || strcmp(name, now) != 0)
			answer->key = NULL;
	}
	if (input->key_complete && answer->key == NULL)
		answer->key = sp_row_key(table, input->key.values);
	answer->server = sp_row_json(table, work.row);
	table_close(work.rel, NoLock);
}

/* Read the row as it is now. */
static void
read_row(PushWork *work)
{
	PushInput  *input = work->input;

	if (input->key_complete)
	{
		work->row = sp_row_read(input->table, work->rel, &input->key);
		return;
	}
	work->row = palloc0(sizeof(PushRow));
}

/* What to do, by what the row is. */
static PushAction
choose_action(PushWork *work)
{
	switch (work->row->state)
	{
		case ROW_MISSING:
			return choose_missing(work);
		case ROW_DELETED:
			return choose_deleted(work);
		case ROW_LIVE:
			break;
	}
	return choose_live(work);
}

/* There is no row. */
static PushAction
choose_missing(PushWork *work)
{
	switch (work->input->mutation->op)
	{
		case PUSH_INSERT:
		case PUSH_UPSERT:
			return ACTION_INSERT;
		case PUSH_DELETE:
			return ACTION_NOTHING;
		case PUSH_UPDATE:
		case PUSH_RESTORE:
			break;
	}
	return resolve(work);
}

/* The row is deleted. */
static PushAction
choose_deleted(PushWork *work)
{
	switch (work->input->mutation->op)
	{
		case PUSH_UPSERT:
		case PUSH_RESTORE:
			return is_changed(work) ? resolve(work) : ACTION_RESTORE;
		case PUSH_INSERT:
			return work->own ? ACTION_RESTORE : resolve(work);
		case PUSH_DELETE:
			return ACTION_NOTHING;
		case PUSH_UPDATE:
			break;
	}
	return resolve(work);
}

/* The row is live. */
static PushAction
choose_live(PushWork *work)
{
	switch (work->input->mutation->op)
	{
		case PUSH_DELETE:
			return is_changed(work) ? resolve(work) : ACTION_DELETE;
		case PUSH_INSERT:
			if (work->own)
				break;
			work->columns = sp_row_stored_otherwise(work->input->table,
													work->row,
													&work->input->set);
			return is_alike(work) ? ACTION_NOTHING : resolve(work);
		case PUSH_UPSERT:
		case PUSH_UPDATE:
		case PUSH_RESTORE:
			break;
	}
	return choose_update(work);
}

/* Write what differs, unless somebody else has written, too. */
static PushAction
choose_update(PushWork *work)
{
	PushInput  *input = work->input;

	if (work->policy == CONFLICT_MERGE && !work->own &&
		input->mutation->base == BASE_ROW && !input->base_deleted)
		return merge(work);
	work->columns = sp_row_stored_otherwise(input->table, work->row,
											&input->set);
	if (bms_is_empty(work->columns))
		return ACTION_NOTHING;
	if (is_changed(work))
		return is_alike(work) ? ACTION_NOTHING : resolve(work);
	if (!work->own)
		work->columns = bms_intersect(work->columns, sp_base_touched(input));
	return bms_is_empty(work->columns) ? ACTION_NOTHING : ACTION_UPDATE;
}

/* Whether the row is as the client wants it, but for ways of writing. */
static bool
is_alike(PushWork *work)
{
	PushInput  *input = work->input;

	return bms_is_empty(sp_row_unequal(input->table, work->row, &input->set,
									   NULL));
}

/* A conflict: what the policy says. */
static PushAction
resolve(PushWork *work)
{
	PushRow    *row = work->row;

	if (work->policy == CONFLICT_SERVER)
		return ACTION_YIELD;
	if (work->policy != CONFLICT_CLIENT)
		return ACTION_CONFLICT;
	if (row->state == ROW_MISSING)
		return ACTION_INSERT;
	if (row->state == ROW_DELETED)
		return ACTION_RESTORE;
	return work->input->mutation->op == PUSH_DELETE ? ACTION_DELETE :
		ACTION_UPDATE;
}

/* Three ways, column by column. */
static PushAction
merge(PushWork *work)
{
	work->conflict = sp_base_merge(work->input, work->row, &work->columns);
	if (!bms_is_empty(work->conflict))
		return ACTION_CONFLICT;
	return bms_is_empty(work->columns) ? ACTION_NOTHING : ACTION_UPDATE;
}

/* Whether the row is another one than the client saw. */
static bool
is_changed(PushWork *work)
{
	return !work->own && sp_base_is_changed(work->input, work->rel,
											work->row);
}

/* Write; false if the row was not met. */
static bool
perform(PushWork *work, PushAction action)
{
	PushInput  *input = work->input;
	bool		met = false;

	switch (action)
	{
		case ACTION_INSERT:
			return insert_row(work);
		case ACTION_UPDATE:
			met = sp_row_update(input->table, work->row, &input->set,
								work->columns, &work->left);
			if (met)
				follow_key(work);
			break;
		case ACTION_DELETE:
			met = sp_row_delete(input->table, work->row);
			break;
		case ACTION_RESTORE:
			met = sp_row_restore(input->table, work->row);
			break;
		case ACTION_NOTHING:
		case ACTION_YIELD:
		case ACTION_CONFLICT:
			break;
	}
	return met;
}

/* INSERT, and remember what its temp ids became. */
static bool
insert_row(PushWork *work)
{
	PushInput  *input = work->input;

	if (!sp_row_insert(input->table, &input->set, &input->key))
		return false;
	input->key_complete = true;
	keep_temps(work);
	return true;
}

/* Remember what temp ids became. */
static void
keep_temps(PushWork *work)
{
	PushInput  *input = work->input;
	Jsonb	   *key;
	ListCell   *lc;

	if (input->temps == NIL)
		return;
	key = sp_row_key(input->table, input->key.values);
	foreach(lc, input->temps)
	{
		TempColumn *temp = lfirst(lc);
		PushColumn *column = &input->table->columns[temp->attnum - 1];

		if (sp_temp_id_find(input->client_id, temp->temp) != NULL)
			continue;
		/* the caller tries again and finds what it became */
		if (!sp_temp_id_add(input->client_id, temp->temp,
							value_of(key, column->name)))
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg_internal("temporary id \"%s\" was pushed twice at once",
									 temp->temp)));
	}
}

/* A member of an object. */
static JsonbValue *
value_of(Jsonb *object, const char *name)
{
	return getKeyJsonValueFromContainer(&object->root, name, strlen(name),
										NULL);
}

/*
 * A statement that met no row means that somebody else was faster, who left
 * another version behind.  If not, something keeps the row from us.
 */
static void
check_progress(PushWork *work, const PushRow *before)
{
	if (work->row->state != before->state ||
		work->row->row_version != before->row_version)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("row of table \"%s\" cannot be written",
					work->input->table->name),
			 errdetail("A row policy or a trigger kept the statement from it."),
			 errhint("Ask for the table's row policies and triggers, or leave it as it is.")));
}

/* The key is what UPDATE, or a trigger before it, made of it. */
static void
follow_key(PushWork *work)
{
	PushInput  *input = work->input;
	int			attnum = -1;
	int			i;

	for (i = 0; work->left && i < input->table->nkey; i++)
	{
		attnum = input->table->key[i];
		input->key.values[attnum - 1] = work->left->values[attnum - 1];
	}
	attnum = -1;
	while ((attnum = bms_next_member(work->columns, attnum)) >= 0)
	{
		if (input->table->columns[attnum - 1].key)
			input->key.values[attnum - 1] = input->set.values[attnum - 1];
	}
}

/* What a row is called in the map of those that were written. */
static char *
row_name(const PushTable *table, const Datum *values)
{
	return psprintf("%u %s", table->relid,
					sp_row_key_text(table, values));
}

/* Names of columns as text[]. */
static ArrayType *
names_of(const PushTable *table, Bitmapset *columns)
{
	Datum	   *names = palloc(Max(bms_num_members(columns), 1) *
							   sizeof(Datum));
	int			attnum = -1;
	int			n = 0;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
		names[n++] = CStringGetTextDatum(table->columns[attnum - 1].name);
	return construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT);
}
