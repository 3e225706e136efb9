/*-------------------------------------------------------------------------
 *
 * base64.h
 *	  URL-safe base64 without padding (RFC 4648, section 5).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_BASE64_H
#define SYNCPORT_BASE64_H

/* how many characters so many bytes take */
#define SP_BASE64_LENGTH(bytes)		(((bytes) * 4 + 2) / 3)

/* Write SP_BASE64_LENGTH(len) characters, no terminator. */
extern void sp_base64_encode(const uint8 *bytes, int len, char *out);

/*
 * Read it back into out, which has room for len bytes: the number of bytes,
 * or -1 where the text is not what sp_base64_encode writes for any bytes.
 */
extern int	sp_base64_decode(const char *text, int len, uint8 *out);

#endif							/* SYNCPORT_BASE64_H */
