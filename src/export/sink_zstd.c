/*-------------------------------------------------------------------------
 *
 * sink_zstd.c
 *	  A filter that compresses to a zstd frame with a checksum.
 *
 * libzstd allocates by malloc, most of it with the first bytes; a reset
 * callback of the memory context frees it, whatever ends the work.  What the
 * first call brings is flushed and passed on at once, so that a reader need
 * not wait for a whole chunk of compressed bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "export/sink.h"

typedef struct ZstdSink
{
	ExportSink	base;
	ExportSink *next;
	int			level;
	ZSTD_CCtx  *context;		/* malloc'd */
	MemoryContextCallback cleanup;	/* frees context */
	ZSTD_outBuffer buffer;		/* compressed, not passed on yet */
	bool		started;		/* something has been passed on */
} ZstdSink;

static void open_next(ExportSink *sink, bool binary);
static void write_zstd(ExportSink *sink, const char *data, size_t length);
static void finish_zstd(ExportSink *sink);
static void compress(ZstdSink *sink, const char *data, size_t length,
					 ZSTD_EndDirective goal);
static void set_parameter(ZstdSink *sink, ZSTD_cParameter parameter,
						  int value);
static void check_result(const ZstdSink *sink, size_t result);
static void refuse_memory(const ZstdSink *sink);
static void pass_on(ZstdSink *sink);
static void free_context(void *arg);

static const ExportSinkMethods zstd_methods = {
	.open = open_next,
	.write = write_zstd,
	.finish = finish_zstd
};

ExportSink *
sp_sink_zstd(int level, ExportSink *next)
{
	ZstdSink   *sink = palloc0(sizeof(ZstdSink));

	sink->base.methods = &zstd_methods;
	sink->next = next;
	sink->level = level;
	sink->buffer.size = SINK_CHUNK_BYTES + ZSTD_CStreamOutSize();
	sink->buffer.dst = palloc(sink->buffer.size);
	sink->cleanup.func = free_context;
	sink->cleanup.arg = sink;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &sink->cleanup);
	sink->context = ZSTD_createCCtx();
	if (sink->context == NULL)
		refuse_memory(sink);
	set_parameter(sink, ZSTD_c_compressionLevel, level);
	set_parameter(sink, ZSTD_c_checksumFlag, 1);
	return &sink->base;
}

/* Nothing of its own to open; what comes is binary now. */
static void
open_next(ExportSink *sink, bool binary)
{
	ExportSink *next = ((ZstdSink *) sink)->next;

	next->methods->open(next, true);
}

/* Compress, and pass on what is worth it. */
static void
write_zstd(ExportSink *sink, const char *data, size_t length)
{
	ZstdSink   *self = (ZstdSink *) sink;

	compress(self, data, length,
			 self->started ? ZSTD_e_continue : ZSTD_e_flush);
	if (!self->started)
		pass_on(self);
}

/* The end of the frame. */
static void
finish_zstd(ExportSink *sink)
{
	ZstdSink   *self = (ZstdSink *) sink;

	compress(self, NULL, 0, ZSTD_e_end);
	pass_on(self);
	self->next->methods->finish(self->next);
}

/*
 * Call libzstd until it has taken all input and, if the goal is to flush or
 * to end, given all output.
 */
static void
compress(ZstdSink *sink, const char *data, size_t length,
		 ZSTD_EndDirective goal)
{
	ZSTD_inBuffer input = {data, length, 0};
	size_t		left;

	do
	{
		CHECK_FOR_INTERRUPTS();
		left = ZSTD_compressStream2(sink->context, &sink->buffer, &input,
									goal);
		check_result(sink, left);
		if (sink->buffer.pos >= SINK_CHUNK_BYTES)
			pass_on(sink);
	} while (goal == ZSTD_e_continue ? input.pos < input.size : left > 0);
}

/* Set a parameter of the frame. */
static void
set_parameter(ZstdSink *sink, ZSTD_cParameter parameter, int value)
{
	check_result(sink, ZSTD_CCtx_setParameter(sink->context, parameter,
											  value));
}

/* Only memory can be wanting. */
static void
check_result(const ZstdSink *sink, size_t result)
{
	if (!ZSTD_isError(result))
		return;
	if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
		refuse_memory(sink);
	elog(ERROR, "zstd failed: %s", ZSTD_getErrorName(result));
}

/* No memory for libzstd. */
static void
refuse_memory(const ZstdSink *sink)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("zstd could not allocate what its level %d needs.",
					   sink->level),
			 errhint("A lower COMPRESSION_LEVEL needs less.")));
}

/* Hand over what is in the buffer, if anything. */
static void
pass_on(ZstdSink *sink)
{
	if (sink->buffer.pos == 0)
		return;
	sink->next->methods->write(sink->next, sink->buffer.dst,
							   sink->buffer.pos);
	sink->buffer.pos = 0;
	sink->started = true;
}

/* The context goes: so does what libzstd has. */
static void
free_context(void *arg)
{
	ZSTD_freeCCtx(((ZstdSink *) arg)->context);
}
