/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Shell patterns that leave files out, or in, as GNU du and grep take them (--exclude, --include, --exclude-from): the
 * last pattern that matches a name decides.
 */
#ifndef EXCLUDE_H
#define EXCLUDE_H

#include <stdbool.h>
#include <stddef.h>

struct peel_error;
struct exclude_pattern;

/** Most bytes of a file of patterns; what is longer is none. */
#define EXCLUDE_FILE_MAX (16u << 20)

/** Patterns. {0} leaves nothing out; release with exclude_finish. */
struct exclude {
	struct exclude_pattern *patterns;
	size_t count;
	size_t room;
};

/** Add a copy of a pattern. @param include it keeps what it matches. @return 0, PEEL_ENOMEM. */
int exclude_add(struct exclude *exclude, const char *pattern, bool include, struct peel_error *err);
/**
 * Add the lines of a file of this machine, blanks at their ends cut, empty ones skipped; "-" is standard input.
 * @return 0; PEEL_ENOMEM, PEEL_EIO, PEEL_ELIMIT.
 */
int exclude_add_file(struct exclude *exclude, const char *path, struct peel_error *err);
/**
 * Whether a name is left out. Where no pattern matches, it is if the first one was an including one.
 * @param anchored the pattern must match from the name's start; else it may start behind any slash.
 */
bool exclude_match(const struct exclude *exclude, const char *name, bool anchored);
/** Free; {0} is fine. */
void exclude_finish(struct exclude *exclude);

#endif
