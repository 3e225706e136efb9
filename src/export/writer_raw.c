/*-------------------------------------------------------------------------
 *
 * writer_raw.c
 *	  The bytes of one bytea column, as they are.
 *
 * So that an artifact, or what export returns, can be downloaded by COPY.
 * NULL is nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "export/writer.h"
#include "support/compat.h"

static ExportWriter *begin_raw(TupleDesc desc, const ExportOptions *options,
							   StringInfo out);
static void write_raw_row(ExportWriter *writer, TupleTableSlot *slot,
						  StringInfo out);
static void end_raw(ExportWriter *writer, StringInfo out);

const ExportFormat sp_writer_raw = {
	.name = "raw",
	.binary = true,
	.media_type = "application/octet-stream",
	.extension = "bin",
	.options = EXPORT_RAW,
	.begin = begin_raw,
	.row = write_raw_row,
	.end = end_raw
};

/* There is nothing but the one column. */
static ExportWriter *
begin_raw(TupleDesc desc, const ExportOptions *options, StringInfo out)
{
	Oid			type = desc->natts == 1 ?
	getBaseType(TupleDescAttr(desc, 0)->atttypid) : InvalidOid;

	if (type == BYTEAOID)
		return NULL;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("format \"raw\" writes one column of type bytea"),
			 desc->natts == 1 ?
			 errdetail("The column is of type %s.", format_type_be(type)) :
			 errdetail("There are %d columns.", desc->natts),
			 errhint("Select the one column; convert_to makes bytea of text.")));
	return NULL;				/* not reached */
}

/* Nothing between the values. */
static void
write_raw_row(ExportWriter *writer, TupleTableSlot *slot, StringInfo out)
{
	struct varlena *bytes;

	slot_getallattrs(slot);
	if (slot->tts_isnull[0])
		return;
	bytes = pg_detoast_datum_packed((struct varlena *)
									DatumGetPointer(slot->tts_values[0]));
	appendBinaryStringInfo(out, VARDATA_ANY(bytes),
						   VARSIZE_ANY_EXHDR(bytes));
}

/* Nor behind them. */
static void
end_raw(ExportWriter *writer, StringInfo out)
{
}
