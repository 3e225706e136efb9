/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  Prepares, keeps and runs the queries of pages.
 *
 * A page costs a third of a millisecond; parsing its order, finding its
 * index and planning its query would cost more than that.  So the session
 * keeps up to PLANS_MAX requests with what was prepared for them.  The key
 * is everything the text of the queries depends on except the table's
 * definition, which invalidates: a relcache message for the table marks its
 * plans invalid.  They are freed at the next look-up, and never while
 * pinned: a policy or a message in the middle of a page may come back here.
 * What the queries themselves depend on besides (row policies, roles,
 * functions, partitions) the server's plan cache watches.  Under RLS the
 * user is part of the key, so that a pool that changes roles does not plan
 * again each time.
 *
 * The caller holds a lock on the table, so its definition cannot change
 * between the look-up and the end of the page.
 *
 * Without a filter the plans are generic: the parameters are positions, and
 * planning for each would cost more than the page.  The same holds where
 * what the filter fixes leads an index; with other filters the plan cache
 * decides.  LIMIT is a literal because the planner must know it.
 *
 * Where deleted rows leave the table, images of them are merged in.
 *
 * The feed reads rows in the order of row_version by the same machinery and
 * merges images itself, as deletes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/typcache.h"

#include "keyset/bound.h"
#include "keyset/merge.h"
#include "keyset/plan.h"
#include "support/compat.h"
#include "support/quote.h"
#include "support/relation.h"
#include "syncport.h"
#include "table/table.h"

#define PLANS_MAX	256

/* so many images are asked about at once, at least */
#define IMAGE_WINDOW_MIN	8

static PagePlan *plans[PLANS_MAX];
static int	nplans = 0;
static uint64 use_counter = 0;
static bool callback_registered = false;

static bool is_rls_active(Relation rel);
static void serialize_request(StringInfo key, const PageRequest *request,
							  bool rls);
static void append_sized(StringInfo key, const void *data, int length);
static void invalidate_plans(Datum arg, Oid relid);
static PagePlan *find_plan(uint64 hash, StringInfo key);
static void free_unused(void);
static void make_room(void);
static void free_plan(int i);
static PagePlan *build_plan(const PageRequest *request, bool rls);
static bool has_images(const PageRequest *request);
static void allow_nulls(OrderSpec *order, const PageRequest *request);
static AttrNumber live_column(const PageRequest *request);
static AttrNumber deleted_column(Relation rel);
static void build_columns(PagePlan *plan, bool rls);
static void set_type(RungColumn *column, const OrderColumn *source);
static void set_comparisons(RungColumn *column, const OrderColumn *source,
							bool rls);
static void set_functions(RungColumn *column);
static void select_columns(PagePlan *plan, const PageRequest *request);
static void select_marks(PagePlan *plan, const PageRequest *request);
static int	select_column(PagePlan *plan, AttrNumber attnum);
static void set_parameters(PagePlan *plan, const PageRequest *request);
static void build_head(PagePlan *plan, const PageRequest *request,
					   AttrNumber live);
static void build_image_head(PagePlan *plan, const PageRequest *request);
static void build_tail(PagePlan *plan);
static char *quote_column(const PagePlan *plan, AttrNumber attnum);
static ParamListInfo bind_parameters(const PagePlan *plan,
									 const FilterCondition *condition,
									 const CursorPosition *position);
static void bind_parameter(ParamListInfo params, const PagePlan *plan, int i,
						   Datum value, bool isnull);
static void run_rungs(PagePlan *plan, const CursorPosition *position,
					  SPIExecuteOptions *options);
static uint64 run_rung(PagePlan *plan, const Rung *rung,
					   SPIExecuteOptions *options);
static int	choose_options(const PagePlan *plan);
static SPIPlanPtr prepare_rung(PagePlan *plan, const Rung *rung);

