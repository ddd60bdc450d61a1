/* SPDX-License-Identifier: Apache-2.0 */
/** The FORMAT language of GNU stat for one file of an image. */
#ifndef STAT_FORMAT_H
#define STAT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <peel/query.h>

#include "users.h"

/** A file as stat shows it. */
struct stat_file {
	/** Path as the user gave it. */
	const char *path;
	struct peel_node node;
	/** Target of a symlink as stored, else NULL. */
	const char *link;
	size_t link_len;
	const struct users *users;
};

/** What GNU stat prints without a format. */
const char *stat_default_format(const struct peel_node *node);

/**
 * Print a file by a format. Unknown directives show as "?".
 * @param escapes whether backslash escapes mean what they mean to printf (--printf).
 */
void stat_print(FILE *out, const char *format, bool escapes, const struct stat_file *file);

#endif
