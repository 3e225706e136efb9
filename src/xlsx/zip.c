/*-------------------------------------------------------------------------
 *
 * zip.c
 *	  A ZIP archive that is written from front to back.
 *
 * Nobody can go back to a local header once it is on its way, so that the
 * sizes of what is compressed as it comes follow its data.  Excel asks to
 * repair files with Zip64 records that are not needed; we never write one,
 * hence everything has to stay below 4 GiB.
 *
 * The same rows always make the same bytes: all entries bear one date.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compress/deflate.h"
#include "xlsx/zip.h"

/* what is left below 4 GiB for the small parts and the directory */
#define RESERVED_BYTES		(32 * 1024 * 1024)
#define ARCHIVE_BYTES_MAX	(PG_UINT32_MAX - RESERVED_BYTES)

#define VERSION_NEEDED		20	/* deflate */
#define VERSION_MADE_BY		20	/* FAT attributes: none */
#define FLAG_STREAMED		0x0008
#define FLAG_UTF8			0x0800
#define DOS_TIME			0
#define DOS_DATE			0x0021	/* 1980-01-01 */

#define DESCRIPTOR_SIGNATURE	0x08074b50

struct ZipWriter
{
	Deflater   *deflater;
	uint64		offset;			/* bytes written so far */
	int			nentries;
	int			maxentries;		/* room in entries */
	ZipEntry   *entries;
	MemoryContext context;		/* of entries and names */
};

static void append_2(StringInfo out, uint32 value);
static void append_4(StringInfo out, uint32 value);
static ZipEntry *add_entry(ZipWriter *zip, const char *name);
static void append_local_header(ZipWriter *zip, const ZipEntry *entry,
								StringInfo out);
static void append_description(const ZipEntry *entry, StringInfo out);
static void deflate_data(ZipWriter *zip, const char *data, size_t length,
						 bool last, StringInfo out);

ZipWriter *
sp_zip_create(int level)
{
	ZipWriter  *zip = palloc0(sizeof(ZipWriter));

	zip->deflater = sp_deflate_create(level);
	zip->context = CurrentMemoryContext;
	return zip;
}

void
sp_zip_begin(ZipWriter *zip, const char *name, StringInfo out)
{
	ZipEntry   *entry = add_entry(zip, name);

	entry->method = ZIP_METHOD_DEFLATED;
	entry->streamed = true;
	append_local_header(zip, entry, out);
	sp_deflate_begin(zip->deflater);
}

void
sp_zip_write(ZipWriter *zip, const char *data, size_t length, StringInfo out)
{
	deflate_data(zip, data, length, false, out);
}

void
sp_zip_flush(ZipWriter *zip, StringInfo out)
{
	int			start = out->len;

	sp_deflate_write(zip->deflater, "", 0, DEFLATE_FLUSH, out);
	zip->offset += out->len - start;
}

void
sp_zip_end(ZipWriter *zip, StringInfo out)
{
	ZipEntry   *entry = &zip->entries[zip->nentries - 1];
	int			start;

	deflate_data(zip, NULL, 0, true, out);
	entry->crc = sp_deflate_crc(zip->deflater);
	entry->packed = sp_deflate_bytes_out(zip->deflater);
	entry->bytes = sp_deflate_bytes_in(zip->deflater);
	start = out->len;
	append_4(out, DESCRIPTOR_SIGNATURE);
	append_4(out, entry->crc);
	append_4(out, entry->packed);
	append_4(out, entry->bytes);
	zip->offset += out->len - start;
}

void
sp_zip_add(ZipWriter *zip, const ZipEntry *entry, const char *data,
		   StringInfo out)
{
	ZipEntry   *copy = add_entry(zip, entry->name);

	copy->method = entry->method;
	copy->crc = entry->crc;
	copy->packed = entry->packed;
	copy->bytes = entry->bytes;
	append_local_header(zip, copy, out);
	appendBinaryStringInfo(out, data, entry->packed);
	zip->offset += entry->packed;
}

