/*-------------------------------------------------------------------------
 *
 * enum_label.h
 *	  Labels of enum values already looked up.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_ENCODE_ENUM_LABEL_H
#define SYNCPORT_ENCODE_ENUM_LABEL_H

/* labels remembered per column; a power of two */
#define ENUM_SLOTS		64

typedef struct EnumLabel
{
	Oid			value;			/* InvalidOid: empty */
	int			length;			/* of text */
	char	   *text;			/* the label, not terminated */
} EnumLabel;

typedef struct EnumLabels
{
	MemoryContext context;		/* of the texts */
	bool		json;			/* as JSON strings, with their quotes */
	uint64		changes;		/* of catalogs, when the slots were emptied */
	EnumLabel	slots[ENUM_SLOTS];
} EnumLabels;

/* An empty set, palloc'd in context. */
extern EnumLabels *sp_enum_labels(MemoryContext context, bool json);

/* How often labels may have changed. */
extern uint64 sp_enum_label_changes;

/* Look a label up and keep it. */
extern void sp_enum_label_fill(EnumLabels *labels, EnumLabel *slot,
							   Oid value);

/* The label of a value, good until the next call. */
static inline const EnumLabel *
sp_enum_label(EnumLabels *labels, Oid value)
{
	EnumLabel  *slot = &labels->slots[value % ENUM_SLOTS];

	if (unlikely(slot->value != value ||
				 labels->changes != sp_enum_label_changes))
		sp_enum_label_fill(labels, slot, value);
	return slot;
}

#endif							/* SYNCPORT_ENCODE_ENUM_LABEL_H */
