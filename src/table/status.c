/*-------------------------------------------------------------------------
 *
 * status.c
 *	  What the view syncport.status shows.
 *
 * A member of pg_monitor sees every table, without a privilege on any: the
 * tombstones are counted as the table's owner, past forced row security, by
 * a statement that calls no function of the application.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "support/compat.h"
#include "table/plan.h"

PG_FUNCTION_INFO_V1(syncport_table_status);

/* columns of the result */
enum StatusColumn
{
	STATUS_TARGET,
	STATUS_MODE,
	STATUS_LIVE_ROWS,
	STATUS_TOMBSTONES,
	STATUS_OLDEST,
	STATUS_RETENTION,
	STATUS_PURGE_HORIZON,
	STATUS_INDEXES,
	STATUS_INDEX_BYTES,
	STATUS_TRIGGERS,
	STATUS_COLUMNS
};

static bool may_see(Oid relid);
static bool fill_row(const EnabledTable *table, Datum *values, bool *nulls);
static void count_images(const EnabledTable *table, Datum *values,
						 bool *nulls);
static void count_tombstones(const EnabledTable *table, Datum *values,
							 bool *nulls);
static void take_count(Datum *values, bool *nulls);
static void fill_live_rows(const EnabledTable *table, List *relids,
						   Datum *values, bool *nulls);
static void fill_indexes(Oid relid, Datum *values);
static Datum list_triggers(List *relids);

/*
 * syncport.table_status() RETURNS SETOF record
 */
Datum
syncport_table_status(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *tables;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	tables = sp_table_read_all();
	SPI_connect();
	foreach(lc, tables)
	{
		EnabledTable *table = lfirst(lc);
		Datum		values[STATUS_COLUMNS];
		bool		nulls[STATUS_COLUMNS] = {false};

		if (!may_see(table->relid))
			continue;
		LockRelationOid(table->relid, AccessShareLock);
		if (fill_row(table, values, nulls))
			tuplestore_putvalues(result->setResult, result->setDesc, values,
								 nulls);
	}
	SPI_finish();
	return (Datum) 0;
}

/* The table is there, and the caller its owner or a monitor. */
static bool
may_see(Oid relid)
{
	return get_rel_name(relid) != NULL &&
		(has_privs_of_role(GetUserId(), ROLE_PG_MONITOR) ||
		 has_privs_of_role(GetUserId(), sp_table_owner(relid)));
}

/* One row; false where the table or its column has gone meanwhile. */
static bool
fill_row(const EnabledTable *table, Datum *values, bool *nulls)
{
	List	   *relids;

	if (!sp_table_intact(table))
		return false;
	relids = find_all_inheritors(table->relid, AccessShareLock, NULL);
	values[STATUS_TARGET] = ObjectIdGetDatum(table->relid);
	values[STATUS_MODE] = CStringGetTextDatum(sp_table_mode(table));
	values[STATUS_RETENTION] = IntervalPGetDatum(&table->retention);
	values[STATUS_PURGE_HORIZON] = Int64GetDatum(table->purge_horizon);
	if (table->row_mode)
		count_tombstones(table, values, nulls);
	else
		count_images(table, values, nulls);
	fill_live_rows(table, relids, values, nulls);
	fill_indexes(table->relid, values);
	values[STATUS_TRIGGERS] = list_triggers(relids);
	return true;
}

