/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Fields of printf-like formats that users write (stat, find): flags, width and precision are taken apart, and padding
 * is done here, so that no format string is ever made at run time.
 */
#ifndef FIELD_H
#define FIELD_H

#include <stdbool.h>
#include <stdio.h>

/** Widest field and most digits that a format can ask for; more is taken as this. */
#define FIELD_MAX 1000

/** Flags, width and precision of one directive. */
struct field {
	bool left;
	bool zero;
	bool hash;
	bool plus;
	bool space;
	int width;
	/** -1: none given; a point without digits gives 0 and precision_empty. */
	int precision;
	bool precision_empty;
	/** H or L before the letter, or 0; stat alone knows these. */
	char half;
};

/** Read a width or a precision, at most FIELD_MAX. @return the place behind its digits. */
const char *field_count(const char *at, int *ret_count);
/** Write a character count times; nothing where count is less than 1. */
void field_pad(FILE *out, int count, char with);
/** Write a number. @param prefix a sign, 0 or 0x, or "". @param digits without that. */
void field_digits(FILE *out, const struct field *field, const char *prefix, const char *digits);
/** Write bytes as %s does: precision cuts, width pads with blanks, both count bytes. */
void field_bytes(FILE *out, const struct field *field, const char *bytes, size_t len);

#endif
