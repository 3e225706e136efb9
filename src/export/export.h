/*-------------------------------------------------------------------------
 *
 * export.h
 *	  Rows out of the server: what other folders may call.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_H
#define SYNCPORT_EXPORT_H

/* Install the hook that runs COPY with our formats; once, from _PG_init. */
extern void sp_export_init(void);

#endif							/* SYNCPORT_EXPORT_H */
