/*-------------------------------------------------------------------------
 *
 * receiver.h
 *	  From the executor to a writer and on to a sink.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_RECEIVER_H
#define SYNCPORT_EXPORT_RECEIVER_H

#include "tcop/dest.h"

#include "export/sink.h"
#include "export/writer.h"

#define RECEIVER_BY_ROW		0x01	/* pass on each row by itself */
#define RECEIVER_PROGRESS	0x02	/* report the progress of a command */

/*
 * A receiver in the current context, to be given to CreateQueryDesc; flags
 * are a set of RECEIVER_ bits.
 */
extern DestReceiver *sp_receiver_create(const ExportFormat *format,
										const ExportOptions *options,
										ExportSink *sink, int flags);

/*
 * Open the sink and begin the format, when everything that can be refused
 * has been checked; desc is the query's, and rows may come from now on.
 */
extern void sp_receiver_begin(DestReceiver *receiver, TupleDesc desc);

/*
 * Have the executor rest behind the row with which the sink's bytes are at
 * least so many; sp_receiver_paused says whether that ended the last call of
 * the executor, which does not count the row that it rested behind.
 */
extern void sp_receiver_pause_at(DestReceiver *receiver,
								 const StringInfoData *bytes, int length);
extern bool sp_receiver_paused(const DestReceiver *receiver);

/* End the format and finish the sink; returns how many rows there were. */
extern uint64 sp_receiver_finish(DestReceiver *receiver);

#endif							/* SYNCPORT_EXPORT_RECEIVER_H */
