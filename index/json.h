/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JSON from strangers: jansson behind caps. Bounded in bytes and levels (limits.h), no duplicate
 * keys, no keys that differ only in case (Go's decoders take either; labels and annotations may
 * have them), no byte order mark, nothing after the value, no NUL in strings, memory bounded by a
 * budget.
 */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

#include <jansson.h>

struct limit_watch;
struct peel_error;
struct source;

/**
 * Parse a document.
 * @param what names it in messages ("manifest.json").
 * @param limits of its size and depth, borrowed; NULL: the defaults.
 * @param ret_json the caller drops it with json_decref.
 * @return 0; PEEL_EFORMAT, PEEL_ELIMIT, PEEL_ENOMEM, PEEL_EAMBIGUOUS (duplicate or case-variant
 *   keys).
 */
int json_parse_within(const char *what, const void *bytes, size_t len, struct limit_watch *limits,
	json_t **ret_json, struct peel_error *err);
/** The same under the default limits. */
int json_parse(const char *what, const void *bytes, size_t len, json_t **ret_json,
	struct peel_error *err);
/** The same for a document that was accepted once, under whatever limits. */
int json_parse_again(const char *what, const void *bytes, size_t len, json_t **ret_json,
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
