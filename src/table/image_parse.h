/*-------------------------------------------------------------------------
 *
 * image_parse.h
 *	  Finds the texts of columns in an image.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_IMAGE_PARSE_H
#define SYNCPORT_TABLE_IMAGE_PARSE_H

/* Parses images for some columns. */
typedef struct ImageParser ImageParser;

/*
 * A parser for columns of these names, which must live as long; palloc'd in
 * the current context.
 */
extern ImageParser *sp_image_parser(const char *const *names, int count);

/* stands for the text of a column that the image does not have */
extern char sp_image_missing[];

/*
 * Set texts[i] to what the image holds for names[i]: a terminated string
 * inside json, NULL, or sp_image_missing.  Overwrites json.  False where
 * json is not an object of strings and nulls, written without white space;
 * what stands behind the last column wanted is not looked at.
 */
extern bool sp_image_parse(ImageParser *parser, char *json, int length,
						   char **texts);

#endif							/* SYNCPORT_TABLE_IMAGE_PARSE_H */
