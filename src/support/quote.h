/*-------------------------------------------------------------------------
 *
 * quote.h
 *	  Names of catalog objects in the SQL that we build, always qualified.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_QUOTE_H
#define SYNCPORT_QUOTE_H

#include "catalog/pg_attribute.h"
#include "utils/rel.h"

/*
 * schema.table for FROM, with ONLY for an ordinary table: the key of an
 * inheritance parent says nothing of its children.  Palloc'd.
 */
extern char *sp_quote_from(Relation rel);

/*
 * t.column, cast to its base type where it is of a domain: operators of
 * polymorphic types do not look through domains.  Palloc'd.
 */
extern char *sp_quote_column(Form_pg_attribute att);

/* The same of another alias. */
extern char *sp_quote_column_of(const char *alias, Form_pg_attribute att);

/* OPERATOR(schema.symbol); palloc'd */
extern char *sp_quote_operator(Oid operator);

/* The same of a type's default equality, which every key has. */
extern char *sp_quote_equality(Oid type);

/* schema.name of a collation; palloc'd */
extern char *sp_quote_collation(Oid collation);

#endif							/* SYNCPORT_QUOTE_H */
