/*-------------------------------------------------------------------------
 *
 * position.c
 *	  What a feed cursor holds, and its codec.
 *
 * Before base64 a cursor is
 *
 *		version			1 byte
 *		incarnation, system, schema, filter, access		8 bytes each
 *		timeline, timeline_start, lsn					numbers
 *		relid, natts									numbers
 *		leaves			their count, then differences
 *		state			1 byte: FeedPart and the flags below
 *		base			xmax, count, differences of xip
 *		target			without base: as base; else xmax as a difference,
 *						a bit per id of base's xip (set: not seen either),
 *						count and differences of xip from base's xmax on
 *		row_version		number, unless START
 *		image_id		number, for IMAGES
 *		row				its bytes, for ROWS
 *		checksum		4 bytes, CRC-32C of all ahead of it
 *
 * Numbers take 7 bits per byte, low bits first, the high bit says that more
 * follow.  A difference is to the one before, less one from the second on,
 * so that no list can be out of order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "port/pg_crc32c.h"

#include "feed/position.h"
#include "keyset/cursor.h"
#include "support/base64.h"

#define POSITION_VERSION	1

/* flags beside the FeedPart in the byte of the state */
#define STATE_PART			0x03
#define STATE_BASE			0x04
#define STATE_TARGET		0x08

#define CHECKSUM_BYTES		4

/* an id, a version or anything that becomes an int64 */
#define NUMBER_MAX			((uint64) PG_INT64_MAX)

typedef struct PositionReader
{
	const uint8 *next;			/* what is not read yet */
	const uint8 *end;
} PositionReader;

static void write_number(StringInfo out, uint64 number);
static void write_list(StringInfo out, const uint64 *ids, int count,
					   uint64 from);
static void write_mark(StringInfo out, const FeedMark *mark);
static void write_snapshot(StringInfo out, const FeedSnapshot *set);
static void write_difference(StringInfo out, const FeedSnapshot *base,
							 const FeedSnapshot *target);
static void append_checksum(StringInfo out);
static uint32 compute_checksum(const uint8 *bytes, int length);
static PositionReader open_cursor(const text *cursor);
static uint8 read_byte(PositionReader *reader);
static uint64 read_fixed(PositionReader *reader, int nbytes);
static uint64 read_number(PositionReader *reader, uint64 most);
static uint64 *read_list(PositionReader *reader, uint64 from, uint64 end,
						 int room, int *count);
static void read_origin(PositionReader *reader, FeedOrigin *origin);
static void read_mark(PositionReader *reader, FeedMark *mark);
static FeedSnapshot *read_snapshot(PositionReader *reader);
static FeedSnapshot *read_difference(PositionReader *reader,
									 const FeedSnapshot *base);
static void read_place(PositionReader *reader, FeedPosition *position);

text *
sp_position_encode(const FeedPosition *position)
{
	StringInfoData out;
	text	   *cursor;
	int			length;

	initStringInfo(&out);
	pq_sendint8(&out, POSITION_VERSION);
	pq_sendint64(&out, position->origin.incarnation);
	pq_sendint64(&out, position->origin.system);
	write_number(&out, position->origin.timeline);
	write_number(&out, position->origin.timeline_start);
	write_number(&out, position->origin.lsn);
	write_mark(&out, &position->mark);
	pq_sendint8(&out, position->part |
				(position->base ? STATE_BASE : 0) |
				(position->target ? STATE_TARGET : 0));
	if (position->base)
		write_snapshot(&out, position->base);
	if (position->target && position->base)
		write_difference(&out, position->base, position->target);
	else if (position->target)
		write_snapshot(&out, position->target);
	if (position->part != FEED_PART_START)
		pq_sendint64(&out, position->row_version);
	if (position->part == FEED_PART_IMAGES)
		write_number(&out, position->image_id);
	if (position->part == FEED_PART_ROWS)
		appendBinaryStringInfo(&out, position->row, position->row_length);
	append_checksum(&out);

	length = SP_BASE64_LENGTH(out.len);
	if (length > CURSOR_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cursor would be longer than %d bytes",
						CURSOR_BYTES_MAX),
				 errdetail("It holds the key of the last row of the page and the OIDs of the partitions."),
				 errhint("Use shorter keys.")));
	cursor = palloc(VARHDRSZ + length);
	SET_VARSIZE(cursor, VARHDRSZ + length);
	sp_base64_encode((uint8 *) out.data, out.len, VARDATA(cursor));
	pfree(out.data);
	return cursor;
}

int
sp_position_number_bytes(uint64 number)
{
	int			n = 1;

	while ((number >>= 7) != 0)
		n++;
	return n;
}

/* A number, seven bits at a time. */
static void
write_number(StringInfo out, uint64 number)
{
	for (; number >= 0x80; number >>= 7)
		appendStringInfoCharMacro(out, (char) (number | 0x80));
	appendStringInfoCharMacro(out, (char) number);
}

