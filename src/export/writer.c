/*-------------------------------------------------------------------------
 *
 * writer.c
 *	  What the writers share.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "export/writer.h"

const char *
sp_writer_heading(const ExportOptions *options, Form_pg_attribute attribute)
{
	ListCell   *cell;

	foreach(cell, options->headings)
	{
		const ExportHeading *heading = lfirst(cell);

		if (strcmp(heading->column, NameStr(attribute->attname)) == 0)
			return heading->heading;
	}
	return NameStr(attribute->attname);
}