PagePlan *
sp_plan_get(const PageRequest *request)
{
	bool		rls = is_rls_active(request->rel);
	StringInfoData key;
	uint64		hash;
	PagePlan   *plan;

	if (!callback_registered)
	{
		CacheRegisterRelcacheCallback(invalidate_plans, (Datum) 0);
		callback_registered = true;
	}
	initStringInfo(&key);
	serialize_request(&key, request, rls);
	hash = hash_bytes_extended((unsigned char *) key.data, key.len, 0);
	plan = find_plan(hash, &key);
	if (plan == NULL)
	{
		free_unused();
		make_room();
		plan = build_plan(request, rls);
		plan->hash = hash;
		plan->key = MemoryContextAlloc(plan->context, key.len);
		memcpy(plan->key, key.data, key.len);
		plan->key_length = key.len;
		MemoryContextSetParent(plan->context, CacheMemoryContext);
		plans[nplans++] = plan;
	}
	plan->pins++;
	plan->last_use = ++use_counter;
	pfree(key.data);
	return plan;
}

void
sp_plan_release(PagePlan *plan)
{
	Assert(plan->pins > 0);
	plan->pins--;
}

void
sp_plan_run(PagePlan *plan, const FilterCondition *condition,
			const CursorPosition *position, DestReceiver *receiver)
{
	SPIExecuteOptions options;
	DestReceiver *volatile merge = NULL;
	Rung		rung;

	memset(&rung, 0, sizeof(rung));
	rung.kind = RUNG_START;
	if (position != NULL)
		rung = sp_rung_any(position, !position->at_row && !plan->backward);
	memset(&options, 0, sizeof(options));
	options.params = bind_parameters(plan, condition, position);
	options.read_only = true;
	options.tcount = plan->limit;
	options.dest = receiver;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (plan->images)
		options.dest = merge = sp_merge_begin(plan, &rung, &options);
	PG_TRY();
	{
		if (merge)
			sp_merge_start(merge, position);
		if (position != NULL && plan->by_index)
			run_rungs(plan, position, &options);
		else
			run_rung(plan, &rung, &options);
		if (merge)
			sp_merge_end(merge);
	}
	PG_FINALLY();
	{
		if (merge)
			sp_merge_close(merge);
	}
	PG_END_TRY();
	SPI_finish();
}

void
sp_plan_position(const PagePlan *plan, TupleTableSlot *slot,
				 CursorPosition *position)
{
	int			i;

	slot_getsomeattrs(slot, plan->slot_needed);
	position->nvalues = plan->order->ncolumns;
	position->at_row = true;
	for (i = 0; i < position->nvalues; i++)
	{
		position->values[i] = slot->tts_values[plan->order_slot[i]];
		position->isnull[i] = slot->tts_isnull[plan->order_slot[i]];
	}
}

/* Whether policies restrict what the caller sees of the table. */
static bool
is_rls_active(Relation rel)
{
	return rel->rd_rel->relrowsecurity &&
		check_enable_rls(RelationGetRelid(rel), InvalidOid, true) ==
		RLS_ENABLED;
}

/* The request as bytes: equal bytes, equal queries. */
static void
serialize_request(StringInfo key, const PageRequest *request, bool rls)
{
	struct
	{
		Oid			relid;
		Oid			user;
		int			limit;
		int			flags;
	}			head;

	memset(&head, 0, sizeof(head));
	head.relid = RelationGetRelid(request->rel);
	head.user = rls ? GetUserId() : InvalidOid;
	head.limit = request->limit;
	head.flags = (request->include_deleted ? 1 : 0) |
		(request->backward ? 2 : 0) | (rls ? 4 : 0) |
		(request->feed ? 8 : 0) | (request->generic ? 16 : 0);
	appendBinaryStringInfo(key, (char *) &head, sizeof(head));
	append_sized(key, request->mark,
				 request->mark ? strlen(request->mark) : -1);
	if (request->order_by)
		append_sized(key, VARDATA_ANY(request->order_by),
					 VARSIZE_ANY_EXHDR(request->order_by));
	else
		append_sized(key, NULL, -1);
	if (request->columns)
		append_sized(key, request->columns, VARSIZE(request->columns));
	else
		append_sized(key, NULL, -1);
	if (request->condition)
		append_sized(key, request->condition->sql,
					 strlen(request->condition->sql));
}

