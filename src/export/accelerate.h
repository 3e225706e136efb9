/*-------------------------------------------------------------------------
 *
 * accelerate.h
 *	  Which of core's COPY statements we run in core's place.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_ACCELERATE_H
#define SYNCPORT_EXPORT_ACCELERATE_H

#include "nodes/parsenodes.h"

#include "export/writer.h"

/*
 * The format to write a statement of core's in, or NULL where core has to
 * run it: because it would refuse it, or because our bytes could differ.
 */
extern const ExportFormat *sp_accelerate_format(const CopyStmt *statement);

#endif							/* SYNCPORT_EXPORT_ACCELERATE_H */
