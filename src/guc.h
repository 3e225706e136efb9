/*-------------------------------------------------------------------------
 *
 * guc.h
 *	  Settings of syncport, defined in one table in guc.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_GUC_H
#define SYNCPORT_GUC_H

/*
 * syncport.soft_delete: while off, DELETE on an enabled table takes the row
 * out and keeps its image in syncport.tombstone instead of putting the row
 * back.  Nothing is lost to the feed either way.
 */
extern bool sp_guc_soft_delete;

/*
 * syncport.principal: where the name of the application's user is read, see
 * support/principal.h.  Never NULL; "" means that the role alone owns things.
 */
extern char *sp_guc_principal;

/*
 * syncport.accelerate_copy: COPY TO in core's csv and text formats is run by
 * our encoders.
 */
extern bool sp_guc_accelerate_copy;

/*
 * syncport.background_rows: exports of more rows are better left to a
 * background job, says plan_export.
 */
extern int	sp_guc_background_rows;

/*
 * syncport.exact_count_limit: count_rows in mode auto counts exactly while
 * the planner's estimate is at most this many rows.
 */
extern int	sp_guc_exact_count_limit;

/*
 * syncport.push_retention: minutes for which answers to mutations and
 * temporary ids are remembered.
 */
extern int	sp_guc_push_retention;

/* Define the settings; called once, from _PG_init. */
extern void sp_guc_init(void);

#endif							/* SYNCPORT_GUC_H */
