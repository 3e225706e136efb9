/*-------------------------------------------------------------------------
 *
 * item_scan.c
 *	  Planning of syncport.page, and a scan that takes each item apart once.
 *
 * SELECT (item).* asks for every column of the composite by itself, and for
 * each the executor walks the row from its start: for a row of twenty columns
 * that costs more than finding it did.  A custom scan over the function's own
 * scan hands the item on as an expanded record, which is taken apart at
 * most once.  To everyone else that is a composite like any other.
 *
 * One record serves all rows, as a slot does: whoever keeps a value longer
 * copies it, which flattens it.  The scan adds nothing and drops nothing;
 * conditions stay with the function's scan below.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "executor/executor.h"
#include "nodes/extensible.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/paths.h"
#include "utils/expandedrecord.h"
#include "utils/lsyscache.h"

#include "keyset/keyset.h"
#include "syncport.h"

PG_FUNCTION_INFO_V1(syncport_page_support);

#define SCAN_NAME		"syncport page"
#define PAGE_FUNCTION	"page"

/* of syncport.page: the item's column, and the argument page_size */
#define ITEM_ATTNUM			1
#define PAGE_SIZE_ARGUMENT	3

/* the state of one scan */
typedef struct ItemScanState
{
	CustomScanState css;		/* must be first */
	int			item;			/* position in the child's rows, or -1 */
	ExpandedRecordHeader *record;	/* stands for the item; NULL until used */
	HeapTupleData tuple;		/* what it holds now */
} ItemScanState;

static set_rel_pathlist_hook_type previous_hook = NULL;

static void wrap_page_paths(PlannerInfo *root, RelOptInfo *rel, Index rti,
							RangeTblEntry *rte);
static bool is_page(RangeTblEntry *rte);
static Path *wrap_path(RelOptInfo *rel, Path *child);
static Plan *plan_scan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path,
					   List *targets, List *clauses, List *children);
static Node *create_state(CustomScan *scan);
static void begin_scan(CustomScanState *css, EState *estate, int eflags);
static TupleTableSlot *run_scan(CustomScanState *css);
static TupleTableSlot *next_row(ScanState *ss);
static bool recheck_row(ScanState *ss, TupleTableSlot *slot);
static Datum expand_item(ItemScanState *state, Datum item);
static void end_scan(CustomScanState *css);
static void rescan(CustomScanState *css);

static const CustomPathMethods path_methods = {
	.CustomName = SCAN_NAME,
	.PlanCustomPath = plan_scan
};

static const CustomScanMethods scan_methods = {
	.CustomName = SCAN_NAME,
	.CreateCustomScanState = create_state
};

static const CustomExecMethods exec_methods = {
	.CustomName = SCAN_NAME,
	.BeginCustomScan = begin_scan,
	.ExecCustomScan = run_scan,
	.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan
};

void
sp_keyset_init(void)
{
	RegisterCustomScanMethods(&scan_methods);
	previous_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = wrap_page_paths;
}

/*
 * syncport.page_support(internal) RETURNS internal: how many rows a page has.
 * It also makes sure that the library is loaded when a page is planned.
 */
Datum
syncport_page_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestRows *rows = (SupportRequestRows *) request;
	Node	   *size;

	if (!IsA(request, SupportRequestRows) || !IsA(rows->node, FuncExpr))
		PG_RETURN_POINTER(NULL);
	size = list_nth(((FuncExpr *) rows->node)->args, PAGE_SIZE_ARGUMENT);
	if (!IsA(size, Const) || ((Const *) size)->constisnull)
		PG_RETURN_POINTER(NULL);
	rows->rows = Max(DatumGetInt32(((Const *) size)->constvalue), 1);
	PG_RETURN_POINTER(request);
}

/* Hook: put our scan over each scan of syncport.page. */
static void
wrap_page_paths(PlannerInfo *root, RelOptInfo *rel, Index rti,
				RangeTblEntry *rte)
{
	ListCell   *lc;

	if (previous_hook)
		previous_hook(root, rel, rti, rte);
	if (!is_page(rte))
		return;
	foreach(lc, rel->pathlist)
	{
		Path	   *path = lfirst(lc);

		if (path->pathtype == T_FunctionScan)
			lfirst(lc) = wrap_path(rel, path);
	}
}

