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

bool		sp_guc_soft_delete = true;
char	   *sp_guc_principal = NULL;
int			sp_guc_exact_count_limit = 100000;

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

	DefineCustomStringVariable("syncport.principal",
							   "Names the setting that holds the application's user.",
							   "Either a setting (app.user_id) or a key of a JSON setting (request.jwt.claims->>sub). Empty: the role alone owns things.",
							   &sp_guc_principal,
							   "",
							   PGC_SUSET,
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

	MarkGUCPrefixReserved(SP_SCHEMA);
}
