/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JSON as package managers write it, read in one pass with a window: a record of conda lists every file of a
 * package and may be larger than any document that is worth keeping in memory, and a package.json of Node may have
 * keys that differ in case only. Nothing is kept; each scalar is told once.
 */
#ifndef PKGDB_JSON_H
#define PKGDB_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "pkgdb_text.h"

/** Deepest nesting, longest key that is told apart, longest string that is given whole, bytes. */
#define PKGDB_JSON_DEPTH 64
#define PKGDB_JSON_KEY_MAX 255
#define PKGDB_JSON_STRING_MAX (8u << 10)

/** A scalar. */
struct pkgdb_json_value {
	/** 1: a member of the document's object. */
	int depth;
	/** Key of the outermost member that it lies in; its own key, "" for an element of an array. */
	const char *top, *key;
	/** 's' a string in UTF-8, 'n' a number, 'w' true, false or null. */
	char type;
	/** NUL-terminated; a longer string is cut. */
	const char *text;
	size_t len;
};

/** Take a scalar, valid during the call; nonzero stops. */
typedef int pkgdb_json_fn(void *arg, const struct pkgdb_json_value *value);

/**
 * Read a document that is open.
 * @param ret_line line where it is damaged.
 * @return 0 at the end; PEEL_EFORMAT (no JSON, nested too deep), PEEL_ENOMEM, as peel_read, or what the callback
 *   returned.
 */
int pkgdb_json_scan(struct pkgdb_text *text, pkgdb_json_fn *each, void *arg,
	unsigned long *ret_line);

#endif
