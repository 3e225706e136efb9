/*-------------------------------------------------------------------------
 *
 * order.c
 *	  The order of a page: order_by's columns and then the key.
 *
 * order_by is user text, so it never becomes SQL: a scanner of its own takes
 * column names and directions and nothing else, and what is built later
 * quotes the names found in the catalog.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "keyset/order.h"
#include "support/compat.h"
#include "support/error.h"
#include "support/relation.h"

/* a hint lists at most this many columns */
#define HINT_COLUMNS_MAX	20

/* what order_by may look like, for hints */
#define ORDER_SYNTAX \
	"Write it as: column [ ASC | DESC ] [ NULLS FIRST | NULLS LAST ] [, ...]"

typedef enum TokenKind
{
	TOKEN_END,
	TOKEN_COMMA,
	TOKEN_WORD,					/* not quoted, folded */
	TOKEN_QUOTED,
	TOKEN_OTHER					/* a character that nothing begins with */
} TokenKind;

typedef struct OrderScanner
{
	Relation	rel;
	const char *input;			/* all of order_by */
	const char *next;			/* what is behind the current token */
	const char *start;			/* of the current token */
	TokenKind	kind;			/* of the current token */
	char	   *word;			/* its name, folded or unquoted */
} OrderScanner;

static int	parse_column_list(OrderScanner *scanner, OrderColumn *columns);
static void parse_direction(OrderScanner *scanner, OrderColumn *column);
static bool take_word(OrderScanner *scanner, const char *word);
static void scan_token(OrderScanner *scanner);
static void scan_quoted(OrderScanner *scanner);
static void report_syntax(OrderScanner *scanner, const char *expected)
			pg_attribute_noreturn();
static void resolve_column(OrderScanner *scanner, OrderColumn *columns,
						   int ncolumns);
static bool describe_column(Relation rel, AttrNumber attnum,
							OrderColumn *column);
static int	append_key(Relation rel, List *key, OrderColumn *columns,
					   int ncolumns);
static bool names_attribute(const OrderColumn *columns, int ncolumns,
							AttrNumber attnum);
static char *list_orderable(Relation rel);
static uint64 hash_order(const OrderSpec *order);

/* Parse, append the key, hash. */
OrderSpec *
sp_order_parse(Relation rel, const char *order_by, bool key_required)
{
	List	   *key = sp_relation_key(rel);
	OrderSpec  *order = palloc0(sizeof(OrderSpec));
	OrderScanner scanner = {.rel = rel,.input = order_by,.next = order_by};

	if (key == NIL && key_required)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key",
						RelationGetRelationName(rel)),
				 errdetail("The key makes the order of a page unique."),
				 errhint("Add a primary key to the table.")));

	order->relid = RelationGetRelid(rel);
	order->columns = palloc0(sizeof(OrderColumn) *
							 (ORDER_COLUMNS_MAX + list_length(key)));
	if (order_by != NULL)
		order->norder = parse_column_list(&scanner, order->columns);
	order->ncolumns = append_key(rel, key, order->columns, order->norder);
	order->binding = hash_order(order);
	return order;
}

/* All of order_by; a blank one has no columns. */
static int
parse_column_list(OrderScanner *scanner, OrderColumn *columns)
{
	int			ncolumns = 0;

	scan_token(scanner);
	if (scanner->kind == TOKEN_END)
		return 0;
	for (;;)
	{
		if (scanner->kind != TOKEN_WORD && scanner->kind != TOKEN_QUOTED)
			report_syntax(scanner, "a column name");
		if (ncolumns == ORDER_COLUMNS_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
					 errmsg("order_by names more than %d columns",
							ORDER_COLUMNS_MAX),
					 errdetail("Column number %d is \"%s\".",
							   ORDER_COLUMNS_MAX + 1, scanner->word),
					 errhint("The primary key follows by itself and need not be named.")));
		resolve_column(scanner, columns, ncolumns);
		scan_token(scanner);
		parse_direction(scanner, &columns[ncolumns++]);
		if (scanner->kind == TOKEN_END)
			return ncolumns;
		if (scanner->kind != TOKEN_COMMA)
			report_syntax(scanner, "ASC, DESC, NULLS or a comma");
		scan_token(scanner);
	}
}