void
sp_zip_finish(ZipWriter *zip, StringInfo out)
{
	int			start = out->len;
	int			directory_bytes;
	int			i;

	for (i = 0; i < zip->nentries; i++)
	{
		const ZipEntry *entry = &zip->entries[i];

		append_4(out, ZIP_CENTRAL_SIGNATURE);
		append_2(out, VERSION_MADE_BY);
		append_description(entry, out);
		append_4(out, entry->crc);
		append_4(out, entry->packed);
		append_4(out, entry->bytes);
		append_2(out, strlen(entry->name));
		append_2(out, 0);		/* extra field */
		append_2(out, 0);		/* comment */
		append_2(out, 0);		/* disk */
		append_2(out, 0);		/* internal attributes */
		append_4(out, 0);		/* external attributes */
		append_4(out, entry->offset);
		appendStringInfoString(out, entry->name);
	}
	directory_bytes = out->len - start;
	append_4(out, ZIP_END_SIGNATURE);
	append_4(out, 0);			/* two numbers of disks */
	append_2(out, zip->nentries);
	append_2(out, zip->nentries);
	append_4(out, directory_bytes);
	append_4(out, zip->offset);
	append_2(out, 0);			/* comment */
}

/* Two bytes, the lower one first. */
static void
append_2(StringInfo out, uint32 value)
{
	const char	bytes[] = {value & 0xFF, (value >> 8) & 0xFF};

	appendBinaryStringInfo(out, bytes, sizeof(bytes));
}

/* Four bytes. */
static void
append_4(StringInfo out, uint32 value)
{
	append_2(out, value & 0xFFFF);
	append_2(out, value >> 16);
}

/* A new entry, that begins here. */
static ZipEntry *
add_entry(ZipWriter *zip, const char *name)
{
	ZipEntry   *entry;

	if (zip->entries == NULL)
	{
		zip->maxentries = 16;
		zip->entries = MemoryContextAlloc(zip->context, zip->maxentries *
										  sizeof(ZipEntry));
	}
	else if (zip->nentries == zip->maxentries)
	{
		zip->maxentries *= 2;
		zip->entries = repalloc(zip->entries, zip->maxentries *
								sizeof(ZipEntry));
	}
	entry = &zip->entries[zip->nentries++];
	memset(entry, 0, sizeof(*entry));
	entry->name = MemoryContextStrdup(zip->context, name);
	entry->offset = zip->offset;
	return entry;
}

/* What stands ahead of the data. */
static void
append_local_header(ZipWriter *zip, const ZipEntry *entry, StringInfo out)
{
	int			start = out->len;

	append_4(out, ZIP_LOCAL_SIGNATURE);
	append_description(entry, out);
	append_4(out, entry->crc);	/* zeros while they are not known */
	append_4(out, entry->packed);
	append_4(out, entry->bytes);
	append_2(out, strlen(entry->name));
	append_2(out, 0);			/* extra field */
	appendStringInfoString(out, entry->name);
	zip->offset += out->len - start;
}

/* What local and central header have in common ahead of the sizes. */
static void
append_description(const ZipEntry *entry, StringInfo out)
{
	append_2(out, VERSION_NEEDED);
	append_2(out, FLAG_UTF8 | (entry->streamed ? FLAG_STREAMED : 0));
	append_2(out, entry->method);
	append_2(out, DOS_TIME);
	append_2(out, DOS_DATE);
}

/* Compress, count, and see that the archive stays small enough. */
static void
deflate_data(ZipWriter *zip, const char *data, size_t length, bool last,
			 StringInfo out)
{
	int			start = out->len;

	sp_deflate_write(zip->deflater, data, length, last, out);
	zip->offset += out->len - start;
	if (zip->offset > ARCHIVE_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("workbook is too large"),
				 errdetail("A file of format \"xlsx\" holds less than 4 GiB."),
				 errhint("Export fewer rows or columns per file, or use format \"csv\".")));
}
