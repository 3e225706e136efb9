/*-------------------------------------------------------------------------
 *
 * image_query.c
 *	  A query over images that is run once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "nodes/params.h"

#include "table/image_query.h"

void
sp_image_query_run(ImageSource *source, const char *sql, int nparams,
				   const Oid *types, Datum *values)
{
	SPIPlanPtr	plan = sp_image_prepare(source, sql, nparams, types, 0);
	SPIExecuteOptions options = {.params = makeParamList(nparams)};
	ImageTicket ticket;
	int			result = 0;
	int			i;

	sp_image_open(&ticket, source);
	values[nparams - 1] = Int64GetDatum(ticket.number);
	for (i = 0; i < nparams; i++)
	{
		options.params->params[i].value = values[i];
		options.params->params[i].isnull = false;
		options.params->params[i].pflags = PARAM_FLAG_CONST;
		options.params->params[i].ptype = types[i];
	}
	PG_TRY();
	{
		result = SPI_execute_plan_extended(plan, &options);
	}
	PG_FINALLY();
	{
		sp_image_close(&ticket);
	}
	PG_END_TRY();
	if (result != SPI_OK_SELECT)
		elog(ERROR, "query over images failed: %s", sql);
}