/* Whether an entry of FROM is syncport.page alone. */
static bool
is_page(RangeTblEntry *rte)
{
	Node	   *call;
	Oid			function;

	if (rte->rtekind != RTE_FUNCTION || rte->funcordinality ||
		list_length(rte->functions) != 1)
		return false;
	call = ((RangeTblFunction *) linitial(rte->functions))->funcexpr;
	if (!IsA(call, FuncExpr))
		return false;
	function = ((FuncExpr *) call)->funcid;
	return get_func_namespace(function) ==
		get_namespace_oid(SP_SCHEMA, true) &&
		strcmp(get_func_name(function), PAGE_FUNCTION) == 0;
}

/* A path of ours over the function's. */
static Path *
wrap_path(RelOptInfo *rel, Path *child)
{
	CustomPath *path = makeNode(CustomPath);

	path->path = *child;
	path->path.type = T_CustomPath;
	path->path.pathtype = T_CustomScan;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make1(child);
	path->methods = &path_methods;
	return &path->path;
}

/* The plan: rows are the child's, whose conditions have been applied. */
static Plan *
plan_scan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path,
		  List *targets, List *clauses, List *children)
{
	CustomScan *scan = makeNode(CustomScan);
	Plan	   *child = linitial(children);
	int			item = -1;
	ListCell   *lc;

	foreach(lc, child->targetlist)
	{
		Var		   *var = (Var *) ((TargetEntry *) lfirst(lc))->expr;

		if (IsA(var, Var) && var->varattno == ITEM_ATTNUM)
			item = foreach_current_index(lc);
	}
	scan->scan.plan.targetlist = targets;
	scan->flags = path->flags;
	scan->custom_plans = children;
	scan->custom_scan_tlist = copyObject(child->targetlist);
	scan->custom_private = list_make1_int(item);
	scan->methods = &scan_methods;
	return &scan->scan.plan;
}

/* The state of a scan that is about to begin. */
static Node *
create_state(CustomScan *scan)
{
	ItemScanState *state = (ItemScanState *) newNode(sizeof(ItemScanState),
													 T_CustomScanState);

	state->css.methods = &exec_methods;
	state->item = linitial_int(scan->custom_private);
	return (Node *) state;
}

/* Start the function's scan. */
static void
begin_scan(CustomScanState *css, EState *estate, int eflags)
{
	CustomScan *scan = (CustomScan *) css->ss.ps.plan;

	css->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans),
											 estate, eflags));
}

/* The next row, projected. */
static TupleTableSlot *
run_scan(CustomScanState *css)
{
	return ExecScan(&css->ss, next_row, recheck_row);
}

/* The function's next row, with its item expanded. */
static TupleTableSlot *
next_row(ScanState *ss)
{
	ItemScanState *state = (ItemScanState *) ss;
	TupleTableSlot *slot = ss->ss_ScanTupleSlot;
	TupleTableSlot *row = ExecProcNode(linitial(state->css.custom_ps));
	int			natts = slot->tts_tupleDescriptor->natts;

	ExecClearTuple(slot);
	if (TupIsNull(row))
		return slot;
	slot_getallattrs(row);
	memcpy(slot->tts_values, row->tts_values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, row->tts_isnull, natts * sizeof(bool));
	if (state->item >= 0 && !slot->tts_isnull[state->item])
		slot->tts_values[state->item] =
			expand_item(state, slot->tts_values[state->item]);
	return ExecStoreVirtualTuple(slot);
}

/* Rows of a function are never rechecked. */
static bool
recheck_row(ScanState *ss, TupleTableSlot *slot)
{
	return true;
}

/* The item as an expanded record that points to it. */
static Datum
expand_item(ItemScanState *state, Datum item)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(item);

	if (state->record == NULL)
		state->record =
			make_expanded_record_from_typeid(HeapTupleHeaderGetTypeId(header),
											 HeapTupleHeaderGetTypMod(header),
											 state->css.ss.ps.state->es_query_cxt);
	state->tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	state->tuple.t_data = header;
	ItemPointerSetInvalid(&state->tuple.t_self);
	state->tuple.t_tableOid = InvalidOid;
	expanded_record_set_tuple(state->record, &state->tuple, false, false);
	return ExpandedRecordGetRODatum(state->record);
}

/* End the function's scan; the record goes with the query's memory. */
static void
end_scan(CustomScanState *css)
{
	ExecEndNode(linitial(css->custom_ps));
}

/* Start over; a child with changed parameters does so when it is next run. */
static void
rescan(CustomScanState *css)
{
	PlanState  *child = linitial(css->custom_ps);

	if (css->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(child, css->ss.ps.chgParam);
	if (child->chgParam == NULL)
		ExecReScan(child);
	ExecScanReScan(&css->ss);
}
