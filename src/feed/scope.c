/*-------------------------------------------------------------------------
 *
 * scope.c
 *	  What a client reads by the feed: table, columns, filter.
 *
 * A cursor holds hashes of what rows depend on besides their own versions.
 * The definitions of columns and the policies come out of the relation's
 * cache entry, but hashing them costs more than an idle poll may.  So the
 * session keeps a few results until the server says that a table or a role
 * may have changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "partitioning/partdesc.h"
#include "rewrite/rowsecurity.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "feed/scope.h"
#include "keyset/filter.h"
#include "keyset/request.h"
#include "support/compat.h"
#include "support/principal.h"
#include "support/quote.h"
#include "support/relation.h"
#include "table/registry.h"
#include "table/reset_event.h"

/* so many tables, users and column lists are remembered */
#define MARKS_MAX			32

/* what stays good until the server says otherwise: about a table ... */
typedef struct KnownTable
{
	bool		valid;
	Oid			relid;
	bool		enabled;
	FeedTable	table;			/* if enabled */
} KnownTable;

/* ... and about what a user asks of it */
typedef struct KnownMark
{
	bool		valid;
	Oid			relid;
	Oid			userid;
	int			natts;
	uint64		request;		/* hash of columns and filter */
	uint64		schema;
	uint64		access;			/* without the principal */
	uint64		version;		/* of all columns that rows have now */
	bool		readable;		/* no privilege is missing */
	bool		policies;		/* access has policies in it ... */
	bool		sublinks;		/* ... that read other tables */
} KnownMark;

static KnownTable tables[MARKS_MAX];
static int	next_table = 0;
static KnownMark marks[MARKS_MAX];
static int	next_mark = 0;
static bool callbacks_registered = false;

/* how often the server said that something may have changed */
static uint64 changes = 0;

static void find_table(FeedScope *scope);
static void learn_table(const FeedScope *scope, KnownTable *known);
static void refuse_writer(const FeedScope *scope);
static bool holds_write_lock(Oid relid);
static void add_leaves(FeedScope *scope, Relation rel);
static int	compare_oids(const ListCell *a, const ListCell *b);
static bool is_newer(Oid relid);
static uint64 hash_request(const FeedScope *scope);
static const KnownMark *find_mark(const FeedScope *scope, int natts,
								  uint64 request);
static void set_policies(const FeedScope *scope, KnownMark *mark);
static int	enter_settings(void);
static void register_callbacks(void);
static void forget_table(Datum arg, Oid relid);
static void forget_policies(Datum arg, int cacheid, uint32 hashvalue);
static void forget_all(Datum arg, int cacheid, uint32 hashvalue);
static uint64 hash_schema(const FeedScope *scope, int natts);
static void append_column(StringInfo out, Form_pg_attribute att);
static bool is_wanted(const FeedScope *scope, Form_pg_attribute att,
					  int natts);
static uint64 hash_access(const FeedScope *scope, int natts);
static void append_policies(StringInfo out, Relation rel);
static bool applies(const RowSecurityPolicy *policy);
static const KnownMark *find_now(const FeedScope *scope);
static uint64 hash_version(const FeedScope *scope);
static bool may_read_all(const FeedScope *scope);
static bool is_own(const FeedScope *scope, const char *name);
static uint64 hash_text(const StringInfo buf);

FeedScope *
sp_scope_open(Oid relid, ArrayType *columns, Jsonb *filter,
			  bool include_deleted)
{
	FeedScope  *scope = palloc0(sizeof(FeedScope));
	bool		row_mode;

	scope->rel = sp_relation_open_pageable(relid, AccessShareLock);
	scope->columns = columns;
	scope->filter = filter;
	scope->include_deleted = include_deleted;
	scope->key = sp_relation_key(scope->rel);
	find_table(scope);
	if (scope->rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		add_leaves(scope, scope->rel);
		list_sort(scope->leaves, compare_oids);
	}
	refuse_writer(scope);
	if (scope->table)
	{
		scope->events = sp_reset_event_list(scope->table->relid);
		scope->stale = !sp_table_state(scope->table->relid, &scope->horizon,
									   &row_mode) ||
			row_mode != scope->table->row_mode;
	}
	if (columns)
		sp_page_check_columns(scope->rel, columns);
	if (filter)
	{
		FilterCondition *condition = sp_filter_compile(scope->rel, filter, 1);

		scope->filter_columns = condition ? condition->columns : NULL;
		if (condition == NULL)
			scope->filter = NULL;
	}
	return scope;
}

