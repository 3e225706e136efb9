/*-------------------------------------------------------------------------
 *
 * image_read.c
 *	  Reads syncport.tombstone as rows of the tables that lost them.
 *
 * Reading goes below SQL privileges: whoever shows the rows answers for
 * them.  syncport.image_rows can be called by anyone; it works only for code
 * that opened a ticket, whose number nobody can guess.  It checks the
 * privilege on every column it fills.
 *
 * A page reads every image of its table, so an image must cost little.  The
 * first pass finds the newest image of each key, the second takes these
 * apart, a batch at a time: find the texts of the columns wanted, then hand
 * them to the types' input functions.
 *
 * A type may refuse today what it wrote yesterday, and that must not end
 * the query.  The functions of plain types hold nothing when they throw, so
 * catching that is enough; where any other type takes part, the batch is
 * converted in a subtransaction.  After a refusal it goes on behind the
 * value that was refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "support/compat.h"
#include "support/value.h"
#include "table/image.h"
#include "table/image_list.h"
#include "table/image_parse.h"
#include "table/image_read.h"
#include "table/registry.h"

PG_FUNCTION_INFO_V1(syncport_image_rows);

#define TOMBSTONE			"tombstone"

/* columns of syncport.tombstone */
#define TOMBSTONE_ID		1
#define TOMBSTONE_IMAGE		7

/* rows that are converted together */
#define BATCH_ROWS			64

/* how a column is read */
typedef struct ColumnReader
{
	AttrNumber	attnum;
	bool		required;		/* without it there is no row */
	FmgrInfo	input;
	Oid			param;			/* of the input function */
	int32		typmod;
	ExprState  *generation;		/* of a virtual column, else NULL */
} ColumnReader;

/* an image at work */
typedef struct ImageRow
{
	char	  **texts;			/* by column read; NULL: NULL */
	Datum	   *values;			/* by column read */
	bool	   *isnull;
	bool		refused;		/* a required column has no value */
} ImageRow;

struct ImageReader
{
	MemoryContext context;		/* holds all of this */
	Relation	rel;			/* the table */
	Relation	tombstone;
	TupleTableSlot *slot;		/* for tombstone */
	int			ncolumns;
	ColumnReader *columns;		/* stored ones, then virtual ones */
	int			nstored;
	ImageParser *parser;		/* of the stored ones */
	bool		plain;			/* types whose errors can just be caught */
	EState	   *estate;			/* for virtual columns, else NULL */
	TupleTableSlot *virtual_slot;	/* same: the row */
	ImageRow	rows[BATCH_ROWS];	/* of the batch */
	int			row;			/* being converted: survives an error */
	int			column;			/* same */
};

static ImageTicket *open_tickets = NULL;

static ImageTicket *find_ticket(int64 number);
static bool return_images(ImageReader *reader, const ImageEntry *all,
						  int nall, ReturnSetInfo *result);
static void return_row(ImageReader *reader, const ImageRow *row,
					   const ImageEntry *entry, const int *place,
					   ReturnSetInfo *result);
static void check_privileges(Relation rel, const Bitmapset *columns);
static void add_columns(ImageReader *reader, const ImageSource *source,
						const Bitmapset *columns);
static Bitmapset *add_generated(ImageReader *reader, Bitmapset *columns);
static bool is_plain(Oid type);
static void prepare_row(ImageReader *reader, ImageRow *row);
static bool read_image(ImageReader *reader, ImageRow *row,
					   const ItemPointerData *tid, int64 id);
static void convert_rows(ImageReader *reader, int nrows);
static void convert_some(ImageReader *reader, int nrows);
static void call_inputs(ImageReader *reader, int nrows);
static void compute_virtual(ImageReader *reader, ImageRow *row);

/*
 * syncport.image_rows(ticket bigint) RETURNS SETOF record: the table's
 * columns, then id, removed_at, row_version, tid.
 */
