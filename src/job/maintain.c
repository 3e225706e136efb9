/*-------------------------------------------------------------------------
 *
 * maintain.c
 *	  CALL syncport.maintain: what has to be done now and then.
 *
 * Every part commits in batches and leaves out what another call is at work
 * with, so that two may run at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"

#include "push/forget.h"

PG_FUNCTION_INFO_V1(syncport_maintain);

#define BATCH_ROWS	10000

static void check_context(FunctionCallInfo fcinfo);
static void purge(void);

/*
 * CALL syncport.maintain()
 */
Datum
syncport_maintain(PG_FUNCTION_ARGS)
{
	bool		more;

	check_context(fcinfo);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	purge();
	do
	{
		XactIsoLevel = XACT_READ_COMMITTED;
		more = sp_push_forget(BATCH_ROWS);
		SPI_commit();
		CHECK_FOR_INTERRUPTS();
	} while (more);
	SPI_finish();
	PG_RETURN_VOID();
}

/* It commits, so it must be called where it can. */
static void
check_context(FunctionCallInfo fcinfo)
{
	CallContext *context = (CallContext *) fcinfo->context;

	PreventCommandIfReadOnly("CALL syncport.maintain()");
	if (context == NULL || !IsA(context, CallContext) || context->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("maintain cannot run inside a transaction block"),
				 errdetail("It commits after every batch."),
				 errhint("Use CALL syncport.maintain() as a statement of its own.")));
}

/* Remove what is left of deleted rows. */
static void
purge(void)
{
	SPIExecuteOptions options = {.allow_nonatomic = true};

	if (SPI_execute_extended("CALL syncport.purge()", &options) !=
		SPI_OK_UTILITY)
		elog(ERROR, "could not purge");
}