/* Set what the registry says of the table. */
static void
find_table(FeedScope *scope)
{
	Oid			relid = RelationGetRelid(scope->rel);
	KnownTable *known = NULL;
	int			i;

	for (i = 0; i < MARKS_MAX; i++)
		if (tables[i].valid && tables[i].relid == relid)
			known = &tables[i];
	if (known == NULL)
	{
		register_callbacks();
		known = &tables[next_table++ % MARKS_MAX];
		known->valid = false;
		learn_table(scope, known);
	}
	if (!known->enabled)
		return;
	scope->table = palloc(sizeof(FeedTable));
	*scope->table = known->table;
}

/* Fill an entry of the session's memory. */
static void
learn_table(const FeedScope *scope, KnownTable *known)
{
	uint64		before = changes;
	EnabledTable *entry = sp_table_find(RelationGetRelid(scope->rel));

	known->relid = RelationGetRelid(scope->rel);
	known->enabled = entry != NULL && scope->key != NIL &&
		sp_table_intact(entry);
	if (known->enabled)
	{
		known->table.relid = entry->relid;
		known->table.row_mode = entry->row_mode;
		namestrcpy(&known->table.row_version, entry->row_version);
		namestrcpy(&known->table.deleted_at, entry->deleted_at);
	}
	known->valid = changes == before;
}

void
sp_scope_close(FeedScope *scope)
{
	table_close(scope->rel, NoLock);
}

/*
 * What this transaction wrote counts as in progress, and so does everything
 * of its id: should it roll back to a savepoint, a row of another transaction
 * that it had hidden would never be seen.
 */
static void
refuse_writer(const FeedScope *scope)
{
	ListCell   *lc;
	bool		writer;

	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return;
	writer = holds_write_lock(RelationGetRelid(scope->rel));
	foreach(lc, scope->leaves)
	{
		writer = writer || holds_write_lock(lfirst_oid(lc));
	}
	if (writer)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("cannot read the feed of table \"%s\" in a transaction that has written to it",
						RelationGetRelationName(scope->rel)),
				 errdetail("A rollback could hide changes of others from the client for ever."),
				 errhint("Commit first, and read the feed in a transaction of its own.")));
}

/* Whether this transaction holds RowExclusiveLock or more. */
static bool
holds_write_lock(Oid relid)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	return SP_HOLDS_WRITE_LOCK(&tag);
}

/*
 * Lock and collect the partitions that hold rows; foreign ones have no
 * versions.  What sp_scope_is_newer finds of them must stay true until they
 * are read.
 */
static void
add_leaves(FeedScope *scope, Relation rel)
{
	PartitionDesc desc = RelationGetPartitionDesc(rel, true);
	int			i;

	for (i = 0; i < desc->nparts; i++)
	{
		Relation	part;

		if (desc->is_leaf[i])
		{
			LockRelationOid(desc->oids[i], AccessShareLock);
			if (get_rel_relkind(desc->oids[i]) == RELKIND_RELATION)
				scope->leaves = lappend_oid(scope->leaves, desc->oids[i]);
			continue;
		}
		part = table_open(desc->oids[i], AccessShareLock);
		add_leaves(scope, part);
		table_close(part, NoLock);
	}
}

/* list_sort: ascending */
static int
compare_oids(const ListCell *a, const ListCell *b)
{
	return lfirst_oid(a) < lfirst_oid(b) ? -1 : lfirst_oid(a) > lfirst_oid(b);
}

bool
sp_scope_is_newer(const FeedScope *scope)
{
	ListCell   *lc;

	if (scope->stale || is_newer(RelationGetRelid(scope->rel)))
		return true;
	foreach(lc, scope->leaves)
	{
		if (is_newer(lfirst_oid(lc)))
			return true;
	}
	return false;
}

/*
 * A rewrite and TRUNCATE change the table's entry in pg_class, and neither
 * leaves older snapshots what they should see.
 */
