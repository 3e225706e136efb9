/*-------------------------------------------------------------------------
 *
 * cursor.c
 *	  The codec of page cursors.
 *
 * Before base64 a cursor is
 *
 *		version			1 byte
 *		flags			1 byte, CURSOR_AT_ROW or 0
 *		binding			8 bytes, OrderSpec.binding
 *		nvalues			1 byte
 *		per value		length + 1 (0: NULL) in 4 bytes, then the bytes
 *
 * numbers with the high byte first.  The bytes of a value are what its
 * type's send function writes while the client's encoding is the server's:
 * text must not depend on the session that reads it.  Common types are
 * written without the function; reading happens once per page and always
 * goes through the receive function, which checks the value.  A type
 * without these functions is written as text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/uuid.h"

#include "keyset/cursor.h"
#include "support/base64.h"
#include "support/compat.h"
#include "support/error.h"
#include "support/value.h"

#define CURSOR_VERSION		1
#define CURSOR_AT_ROW		0x01

/* bytes ahead of the values */
#define CURSOR_HEADER		11

typedef enum ValueForm
{
	FORM_BOOL,
	FORM_INT16,
	FORM_INT32,					/* int4, date, float4: 32 bits by value */
	FORM_INT64,					/* int8, timestamps, float8 */
	FORM_UUID,
	FORM_VARLENA,				/* text, varchar, bpchar, bytea: as stored */
	FORM_BINARY,				/* by send and receive */
	FORM_TEXT					/* by output and input */
} ValueForm;

typedef struct ValueCodec
{
	ValueForm	form;			/* how it is written */
	Oid			param;			/* typioparam of the reading function */
	FmgrInfo	write;			/* send or output */
	FmgrInfo	read;			/* receive or input */
} ValueCodec;

struct CursorCodec
{
	const OrderSpec *order;
	ValueCodec *columns;		/* as many as in order */
	StringInfoData bytes;		/* of the cursor being written */
};

typedef struct CursorReader
{
	uint8	   *next;			/* what is not read yet */
	int			left;			/* bytes of it */
} CursorReader;

static void lookup_functions(ValueCodec *codec, Oid type);
static ValueForm choose_form(Oid type, bool binary);
static void write_value(StringInfo out, ValueCodec *codec, Datum value);
static void write_by_function(StringInfo out, ValueCodec *codec, Datum value);
static Datum read_value(ValueCodec *codec, const char *bytes, int len);
static void read_values(CursorCodec *codec, CursorReader *reader,
						CursorPosition *position);
static void read_column(CursorCodec *codec, CursorReader *reader, int i,
						CursorPosition *position);
static uint64 read_number(CursorReader *reader, int nbytes);
static int	switch_encoding(int encoding);

/* Look up every column's functions. */
CursorCodec *
sp_cursor_codec(const OrderSpec *order)
{
	CursorCodec *codec = palloc0(sizeof(CursorCodec));

	codec->order = order;
	codec->columns = palloc0(order->ncolumns * sizeof(ValueCodec));
	for (int i = 0; i < order->ncolumns; i++)
		lookup_functions(&codec->columns[i], order->columns[i].base_type);
	initStringInfo(&codec->bytes);
	return codec;
}

/* Header, values, base64. */
text *
sp_cursor_encode(CursorCodec *codec, const CursorPosition *position)
{
	StringInfo	out = &codec->bytes;
	text	   *cursor;
	int			len;

	resetStringInfo(out);
	pq_sendint8(out, CURSOR_VERSION);
	pq_sendint8(out, position->at_row ? CURSOR_AT_ROW : 0);
	pq_sendint64(out, codec->order->binding);
	pq_sendint8(out, position->nvalues);
	for (int i = 0; i < position->nvalues; i++)
	{
		if (position->isnull[i])
			pq_sendint32(out, 0);
		else
			write_value(out, &codec->columns[i], position->values[i]);
		if (SP_BASE64_LENGTH((int64) out->len) > CURSOR_BYTES_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("cursor would be longer than %d bytes",
							CURSOR_BYTES_MAX),
					 errdetail("It holds the values of the columns that order the page, up to column \"%s\".",
							   codec->order->columns[i].name),
					 errhint("Order by shorter values.")));
	}

	len = SP_BASE64_LENGTH(out->len);
	cursor = palloc(VARHDRSZ + len);
	SET_VARSIZE(cursor, VARHDRSZ + len);
	sp_base64_encode((uint8 *) out->data, out->len, VARDATA(cursor));
	return cursor;
}

void
sp_cursor_append(CursorCodec *codec, StringInfo out,
				 const CursorPosition *position)
{
	int			i;

	for (i = 0; i < position->nvalues; i++)
	{
		if (position->isnull[i])
			pq_sendint32(out, 0);
		else
			write_value(out, &codec->columns[i], position->values[i]);
	}
}

