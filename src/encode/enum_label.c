/*-------------------------------------------------------------------------
 *
 * enum_label.c
 *	  Labels of enum values already looked up.
 *
 * A label that is renamed while rows are written shows its new name from
 * the row on where a look-up in the catalog would give it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#include "encode/enum_label.h"
#include "encode/json.h"

uint64		sp_enum_label_changes = 0;

static void watch_labels(void);
static void count_change(Datum arg, int cache, uint32 hash);
static void empty_slots(EnumLabels *labels);

EnumLabels *
sp_enum_labels(MemoryContext context, bool json)
{
	EnumLabels *labels = MemoryContextAllocZero(context, sizeof(EnumLabels));

	watch_labels();
	labels->changes = sp_enum_label_changes;
	labels->context = context;
	labels->json = json;
	return labels;
}

/* Be told of changes, from the first labels of the session on. */
static void
watch_labels(void)
{
	static bool watched = false;

	if (watched)
		return;
	CacheRegisterSyscacheCallback(ENUMOID, count_change, (Datum) 0);
	watched = true;
}

/* Some label may have changed. */
static void
count_change(Datum arg, int cache, uint32 hash)
{
	sp_enum_label_changes++;
}

/* Forget what was looked up before the last change. */
static void
empty_slots(EnumLabels *labels)
{
	int			i;

	for (i = 0; i < ENUM_SLOTS; i++)
		labels->slots[i].value = InvalidOid;
	labels->changes = sp_enum_label_changes;
}

void
sp_enum_label_fill(EnumLabels *labels, EnumLabel *slot, Oid value)
{
	MemoryContext old_context;
	StringInfoData text;
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));
	const char *label;

	if (labels->changes != sp_enum_label_changes)
		empty_slots(labels);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for enum value %u", value);
	label = NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel);
	old_context = MemoryContextSwitchTo(labels->context);
	if (slot->text !=NULL)
		pfree(slot->text);
	slot->text = NULL;
	slot->value = InvalidOid;
	initStringInfo(&text);
	if (labels->json)
		sp_json_string(&text, label, strlen(label));
	else
		appendStringInfoString(&text, label);
	slot->text = text.data;
	slot->length = text.len;

	slot->value = value;
	MemoryContextSwitchTo(old_context);
	ReleaseSysCache(tuple);
}