static bool
is_newer(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	TransactionId xmin;

	if (!HeapTupleIsValid(tuple))
		return true;
	xmin = HeapTupleHeaderGetXmin(tuple->t_data);
	ReleaseSysCache(tuple);
	return TransactionIdIsNormal(xmin) &&
		!TransactionIdIsCurrentTransactionId(xmin) &&
		XidInMVCCSnapshot(xmin, GetActiveSnapshot());
}

FeedMark
sp_scope_mark(const FeedScope *scope, int natts)
{
	FeedMark	mark = {0};
	char	   *principal = sp_principal_current();
	const KnownMark *known;
	ListCell   *lc;

	mark.relid = RelationGetRelid(scope->rel);
	mark.natts = natts > 0 ? natts :
		RelationGetNumberOfAttributes(scope->rel);
	mark.leaves = palloc((list_length(scope->leaves) + 1) * sizeof(Oid));
	foreach(lc, scope->leaves)
	{
		mark.leaves[mark.nleaves++] = lfirst_oid(lc);
	}
	mark.filter = hash_request(scope);
	known = find_mark(scope, mark.natts, mark.filter);
	mark.schema = known->schema;
	mark.access = known->access;
	if (principal)
		mark.access = hash_bytes_extended((unsigned char *) principal,
										  strlen(principal), known->access);
	return mark;
}

/* What was asked for. */
static uint64
hash_request(const FeedScope *scope)
{
	StringInfoData buf;
	Datum	   *names;
	int			count;
	int			i;

	if (scope->columns == NULL && scope->filter == NULL)
		return scope->include_deleted ? 1 : 0;
	initStringInfo(&buf);
	appendStringInfo(&buf, "%d", scope->include_deleted);
	if (scope->filter)
		appendStringInfo(&buf, " %s",
						 JsonbToCString(NULL, &scope->filter->root,
										VARSIZE(scope->filter)));
	if (scope->columns)
	{
		deconstruct_array(scope->columns, TEXTOID, -1, false, TYPALIGN_INT,
						  &names, NULL, &count);
		for (i = 0; i < count; i++)
			appendStringInfo(&buf, " %d %s",
							 (int) VARSIZE_ANY_EXHDR(DatumGetPointer(names[i])),
							 TextDatumGetCString(names[i]));
	}
	return hash_text(&buf);
}

/* The hashes of schema and access, from the session's memory if possible. */
static const KnownMark *
find_mark(const FeedScope *scope, int natts, uint64 request)
{
	KnownMark	mark = {false};
	uint64		before = changes;
	int			level;
	int			i;

	mark.relid = RelationGetRelid(scope->rel);
	mark.userid = GetUserId();
	mark.natts = natts;
	mark.request = request;
	for (i = 0; i < MARKS_MAX; i++)
		if (marks[i].valid && marks[i].relid == mark.relid &&
			marks[i].userid == mark.userid && marks[i].natts == natts &&
			marks[i].request == request)
			return &marks[i];
	register_callbacks();
	level = enter_settings();
	set_policies(scope, &mark);
	mark.schema = hash_schema(scope, natts);
	mark.access = hash_access(scope, natts);
	mark.version = hash_version(scope);
	mark.readable = may_read_all(scope);
	AtEOXact_GUC(true, level);
	/* what changed meanwhile may be in it or not: it serves this call alone */
	mark.valid = changes == before;
	i = next_mark++ % MARKS_MAX;
	marks[i] = mark;
	return &marks[i];
}

/* Set what a change elsewhere may do to the text of the policies. */
static void
set_policies(const FeedScope *scope, KnownMark *mark)
{
	ListCell   *lc;

	mark->policies = scope->rel->rd_rsdesc != NULL;
	foreach(lc, mark->policies ? scope->rel->rd_rsdesc->policies : NIL)
	{
		mark->sublinks |= ((RowSecurityPolicy *) lfirst(lc))->hassublinks;
	}
}

/*
 * What is hashed must be written in the same way in every session; the
 * caller ends this by AtEOXact_GUC.
 */