CursorPosition *
sp_cursor_parse(CursorCodec *codec, const char *bytes, int length)
{
	CursorPosition *position = palloc0(sizeof(CursorPosition));
	CursorReader reader = {(uint8 *) bytes, length};

	position->at_row = true;
	position->nvalues = codec->order->ncolumns;
	read_values(codec, &reader, position);
	if (reader.left != 0)
		sp_cursor_refuse("The cursor has bytes behind its last value.");
	return position;
}

/* Check the header, then the values. */
CursorPosition *
sp_cursor_decode(CursorCodec *codec, const text *cursor)
{
	CursorPosition *position = palloc0(sizeof(CursorPosition));
	const OrderSpec *order = codec->order;
	int			len = VARSIZE_ANY_EXHDR(cursor);
	CursorReader reader;
	int			flags;

	if (len == 0)
		sp_cursor_refuse("The cursor is empty.");
	if (len > CURSOR_BYTES_MAX)
		sp_cursor_refuse("The cursor is longer than any this server writes.");
	reader.next = palloc(len);
	reader.left = sp_base64_decode(VARDATA_ANY(cursor), len, reader.next);
	if (reader.left < 0)
		sp_cursor_refuse("The cursor is not URL-safe base64 without padding.");
	if (reader.left < CURSOR_HEADER)
		sp_cursor_refuse("The cursor is too short.");
	if (read_number(&reader, 1) != CURSOR_VERSION)
		sp_cursor_refuse("The cursor is of another version.");
	flags = read_number(&reader, 1);
	if (read_number(&reader, 8) != order->binding)
		sp_cursor_refuse("The cursor belongs to another table or order.");

	position->at_row = flags == CURSOR_AT_ROW;
	position->nvalues = read_number(&reader, 1);
	if ((flags & ~CURSOR_AT_ROW) != 0 || position->nvalues == 0 ||
		position->nvalues > order->ncolumns ||
		(position->at_row && position->nvalues != order->ncolumns))
		sp_cursor_refuse("The cursor has a wrong number of values.");
	read_values(codec, &reader, position);
	if (reader.left != 0)
		sp_cursor_refuse("The cursor has bytes behind its last value.");
	return position;
}

/* Which functions write and read a type. */
static void
lookup_functions(ValueCodec *codec, Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	bool		binary;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	form = (Form_pg_type) GETSTRUCT(tuple);
	binary = OidIsValid(form->typsend) && OidIsValid(form->typreceive);
	codec->form = choose_form(type, binary);
	codec->param = getTypeIOParam(tuple);
	fmgr_info(binary ? form->typsend : form->typoutput, &codec->write);
	fmgr_info(binary ? form->typreceive : form->typinput, &codec->read);
	ReleaseSysCache(tuple);
}

/* The types that are written without a function call. */
static ValueForm
choose_form(Oid type, bool binary)
{
	switch (type)
	{
		case BOOLOID:
			return FORM_BOOL;
		case INT2OID:
			return FORM_INT16;
		case INT4OID:
		case DATEOID:
		case FLOAT4OID:
			return FORM_INT32;
		case INT8OID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case FLOAT8OID:
			return FORM_INT64;
		case UUIDOID:
			return FORM_UUID;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case BYTEAOID:
			return FORM_VARLENA;
		default:
			return binary ? FORM_BINARY : FORM_TEXT;
	}
}

/* Length and bytes of a value that is not NULL. */
static void
write_value(StringInfo out, ValueCodec *codec, Datum value)
{
	struct varlena *varlena;

	switch (codec->form)
	{
		case FORM_BOOL:
			pq_sendint32(out, 1 + 1);
			pq_sendint8(out, DatumGetBool(value) ? 1 : 0);
			break;
		case FORM_INT16:
			pq_sendint32(out, 2 + 1);
			pq_sendint16(out, DatumGetInt16(value));
			break;
		case FORM_INT32:
			pq_sendint32(out, 4 + 1);
			pq_sendint32(out, DatumGetInt32(value));
			break;
		case FORM_INT64:
			pq_sendint32(out, 8 + 1);
			pq_sendint64(out, DatumGetInt64(value));
			break;
		case FORM_UUID:
			pq_sendint32(out, UUID_LEN + 1);
			appendBinaryStringInfo(out, (char *) DatumGetUUIDP(value)->data,
								   UUID_LEN);
			break;
		case FORM_VARLENA:
			varlena = PG_DETOAST_DATUM_PACKED(value);
			pq_sendint32(out, VARSIZE_ANY_EXHDR(varlena) + 1);
			appendBinaryStringInfo(out, VARDATA_ANY(varlena),
								   VARSIZE_ANY_EXHDR(varlena));
			break;
		case FORM_BINARY:
		case FORM_TEXT:
			write_by_function(out, codec, value);
			break;
	}
}