Datum
syncport_image_rows(PG_FUNCTION_ARGS)
{
	ImageTicket *ticket = PG_ARGISNULL(0) ? NULL :
	find_ticket(PG_GETARG_INT64(0));
	ImageReader *reader;

	if (ticket == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function image_rows"),
				 errdetail("It works for code of syncport only, which proves itself by a ticket."),
				 errhint("Call syncport.page or syncport.page_json with include_deleted.")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	reader = sp_image_reader(ticket->source, ticket->source->used);
	if (ticket->only == NULL)
	{
		ImageList  *list = sp_image_list();

		list->every = ticket->source->erasing;
		sp_image_list_extend(list, ticket->source->target, PG_INT64_MIN);
		return_images(reader, list->entries, list->nentries,
					  (ReturnSetInfo *) fcinfo->resultinfo);
	}
	else if (!return_images(reader, ticket->only, ticket->nonly,
							(ReturnSetInfo *) fcinfo->resultinfo))
		ticket->stale = true;
	sp_image_reader_end(reader);
	return (Datum) 0;
}

void
sp_image_open(ImageTicket *ticket, ImageSource *source)
{
	if (!pg_strong_random(&ticket->number, sizeof(ticket->number)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg_internal("could not generate a random number")));
	ticket->userid = GetUserId();
	ticket->source = source;
	ticket->only = NULL;
	ticket->stale = false;
	ticket->outer = open_tickets;
	open_tickets = ticket;
}

void
sp_image_close(ImageTicket *ticket)
{
	Assert(open_tickets == ticket);
	open_tickets = ticket->outer;
}

/* An open ticket of the current user, or NULL. */
static ImageTicket *
find_ticket(int64 number)
{
	ImageTicket *ticket;

	for (ticket = open_tickets; ticket != NULL; ticket = ticket->outer)
		if (ticket->number == number && ticket->userid == GetUserId())
			return ticket;
	return NULL;
}

/*
 * The second pass: the rows of the images shown, in batches.  False where
 * one is not there any more.
 */
static bool
return_images(ImageReader *reader, const ImageEntry *all, int nall,
			  ReturnSetInfo *result)
{
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext,
												"syncport images",
												ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = CurrentMemoryContext;
	int		   *place = palloc0(sizeof(int) *
								(RelationGetNumberOfAttributes(reader->rel) + 1));
	const ImageEntry *entries[BATCH_ROWS];
	int			next = 0;
	int			n = 0;
	int			i;

	/* the result leaves dropped columns out */
	for (i = 0; i < RelationGetNumberOfAttributes(reader->rel); i++)
		if (!TupleDescAttr(RelationGetDescr(reader->rel), i)->attisdropped)
			place[i + 1] = n++;
	if (n + 4 != result->setDesc->natts)
		elog(ERROR, "image_rows returns %d columns, not %d", n + 4,
			 result->setDesc->natts);
	while (next < nall)
	{
		MemoryContextSwitchTo(batch);
		for (n = 0; n < BATCH_ROWS && next < nall; next++)
		{
			if (!all[next].shown)
				continue;
			CHECK_FOR_INTERRUPTS();
			entries[n] = &all[next];
			if (!read_image(reader, &reader->rows[n++], &all[next].tid,
							all[next].id))
			{
				MemoryContextSwitchTo(caller);
				return false;
			}
		}
		convert_rows(reader, n);
		for (i = 0; i < n; i++)
			if (!reader->rows[i].refused)
				return_row(reader, &reader->rows[i], entries[i], place,
						   result);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(batch);
	}
	return true;
}

/* Add a row to the result; place: of columns, by attribute number. */
static void
return_row(ImageReader *reader, const ImageRow *row, const ImageEntry *entry,
		   const int *place, ReturnSetInfo *result)
{
	int			natts = result->setDesc->natts;
	Datum	   *values = palloc(natts * sizeof(Datum));
	bool	   *isnull = palloc(natts * sizeof(bool));
	int			i;

	memset(isnull, true, natts * sizeof(bool));
	for (i = 0; i < reader->ncolumns; i++)
	{
		values[place[reader->columns[i].attnum]] = row->values[i];
		isnull[place[reader->columns[i].attnum]] = row->isnull[i];
	}
	memset(&isnull[natts - 4], false, 4 * sizeof(bool));
	values[natts - 4] = Int64GetDatum(entry->id);
	values[natts - 3] = TimestampTzGetDatum(entry->removed_at);
	values[natts - 2] = Int64GetDatum(entry->row_version);
	values[natts - 1] = PointerGetDatum(&entry->tid);
	tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
}

ImageReader *
sp_image_reader(const ImageSource *source, const Bitmapset *columns)
{
	ImageReader *reader = palloc0(sizeof(ImageReader));

	reader->context = CurrentMemoryContext;
	reader->rel = table_open(source->relid, AccessShareLock);
	check_privileges(reader->rel, columns);
	reader->tombstone = table_open(sp_table_own_oid(TOMBSTONE),
								   AccessShareLock);
	reader->slot = table_slot_create(reader->tombstone, NULL);
	add_columns(reader, source, columns);
	return reader;
}

void
sp_image_reader_end(ImageReader *reader)
{
	if (reader->estate)
	{
		ExecDropSingleTupleTableSlot(reader->virtual_slot);
		FreeExecutorState(reader->estate);
	}
	ExecDropSingleTupleTableSlot(reader->slot);
	table_close(reader->tombstone, NoLock);
	table_close(reader->rel, NoLock);
}

bool
sp_image_fetch(ImageReader *reader, const ItemPointerData *tid, int64 id,
			   Datum *values, bool *isnull)
{
	ImageRow   *row = &reader->rows[0];
	int			i;

	if (!read_image(reader, row, tid, id))
		return false;
	convert_rows(reader, 1);
	memset(isnull, true,
		   RelationGetNumberOfAttributes(reader->rel) * sizeof(bool));
	for (i = 0; i < reader->ncolumns; i++)
	{
		values[reader->columns[i].attnum - 1] = row->values[i];
		isnull[reader->columns[i].attnum - 1] = row->isnull[i];
	}
	return !row->refused;
}

/* As the executor does for a table that a query reads. */
static void
check_privileges(Relation rel, const Bitmapset *columns)
{
	Oid			relid = RelationGetRelid(rel);
	int			attnum = -1;

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return;
	while ((attnum = bms_next_member(columns, attnum)) >= 0)
		if (pg_attribute_aclcheck(relid, attnum, GetUserId(), ACL_SELECT) !=
			ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE,
						   RelationGetRelationName(rel));
}

/* Prepare to read the columns, and those that decide about the row. */
static void
add_columns(ImageReader *reader, const ImageSource *source,
			const Bitmapset *columns)
{
	TupleDesc	desc = RelationGetDescr(reader->rel);
	Bitmapset  *all = add_generated(reader,
									bms_union(columns, source->required));
	const char **names = palloc(bms_num_members(all) * sizeof(char *));
	int			attnum = -1;

	reader->columns = repalloc(reader->columns,
							   (reader->ncolumns + bms_num_members(all)) *
							   sizeof(ColumnReader));
	reader->plain = true;
	while ((attnum = bms_next_member(all, attnum)) >= 0)
	{
		Form_pg_attribute att = TupleDescAttr(desc, attnum - 1);
		ColumnReader column = {0};
		Oid			input;

		if (att->attisdropped || SP_VIRTUAL_GENERATED(att))
			continue;
		column.attnum = attnum;
		column.required = bms_is_member(attnum, source->required);
		column.typmod = att->atttypmod;
		getTypeInputInfo(att->atttypid, &input, &column.param);
		fmgr_info(input, &column.input);
		reader->plain = reader->plain && is_plain(att->atttypid);
		names[reader->nstored] = NameStr(att->attname);
		reader->columns[reader->ncolumns++] =
			reader->columns[reader->nstored];
		reader->columns[reader->nstored++] = column;
	}
	reader->parser = sp_image_parser(names, reader->nstored);
}

/*
 * Prepare to compute the virtual ones of columns; returns columns and what
 * these need.
 */
static Bitmapset *
add_generated(ImageReader *reader, Bitmapset *columns)
{
	Bitmapset  *all = bms_copy(columns);
	int			attnum = -1;

	reader->columns = palloc(Max(bms_num_members(columns), 1) *
							 sizeof(ColumnReader));
	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		ColumnReader column = {0};
		Expr	   *expr;
		Bitmapset  *needed = NULL;
		int			member = -1;

		if (!SP_VIRTUAL_GENERATED(TupleDescAttr(RelationGetDescr(reader->rel),
												attnum - 1)))
			continue;
		if (reader->estate == NULL)
		{
			reader->estate = CreateExecutorState();
			reader->virtual_slot =
				MakeSingleTupleTableSlot(RelationGetDescr(reader->rel),
										 &TTSOpsVirtual);
		}
		expr = SP_GENERATION_EXPRESSION(reader->rel, attnum);
		pull_varattnos((Node *) expr, 1, &needed);
		while ((member = bms_next_member(needed, member)) >= 0)
			all = bms_add_member(all, member +
								 FirstLowInvalidHeapAttributeNumber);
		column.attnum = attnum;
		column.generation = ExecPrepareExpr(expr, reader->estate);
		reader->columns[reader->ncolumns++] = column;
	}
	return all;
}