static int
enter_settings(void)
{
	static const char *const settings[][2] = {
		{"array_nulls", "on"},
		{"bytea_output", "hex"},
		{"datestyle", "ISO, YMD"},
		{"extra_float_digits", "1"},
		{"intervalstyle", "postgres"},
		{"lc_monetary", "C"},
		{"quote_all_identifiers", "off"},
		{"search_path", "pg_catalog, pg_temp"},
		{"timezone", "UTC"},
		{"xmloption", "content"}
	};
	int			level = NewGUCNestLevel();
	int			i;

	for (i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1],
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/* Ask to be told of changes. */
static void
register_callbacks(void)
{
	static const int policy_caches[] = {ENUMOID, OPEROID, PROCOID, TYPEOID};
	static const int other_caches[] = {AUTHMEMROLEMEM, AUTHOID, COLLOID,
	NAMESPACEOID};
	int			i;

	if (callbacks_registered)
		return;
	CacheRegisterRelcacheCallback(forget_table, (Datum) 0);
	for (i = 0; i < lengthof(policy_caches); i++)
		CacheRegisterSyscacheCallback(policy_caches[i], forget_policies,
									  (Datum) 0);
	for (i = 0; i < lengthof(other_caches); i++)
		CacheRegisterSyscacheCallback(other_caches[i], forget_all, (Datum) 0);
	callbacks_registered = true;
}

/* Callback: a table has changed, or (InvalidOid) all may have. */
static void
forget_table(Datum arg, Oid relid)
{
	int			i;

	changes++;
	for (i = 0; i < MARKS_MAX; i++)
	{
		if (relid == InvalidOid || marks[i].relid == relid ||
			marks[i].sublinks)
			marks[i].valid = false;
		if (relid == InvalidOid || tables[i].relid == relid)
			tables[i].valid = false;
	}
}

/* Callback: something has changed that policies may name. */
static void
forget_policies(Datum arg, int cacheid, uint32 hashvalue)
{
	int			i;

	changes++;
	for (i = 0; i < MARKS_MAX; i++)
		if (marks[i].policies)
			marks[i].valid = false;
}

/* Callback: a role, schema or collation has changed. */
static void
forget_all(Datum arg, int cacheid, uint32 hashvalue)
{
	forget_table((Datum) 0, InvalidOid);
}

/* The key, and the columns that rows of the scope and its filter have. */
static uint64
hash_schema(const FeedScope *scope, int natts)
{
	TupleDesc	desc = RelationGetDescr(scope->rel);
	StringInfoData buf;
	ListCell   *lc;
	int			i;

	initStringInfo(&buf);
	foreach(lc, scope->key)
	{
		appendStringInfo(&buf, "%d ", lfirst_int(lc));
	}
	if (scope->table != NULL)
		appendStringInfo(&buf, "%s %s",
						 quote_identifier(NameStr(scope->table->row_version)),
						 scope->table->row_mode ?
						 quote_identifier(NameStr(scope->table->deleted_at)) : "");
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (is_wanted(scope, att, natts) ||
			bms_is_member(att->attnum, scope->filter_columns))
			append_column(&buf, att);
	}
	return hash_text(&buf);
}

/*
 * What a client knows of a column.  pg_upgrade keeps the OIDs of types, not
 * those of collations.
 */
static void
append_column(StringInfo out, Form_pg_attribute att)
{
	if (att->attisdropped)
		return;
	appendStringInfo(out, " %d %s %u %d %s", att->attnum,
					 quote_identifier(NameStr(att->attname)), att->atttypid,
					 att->atttypmod, OidIsValid(att->attcollation) ?
					 sp_quote_collation(att->attcollation) : "-");
}

/*
 * Whether rows have a column: of the key, or asked for.  natts: where all
 * are, those up to that number.
 */
static bool
is_wanted(const FeedScope *scope, Form_pg_attribute att, int natts)
{
	Datum	   *names;
	int			count;
	int			i;

	if (list_member_int(scope->key, att->attnum))
		return true;
	if (scope->columns == NULL)
		return att->attnum <= natts;
	deconstruct_array(scope->columns, TEXTOID, -1, false, TYPALIGN_INT,
					  &names, NULL, &count);
	for (i = 0; i < count; i++)
		if (strcmp(TextDatumGetCString(names[i]), NameStr(att->attname)) == 0)
			return true;
	return false;
}