/* The optional words behind a column; as in SQL, NULLs count as largest. */
static void
parse_direction(OrderScanner *scanner, OrderColumn *column)
{
	if (take_word(scanner, "desc"))
		column->descending = true;
	else
		(void) take_word(scanner, "asc");

	column->nulls_first = column->descending;
	if (!take_word(scanner, "nulls"))
		return;
	if (take_word(scanner, "first"))
		column->nulls_first = true;
	else if (take_word(scanner, "last"))
		column->nulls_first = false;
	else
		report_syntax(scanner, "FIRST or LAST");
}

/* Step over the current token if it is this word, unquoted. */
static bool
take_word(OrderScanner *scanner, const char *word)
{
	if (scanner->kind != TOKEN_WORD || strcmp(scanner->word, word) != 0)
		return false;
	scan_token(scanner);
	return true;
}

/* Read the next token. */
static void
scan_token(OrderScanner *scanner)
{
	const char *p = scanner->next;

	while (scanner_isspace(*p))
		p++;
	scanner->start = p;
	scanner->next = p + 1;
	if (*p == '\0')
	{
		scanner->kind = TOKEN_END;
		scanner->next = p;
	}
	else if (*p == ',')
		scanner->kind = TOKEN_COMMA;
	else if (*p == '"')
		scan_quoted(scanner);
	else if (isalpha((unsigned char) *p) || *p == '_' || IS_HIGHBIT_SET(*p))
	{
		while (isalnum((unsigned char) *p) || *p == '_' || *p == '$' ||
			   IS_HIGHBIT_SET(*p))
			p++;
		scanner->kind = TOKEN_WORD;
		scanner->word = downcase_truncate_identifier(scanner->start,
													 p - scanner->start,
													 false);
		scanner->next = p;
	}
	else
		scanner->kind = TOKEN_OTHER;
}

/* Read a quoted name; one without an end or a letter is no name. */
static void
scan_quoted(OrderScanner *scanner)
{
	const char *p = scanner->start + 1;
	StringInfoData name;

	initStringInfo(&name);
	for (; *p != '\0'; p++)
	{
		if (*p == '"' && *++p != '"')
			break;
		appendStringInfoChar(&name, *p);
	}
	scanner->kind = TOKEN_OTHER;
	scanner->next = p;
	if (p[-1] != '"' || name.len == 0 || p == scanner->start + 1)
		return;
	truncate_identifier(name.data, name.len, false);
	scanner->kind = TOKEN_QUOTED;
	scanner->word = name.data;
}

/* Say where order_by cannot be understood. */
static void
report_syntax(OrderScanner *scanner, const char *expected)
{
	int			position = pg_mbstrlen_with_len(scanner->input,
												scanner->start - scanner->input);

	if (scanner->kind == TOKEN_END)
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("syntax error at the end of order_by"),
				 errdetail("Expected %s.", expected),
				 errhint(ORDER_SYNTAX)));
	ereport(ERROR,
			(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
			 errmsg("syntax error in order_by at character %d", position + 1),
			 errdetail("Expected %s, found \"%s\".", expected,
					   pnstrdup(scanner->start,
								pg_mbcliplen(scanner->start,
											 strlen(scanner->start), 40))),
			 errhint(ORDER_SYNTAX)));
}

/* Find the column that the current token names. */
static void
resolve_column(OrderScanner *scanner, OrderColumn *columns, int ncolumns)
{
	Relation	rel = scanner->rel;
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), scanner->word);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("column \"%s\" of order_by is not a column of table \"%s\"",
						scanner->word, RelationGetRelationName(rel)),
				 errhint("Columns with an order: %s.", list_orderable(rel))));
	if (names_attribute(columns, ncolumns, attnum))
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("order_by names column \"%s\" twice", scanner->word)));
	if (!describe_column(rel, attnum, &columns[ncolumns]))
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("column \"%s\" of order_by has a type without an order",
						scanner->word),
				 errdetail("Type %s has no default btree operator class.",
						   format_type_be(columns[ncolumns].base_type)),
				 errhint("Columns with an order: %s.", list_orderable(rel))));
}

