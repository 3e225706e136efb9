/*-------------------------------------------------------------------------
 *
 * registry.c
 *	  Reads and writes syncport.enabled_table.
 *
 * Reading goes around the executor: pages ask for an entry at every call,
 * and a policy would hide the entry from those who may read the table but
 * do not own it.  Writing goes through SQL as the caller, so that the row
 * policies decide who may write which entry.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "support/compat.h"
#include "syncport.h"
#include "table/registry.h"

#define REGISTRY	"enabled_table"

/* columns of the registry, in the order of its definition */
enum RegistryColumn
{
	REGISTRY_TARGET = 1,
	REGISTRY_TOMBSTONES,
	REGISTRY_RETENTION,
	REGISTRY_SORT_KEYS,
	REGISTRY_PREFIX,
	REGISTRY_UPDATED_AT,
	REGISTRY_DELETED_AT,
	REGISTRY_ROW_VERSION,
	REGISTRY_LIVE_VIEW,
	REGISTRY_NOTIFY,
	REGISTRY_PURGE_HORIZON
};

/* What is wanted and found of an entry. */
typedef struct EntryRead
{
	Snapshot	snapshot;		/* that sees it; NULL: the latest one */
	bool		copies;			/* all of it is wanted */
	EnabledTable *entry;		/* if so; palloc'd */
	int64		horizon;
	bool		row_mode;
} EntryRead;

static EnabledTable *read_tuple(HeapTuple tuple, TupleDesc desc);
static char *read_name(HeapTuple tuple, TupleDesc desc, int column);
static List *read_array(HeapTuple tuple, TupleDesc desc, int column,
						Oid element);
static Datum build_array(List *strings, Oid element);
static void invalidate_target(Oid relid);
static bool has_column(Oid relid, const char *name, Oid type);
static bool read_entry(Oid relid, EntryRead *read);
static void read_state(HeapTuple tuple, TupleDesc desc, EntryRead *read);

EnabledTable *
sp_table_find(Oid relid)
{
	EnabledTable *found = sp_table_read(relid);
	ListCell   *lc;

	if (found != NULL || !get_rel_relispartition(relid))
		return found;
	foreach(lc, get_partition_ancestors(relid))
	{
		found = sp_table_read(lfirst_oid(lc));
		if (found != NULL)
			break;
	}
	return found;
}

EnabledTable *
sp_table_read(Oid relid)
{
	EntryRead	read = {.copies = true};

	(void) read_entry(relid, &read);
	return read.entry;
}

bool
sp_table_state(Oid relid, int64 *horizon, bool *row_mode)
{
	EntryRead	read = {.snapshot = GetActiveSnapshot()};
	bool		found = read_entry(relid, &read);

	*horizon = read.horizon;
	*row_mode = read.row_mode;
	return found;
}