/* Tombstones and the oldest one's time; NULL where the owner cannot look. */
static void
count_tombstones(const EnabledTable *table, Datum *values, bool *nulls)
{
	const char *deleted = quote_identifier(table->deleted_at);
	RoleSwitch	saved;

	if (!sp_table_owner_reads(table->relid))
	{
		nulls[STATUS_TOMBSTONES] = nulls[STATUS_OLDEST] = true;
		return;
	}
	sp_table_become(&saved, sp_table_owner(table->relid));
	if (SPI_execute(psprintf("SELECT pg_catalog.count(*), pg_catalog.min(t.%s)"
							 " FROM %s t WHERE t.%s IS NOT NULL",
							 quote_identifier(table->updated_at),
							 sp_table_quoted_name(table->relid), deleted),
					true, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not count the tombstones of a table");
	sp_table_unbecome(&saved);
	take_count(values, nulls);
}

/* The same of images, as their owner. */
static void
count_images(const EnabledTable *table, Datum *values, bool *nulls)
{
	Oid			types[] = {OIDOID};
	Datum		target = ObjectIdGetDatum(table->relid);
	RoleSwitch	saved;

	sp_table_become(&saved, sp_table_owner(sp_table_own_oid("tombstone")));
	if (SPI_execute_with_args("SELECT pg_catalog.count(*),"
							  " pg_catalog.min(t.removed_at)"
							  " FROM syncport.tombstone t"
							  " WHERE t.target OPERATOR(pg_catalog.=) $1",
							  1, types, &target, NULL, true,
							  0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not count the images of a table");
	sp_table_unbecome(&saved);
	take_count(values, nulls);
}

/* What such a query has found. */
static void
take_count(Datum *values, bool *nulls)
{
	HeapTuple	row = SPI_tuptable->vals[0];

	values[STATUS_TOMBSTONES] = SPI_getbinval(row, SPI_tuptable->tupdesc, 1,
											  &nulls[STATUS_TOMBSTONES]);
	values[STATUS_OLDEST] = SPI_getbinval(row, SPI_tuptable->tupdesc, 2,
										  &nulls[STATUS_OLDEST]);
}

/* The estimate of the leaves, less the tombstones that are in them. */
static void
fill_live_rows(const EnabledTable *table, List *relids, Datum *values,
			   bool *nulls)
{
	double		rows = 0;
	ListCell   *lc;

	foreach(lc, relids)
	{
		Relation	rel = relation_open(lfirst_oid(lc), NoLock);

		if (rel->rd_rel->relkind == RELKIND_RELATION)
		{
			if (rel->rd_rel->reltuples < 0)
				nulls[STATUS_LIVE_ROWS] = true;
			else
				rows += rel->rd_rel->reltuples;
		}
		relation_close(rel, NoLock);
	}
	if (nulls[STATUS_TOMBSTONES])
		nulls[STATUS_LIVE_ROWS] = true;
	else if (table->row_mode)
		rows -= DatumGetInt64(values[STATUS_TOMBSTONES]);
	values[STATUS_LIVE_ROWS] = Int64GetDatum((int64) Max(rows, 0));
}

/* Our indexes and their size. */
static void
fill_indexes(Oid relid, Datum *values)
{
	Relation	rel = table_open(relid, NoLock);
	List	   *indexes = sp_plan_own_indexes(rel);
	int			count = list_length(indexes);
	Datum	   *oids = palloc(sizeof(Datum) * Max(count, 1));
	int64		bytes = 0;
	ListCell   *lc;
	ListCell   *part;
	int			i = 0;

	foreach(lc, indexes)
	{
		oids[i++] = ObjectIdGetDatum(lfirst_oid(lc));
		foreach(part, find_all_inheritors(lfirst_oid(lc), AccessShareLock,
										  NULL))
		{
			Datum		size = ObjectIdGetDatum(lfirst_oid(part));

			if (get_rel_relkind(lfirst_oid(part)) != RELKIND_INDEX)
				continue;
			size = DirectFunctionCall1(pg_total_relation_size, size);
			bytes += DatumGetInt64(size);
		}
	}
	values[STATUS_INDEXES] =
		PointerGetDatum(construct_array(oids, count, REGCLASSOID, sizeof(Oid),
										true, TYPALIGN_INT));
	values[STATUS_INDEX_BYTES] = Int64GetDatum(bytes);
	table_close(rel, NoLock);
}

/* schema.table.trigger of those that would not always fire. */
static Datum
list_triggers(List *relids)
{
	ArrayBuildState *state = initArrayResult(TEXTOID, CurrentMemoryContext,
											 false);
	ListCell   *lc;
	ListCell   *weak;

	foreach(lc, relids)
	{
		Relation	rel = relation_open(lfirst_oid(lc), NoLock);

		foreach(weak, sp_plan_weak_triggers(rel))
		{
			char	   *name = psprintf("%s.%s",
										sp_table_quoted_name(lfirst_oid(lc)),
										quote_identifier(lfirst(weak)));

			accumArrayResult(state, CStringGetTextDatum(name), false,
							 TEXTOID, CurrentMemoryContext);
		}
		relation_close(rel, NoLock);
	}
	return makeArrayResult(state, CurrentMemoryContext);
}
