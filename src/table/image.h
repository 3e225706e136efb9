/*-------------------------------------------------------------------------
 *
 * image.h
 *	  Images of rows that leave their table, for syncport.tombstone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_IMAGE_H
#define SYNCPORT_TABLE_IMAGE_H

#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/rel.h"

typedef enum ImageKind
{
	IMAGE_COMPLETE,				/* the whole row, unless it is too large */
	IMAGE_REDUCED				/* key, prefix and what policies name */
} ImageKind;

/* How the rows of one relation become images. */
typedef struct ImageWriter ImageWriter;

/*
 * Prepare to write images of rows of rel, in the current memory context;
 * keeps nothing open.  Errors: 55000 where the table has no primary key.
 */
extern ImageWriter *sp_image_begin(Relation rel);

/*
 * Add the image of a row, whose attributes are all there, to those that
 * sp_image_flush is to write.  Needs no privilege.  True if it is the first
 * one waiting: then somebody has to see to the flush before the statement
 * ends.  An image that cannot be built in full becomes a reduced one.
 */
extern bool sp_image_add(ImageWriter *writer, TupleTableSlot *slot,
						 ImageKind kind);

/*
 * Write what is waiting.  What an outer subtransaction has added stays, as
 * the current one may be rolled back alone.
 */
extern void sp_image_flush(void);

/* Follow the ends of transactions; called when the library is loaded. */
extern void sp_image_init(void);

/*
 * Names of the columns of an enabled table that a reduced image keeps: the
 * prefix and what the row policies name.  The key comes in addition.
 */
extern List *sp_image_reduced_columns(Oid target);

/* From image_text.c: the text of values. */

typedef struct ImageColumn ImageColumn;

/* Append the value, quoted; false where it is too long. */
typedef bool (*ImageWrite) (ImageColumn *column, Datum value, StringInfo out);

struct ImageColumn
{
	int			index;			/* attribute number - 1 */
	char	   *label;			/* "name": */
	int			label_length;
	bool		reduced;		/* part of a reduced image */
	bool		key;			/* part of the primary key */
	bool		varlena;		/* its size has to be looked at */
	bool		settings;		/* its text depends on settings */
	ImageWrite	write;
	FmgrInfo	output;			/* where write needs it */
	int			start;			/* where its member starts in the image */
	int			end;			/* and ends */
};

/* Choose how a column is written. */
extern void sp_image_column_init(ImageColumn *column, Form_pg_attribute att);

/*
 * Set what decides how values are written, as pg_dump does, and read again;
 * end it by AtEOXact_GUC(true, level).
 */
extern int	sp_image_enter_settings(void);

#endif							/* SYNCPORT_TABLE_IMAGE_H */