/* Append bytes behind their number; -1 is nothing at all. */
static void
append_sized(StringInfo key, const void *data, int length)
{
	appendBinaryStringInfo(key, (char *) &length, sizeof(length));
	if (length > 0)
		appendBinaryStringInfo(key, data, length);
}

/* Relcache callback: a table has changed, or (InvalidOid) all may have. */
static void
invalidate_plans(Datum arg, Oid relid)
{
	int			i;

	for (i = 0; i < nplans; i++)
		if (relid == InvalidOid || plans[i]->relid == relid)
			plans[i]->valid = false;
}

/* The valid plan with a key, or NULL. */
static PagePlan *
find_plan(uint64 hash, StringInfo key)
{
	int			i;

	for (i = 0; i < nplans; i++)
		if (plans[i]->hash == hash && plans[i]->valid &&
			plans[i]->key_length == key->len &&
			memcmp(plans[i]->key, key->data, key->len) == 0)
			return plans[i];
	return NULL;
}

/* Free the invalid plans that nobody works with. */
static void
free_unused(void)
{
	int			i;

	for (i = nplans - 1; i >= 0; i--)
		if (!plans[i]->valid && plans[i]->pins == 0)
			free_plan(i);
}

/* Free the plan least recently used if there is no room for another. */
static void
make_room(void)
{
	int			oldest = -1;
	int			i;

	if (nplans < PLANS_MAX)
		return;
	for (i = 0; i < nplans; i++)
		if (plans[i]->pins == 0 &&
			(oldest < 0 || plans[i]->last_use < plans[oldest]->last_use))
			oldest = i;
	if (oldest < 0)
		elog(ERROR, "%d pages are being fetched inside one another", nplans);
	free_plan(oldest);
}

/* Free plans[i] with all it has prepared. */
static void
free_plan(int i)
{
	PagePlan   *plan = plans[i];
	RungPlan   *rung;

	plans[i] = plans[--nplans];
	for (rung = plan->rungs; rung != NULL; rung = rung->next)
		SPI_freeplan(rung->plan);
	for (rung = plan->image_rungs; rung != NULL; rung = rung->next)
		SPI_freeplan(rung->plan);
	if (plan->feed_query)
		SPI_freeplan(plan->feed_query);
	MemoryContextDelete(plan->context);
}

/* Everything but the prepared queries, which are made as they are needed. */
static PagePlan *
build_plan(const PageRequest *request, bool rls)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "syncport page plan",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	PagePlan   *plan = palloc0(sizeof(PagePlan));
	AttrNumber	live = live_column(request);

	plan->context = context;
	plan->relid = RelationGetRelid(request->rel);
	plan->valid = true;
	plan->backward = request->backward;
	plan->generic = request->generic;
	plan->feed = request->feed;
	plan->limit = request->limit;
	plan->rowdesc = CreateTupleDescCopy(RelationGetDescr(request->rel));
	plan->order = sp_order_parse(request->rel,
								 request->order_by ?
								 text_to_cstring(request->order_by) : NULL, true);
	if (has_images(request))
		allow_nulls(plan->order, request);
	plan->codec = sp_cursor_codec(plan->order);
	build_columns(plan, rls);
	plan->by_index = sp_index_fits(request, plan->order, plan->columns,
								   live, rls, &plan->filter_leads);
	select_columns(plan, request);
	set_parameters(plan, request);
	build_head(plan, request, live);
	build_tail(plan);
	if (has_images(request))
		build_image_head(plan, request);
	MemoryContextSwitchTo(caller);
	return plan;
}

/* Whether deleted rows are wanted that are not in the table. */
static bool
has_images(const PageRequest *request)
{
	EnabledTable *table;

	if (!request->include_deleted || request->feed)
		return false;
	table = sp_table_find(RelationGetRelid(request->rel));
	return table != NULL && !table->row_mode;
}

/*
 * A column that is NOT NULL now may be younger than an image, and the page's
 * position may be that of an image.
 */
static void
allow_nulls(OrderSpec *order, const PageRequest *request)
{
	List	   *key = sp_relation_key(request->rel);
	int			i;

	for (i = 0; i < order->ncolumns; i++)
		if (!list_member_int(key, order->columns[i].attnum))
			order->columns[i].nullable = true;
}