/*
 * Types whose input functions call nobody else's, hold nothing when they
 * throw, and read what image.c writes under any settings.
 */
static bool
is_plain(Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case BYTEAOID:
		case CHAROID:
		case NAMEOID:
		case INT8OID:
		case INT2OID:
		case INT4OID:
		case TEXTOID:
		case OIDOID:
		case JSONOID:
		case JSONBOID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case BPCHAROID:
		case VARCHAROID:
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case UUIDOID:
		case INETOID:
		case CIDROID:
		case MACADDROID:
			return true;
	}
	return false;
}

/* Room for a row. */
static void
prepare_row(ImageReader *reader, ImageRow *row)
{
	row->texts = MemoryContextAlloc(reader->context,
									reader->ncolumns *
									(sizeof(char *) + sizeof(Datum) +
									 sizeof(bool)));
	row->values = (Datum *) (row->texts + reader->ncolumns);
	row->isnull = (bool *) (row->values + reader->ncolumns);
}

/*
 * Fetch an image and find the texts of its columns.  False where it is not
 * there any more.
 */
static bool
read_image(ImageReader *reader, ImageRow *row, const ItemPointerData *tid,
		   int64 id)
{
	TupleTableSlot *slot = reader->slot;
	bool		isnull;
	Datum		image;
	text	   *copy;
	int			i;

	if (!table_tuple_fetch_row_version(reader->tombstone,
									   unconstify(ItemPointerData *, tid),
									   GetActiveSnapshot(), slot))
		return false;
	if (DatumGetInt64(slot_getattr(slot, TOMBSTONE_ID, &isnull)) != id)
	{
		ExecClearTuple(slot);
		return false;
	}
	image = slot_getattr(slot, TOMBSTONE_IMAGE, &isnull);
	copy = DatumGetTextPCopy(image);
	if (row->texts == NULL)
		prepare_row(reader, row);
	row->refused = false;
	if (!sp_image_parse(reader->parser, VARDATA(copy),
						VARSIZE(copy) - VARHDRSZ, row->texts))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("image " INT64_FORMAT " of table \"%s\" cannot be read",
						id, RelationGetRelationName(reader->rel)),
				 errdetail("It is not the JSON that syncport writes."),
				 errhint("Correct or delete that row of syncport.tombstone.")));
	ExecClearTuple(slot);
	for (i = 0; i < reader->nstored; i++)
	{
		row->isnull[i] = row->texts[i] == NULL ||
			row->texts[i] == sp_image_missing;
		if (row->texts[i] == sp_image_missing && reader->columns[i].required)
			row->refused = true;
	}
	return true;
}

