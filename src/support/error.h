/*-------------------------------------------------------------------------
 *
 * error.h
 *	  SQLSTATEs of syncport, class SY.
 *
 * A standard SQLSTATE is used wherever one says the same; these name what
 * only syncport can say.  README lists them for applications.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_ERROR_H
#define SYNCPORT_ERROR_H

#include "utils/elog.h"

/* a cursor that this server did not write, or wrote for something else */
#define ERRCODE_SP_INVALID_CURSOR		MAKE_SQLSTATE('S','Y','0','0','1')

/* the feed has to be read from the start; DETAIL is the reason */
#define ERRCODE_SP_RESET_REQUIRED		MAKE_SQLSTATE('S','Y','0','0','2')

/* the function needs a table that syncport.enable has prepared */
#define ERRCODE_SP_TABLE_NOT_ENABLED	MAKE_SQLSTATE('S','Y','0','0','3')

/* order_by or filter: DETAIL names column, operator and value */
#define ERRCODE_SP_INVALID_ORDER_OR_FILTER	MAKE_SQLSTATE('S','Y','0','0','4')

/* a mutation that a client may not send, now or ever */
#define ERRCODE_SP_INVALID_MUTATION		MAKE_SQLSTATE('S','Y','0','0','5')

/* an export's format has no way to say a value; DETAIL names its place */
#define ERRCODE_SP_VALUE_NOT_REPRESENTABLE	MAKE_SQLSTATE('S','Y','0','0','8')

#endif							/* SYNCPORT_ERROR_H */
