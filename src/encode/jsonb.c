/*-------------------------------------------------------------------------
 *
 * jsonb.c
 *	  Text of jsonb, byte for byte what jsonb_out writes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "encode/json.h"

static void write_scalar(const JsonbValue *value, StringInfo out);

void
sp_json_jsonb(StringInfo out, Jsonb *jsonb)
{
	JsonbIterator *iterator = JsonbIteratorInit(&jsonb->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	bool		first = true;	/* of its array or object, or behind a key */
	bool		scalar = false; /* the whole is one, in an array unseen */

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		if (!first && token != WJB_END_ARRAY && token != WJB_END_OBJECT)
			appendBinaryStringInfo(out, ", ", 2);
		first = token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT ||
			token == WJB_KEY;
		switch (token)
		{
			case WJB_BEGIN_ARRAY:
				scalar = value.val.array.rawScalar;
				if (!scalar)
					appendStringInfoCharMacro(out, '[');
				break;
			case WJB_END_ARRAY:
				if (!scalar)
					appendStringInfoCharMacro(out, ']');
				break;
			case WJB_BEGIN_OBJECT:
				appendStringInfoCharMacro(out, '{');
				break;
			case WJB_END_OBJECT:
				appendStringInfoCharMacro(out, '}');
				break;
			case WJB_KEY:
				write_scalar(&value, out);
				appendBinaryStringInfo(out, ": ", 2);
				break;
			default:
				write_scalar(&value, out);
				break;
		}
	}
}

/* A value without parts. */
static void
write_scalar(const JsonbValue *value, StringInfo out)
{
	switch (value->type)
	{
		case jbvNull:
			appendBinaryStringInfo(out, "null", 4);
			break;
		case jbvBool:
			if (value->val.boolean)
				appendBinaryStringInfo(out, "true", 4);
			else
				appendBinaryStringInfo(out, "false", 5);
			break;
		case jbvNumeric:
			sp_value_numeric(out, (struct varlena *) value->val.numeric);
			break;
		case jbvString:
			sp_json_string(out, value->val.string.val,
						   value->val.string.len);
			break;
		default:
			elog(ERROR, "unexpected type of a jsonb value: %d",
				 (int) value->type);
	}
}