/* The column that is NULL in the rows wanted, if tombstones are left out. */
static AttrNumber
live_column(const PageRequest *request)
{
	return request->include_deleted ? InvalidAttrNumber :
		deleted_column(request->rel);
}

/* The column of the deletion time, where tombstones stay in the table. */
static AttrNumber
deleted_column(Relation rel)
{
	EnabledTable *table = sp_table_find(RelationGetRelid(rel));

	if (table == NULL || !table->row_mode)
		return InvalidAttrNumber;
	return get_attnum(RelationGetRelid(rel), table->deleted_at);
}

/* How the query compares and sorts the columns of the order. */
static void
build_columns(PagePlan *plan, bool rls)
{
	int			i;

	plan->columns = palloc0(plan->order->ncolumns * sizeof(RungColumn));
	for (i = 0; i < plan->order->ncolumns; i++)
	{
		OrderColumn *source = &plan->order->columns[i];
		RungColumn *column = &plan->columns[i];

		column->descending = source->descending != plan->backward;
		column->nulls_first = source->nulls_first != plan->backward;
		column->nullable = source->nullable;
		column->expr = quote_column(plan, source->attnum);
		set_type(column, source);
		set_comparisons(column, source, rls);
	}
}

/*
 * Compare as the operators' own type (text for varchar, the base type of a
 * domain), so that no other operator of the name can be found.
 */
static void
set_type(RungColumn *column, const OrderColumn *source)
{
	Oid			left;
	Oid			right;

	op_input_types(source->lt_op, &left, &right);
	column->param_type = IsPolymorphicType(left) ? source->base_type : left;
	if (column->param_type != source->type)
		column->expr = psprintf("(%s)::%s", column->expr,
								format_type_extended(column->param_type, -1,
													 FORMAT_TYPE_TYPEMOD_GIVEN |
													 FORMAT_TYPE_FORCE_QUALIFY));
}

/* The five comparisons of the type's default btree order. */
static void
set_comparisons(RungColumn *column, const OrderColumn *source, bool rls)
{
	TypeCacheEntry *cache = lookup_type_cache(source->base_type,
											  TYPECACHE_BTREE_OPFAMILY);
	bool		leakproof = true;
	bool		builtin = true;
	int			i;

	for (i = 0; i < RUNG_STRATEGIES; i++)
	{
		Oid			operator = get_opfamily_member(cache->btree_opf,
												   cache->btree_opintype,
												   cache->btree_opintype,
												   i + 1);

		if (!OidIsValid(operator))
			elog(ERROR, "missing operator %d of operator family %u",
				 i + 1, cache->btree_opf);
		leakproof = leakproof && get_func_leakproof(get_opcode(operator));
		builtin = builtin && operator < FirstGenbkiObjectId;
		column->compare[i] = sp_quote_operator(operator);
	}
	column->mergeable = builtin && (leakproof || !rls);
	if (rls && !leakproof && sp_bound_accepts(column->param_type))
		set_functions(column);
}

/* Compare by our leakproof functions. */
static void
set_functions(RungColumn *column)
{
	static const char *const names[RUNG_STRATEGIES] = BOUND_FUNCTIONS;
	int			i;

	column->use_function = true;
	for (i = 0; i < RUNG_STRATEGIES; i++)
		column->compare[i] = psprintf("%s.%s", SP_SCHEMA, names[i]);
}

/*
 * Select the columns asked for and, behind them, those that cursors need.
 */
static void
select_columns(PagePlan *plan, const PageRequest *request)
{
	int			i;

	plan->selected = palloc((plan->rowdesc->natts + 1) * sizeof(AttrNumber));
	if (request->columns)
	{
		Datum	   *names;
		int			count;

		deconstruct_array(request->columns, TEXTOID, -1, false,
						  TYPALIGN_INT, &names, NULL, &count);
		for (i = 0; i < count; i++)
			select_column(plan, get_attnum(plan->relid,
										   TextDatumGetCString(names[i])));
	}
	else
		for (i = 0; i < plan->rowdesc->natts; i++)
			if (!TupleDescAttr(plan->rowdesc, i)->attisdropped)
				select_column(plan, i + 1);
	plan->nselected = plan->nresult;
	plan->order_slot = palloc(plan->order->ncolumns * sizeof(int));
	for (i = 0; i < plan->order->ncolumns; i++)
	{
		plan->order_slot[i] = select_column(plan,
											plan->order->columns[i].attnum);
		plan->slot_needed = Max(plan->slot_needed, plan->order_slot[i] + 1);
	}
	plan->deleted_slot = plan->mark_slot = -1;
	if (request->feed)
		select_marks(plan, request);
}

