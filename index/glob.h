/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Path patterns, and sets of many of them that are asked for each path of an image.
 *
 * A pattern is matched against a whole canonical path, "/usr/lib/x.so". It begins with "/" (anchored
 * at the root) or with "**" and "/" (any depth, the root included); anything else is wrong.
 *
 *   *        any run of bytes but "/", also none     ?        one byte but "/"
 *   [abc]    one of these bytes                      [a-z]    one of a range
 *   [!a]     one byte but these and "/" ([^a] too)   \x       x as itself, within [] too
 *   {a,b}    either; may be nested, be empty, and hold slashes
 *   **       as a whole component: any number of components, also none; at the end, one or more:
 *            "/tmp/" and "**" is all below /tmp, not /tmp itself
 *
 * Bytes are compared as they are (C locale); a dot at a name's begin is nothing special. What could
 * never match, or is read differently elsewhere, is refused and not passed over: components that are
 * empty, "." or "..", a slash at the end (but for "/", the root), "**" within a component, [:alpha:],
 * a range that runs backwards, and "]" or "}" of its own where it would be taken for an end.
 */
#ifndef GLOB_H
#define GLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peel_error;
struct glob_set;

/** Longest pattern, bytes. */
#define GLOB_MAX 1024
/** Most alternatives that braces make of one. */
#define GLOB_ALTERNATIVES_MAX 1024
/** Most patterns of a set, after braces. */
#define GLOB_SET_MAX 100000
/** Most memory of a set's patterns, bytes. */
#define GLOB_SET_BYTES (32u << 20)

/** @return 0; PEEL_ENOMEM. */
int glob_set_new(struct glob_set **ret_set, struct peel_error *err);
/** Free; NULL is fine. */
void glob_set_free(struct glob_set *set);

/**
 * Add a pattern. After a failure some of its alternatives may be in the set.
 * @param id what glob_set_match gives back for it; several patterns may have one id. Lower ids are
 *   told first.
 * @return 0; PEEL_EFORMAT (no pattern, and why), PEEL_ELIMIT, PEEL_ENOMEM.
 */
int glob_set_add(struct glob_set *set, const char *pattern, uint32_t id, struct peel_error *err);

/** Take a matching id; nonzero stops. */
typedef int glob_fn(void *arg, uint32_t id);

/**
 * All ids of which a pattern matches a path, ascending, each once. Safe from several threads once
 * all patterns are added; allocates nothing. Costs about one hash lookup a component and the
 * patterns that share their rarest fixed part with the path, not one match a pattern; never more
 * than path length times pattern length for each.
 * @param path canonical, begins with "/"; the root itself is "/".
 * @return 0, or what the callback returned.
 */
int glob_set_match(const struct glob_set *set, const char *path, size_t len, glob_fn *each,
	void *arg);

/**
 * The lowest matching id; threads, cost and path as above.
 * @return true and *ret_id; false: none.
 */
bool glob_set_first(const struct glob_set *set, const char *path, size_t len, uint32_t *ret_id);

/** One pattern against one path, for a few. @return 1, 0; PEEL_EFORMAT, PEEL_ELIMIT, PEEL_ENOMEM. */
int glob_match(const char *pattern, const char *path, size_t len, struct peel_error *err);

static inline void cleanup_glob_set_(struct glob_set **set)
{
	glob_set_free(*set);
}

/** glob_set_free at the end of the scope. */
#define cleanup_glob_set __attribute__((__cleanup__(cleanup_glob_set_)))

#endif
