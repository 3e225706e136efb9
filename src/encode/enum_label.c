/*-------------------------------------------------------------------------
 *
 * enum_label.c
 *	  Labels of enum values already looked up.
 *
 * A label that is renamed while rows are written keeps its old name in
 * them, as it would under a snapshot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "utils/syscache.h"

#include "encode/enum_label.h"
#include "encode/json.h"

EnumLabels *
sp_enum_labels(MemoryContext context, bool json)
{
	EnumLabels *labels = MemoryContextAllocZero(context, sizeof(EnumLabels));

	labels->context = context;
	labels->json = json;
	return labels;
}

void
sp_enum_label_fill(EnumLabels *labels, EnumLabel *slot, Oid value)
{
	MemoryContext old_context;
	StringInfoData text;
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));
	const char *label;

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
