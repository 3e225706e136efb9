/*-------------------------------------------------------------------------
 *
 * deflate_isal.c
 *	  Deflate by ISA-L, which only some machines have.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifdef SP_HAVE_ISAL

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include "miscadmin.h"

#include "compress/deflate_library.h"

static void *create_stream(int level);
static void reset_stream(void *state);
static void write_stream(void *state, const char *data, size_t length,
						 DeflateEnd end, StringInfo out);
static uint32 add_crc(uint32 crc, const char *data, size_t length);

const DeflateLibrary sp_deflate_isal = {
	.create = create_stream,
	.reset = reset_stream,
	.write = write_stream,
	.crc = add_crc
};

/* A stream and the buffer that its level needs. */
static void *
create_stream(int level)
{
	static const int sizes[] = {ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT,
	ISAL_DEF_LVL3_DEFAULT};
	struct isal_zstream *stream = palloc(sizeof(struct isal_zstream));

	isal_deflate_init(stream);
	stream->level = level;
	stream->level_buf_size = sizes[level - 1];
	stream->level_buf = palloc(stream->level_buf_size);
	stream->gzip_flag = IGZIP_DEFLATE;
	return stream;
}

/* The level and its buffer stay. */
static void
reset_stream(void *state)
{
	isal_deflate_reset(state);
}

/* Compress until the library has room left. */
static void
write_stream(void *state, const char *data, size_t length,
			 DeflateEnd end, StringInfo out)
{
	struct isal_zstream *stream = state;

	stream->next_in = (uint8_t *) data;
	stream->avail_in = length;
	stream->end_of_stream = end == DEFLATE_END;
	stream->flush = end == DEFLATE_FLUSH ? SYNC_FLUSH : NO_FLUSH;
	do
	{
		CHECK_FOR_INTERRUPTS();
		enlargeStringInfo(out, DEFLATE_ROOM_BYTES);
		stream->next_out = (uint8_t *) out->data + out->len;
		stream->avail_out = DEFLATE_ROOM_BYTES;
		if (isal_deflate(stream) != COMP_OK)
			elog(ERROR, "could not compress data");
		out->len += DEFLATE_ROOM_BYTES - stream->avail_out;
	} while (stream->avail_out == 0);
}

/* CRC-32 as gzip has it. */
static uint32
add_crc(uint32 crc, const char *data, size_t length)
{
	return crc32_gzip_refl(crc, (const unsigned char *) data, length);
}

#endif							/* SP_HAVE_ISAL */