/* What the current user may see: columns and policies. */
static uint64
hash_access(const FeedScope *scope, int natts)
{
	TupleDesc	desc = RelationGetDescr(scope->rel);
	Oid			relid = RelationGetRelid(scope->rel);
	StringInfoData buf;
	bool		all = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) ==
	ACLCHECK_OK;
	int			i;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%u", GetUserId());
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && is_wanted(scope, att, natts) &&
			(all || pg_attribute_aclcheck(relid, att->attnum, GetUserId(),
										  ACL_SELECT) == ACLCHECK_OK))
			appendStringInfo(&buf, " %d", att->attnum);
	}
	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		append_policies(&buf, scope->rel);
	return hash_text(&buf);
}

/*
 * The policies of SELECT that the current user meets, written in full: the
 * text stays the same when their functions get other OIDs.
 */
static void
append_policies(StringInfo out, Relation rel)
{
	List	   *context = deparse_context_for("t", RelationGetRelid(rel));
	ListCell   *lc;

	appendStringInfoString(out, " policies");
	foreach(lc, rel->rd_rsdesc ? rel->rd_rsdesc->policies : NIL)
	{
		RowSecurityPolicy *policy = lfirst(lc);

		if (applies(policy))
			appendStringInfo(out, " %s %d %s",
							 quote_identifier(policy->policy_name),
							 policy->permissive,
							 policy->qual == NULL ? "" :
							 deparse_expression((Node *) policy->qual,
												context, false, false));
	}
}

/* Whether a policy is about the current user's SELECT. */
static bool
applies(const RowSecurityPolicy *policy)
{
	Oid		   *roles = (Oid *) ARR_DATA_PTR(policy->roles);
	int			i;

	if (policy->polcmd != '*' && policy->polcmd != ACL_SELECT_CHR)
		return false;
	for (i = 0; i < ARR_DIMS(policy->roles)[0]; i++)
		if (roles[i] == ACL_ID_PUBLIC ||
			has_privs_of_role(GetUserId(), roles[i]))
			return true;
	return false;
}

/* The hash of a text. */
static uint64
hash_text(const StringInfo buf)
{
	return hash_bytes_extended((unsigned char *) buf->data, buf->len, 0);
}

char *
sp_scope_version(const FeedScope *scope)
{
	uint64		version = find_now(scope)->version;

	return psprintf("%08x%08x", (uint32) (version >> 32), (uint32) version);
}

bool
sp_scope_is_readable(const FeedScope *scope)
{
	return find_now(scope)->readable;
}

/* What is known with all columns that there are. */
static const KnownMark *
find_now(const FeedScope *scope)
{
	return find_mark(scope, RelationGetNumberOfAttributes(scope->rel),
					 hash_request(scope));
}

/* The definitions of the columns that rows have now. */
static uint64
hash_version(const FeedScope *scope)
{
	TupleDesc	desc = RelationGetDescr(scope->rel);
	StringInfoData buf;
	int			i;

	initStringInfo(&buf);
	for (i = 0; i < desc->natts; i++)
		if (is_wanted(scope, TupleDescAttr(desc, i), desc->natts))
			append_column(&buf, TupleDescAttr(desc, i));
	return hash_text(&buf);
}

/* Whether the current user may read all that a query of the feed names. */
static bool
may_read_all(const FeedScope *scope)
{
	TupleDesc	desc = RelationGetDescr(scope->rel);
	Oid			relid = RelationGetRelid(scope->rel);
	int			i;

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return true;
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped &&
			(is_wanted(scope, att, desc->natts) ||
			 bms_is_member(att->attnum, scope->filter_columns) ||
			 is_own(scope, NameStr(att->attname))) &&
			pg_attribute_aclcheck(relid, att->attnum, GetUserId(),
								  ACL_SELECT) != ACLCHECK_OK)
			return false;
	}
	return true;
}

/* Whether a column is one that syncport keeps. */
static bool
is_own(const FeedScope *scope, const char *name)
{
	return scope->table != NULL &&
		(strcmp(name, NameStr(scope->table->row_version)) == 0 ||
		 strcmp(name, NameStr(scope->table->deleted_at)) == 0);
}
