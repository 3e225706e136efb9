/*-------------------------------------------------------------------------
 *
 * deflate_isal.c
 *	  Deflate by ISA-L, of builds that found it.
 *
 * ISA-L allocates nothing: the stream and a buffer whose size depends on
 * the level are ours.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifdef SP_HAVE_ISAL

#include <isa-l/igzip_lib.h>

#include "compress/deflate_method.h"

typedef struct IsalDeflater
{
	Deflater	base;
	struct isal_zstream stream;
} IsalDeflater;

static void begin_stream(Deflater *deflater);
static void compress_bytes(Deflater *deflater, const char *data,
						   uint32 length, DeflateGoal goal, StringInfo out);

static const DeflateMethods isal_methods = {
	.begin = begin_stream,
	.compress = compress_bytes
};

/* Sizes of the buffer for the levels. */
static const uint32 buffer_bytes[] = {
	[1] = ISAL_DEF_LVL1_DEFAULT,
	[2] = ISAL_DEF_LVL2_DEFAULT,
	[3] = ISAL_DEF_LVL3_DEFAULT
};

Deflater *
sp_deflate_isal_create(int level)
{
	IsalDeflater *self = palloc0(sizeof(IsalDeflater));

	self->base.methods = &isal_methods;
	isal_deflate_init(&self->stream);
	self->stream.level = level;
	self->stream.level_buf_size = buffer_bytes[level];
	self->stream.level_buf = palloc(buffer_bytes[level]);
	return &self->base;
}

/* Begin a stream; a reset keeps level and buffer. */
static void
begin_stream(Deflater *deflater)
{
	struct isal_zstream *stream = &((IsalDeflater *) deflater)->stream;

	isal_deflate_reset(stream);
	stream->gzip_flag = IGZIP_DEFLATE;
}

/* Call ISA-L until it leaves room in the output: then it has no more. */
static void
compress_bytes(Deflater *deflater, const char *data, uint32 length,
			   DeflateGoal goal, StringInfo out)
{
	struct isal_zstream *stream = &((IsalDeflater *) deflater)->stream;

	stream->next_in = (uint8_t *) data;
	stream->avail_in = length;
	stream->end_of_stream = goal == DEFLATE_END;
	stream->flush = goal == DEFLATE_FLUSH ? SYNC_FLUSH : NO_FLUSH;
	do
	{
		uint32		room = deflate_room(out);
		int			result;

		stream->next_out = (uint8_t *) out->data + out->len;
		stream->avail_out = room;
		result = isal_deflate(stream);
		if (result != COMP_OK)
			elog(ERROR, "ISA-L failed with code %d", result);
		out->len += room - stream->avail_out;
	} while (stream->avail_out == 0);
	Assert(stream->avail_in == 0);
}

#endif							/* SP_HAVE_ISAL */