/* The same by the type's own function. */
static void
write_by_function(StringInfo out, ValueCodec *codec, Datum value)
{
	int			encoding;
	bytea	   *volatile bytes = NULL;
	char	   *string;

	if (codec->form == FORM_TEXT)
	{
		string = OutputFunctionCall(&codec->write, value);
		pq_sendint32(out, strlen(string) + 1);
		appendStringInfoString(out, string);
		return;
	}
	encoding = switch_encoding(GetDatabaseEncoding());
	PG_TRY();
	{
		bytes = SendFunctionCall(&codec->write, value);
	}
	PG_FINALLY();
	{
		(void) switch_encoding(encoding);
	}
	PG_END_TRY();
	pq_sendint32(out, VARSIZE(bytes) - VARHDRSZ + 1);
	appendBinaryStringInfo(out, VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ);
}

/* A value from its bytes, behind which stands a zero byte. */
static Datum
read_value(ValueCodec *codec, const char *bytes, int len)
{
	StringInfoData buffer;
	Datum		value;

	if (codec->form == FORM_TEXT)
	{
		(void) pg_verifymbstr(bytes, len, false);
		return InputFunctionCall(&codec->read, (char *) bytes, codec->param,
								 -1);
	}
	buffer.data = (char *) bytes;
	buffer.len = len;
	buffer.maxlen = len + 1;
	buffer.cursor = 0;
	value = ReceiveFunctionCall(&codec->read, &buffer, codec->param, -1);
	if (buffer.cursor != len)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("the value is followed by other bytes")));
	return value;
}

/*
 * Read the values.  Whatever a type's function throws because of its input
 * is caught and SY001 thrown in its place.
 */
static void
read_values(CursorCodec *codec, CursorReader *reader,
			CursorPosition *position)
{
	MemoryContext context = CurrentMemoryContext;
	int			encoding;
	volatile int i = 0;

	position->values = palloc0(position->nvalues * sizeof(Datum));
	position->isnull = palloc0(position->nvalues * sizeof(bool));
	encoding = switch_encoding(GetDatabaseEncoding());
	PG_TRY();
	{
		for (i = 0; i < position->nvalues; i++)
			read_column(codec, reader, i, position);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		(void) switch_encoding(encoding);
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode == ERRCODE_SP_INVALID_CURSOR ||
			(!sp_value_is_refused(error->sqlerrcode) &&
			 error->sqlerrcode != ERRCODE_INTERNAL_ERROR))
			PG_RE_THROW();
		FlushErrorState();
		sp_cursor_refuse(psprintf("The value for column \"%s\" is refused: %s.",
								  codec->order->columns[i].name,
								  error->message));
	}
	PG_END_TRY();
	(void) switch_encoding(encoding);
}

/* One value. */
static void
read_column(CursorCodec *codec, CursorReader *reader, int i,
			CursorPosition *position)
{
	uint64		len = read_number(reader, 4);
	char	   *bytes;

	position->isnull[i] = len == 0;
	if (len == 0 && !codec->order->columns[i].nullable)
		sp_cursor_refuse(psprintf("The cursor has no value for column \"%s\".",
								  codec->order->columns[i].name));
	if (len == 0)
		return;
	len--;
	if (len > reader->left)
		sp_cursor_refuse("The cursor is too short.");
	bytes = palloc(len + 1);
	memcpy(bytes, reader->next, len);
	bytes[len] = '\0';
	reader->next += len;
	reader->left -= len;
	position->values[i] = read_value(&codec->columns[i], bytes, len);
}

/* The next bytes as a number, high byte first. */
static uint64
read_number(CursorReader *reader, int nbytes)
{
	uint64		number = 0;

	if (reader->left < nbytes)
		sp_cursor_refuse("The cursor is too short.");
	for (int i = 0; i < nbytes; i++)
		number = number << 8 | reader->next[i];
	reader->next += nbytes;
	reader->left -= nbytes;
	return number;
}

/* Set the client's encoding for a moment; what it was. */
static int
switch_encoding(int encoding)
{
	int			old = pg_get_client_encoding();

	if (old != encoding && SetClientEncoding(encoding) < 0)
		elog(ERROR, "could not set the client encoding");
	return old;
}

void
sp_cursor_refuse(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_SP_INVALID_CURSOR),
			 errmsg("invalid cursor"),
			 errdetail_internal("%s", detail),
			 errhint("Start again without a cursor.")));
}
