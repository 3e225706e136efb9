/*-------------------------------------------------------------------------
 *
 * cursor.h
 *	  The codec of page cursors.
 *
 * A cursor is a position in an order: the values of its leading columns, in
 * their binary form (send and receive), so that DateStyle, TimeZone and
 * extra_float_digits of the session do not matter.  URL-safe base64 without
 * padding, versioned, bound to table and order.  It is no secret and no
 * permission: whoever forges one reads what SELECT would show anyway.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_KEYSET_CURSOR_H
#define SYNCPORT_KEYSET_CURSOR_H

#include "lib/stringinfo.h"

#include "keyset/order.h"
#include "support/compat.h"

/* a longer cursor is neither written (54000) nor read (SY001) */
#define CURSOR_BYTES_MAX	(256 * 1024)

typedef struct CursorPosition
{
	int			nvalues;		/* <= order->ncolumns */
	bool		at_row;			/* true: the position of one row, all columns
								 * given; false: just ahead of the first row
								 * whose leading values are at or behind these */
	Datum	   *values;			/* nvalues of each, of the columns' types */
	bool	   *isnull;
} CursorPosition;

/* Functions of the columns' types, looked up once for many cursors. */
typedef struct CursorCodec CursorCodec;

/*
 * A codec for an order, which must live as long; palloc'd in the current
 * context.
 */
extern CursorCodec *sp_cursor_codec(const OrderSpec *order);

/*
 * Write a position.  The text is palloc'd in the current context, other
 * garbage may be left there.
 */
extern text *sp_cursor_encode(CursorCodec *codec,
							  const CursorPosition *position);

/*
 * Read a position; palloc'd in the current context.  Whatever the text
 * holds, the only error is SY001, whose DETAIL says what is wrong.
 */
extern CursorPosition *sp_cursor_decode(CursorCodec *codec,
										const text *cursor);

/*
 * Append the values of a position at a row to out, without a header and in
 * binary: a part of a cursor of another kind.
 */
extern void sp_cursor_append(CursorCodec *codec, StringInfo out,
							 const CursorPosition *position);

/*
 * Read them back from length bytes, all of which they take; palloc'd.  The
 * only error is SY001.
 */
extern CursorPosition *sp_cursor_parse(CursorCodec *codec, const char *bytes,
									   int length);

/* Raise SY001; detail says what is wrong with a cursor of any kind. */
extern void sp_cursor_refuse(const char *detail) pg_attribute_noreturn();

#endif							/* SYNCPORT_KEYSET_CURSOR_H */