/* What the feed has to know of a row beside its position. */
static void
select_marks(PagePlan *plan, const PageRequest *request)
{
	AttrNumber	deleted = deleted_column(request->rel);

	if (deleted != InvalidAttrNumber)
		plan->deleted_slot = select_column(plan, deleted);
	if (request->mark)
		plan->mark_slot = plan->nresult;
}

/* Add a column to the result unless it is there; where it stands. */
static int
select_column(PagePlan *plan, AttrNumber attnum)
{
	int			i;

	for (i = 0; i < plan->nresult; i++)
		if (plan->selected[i] == attnum)
			return i;
	plan->selected[plan->nresult++] = attnum;
	return i;
}

/* First the filter's parameters, then one for each column of the order. */
static void
set_parameters(PagePlan *plan, const PageRequest *request)
{
	int			i;

	plan->nfilter = request->condition ? request->condition->nparams : 0;
	plan->nparams = plan->nfilter + plan->order->ncolumns;
	plan->types = palloc(plan->nparams * sizeof(Oid));
	for (i = 0; i < plan->nfilter; i++)
		plan->types[i] = request->condition->types[i];
	for (i = 0; i < plan->order->ncolumns; i++)
		plan->types[plan->nfilter + i] = plan->columns[i].param_type;
}

/*
 * SELECT ... FROM ... WHERE, up to the rung's condition.  ONLY: the key of a
 * table says nothing about rows of its inheritance children.
 */
static void
build_head(PagePlan *plan, const PageRequest *request, AttrNumber live)
{
	Relation	rel = request->rel;
	StringInfoData sql;
	int			i;

	initStringInfo(&sql);
	for (i = 0; i < plan->nresult; i++)
		appendStringInfo(&sql, "%s%s", i == 0 ? "SELECT " : ", ",
						 quote_column(plan, plan->selected[i]));
	if (plan->mark_slot >= 0)
		appendStringInfo(&sql, ", (%s)", request->mark);
	appendStringInfo(&sql, " FROM %s AS t WHERE ", sp_quote_from(rel));
	if (live != InvalidAttrNumber)
		appendStringInfo(&sql, "%s IS NULL AND ", quote_column(plan, live));
	if (request->condition)
		appendStringInfo(&sql, "(%s) AND ", request->condition->sql);
	plan->head = sql.data;
}

/* The same for images, of which order and filter alone are read. */
static void
build_image_head(PagePlan *plan, const PageRequest *request)
{
	StringInfoData sql;
	int			i;

	/* most pages hold few; where not, more are asked about each time */
	plan->image_window = Max(plan->limit / 4, IMAGE_WINDOW_MIN);
	plan->images = sp_image_source(request->rel, plan->nparams + 1);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (i = 0; i < plan->order->ncolumns; i++)
		appendStringInfo(&sql, "%s, ",
						 quote_column(plan, plan->order->columns[i].attnum));
	appendStringInfo(&sql, "t.syncport_id, t.syncport_tid FROM %s WHERE ",
					 plan->images->from);
	if (request->condition)
		appendStringInfo(&sql, "(%s) AND ", request->condition->sql);
	appendStringInfo(&sql, "%s AND ", plan->images->not_live);
	plan->image_head = sql.data;
}

