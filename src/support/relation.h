/*-------------------------------------------------------------------------
 *
 * relation.h
 *	  Opening the tables that users name, and their keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_RELATION_H
#define SYNCPORT_RELATION_H

#include "utils/rel.h"

/*
 * Open an ordinary table, a partitioned table or a partition.  Errors: 42P01
 * where no relation has that OID, 42809 for any other kind of relation.
 */
extern Relation sp_relation_open_pageable(Oid relid, LOCKMODE lockmode);

/*
 * The primary key's attribute numbers as a List of int, in the order of the
 * key; NIL where the table has no primary key.
 */
extern List *sp_relation_key(Relation rel);

/* The same of an enabled table; 55000 where it was dropped since. */
extern List *sp_relation_enabled_key(Relation rel);

#endif							/* SYNCPORT_RELATION_H */
