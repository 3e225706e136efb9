/*-------------------------------------------------------------------------
 *
 * value.h
 *	  Which errors of a type's function are about the value it was given.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_VALUE_H
#define SYNCPORT_VALUE_H

/*
 * Does this SQLSTATE, raised by an input or receive function, say that it
 * refuses the value?  False for cancelling, lack of resources, privileges
 * and alike, which must reach the user as they are.
 */
extern bool sp_value_is_refused(int sqlstate);

#endif							/* SYNCPORT_VALUE_H */
