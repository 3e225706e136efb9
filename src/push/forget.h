/*-------------------------------------------------------------------------
 *
 * forget.h
 *	  The end of what push remembers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_FORGET_H
#define SYNCPORT_PUSH_FORGET_H

/*
 * Remove at most as many mutations and as many temp ids from the ledger as
 * rows says, older than syncport.push_retention, of all clients and in the
 * name of the tables' owner; what another transaction holds is left out.
 * False where nothing more was to be had.  SPI must be connected.
 */
extern bool sp_push_forget(int rows);

#endif							/* SYNCPORT_PUSH_FORGET_H */
