/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JSON from strangers: jansson behind caps. At most JSON_MAX bytes, JSON_DEPTH levels, no duplicate
 * keys, no keys that differ only in case (Go's decoders take either; labels and annotations may
 * have them), no byte order mark, nothing after the value, no NUL in strings, memory bounded by a
 * budget.
 */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

#include <jansson.h>

struct peel_error;
struct source;

/** Longest document in bytes, as containers/image's caps (CVE-2020-1702). */
#define JSON_MAX (4u << 20)
/** Deepest nesting. */
#define JSON_DEPTH 64

/**
 * Parse a document.
 * @param what names it in messages ("manifest.json").
 * @param ret_json the caller drops it with json_decref.
 * @return 0; PEEL_EFORMAT, PEEL_ELIMIT, PEEL_ENOMEM, PEEL_EAMBIGUOUS (duplicate or case-variant
 *   keys).
 */
int json_parse(const char *what, const void *bytes, size_t len, json_t **ret_json,
	struct peel_error *err);

/**
 * Member key of an object, spelled as Go's decoder would take it: exactly, else in any case. For
 * fields, not for maps with the user's own keys (json_object_get). Borrowed.
 * @return NULL where it is missing, or object is none.
 */
json_t *json_member(const json_t *object, const char *key);

/** The same as a string; "" where it is missing or no string. Borrowed. */
const char *json_text(const json_t *object, const char *key);

static inline void cleanup_json_(json_t **json)
{
	json_decref(*json);
}

#define cleanup_json __attribute__((__cleanup__(cleanup_json_)))

#endif
