/*-------------------------------------------------------------------------
 *
 * zip.h
 *	  A ZIP archive that is written from front to back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_XLSX_ZIP_H
#define SYNCPORT_XLSX_ZIP_H

#include "lib/stringinfo.h"

#define ZIP_METHOD_STORED		0
#define ZIP_METHOD_DEFLATED		8

/* sizes of the records, without the names behind them */
#define ZIP_CENTRAL_BYTES		46
#define ZIP_LOCAL_BYTES			30
#define ZIP_END_BYTES			22

#define ZIP_CENTRAL_SIGNATURE	0x02014b50
#define ZIP_LOCAL_SIGNATURE		0x04034b50
#define ZIP_END_SIGNATURE		0x06054b50

typedef struct ZipWriter ZipWriter;

/* A file of the archive. */
typedef struct ZipEntry
{
	const char *name;			/* path in the archive */
	int			method;			/* ZIP_METHOD_ */
	uint32		crc;			/* of the content */
	uint32		packed;			/* bytes in the archive */
	uint32		bytes;			/* bytes of the content */
	uint32		offset;			/* of its local header */
	bool		streamed;		/* sizes follow the data */
} ZipEntry;

/*
 * An archive in the current memory context, which keeps what it needs for
 * its end: some bytes per entry.  level as in compress/deflate.h.
 */
extern ZipWriter *sp_zip_create(int level);

/* Begin an entry that is compressed as it comes; name is copied. */
extern void sp_zip_begin(ZipWriter *zip, const char *name, StringInfo out);

/* Its content; 54000 where the archive comes too close to 4 GiB. */
extern void sp_zip_write(ZipWriter *zip, const char *data, size_t length,
						 StringInfo out);

/* Append what has been kept back of it, at the price of some bytes. */
extern void sp_zip_flush(ZipWriter *zip, StringInfo out);

/* Its end. */
extern void sp_zip_end(ZipWriter *zip, StringInfo out);

/*
 * A whole entry, compressed already: entry says everything but offset and
 * streamed.
 */
extern void sp_zip_add(ZipWriter *zip, const ZipEntry *entry,
					   const char *data, StringInfo out);

/* The end of the archive. */
extern void sp_zip_finish(ZipWriter *zip, StringInfo out);

/* Integers as a ZIP archive stores them. */
static inline uint32
sp_zip_read2(const char *bytes)
{
	const unsigned char *byte = (const unsigned char *) bytes;

	return byte[0] | (uint32) byte[1] << 8;
}

static inline uint32
sp_zip_read4(const char *bytes)
{
	return sp_zip_read2(bytes) | sp_zip_read2(bytes + 2) << 16;
}

#endif							/* SYNCPORT_XLSX_ZIP_H */
