/*-------------------------------------------------------------------------
 *
 * image_read.h
 *	  Images of removed rows as rows of their table.
 *
 * Whoever shows images to a caller builds a source for the table, writes a
 * query around its FROM item, prepares that with sp_image_prepare, and runs
 * it while a ticket is open:
 *
 *		source = sp_image_source(rel, 3);
 *		sql = psprintf("SELECT t.name FROM %s WHERE %s AND t.id = $1 ...",
 *					   source->from, source->not_live);
 *		types = {.., .., INT8OID};
 *		plan = sp_image_prepare(source, sql, 3, types, 0);
 *		sp_image_open(&ticket, source);
 *		PG_TRY: run plan, with ticket.number as parameter 3
 *		PG_FINALLY: sp_image_close(&ticket);
 *
 * The caller sees what a SELECT on the table would show of these rows:
 * columns need its privileges, policies are evaluated over the image.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_IMAGE_READ_H
#define SYNCPORT_TABLE_IMAGE_READ_H

#include "executor/spi.h"
#include "nodes/bitmapset.h"
#include "storage/itemptr.h"
#include "utils/rel.h"

#include "table/image_list.h"

/* Where images of a table come from. */
typedef struct ImageSource
{
	MemoryContext context;		/* holds all of this */
	Oid			relid;			/* the rows are of this table's type */
	Oid			target;			/* whose images they are: of a partition, the
								 * enabled table above it */
	char	   *from;			/* FROM item t: the table's columns and
								 * syncport_id, syncport_removed_at,
								 * syncport_row_version and syncport_tid,
								 * which is for sp_image_fetch */
	char	   *not_live;		/* condition over t: the caller sees no row
								 * with its key in the table; put it beside
								 * the query's other conditions */
	char	   *not_there;		/* the same, but a row with an equal key that
								 * is written in another way does not count,
								 * unless it is a number: clients tell keys
								 * apart by their text */
	bool		erasing;		/* set it before queries are prepared: all
								 * complete images and not the newest of each
								 * key alone, as far as the caller could
								 * delete such rows, too */
	Bitmapset  *used;			/* columns of t that prepared queries name, by
								 * attribute number; others stay NULL */
	Bitmapset  *required;		/* columns of key, policies and partition:
								 * without them an image is no row */
	int			nparams;		/* of the prepared queries */
	Oid		   *types;			/* theirs */
} ImageSource;

/*
 * The source for rel, a table with a primary key, open and locked; palloc'd
 * in the current context and good until the table's definition changes.
 * ticket_param: number of the bigint parameter that will hold the ticket.
 */
extern ImageSource *sp_image_source(Relation rel, int ticket_param);

/*
 * Prepare a query over source->from, SPI connected; parameters 1 .. nparams
 * are of types, the ticket's among them.  All queries of a source have the
 * same parameters.  The source must live as long as the plan.  Columns are
 * to be named as t.column.  Errors, also when the plan is run: 0A000 where a
 * policy looks at the row as a whole or at system columns; what SELECT on
 * the table would raise.
 */
extern SPIPlanPtr sp_image_prepare(ImageSource *source, const char *sql,
								   int nparams, const Oid *types,
								   int cursor_options);

/* The right of the running code to read images. */
typedef struct ImageTicket
{
	int64		number;			/* random: what makes it unforgeable */
	Oid			userid;			/* whose rights hold */
	ImageSource *source;
	const ImageEntry *only;		/* read these; NULL: all */
	int			nonly;
	bool		stale;			/* set where one of them is not there */
	struct ImageTicket *outer;	/* opened before and still open */
} ImageTicket;

/* Open a ticket in the caller's storage; it must be closed on every way. */
extern void sp_image_open(ImageTicket *ticket, ImageSource *source);
extern void sp_image_close(ImageTicket *ticket);

/* Reads images of one source, for some columns. */
typedef struct ImageReader ImageReader;

/*
 * A reader of columns (attribute numbers; virtual generated ones are
 * computed).  Checks the current user's privilege on them.  Palloc'd in the
 * current context, which must live until sp_image_reader_end.
 */
extern ImageReader *sp_image_reader(const ImageSource *source,
									const Bitmapset *columns);
extern void sp_image_reader_end(ImageReader *reader);

/*
 * Read the image with a syncport_tid and syncport_id.  Values by attribute
 * number - 1, palloc'd in the current context; NULL in columns that are not
 * read.  False where it is not there under the active snapshot, as it is if
 * a query under the same snapshot returned it, or where it is no row.
 */
extern bool sp_image_fetch(ImageReader *reader, const ItemPointerData *tid,
						   int64 id, Datum *values, bool *isnull);

#endif							/* SYNCPORT_TABLE_IMAGE_READ_H */
