/*-------------------------------------------------------------------------
 *
 * syncport.c
 *	  Module entry point.
 *
 * The library works without shared_preload_libraries.  Functions load it on
 * first use; COPY with our formats needs it in session_preload_libraries,
 * because the server asks a hook before any of our functions has run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "export/export.h"
#include "guc.h"
#include "keyset/keyset.h"
#include "table/image.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	sp_guc_init();
	sp_keyset_init();
	sp_export_init();
	sp_image_init();
}
