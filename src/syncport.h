/*-------------------------------------------------------------------------
 *
 * syncport.h
 *	  Constants of the whole extension.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_H
#define SYNCPORT_H

/* schema that holds every SQL object of the extension */
#define SP_SCHEMA		"syncport"

/* limits of page_size in every function that takes one */
#define SP_PAGE_SIZE_MIN	1
#define SP_PAGE_SIZE_MAX	10000

#endif							/* SYNCPORT_H */