/* Read the entry of relid; false where there is none. */
static bool
read_entry(Oid relid, EntryRead *read)
{
	Oid			registry = get_relname_relid(REGISTRY,
											 get_namespace_oid(SP_SCHEMA, true));
	Relation	rel;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		found;

	if (!OidIsValid(registry))
		return false;
	rel = table_open(registry, AccessShareLock);
	ScanKeyInit(&key, REGISTRY_TARGET, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, SP_PRIMARY_KEY_INDEX(rel), true,
							  read->snapshot, 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
		read_state(tuple, RelationGetDescr(rel), read);
	if (found && read->copies)
		read->entry = read_tuple(tuple, RelationGetDescr(rel));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* What changes in the life of an entry. */
static void
read_state(HeapTuple tuple, TupleDesc desc, EntryRead *read)
{
	bool		isnull;
	Datum		value;

	value = heap_getattr(tuple, REGISTRY_PURGE_HORIZON, desc, &isnull);
	read->horizon = DatumGetInt64(value);
	value = heap_getattr(tuple, REGISTRY_TOMBSTONES, desc, &isnull);
	read->row_mode = strcmp(TextDatumGetCString(value), MODE_ROW) == 0;
}

List *
sp_table_read_all(void)
{
	Relation	rel = table_open(sp_table_own_oid(REGISTRY), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0,
										  NULL);
	List	   *result = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = lappend(result, read_tuple(tuple, RelationGetDescr(rel)));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

void
sp_table_save(const EnabledTable *table)
{
	Oid			types[] = {REGCLASSOID, TEXTOID, INTERVALOID, TEXTARRAYOID,
	NAMEARRAYOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];

	memset(nulls, ' ', sizeof(nulls));
	values[0] = ObjectIdGetDatum(table->relid);
	values[1] = CStringGetTextDatum(sp_table_mode(table));
	values[2] = IntervalPGetDatum(&table->retention);
	values[3] = build_array(table->sort_keys, TEXTOID);
	values[4] = build_array(table->prefix, NAMEOID);
	values[5] = CStringGetTextDatum(table->updated_at);
	values[6] = CStringGetTextDatum(table->deleted_at);
	values[7] = CStringGetTextDatum(table->row_version);
	values[8] = (Datum) 0;
	if (table->live_view == NULL)
		nulls[8] = 'n';
	else
		values[8] = CStringGetTextDatum(table->live_view);
	values[9] = BoolGetDatum(table->notify);

	if (SPI_execute_with_args("INSERT INTO syncport.enabled_table AS e"
							  " (target, tombstones, retention, sort_keys,"
							  " prefix, updated_at, deleted_at, row_version,"
							  " live_view, notify)"
							  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
							  " ON CONFLICT (target) DO UPDATE SET"
							  " tombstones = excluded.tombstones,"
							  " retention = excluded.retention,"
							  " sort_keys = excluded.sort_keys,"
							  " prefix = excluded.prefix,"
							  " updated_at = excluded.updated_at,"
							  " deleted_at = excluded.deleted_at,"
							  " row_version = excluded.row_version,"
							  " live_view = excluded.live_view,"
							  " notify = excluded.notify",
							  lengthof(types), types, values, nulls,
							  false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not write the registry of enabled tables");
	invalidate_target(table->relid);
}

void
sp_table_remove(Oid relid)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(relid)};

	if (SPI_execute_with_args("DELETE FROM syncport.enabled_table"
							  " WHERE target OPERATOR(pg_catalog.=) $1",
							  1, types, values, NULL, false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not write the registry of enabled tables");
	invalidate_target(relid);
}

void
sp_table_raise_horizon(Oid relid, int64 row_version)
{
	Oid			types[] = {OIDOID, INT8OID, INT8OID};
	Datum		values[] = {
		ObjectIdGetDatum(relid), Int64GetDatum(row_version),
		Int64GetDatum(sp_table_next_version())
	};
	RoleSwitch	saved;

	sp_table_become(&saved, sp_table_owner(sp_table_own_oid(REGISTRY)));
	if (SPI_execute_with_args("UPDATE syncport.enabled_table"
							  " SET purge_horizon = $2"
							  " WHERE target OPERATOR(pg_catalog.=) $1"
							  " AND (purge_horizon OPERATOR(pg_catalog.<) $2"
							  " OR purge_horizon OPERATOR(pg_catalog.>=) $3)",
							  3, types, values, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not write the registry of enabled tables");
	sp_table_unbecome(&saved);
}

int64
sp_table_next_version(void)
{
	return (int64) U64FromFullTransactionId(ReadNextFullTransactionId());
}

const char *
sp_table_mode(const EnabledTable *table)
{
	return table->row_mode ? MODE_ROW : MODE_IMAGE;
}

bool
sp_table_intact(const EnabledTable *table)
{
	char		kind = get_rel_relkind(table->relid);

	return (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE) &&
		has_column(table->relid, table->updated_at, TIMESTAMPTZOID) &&
		(!table->row_mode ||
		 has_column(table->relid, table->deleted_at, TIMESTAMPTZOID)) &&
		has_column(table->relid, table->row_version, INT8OID);
}

/* Whether a table has a column of that name and type. */
static bool
has_column(Oid relid, const char *name, Oid type)
{
	AttrNumber	attnum = get_attnum(relid, name);

	return attnum > 0 && get_atttype(relid, attnum) == type;
}

Oid
sp_table_own_oid(const char *name)
{
	Oid			relid = get_relname_relid(name,
										  get_namespace_oid(SP_SCHEMA, false));

	if (!OidIsValid(relid))
		elog(ERROR, "table %s.%s does not exist", SP_SCHEMA, name);
	return relid;
}

void
sp_table_become(RoleSwitch *saved, Oid userid)
{
	GetUserIdAndSecContext(&saved->userid, &saved->sec_context);
	SetUserIdAndSecContext(userid,
						   saved->sec_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION |
						   SECURITY_NOFORCE_RLS);
}

void
sp_table_unbecome(const RoleSwitch *saved)
{
	SetUserIdAndSecContext(saved->userid, saved->sec_context);
}

Oid
sp_table_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

bool
sp_table_owner_reads(Oid relid)
{
	Oid			owner = sp_table_owner(relid);

	return SP_MAY_USE_SCHEMA(get_rel_namespace(relid), owner) &&
		pg_class_aclcheck(relid, owner, ACL_SELECT) == ACLCHECK_OK;
}

char *
sp_table_quoted_name(Oid relid)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	return quote_qualified_identifier(schema, get_rel_name(relid));
}

/* An entry from its tuple. */
static EnabledTable *
read_tuple(HeapTuple tuple, TupleDesc desc)
{
	EnabledTable *table = palloc0(sizeof(EnabledTable));
	bool		isnull;
	Datum		value;

	value = heap_getattr(tuple, REGISTRY_TARGET, desc, &isnull);
	table->relid = DatumGetObjectId(value);
	value = heap_getattr(tuple, REGISTRY_TOMBSTONES, desc, &isnull);
	table->row_mode = strcmp(TextDatumGetCString(value), MODE_ROW) == 0;
	value = heap_getattr(tuple, REGISTRY_RETENTION, desc, &isnull);
	table->retention = *DatumGetIntervalP(value);
	table->sort_keys = read_array(tuple, desc, REGISTRY_SORT_KEYS, TEXTOID);
	table->prefix = read_array(tuple, desc, REGISTRY_PREFIX, NAMEOID);
	table->updated_at = read_name(tuple, desc, REGISTRY_UPDATED_AT);
	table->deleted_at = read_name(tuple, desc, REGISTRY_DELETED_AT);
	table->row_version = read_name(tuple, desc, REGISTRY_ROW_VERSION);
	table->live_view = read_name(tuple, desc, REGISTRY_LIVE_VIEW);
	value = heap_getattr(tuple, REGISTRY_NOTIFY, desc, &isnull);
	table->notify = DatumGetBool(value);
	value = heap_getattr(tuple, REGISTRY_PURGE_HORIZON, desc, &isnull);
	table->purge_horizon = DatumGetInt64(value);
	return table;
}

/* A column of type name, copied, or NULL. */
static char *
read_name(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, desc, &isnull);

	return isnull ? NULL : pstrdup(NameStr(*DatumGetName(value)));
}

/* A text[] or name[] column as a list of strings, NULL elements left out. */
static List *
read_array(HeapTuple tuple, TupleDesc desc, int column, Oid element)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, desc, &isnull);

	return sp_table_array_strings(DatumGetArrayTypeP(value), element);
}

List *
sp_table_array_strings(ArrayType *array, Oid element)
{
	List	   *result = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int			i;
	int16		length;
	bool		byval;
	char		align;

	get_typlenbyvalalign(element, &length, &byval, &align);
	deconstruct_array(array, element, length, byval, align, &values, &nulls,
					  &count);
	for (i = 0; i < count; i++)
	{
		if (nulls[i])
			continue;
		result = lappend(result,
						 element == NAMEOID
						 ? pstrdup(NameStr(*DatumGetName(values[i])))
						 : TextDatumGetCString(values[i]));
	}
	return result;
}

/* A list of strings as text[] or name[]. */
static Datum
build_array(List *strings, Oid element)
{
	int			count = list_length(strings);
	Datum	   *values = palloc(sizeof(Datum) * Max(count, 1));
	int16		length;
	bool		byval;
	char		align;
	int			i;

	get_typlenbyvalalign(element, &length, &byval, &align);
	for (i = 0; i < count; i++)
	{
		char	   *string = list_nth(strings, i);

		values[i] = element == NAMEOID
			? DirectFunctionCall1(namein, CStringGetDatum(string))
			: CStringGetTextDatum(string);
	}
	return PointerGetDatum(construct_array(values, count, element, length,
										   byval, align));
}

/* Tell every session's caches about the target and its leaves. */
static void
invalidate_target(Oid relid)
{
	ListCell   *lc;

	if (get_rel_relkind(relid) == '\0')
		return;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		CacheInvalidateRelcacheByRelid(lfirst_oid(lc));
	}
}
