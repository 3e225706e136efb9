/*-------------------------------------------------------------------------
 *
 * sink_file.c
 *	  Bytes to a file of the server.
 *
 * A regular file is written under a temporary name beside the target,
 * synced and renamed, so that nobody reads half an export and a failed one
 * leaves the old file as it was.  The temporary file is removed by a reset
 * callback of the memory context, whatever ends the work.  Devices and
 * pipes are written in place, and so is whatever a statement of core's
 * names.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "export/sink.h"

/* of a new file, as core's COPY makes it */
#define FILE_MODE		(S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)

typedef struct FileSink
{
	ExportSink	base;
	const char *path;			/* as given */
	bool		in_place;		/* not under a temporary name first */
	char	   *target;			/* with symbolic links resolved */
	char	   *temporary;		/* to be renamed to target; NULL: none */
	int			fd;				/* open for writing, owned by fd.c */
	MemoryContextCallback cleanup;	/* removes temporary */
} FileSink;

static void open_file(ExportSink *sink, bool binary);
static char *resolve_links(const char *path);
static void check_existing(const FileSink *sink, const struct stat *status);
static void open_in_place(FileSink *sink);
static void overwrite(FileSink *sink);
static void open_temporary(FileSink *sink, mode_t mode);
static void fail_to_open(const char *path);
static void write_file(ExportSink *sink, const char *data, size_t length);
static void finish_file(ExportSink *sink);
static void remove_temporary(void *arg);

static const ExportSinkMethods file_methods = {
	.open = open_file,
	.write = write_file,
	.finish = finish_file
};

ExportSink *
sp_sink_file(const char *path, bool in_place)
{
	FileSink   *sink = palloc0(sizeof(FileSink));

	if (!is_absolute_path(path))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("relative path not allowed for COPY to a file"),
				 errdetail("The path is \"%s\".", path),
				 errhint("Give the whole path on the server, or use \\copy of psql.")));
	sink->base.methods = &file_methods;
	sink->path = pstrdup(path);
	sink->in_place = in_place;
	sink->fd = -1;
	sink->cleanup.func = remove_temporary;
	sink->cleanup.arg = sink;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &sink->cleanup);
	return &sink->base;
}

/* Find out what the target is, and open it or a file beside it. */
static void
open_file(ExportSink *sink, bool binary)
{
	FileSink   *self = (FileSink *) sink;
	struct stat status;

	if (self->in_place)
	{
		self->target = pstrdup(self->path);
		open_in_place(self);
		return;
	}
	self->target = resolve_links(self->path);
	if (stat(self->target, &status) == 0)
	{
		check_existing(self, &status);
		if (S_ISREG(status.st_mode))
			open_temporary(self, status.st_mode & 0777);
		else
			open_in_place(self);
	}
	else if (errno == ENOENT)
		open_temporary(self, FILE_MODE);
	else
		fail_to_open(self->path);
}

/* The path behind symbolic links; one that does not exist yet as it is. */
static char *
resolve_links(const char *path)
{
	char		resolved[PATH_MAX];
	struct stat status;

	if (realpath(path, resolved) != NULL)
		return pstrdup(resolved);
	if (errno == ENOENT && lstat(path, &status) != 0 && errno == ENOENT)
		return pstrdup(path);
	fail_to_open(path);
	return NULL;				/* not reached */
}

/* May the server write there at all? */
static void
check_existing(const FileSink *sink, const struct stat *status)
{
	if (S_ISDIR(status->st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a directory", sink->path),
				 errhint("Name a file in it.")));
	if (access(sink->target, W_OK) != 0)
		fail_to_open(sink->path);
}

/* Open a device or a pipe, or a file that is overwritten. */
static void
open_in_place(FileSink *sink)
{
	if (sink->in_place)
		overwrite(sink);
	else
		sink->fd = OpenTransientFile(sink->target, O_WRONLY | PG_BINARY);
	if (sink->fd < 0)
		fail_to_open(sink->path);
}

/* Open a file as core does, others than its owner may read it. */
static void
overwrite(FileSink *sink)
{
	mode_t		old_umask = umask(S_IWGRP | S_IWOTH);

	PG_TRY();
	{
		sink->fd = OpenTransientFilePerm(sink->target,
										 O_WRONLY | O_CREAT | O_TRUNC |
										 PG_BINARY, FILE_MODE);
	}
	PG_FINALLY();
	{
		umask(old_umask);
	}
	PG_END_TRY();
}

/* Create the file beside the target; a leftover of that name goes. */
static void
open_temporary(FileSink *sink, mode_t mode)
{
	char	   *temporary = psprintf("%s.syncport-%d.tmp", sink->target,
									 MyProcPid);

	if (unlink(temporary) != 0 && errno != ENOENT)
		fail_to_open(sink->path);
	sink->fd = OpenTransientFilePerm(temporary,
									 O_WRONLY | O_CREAT | O_EXCL | PG_BINARY,
									 S_IRUSR | S_IWUSR);
	if (sink->fd < 0)
		fail_to_open(sink->path);
	sink->temporary = temporary;
	if (fchmod(sink->fd, mode) != 0)
		fail_to_open(sink->path);
}

/* Say why, by errno; does not return. */
static void
fail_to_open(const char *path)
{
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not open file \"%s\" for writing: %m", path),
			 errhint("COPY TO makes the server write a file, and a new one needs a directory that it may write to. \\copy of psql writes on the client.")));
}

/* Write all of it. */
static void
write_file(ExportSink *sink, const char *data, size_t length)
{
	FileSink   *self = (FileSink *) sink;

	while (length > 0)
	{
		ssize_t		written;

		errno = 0;
		written = write(self->fd, data, length);
		if (written < 0 && errno == EINTR)
		{
			CHECK_FOR_INTERRUPTS();
			continue;
		}
		if (written <= 0)
		{
			if (errno == 0)
				errno = ENOSPC;
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not write to file \"%s\": %m",
							self->path),
					 errhint(self->temporary ?
							 "What the file held before is still there." :
							 "What was written before the error has arrived.")));
		}
		data += written;
		length -= written;
	}
}

/* Close the file, and give it its name. */
static void
finish_file(ExportSink *sink)
{
	FileSink   *self = (FileSink *) sink;

	if (CloseTransientFile(self->fd) != 0)
		elog(ERROR, "could not close file \"%s\": %m", self->path);
	self->fd = -1;
	if (self->temporary == NULL)
		return;
	/* the last moment to be cancelled */
	CHECK_FOR_INTERRUPTS();
	durable_rename(self->temporary, self->target, ERROR);
	self->temporary = NULL;
}

/* The context goes while there is a file without its name: remove it. */
static void
remove_temporary(void *arg)
{
	FileSink   *sink = arg;

	if (sink->temporary != NULL)
		(void) unlink(sink->temporary);
}