/* ORDER BY ... LIMIT. */
static void
build_tail(PagePlan *plan)
{
	StringInfoData sql;
	int			i;

	initStringInfo(&sql);
	for (i = 0; i < plan->order->ncolumns; i++)
		appendStringInfo(&sql, "%s%s %s NULLS %s",
						 i == 0 ? " ORDER BY " : ", ",
						 quote_column(plan, plan->order->columns[i].attnum),
						 plan->columns[i].descending ? "DESC" : "ASC",
						 plan->columns[i].nulls_first ? "FIRST" : "LAST");
	appendStringInfo(&sql, " LIMIT %d", plan->limit);
	plan->tail = sql.data;
}

/* t."column" */
static char *
quote_column(const PagePlan *plan, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(plan->rowdesc, attnum - 1);

	return psprintf("t.%s", quote_identifier(NameStr(att->attname)));
}

/* The values of filter and position; what the position lacks is NULL. */
static ParamListInfo
bind_parameters(const PagePlan *plan, const FilterCondition *condition,
				const CursorPosition *position)
{
	ParamListInfo params = makeParamList(plan->nparams +
										 (plan->images ? 1 : 0));
	int			i;

	for (i = 0; i < plan->nfilter; i++)
		bind_parameter(params, plan, i, condition->values[i],
					   condition->isnull[i]);
	for (i = 0; i < plan->order->ncolumns; i++)
	{
		bool		given = position != NULL && i < position->nvalues &&
		!position->isnull[i];

		bind_parameter(params, plan, plan->nfilter + i,
					   given ? position->values[i] : (Datum) 0, !given);
	}
	return params;
}

/* Set one parameter; the planner may take it as a constant. */
static void
bind_parameter(ParamListInfo params, const PagePlan *plan, int i,
			   Datum value, bool isnull)
{
	params->params[i].value = value;
	params->params[i].isnull = isnull;
	params->params[i].pflags = PARAM_FLAG_CONST;
	params->params[i].ptype = plan->types[i];
}

/* Run the rungs of a position until the page is full. */
static void
run_rungs(PagePlan *plan, const CursorPosition *position,
		  SPIExecuteOptions *options)
{
	Rung	   *rungs = palloc(RUNGS_MAX(position->nvalues) * sizeof(Rung));
	int			n = sp_rung_list(plan->columns, position,
								 !position->at_row && !plan->backward,
								 rungs);
	int			i;

	for (i = 0; i < n && options->tcount > 0; i++)
		options->tcount -= run_rung(plan, &rungs[i], options);
}

/* Run one rung; how many rows it gave. */
static uint64
run_rung(PagePlan *plan, const Rung *rung, SPIExecuteOptions *options)
{
	RungPlan   *entry = plan->rungs;
	int			result;

	while (entry && memcmp(&entry->rung, rung, sizeof(Rung)) != 0)
		entry = entry->next;
	result = SPI_execute_plan_extended(entry ? entry->plan :
									   prepare_rung(plan, rung), options);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "query of a page failed: %s",
			 SPI_result_code_string(result));
	return SPI_processed;
}

/* How to plan the query of a rung. */
static int
choose_options(const PagePlan *plan)
{
	int			options = plan->generic || plan->nfilter == 0 ||
	plan->filter_leads ? CURSOR_OPT_GENERIC_PLAN : 0;

	/*
	 * The planner takes a range of versions for a narrow one, which it would
	 * rather sort as a whole, for each page, than read in order.
	 */
	return plan->feed ? options | CURSOR_OPT_FAST_PLAN : options;
}

/* Prepare the query of a rung and keep it. */
static SPIPlanPtr
prepare_rung(PagePlan *plan, const Rung *rung)
{
	RungPlan   *entry = MemoryContextAllocZero(plan->context,
											   sizeof(RungPlan));
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, plan->head);
	sp_rung_condition(&sql, plan->columns, rung, plan->nfilter + 1);
	appendStringInfoString(&sql, plan->tail);
	entry->rung = *rung;
	entry->plan = SPI_prepare_cursor(sql.data, plan->nparams, plan->types,
									 choose_options(plan));
	if (entry->plan == NULL)
		elog(ERROR, "could not prepare the query of a page: %s",
			 SPI_result_code_string(SPI_result));
	SPI_keepplan(entry->plan);
	entry->next = plan->rungs;
	plan->rungs = entry;
	return entry->plan;
}
