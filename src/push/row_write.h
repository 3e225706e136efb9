/*-------------------------------------------------------------------------
 *
 * row_write.h
 *	  The statements that mutations become.
 *
 * Each runs as the caller, with SPI connected, and tells whether it met its
 * row: what an UPDATE or DELETE writes is the row as it was read, or
 * nothing.  Errors are those of the statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_ROW_WRITE_H
#define SYNCPORT_PUSH_ROW_WRITE_H

#include "push/row.h"

/*
 * INSERT the columns of set and what is known of the key.  key gets the
 * columns that the server chose.
 */
extern bool sp_row_insert(PushTable *table, const ColumnValues *set,
						  ColumnValues *key);

/*
 * UPDATE some columns of set.  *left: the row as it is then, or NULL where
 * it has to be read.
 */
extern bool sp_row_update(PushTable *table, const PushRow *row,
						  const ColumnValues *set, Bitmapset *columns,
						  PushRow **left);

extern bool sp_row_delete(PushTable *table, const PushRow *row);

/* syncport.restore */
extern bool sp_row_restore(PushTable *table, const PushRow *row);

#endif							/* SYNCPORT_PUSH_ROW_WRITE_H */