/* The count of ids, which ascend from a number on, and their differences. */
static void
write_list(StringInfo out, const uint64 *ids, int count, uint64 from)
{
	int			i;

	write_number(out, count);
	for (i = 0; i < count; i++)
	{
		write_number(out, ids[i] - from);
		from = ids[i] + 1;
	}
}

/* What the position is about. */
static void
write_mark(StringInfo out, const FeedMark *mark)
{
	uint64	   *leaves = palloc((mark->nleaves + 1) * sizeof(uint64));
	int			i;

	for (i = 0; i < mark->nleaves; i++)
		leaves[i] = mark->leaves[i];
	write_number(out, mark->relid);
	write_number(out, mark->natts);
	write_list(out, leaves, mark->nleaves, 0);
	pq_sendint64(out, mark->schema);
	pq_sendint64(out, mark->filter);
	pq_sendint64(out, mark->access);
	pfree(leaves);
}

/* A snapshot by itself. */
static void
write_snapshot(StringInfo out, const FeedSnapshot *set)
{
	write_number(out, set->xmax);
	write_list(out, set->xip, set->nxip, 0);
}

/* A snapshot that contains another; its xmax is not the lower one. */
static void
write_difference(StringInfo out, const FeedSnapshot *base,
				 const FeedSnapshot *target)
{
	int			nbits = 0;
	int			byte = 0;
	int			i;

	write_number(out, target->xmax - base->xmax);
	for (i = 0; i < base->nxip; i++)
	{
		if (!sp_snapshot_sees(target, base->xip[i]))
			byte |= 1 << (i % 8);
		if (i % 8 == 7 || i == base->nxip - 1)
		{
			pq_sendint8(out, byte);
			byte = 0;
		}
	}
	while (nbits < target->nxip && target->xip[nbits] < base->xmax)
		nbits++;
	write_list(out, target->xip + nbits, target->nxip - nbits, base->xmax);
}

/* End a cursor. */
static void
append_checksum(StringInfo out)
{
	pq_sendint32(out, compute_checksum((uint8 *) out->data, out->len));
}

/* CRC-32C */
static uint32
compute_checksum(const uint8 *bytes, int length)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, bytes, length);
	FIN_CRC32C(crc);
	return crc;
}

FeedPosition *
sp_position_decode(const text *cursor)
{
	PositionReader reader = open_cursor(cursor);
	FeedPosition *position = palloc0(sizeof(FeedPosition));
	int			state;

	read_origin(&reader, &position->origin);
	read_mark(&reader, &position->mark);
	state = read_byte(&reader);
	position->part = state & STATE_PART;
	if ((state & ~(STATE_PART | STATE_BASE | STATE_TARGET)) != 0 ||
		(state & (STATE_BASE | STATE_TARGET)) == 0 ||
		position->part > FEED_PART_IMAGES ||
		(position->part != FEED_PART_START && (state & STATE_TARGET) == 0))
		sp_cursor_refuse("The cursor contradicts itself.");
	if (state & STATE_BASE)
		position->base = read_snapshot(&reader);
	if (state & STATE_TARGET)
		position->target = position->base ?
			read_difference(&reader, position->base) :
			read_snapshot(&reader);
	read_place(&reader, position);
	if (reader.next != reader.end)
		sp_cursor_refuse("The cursor has bytes behind its end.");
	return position;
}

/* Check what encloses a cursor. */
static PositionReader
open_cursor(const text *cursor)
{
	int			length = VARSIZE_ANY_EXHDR(cursor);
	PositionReader reader;
	uint8	   *bytes;
	int			n;

	if (length == 0)
		sp_cursor_refuse("The cursor is empty.");
	if (length > CURSOR_BYTES_MAX)
		sp_cursor_refuse("The cursor is longer than any this server writes.");
	bytes = palloc(length);
	n = sp_base64_decode(VARDATA_ANY(cursor), length, bytes);
	if (n < 0)
		sp_cursor_refuse("The cursor is not URL-safe base64 without padding.");
	if (n <= CHECKSUM_BYTES)
		sp_cursor_refuse("The cursor is too short.");
	reader.next = bytes;
	reader.end = bytes + n - CHECKSUM_BYTES;
	if (read_byte(&reader) != POSITION_VERSION)
		sp_cursor_refuse("The cursor is of another kind or version.");
	reader.next = reader.end;
	reader.end = bytes + n;
	if (read_fixed(&reader, CHECKSUM_BYTES) !=
		compute_checksum(bytes, n - CHECKSUM_BYTES))
		sp_cursor_refuse("The cursor is damaged.");
	reader.next = bytes + 1;
	reader.end = bytes + n - CHECKSUM_BYTES;
	return reader;
}

