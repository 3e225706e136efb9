/*-------------------------------------------------------------------------
 *
 * accelerate.c
 *	  Which of core's COPY statements we run in core's place.
 *
 * What core refuses, core shall refuse, in its own words.  What is decided
 * here without a lock may be wrong a moment later; then the statement fails
 * in our words, as it does where the server cannot write a file.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "export/accelerate.h"
#include "export/copy_option.h"

static bool is_encoding_allowed(List *options);
static bool is_target_allowed(const CopyStmt *statement);
static bool is_source_allowed(const CopyStmt *statement);

const ExportFormat *
sp_accelerate_format(const CopyStmt *statement)
{
	const ExportFormat *format;

	if (statement->is_from || statement->whereClause != NULL)
		return NULL;
	format = sp_copy_option_core_format(statement->options);
	if (format == NULL || !is_target_allowed(statement) ||
		!is_source_allowed(statement))
		return NULL;
	if (GetDatabaseEncoding() == PG_SQL_ASCII ||
		!is_encoding_allowed(statement->options))
		return NULL;
	return format;
}

/*
 * Does the encoding to write make special characters of others?  Core looks
 * through what it has converted.
 */
static bool
is_encoding_allowed(List *options)
{
	int			encoding = pg_get_client_encoding();
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "encoding") == 0)
			encoding = pg_char_to_encoding(defGetString(option));
	}
	return !sp_copy_option_is_shift_jis(encoding);
}

/* May the caller write there, and can we? */
static bool
is_target_allowed(const CopyStmt *statement)
{
	if (statement->filename == NULL)
		return whereToSendOutput == DestRemote;
	if (statement->is_program)
		return has_privs_of_role(GetUserId(),
								 ROLE_PG_EXECUTE_SERVER_PROGRAM);
	return is_absolute_path(statement->filename) &&
		has_privs_of_role(GetUserId(), ROLE_PG_WRITE_SERVER_FILES);
}

/*
 * Is it a query, or a table that core copies?  Under row policies core writes
 * what SELECT * gives, generated columns included.
 */
static bool
is_source_allowed(const CopyStmt *statement)
{
	Oid			relid;

	if (statement->relation == NULL)
		return IsA(statement->query, SelectStmt);
	relid = RangeVarGetRelid(statement->relation, NoLock, true);
	return OidIsValid(relid) &&
		get_rel_relkind(relid) == RELKIND_RELATION &&
		check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}
