/*-------------------------------------------------------------------------
 *
 * sink_program.c
 *	  Bytes to the standard input of a shell command.
 *
 * After an error the server closes the pipe and waits for the command at the
 * end of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/fd.h"

#include "export/sink.h"

typedef struct ProgramSink
{
	ExportSink	base;
	const char *command;		/* as given */
	FILE	   *pipe;			/* to its standard input */
} ProgramSink;

static void open_program(ExportSink *sink, bool binary);
static void write_program(ExportSink *sink, const char *data, size_t length);
static void finish_program(ExportSink *sink);
static void close_program(ProgramSink *sink);

static const ExportSinkMethods program_methods = {
	.open = open_program,
	.write = write_program,
	.finish = finish_program
};

ExportSink *
sp_sink_program(const char *command)
{
	ProgramSink *sink = palloc0(sizeof(ProgramSink));

	sink->base.methods = &program_methods;
	sink->command = pstrdup(command);
	return &sink->base;
}

/* Start the command. */
static void
open_program(ExportSink *sink, bool binary)
{
	ProgramSink *self = (ProgramSink *) sink;

	self->pipe = OpenPipeStream(self->command, PG_BINARY_W);
	if (self->pipe == NULL)
		elog(ERROR, "could not start command \"%s\": %m", self->command);
}

/*
 * Write to the pipe.  When nobody reads it any more, the command's own exit
 * status says more than the broken pipe.
 */
static void
write_program(ExportSink *sink, const char *data, size_t length)
{
	ProgramSink *self = (ProgramSink *) sink;

	if (fwrite(data, 1, length, self->pipe) == length)
		return;
	if (errno == EPIPE)
	{
		close_program(self);
		errno = EPIPE;
	}
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not write to program \"%s\": %m",
					self->command)));
}

/* Close the pipe, wait for the command and look how it ended. */
static void
finish_program(ExportSink *sink)
{
	close_program((ProgramSink *) sink);
}

/* Close the pipe; errors where the command did not succeed. */
static void
close_program(ProgramSink *sink)
{
	int			status = ClosePipeStream(sink->pipe);

	sink->pipe = NULL;
	if (status == -1)
		elog(ERROR, "could not close pipe to command \"%s\": %m",
			 sink->command);
	if (status != 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("program \"%s\" failed", sink->command),
				 errdetail_internal("%s", wait_result_to_str(status)),
				 errhint("What the program wrote to its standard error is in the server's log.")));
}