/*
 * Fill in a column, ascending.  False where its type has no btree order.
 * "nullable" is what the column itself says; append_key knows the key.
 */
static bool
describe_column(Relation rel, AttrNumber attnum, OrderColumn *column)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Form_pg_attribute att = TupleDescAttr(desc, attnum - 1);
	TypeCacheEntry *type;

	column->name = pstrdup(NameStr(att->attname));
	column->attnum = attnum;
	column->type = att->atttypid;
	column->typmod = att->atttypmod;
	column->collation = att->attcollation;
	column->base_type = getBaseType(att->atttypid);
	column->nullable = !SP_COLUMN_NOT_NULL(desc, attnum - 1);

	type = lookup_type_cache(column->base_type, TYPECACHE_BTREE_OPFAMILY |
							 TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR |
							 TYPECACHE_GT_OPR);
	if (!OidIsValid(type->btree_opf) || !OidIsValid(type->eq_opr) ||
		!OidIsValid(type->lt_opr) || !OidIsValid(type->gt_opr))
		return false;
	column->eq_op = type->eq_opr;
	column->lt_op = type->lt_opr;
	column->gt_op = type->gt_opr;
	return true;
}

/* Append what is missing of the key; no key column is nullable. */
static int
append_key(Relation rel, List *key, OrderColumn *columns, int ncolumns)
{
	ListCell   *cell;

	foreach(cell, key)
	{
		AttrNumber	attnum = lfirst_int(cell);

		if (!names_attribute(columns, ncolumns, attnum) &&
			!describe_column(rel, attnum, &columns[ncolumns++]))
			elog(ERROR, "key column %d has no btree order", attnum);
	}
	for (int i = 0; i < ncolumns; i++)
		if (list_member_int(key, columns[i].attnum))
			columns[i].nullable = false;
	return ncolumns;
}

/* Is the attribute among the columns already? */
static bool
names_attribute(const OrderColumn *columns, int ncolumns, AttrNumber attnum)
{
	for (int i = 0; i < ncolumns; i++)
		if (columns[i].attnum == attnum)
			return true;
	return false;
}

/* The table's columns that order_by could name, for a hint. */
static char *
list_orderable(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData names;
	int			count = 0;

	initStringInfo(&names);
	for (int i = 0; i < desc->natts; i++)
	{
		OrderColumn column;

		if (TupleDescAttr(desc, i)->attisdropped ||
			!describe_column(rel, i + 1, &column))
			continue;
		if (count++ == HINT_COLUMNS_MAX)
		{
			appendStringInfoString(&names, ", ...");
			break;
		}
		appendStringInfo(&names, "%s%s", count > 1 ? ", " : "",
						 quote_identifier(column.name));
	}
	return names.data;
}

/* What a cursor must share with the order it is used in. */
static uint64
hash_order(const OrderSpec *order)
{
	StringInfoData facts;

	initStringInfo(&facts);
	appendBinaryStringInfo(&facts, (char *) &order->relid, sizeof(Oid));
	for (int i = 0; i < order->ncolumns; i++)
	{
		const OrderColumn *column = &order->columns[i];

		appendBinaryStringInfo(&facts, (char *) &column->attnum,
							   sizeof(AttrNumber));
		appendBinaryStringInfo(&facts, (char *) &column->type, sizeof(Oid));
		appendBinaryStringInfo(&facts, (char *) &column->collation,
							   sizeof(Oid));
		appendStringInfoChar(&facts, column->descending ? 'd' : 'a');
		appendStringInfoChar(&facts, column->nulls_first ? 'f' : 'l');
	}
	return hash_bytes_extended((unsigned char *) facts.data, facts.len, 0);
}
