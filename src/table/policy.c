/*-------------------------------------------------------------------------
 *
 * policy.c
 *	  What the row policies of a table test.
 *
 * Policies are evaluated over images as well, and an image has columns, but
 * neither system columns nor a row of the table's type.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "rewrite/rowsecurity.h"
#include "utils/rel.h"

#include "table/plan.h"

/* how deep in subqueries the walker is */
typedef struct PolicyWalk
{
	int			level;
} PolicyWalk;

static bool has_unkept_column(Node *node, PolicyWalk *walk);

void
sp_policy_check(Relation rel)
{
	ListCell   *lc;

	if (rel->rd_rsdesc == NULL)
		return;
	foreach(lc, rel->rd_rsdesc->policies)
	{
		RowSecurityPolicy *policy = lfirst(lc);
		PolicyWalk	walk = {0};

		if (has_unkept_column((Node *) policy->qual, &walk))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("policy \"%s\" of table \"%s\" tests a system column or the whole row",
							policy->policy_name, RelationGetRelationName(rel)),
					 errdetail("Policies are evaluated over what was deleted as well, which has columns only."),
					 errhint("Write the policy with the columns that it needs.")));
	}
}

/* Whether an expression uses the table's row, or a column that none has. */
static bool
has_unkept_column(Node *node, PolicyWalk *walk)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		return var->varlevelsup == walk->level && var->varno == 1 &&
			var->varattno <= 0;
	}
	if (IsA(node, Query))
	{
		bool		found;

		walk->level++;
		found = query_tree_walker((Query *) node, has_unkept_column, walk, 0);
		walk->level--;
		return found;
	}
	return expression_tree_walker(node, has_unkept_column, walk);
}