/* The next byte. */
static uint8
read_byte(PositionReader *reader)
{
	if (reader->next >= reader->end)
		sp_cursor_refuse("The cursor is too short.");
	return *reader->next++;
}

/* A number of so many bytes, high byte first. */
static uint64
read_fixed(PositionReader *reader, int nbytes)
{
	uint64		number = 0;

	while (nbytes-- > 0)
		number = number << 8 | read_byte(reader);
	return number;
}

/* A number of seven bits at a time, not above most. */
static uint64
read_number(PositionReader *reader, uint64 most)
{
	uint64		number = 0;
	int			shift;
	uint8		byte = 0x80;

	for (shift = 0; (byte & 0x80) != 0; shift += 7)
	{
		if (shift > 56)
			sp_cursor_refuse("The cursor holds a number out of range.");
		byte = read_byte(reader);
		number |= (uint64) (byte & 0x7f) << shift;
	}
	if (number > most)
		sp_cursor_refuse("The cursor holds a number out of range.");
	return number;
}

/*
 * A list of ids from a number up to an end that is not in it, with room for
 * more of them behind it.
 */
static uint64 *
read_list(PositionReader *reader, uint64 from, uint64 end, int room,
		  int *count)
{
	uint64	   *ids;
	int			i;

	/* each takes a byte at least */
	*count = read_number(reader, reader->end - reader->next);
	ids = palloc((*count + room + 1) * sizeof(uint64));
	for (i = 0; i < *count; i++)
	{
		uint64		difference = read_number(reader, NUMBER_MAX);

		if (from >= end || difference >= end - from)
			sp_cursor_refuse("The cursor holds a number out of range.");
		ids[i] = from + difference;
		from = ids[i] + 1;
	}
	return ids;
}

/* Where the position comes from. */
static void
read_origin(PositionReader *reader, FeedOrigin *origin)
{
	origin->incarnation = read_fixed(reader, 8);
	origin->system = read_fixed(reader, 8);
	origin->timeline = read_number(reader, PG_UINT32_MAX);
	origin->timeline_start = read_number(reader, NUMBER_MAX);
	origin->lsn = read_number(reader, NUMBER_MAX);
}

/* What the position is about. */
static void
read_mark(PositionReader *reader, FeedMark *mark)
{
	uint64	   *leaves;
	int			i;

	mark->relid = read_number(reader, PG_UINT32_MAX);
	mark->natts = read_number(reader, PG_INT16_MAX);
	leaves = read_list(reader, 0, (uint64) PG_UINT32_MAX + 1, 0,
					   &mark->nleaves);
	mark->leaves = palloc((mark->nleaves + 1) * sizeof(Oid));
	for (i = 0; i < mark->nleaves; i++)
		mark->leaves[i] = (Oid) leaves[i];
	mark->schema = read_fixed(reader, 8);
	mark->filter = read_fixed(reader, 8);
	mark->access = read_fixed(reader, 8);
}

/* A snapshot by itself. */
static FeedSnapshot *
read_snapshot(PositionReader *reader)
{
	FeedSnapshot *set = palloc(sizeof(FeedSnapshot));

	set->xmax = read_number(reader, NUMBER_MAX);
	set->xip = read_list(reader, 0, Max(set->xmax, 1) - 1, 0, &set->nxip);
	return set;
}

/* A snapshot that contains base. */
static FeedSnapshot *
read_difference(PositionReader *reader, const FeedSnapshot *base)
{
	FeedSnapshot *set = palloc(sizeof(FeedSnapshot));
	uint64	   *kept = palloc((base->nxip + 1) * sizeof(uint64));
	uint64	   *added;
	int			nkept = 0;
	int			nadded;
	int			byte = 0;
	int			i;

	set->xmax = base->xmax + read_number(reader, NUMBER_MAX - base->xmax);
	for (i = 0; i < base->nxip; i++)
	{
		if (i % 8 == 0)
			byte = read_byte(reader);
		if (byte & (1 << (i % 8)))
			kept[nkept++] = base->xip[i];
	}
	added = read_list(reader, base->xmax, Max(set->xmax, 1) - 1, nkept,
					  &nadded);
	memmove(added + nkept, added, nadded * sizeof(uint64));
	memcpy(added, kept, nkept * sizeof(uint64));
	set->xip = added;
	set->nxip = nkept + nadded;
	return set;
}

/* What was delivered last. */
static void
read_place(PositionReader *reader, FeedPosition *position)
{
	if (position->part == FEED_PART_START)
		return;
	position->row_version = (int64) read_fixed(reader, 8);
	if (position->part == FEED_PART_IMAGES)
	{
		position->image_id = read_number(reader, NUMBER_MAX);
		return;
	}
	position->row_length = reader->end - reader->next;
	position->row = palloc(position->row_length + 1);
	memcpy(position->row, reader->next, position->row_length);
	reader->next = reader->end;
}
