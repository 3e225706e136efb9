/*-------------------------------------------------------------------------
 *
 * guc.c
 *	  Every setting of syncport.
 *
 * A setting that decides who owns a thing is a superuser's; what a session
 * may choose for itself is PGC_USERSET.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "guc.h"
#include "syncport.h"

#define MINUTES_PER_DAY		(24 * 60)

bool		sp_guc_soft_delete = true;
bool		sp_guc_accelerate_copy = false;
char	   *sp_guc_principal = NULL;
int			sp_guc_background_rows = 10000;
int			sp_guc_exact_count_limit = 100000;
int			sp_guc_push_retention = 30 * MINUTES_PER_DAY;

void
sp_guc_init(void)
{
	DefineCustomBoolVariable("syncport.soft_delete",
							 "Keeps a deleted row in its table as a tombstone.",
							 "While off, a deleted row leaves the table and only its image is kept.",
							 &sp_guc_soft_delete,
							 true,
							 PGC_USERSET,
							 0,
							 NULL, NULL, NULL);

	DefineCustomBoolVariable("syncport.accelerate_copy",
							 "Runs COPY TO in core's formats csv and text with syncport's encoders.",
							 "The bytes are the same.",
							 &sp_guc_accelerate_copy,
							 false,
							 PGC_USERSET,
							 0,
							 NULL, NULL, NULL);

	DefineCustomStringVariable("syncport.principal",
							   "Names the setting that holds the application's user.",
							   "Either a setting (app.user_id) or a key of a JSON setting (request.jwt.claims->>sub). Empty: the role alone owns things.",
							   &sp_guc_principal,
							   "",
							   PGC_SUSET,
							   0,
							   NULL, NULL, NULL);

	DefineCustomIntVariable("syncport.background_rows",
							"Sets the number of rows above which plan_export advises a background export.",
							NULL,
							&sp_guc_background_rows,
							10000,
							0, INT_MAX,
							PGC_USERSET,
							0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("syncport.exact_count_limit",
							"Sets the estimate up to which rows are counted exactly in mode auto.",
							NULL,
							&sp_guc_exact_count_limit,
							100000,
							0, INT_MAX,
							PGC_USERSET,
							0,
							NULL, NULL, NULL);

	/* whoever shortens it forgets what others have pushed */
	DefineCustomIntVariable("syncport.push_retention",
							"Sets how long answers to mutations and temporary ids are remembered.",
							"A client that sends a mutation again after that time has it applied again.",
							&sp_guc_push_retention,
							30 * MINUTES_PER_DAY,
							0, INT_MAX,
							PGC_SUSET,
							GUC_UNIT_MIN,
							NULL, NULL, NULL);

	MarkGUCPrefixReserved(SP_SCHEMA);
}