/* Convert the texts of a batch. */
static void
convert_rows(ImageReader *reader, int nrows)
{
	int			nest_level = 0;
	int			i;

	reader->row = 0;
	reader->column = 0;
	if (!reader->plain)
		nest_level = sp_image_enter_settings();
	while (reader->row < nrows)
		convert_some(reader, nrows);
	if (!reader->plain)
		AtEOXact_GUC(true, nest_level);
	if (reader->estate)
		for (i = 0; i < nrows; i++)
			compute_virtual(reader, &reader->rows[i]);
}

/* Convert up to the end of the batch or the first value refused. */
static void
convert_some(ImageReader *reader, int nrows)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	if (!reader->plain)
		BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		call_inputs(reader, nrows);
		if (!reader->plain)
			ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ImageRow   *row = &reader->rows[reader->row];
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!sp_value_is_refused(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		FreeErrorData(error);
		if (!reader->plain)
			RollbackAndReleaseCurrentSubTransaction();
		row->isnull[reader->column] = true;
		if (reader->columns[reader->column++].required)
			row->refused = true;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

/* Go on from reader->row and reader->column to the end of the batch. */
static void
call_inputs(ImageReader *reader, int nrows)
{
	for (; reader->row < nrows; reader->row++, reader->column = 0)
	{
		ImageRow   *row = &reader->rows[reader->row];

		for (; reader->column < reader->nstored; reader->column++)
		{
			ColumnReader *column = &reader->columns[reader->column];

			if (!row->isnull[reader->column])
				row->values[reader->column] =
					InputFunctionCall(&column->input,
									  row->texts[reader->column],
									  column->param, column->typmod);
		}
	}
}

/* Compute the columns that are never stored. */
static void
compute_virtual(ImageReader *reader, ImageRow *row)
{
	TupleTableSlot *slot = reader->virtual_slot;
	ExprContext *context = GetPerTupleExprContext(reader->estate);
	int			i;

	ExecStoreAllNullTuple(slot);
	for (i = 0; i < reader->nstored; i++)
	{
		slot->tts_values[reader->columns[i].attnum - 1] = row->values[i];
		slot->tts_isnull[reader->columns[i].attnum - 1] = row->isnull[i];
	}
	context->ecxt_scantuple = slot;
	for (i = reader->nstored; i < reader->ncolumns; i++)
		row->values[i] = ExecEvalExpr(reader->columns[i].generation, context,
									  &row->isnull[i]);
}
