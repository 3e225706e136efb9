/*-------------------------------------------------------------------------
 *
 * json_nested.c
 *	  Arrays and composites as JSON.
 *
 * Element and field encoders are set up when the first value is seen,
 * because only the value says what is in a record or in an anyarray column,
 * and because a type may hold itself through an array.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "encode/json.h"

typedef struct ArrayState
{
	Oid			element_type;	/* InvalidOid: nothing set up yet */
	int16		length;			/* of an element, as in pg_type */
	bool		byval;			/* so too */
	char		align;			/* so too */
	JsonEncoder element;
} ArrayState;

typedef struct CompositeState
{
	Oid			type;			/* InvalidOid: nothing set up yet */
	int32		typmod;			/* tells apart anonymous record types */
	TupleDesc	desc;			/* a copy of our own */
	RowEncoder *row;
	Datum	   *values;			/* room for one deformed row */
	bool	   *isnull;
} CompositeState;

typedef struct ArrayWalk
{
	ArrayState *state;
	StringInfo	out;
	const int  *lengths;		/* of the dimensions */
	int			ndims;
	const Datum *values;		/* next element to write */
	const bool *isnull;
} ArrayWalk;

static ArrayState *prepare_array(JsonEncoder *encoder, Oid element_type);
static void write_dimension(ArrayWalk *walk, int dimension);
static void write_element(ArrayWalk *walk);
static CompositeState *prepare_composite(JsonEncoder *encoder,
										 HeapTupleHeader header);

void
sp_json_array(JsonEncoder *encoder, Datum value, StringInfo out)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	ArrayState *state = prepare_array(encoder, ARR_ELEMTYPE(array));
	ArrayWalk	walk;
	Datum	   *values;
	bool	   *isnull;
	int			nvalues;

	check_stack_depth();
	if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) <= 0)
	{
		appendStringInfoString(out, "[]");
		return;
	}
	deconstruct_array(array, state->element_type, state->length,
					  state->byval, state->align, &values, &isnull, &nvalues);
	walk.state = state;
	walk.out = out;
	walk.lengths = ARR_DIMS(array);
	walk.ndims = ARR_NDIM(array);
	walk.values = values;
	walk.isnull = isnull;
	write_dimension(&walk, 0);
}

void
sp_json_composite(JsonEncoder *encoder, Datum value, StringInfo out)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	CompositeState *state;
	HeapTupleData tuple;

	check_stack_depth();
	state = prepare_composite(encoder, header);
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	tuple.t_data = header;
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	heap_deform_tuple(&tuple, state->desc, state->values, state->isnull);
	sp_json_row(state->row, state->values, state->isnull, out);
}

/* The encoder's state for arrays of a type, made where it is another. */
static ArrayState *
prepare_array(JsonEncoder *encoder, Oid element_type)
{
	ArrayState *state = encoder->state;

	if (state == NULL)
	{
		state = MemoryContextAllocZero(encoder->job->context, sizeof(*state));
		encoder->state = state;
	}
	if (state->element_type != element_type)
	{
		sp_json_encoder_init(&state->element, encoder->job, element_type);
		get_typlenbyvalalign(element_type, &state->length, &state->byval,
							 &state->align);
		state->element_type = element_type;
	}
	return state;
}

/* Write one dimension and all below it. */
static void
write_dimension(ArrayWalk *walk, int dimension)
{
	int			i;

	appendStringInfoCharMacro(walk->out, '[');
	for (i = 0; i < walk->lengths[dimension]; i++)
	{
		if (i > 0)
			appendStringInfoCharMacro(walk->out, ',');
		if (dimension + 1 < walk->ndims)
			write_dimension(walk, dimension + 1);
		else
			write_element(walk);
	}
	appendStringInfoCharMacro(walk->out, ']');
}

/* Write the next element. */
static void
write_element(ArrayWalk *walk)
{
	JsonEncoder *element = &walk->state->element;

	if (*walk->isnull++)
		appendBinaryStringInfo(walk->out, "null", 4);
	else
	{
		sp_value_reserve(walk->out, VALUE_BYTES_MAX);
		element->write(element, *walk->values, walk->out);
	}
	walk->values++;
}

/* The encoder's state for the type of a row, made where it is another. */
static CompositeState *
prepare_composite(JsonEncoder *encoder, HeapTupleHeader header)
{
	CompositeState *state = encoder->state;
	Oid			type = HeapTupleHeaderGetTypeId(header);
	int32		typmod = HeapTupleHeaderGetTypMod(header);
	MemoryContext old_context;
	TupleDesc	desc;

	if (state != NULL && state->type == type && state->typmod == typmod)
		return state;
	old_context = MemoryContextSwitchTo(encoder->job->context);
	state = palloc0(sizeof(*state));
	desc = lookup_rowtype_tupdesc(type, typmod);
	state->desc = CreateTupleDescCopy(desc);
	ReleaseTupleDesc(desc);
	state->type = type;
	state->typmod = typmod;
	state->row = sp_json_row_begin(encoder->job, state->desc,
								   state->desc->natts);
	state->values = palloc(sizeof(Datum) * state->desc->natts);
	state->isnull = palloc(sizeof(bool) * state->desc->natts);
	encoder->state = state;
	MemoryContextSwitchTo(old_context);
	return state;
}
