/* SPDX-License-Identifier: Apache-2.0 */
/** Lines "Key: value": paragraphs of dpkg's status file, and the heads of Python's METADATA and PKG-INFO. */
#ifndef PKGDB_CONTROL_H
#define PKGDB_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkgdb_text.h"

/** Longest name of a package, version and the like that is kept; longer ones are cut. */
#define PKGDB_NAME_MAX 255

/** What a paragraph says; "" where it does not. */
struct pkgdb_paragraph {
	/** Package or Name. */
	char name[PKGDB_NAME_MAX + 1];
	char version[PKGDB_NAME_MAX + 1];
	char arch[PKGDB_NAME_MAX + 1];
	char source[PKGDB_NAME_MAX + 1];
	/** Installed-Size in bytes; -1: not said. */
	int64_t claimed;
	/** It has a line Status, and that ends in " installed". */
	bool has_status, installed;
	/** First line, and the first that is none of a paragraph; 0: there is no such. */
	unsigned long line, bad_line;
};

/**
 * Read the next paragraph; blank lines before it are passed over.
 * @return false at the end of the file, and where text->code is set before a line.
 */
bool pkgdb_paragraph(struct pkgdb_text *text, struct pkgdb_paragraph *ret_paragraph);

/** The value of a line "Key: value" or "K:value"; NULL where it has another key. */
const char *pkgdb_value(const char *line, size_t len, const char *key, size_t *ret_len);

/** Copy a value up to a NUL; cut at PKGDB_NAME_MAX. */
void pkgdb_copy(char *to, const char *bytes, size_t len);

/** A whole number in decimal digits. @return it, -1 where it is none or too large. */
int64_t pkgdb_number(const char *bytes, size_t len);

#endif
