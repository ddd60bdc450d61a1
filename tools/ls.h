/* SPDX-License-Identifier: Apache-2.0 */
/** A listing as ls keeps, sorts and prints it. */
#ifndef LS_H
#define LS_H

#include <stdbool.h>
#include <stddef.h>

#include <peel/query.h>

#include "users.h"

/** Options of peel ls. */
struct ls_options {
	bool all;
	bool almost_all;
	bool details;
	bool directory;
	bool full_time;
	bool human;
	bool inode;
	bool numeric;
	bool recursive;
	bool zero;
	const char *color;
	const char *layer;
};

/** One name. */
struct ls_entry {
	/** Raw bytes with a NUL behind. */
	char *name;
	size_t len;
	struct peel_node node;
};

/** Names of one folder. Start with {.options = …}. */
struct ls_list {
	const struct ls_options *options;
	struct ls_entry *entries;
	size_t count;
	size_t room;
};

/** Add a copy of a name. @return false where memory is exhausted. */
bool ls_list_add(struct ls_list *list, const void *name, size_t len, const struct peel_node *node);
/** Sort bytewise. */
void ls_list_sort(struct ls_list *list);
/** Free the names. */
void ls_list_finish(struct ls_list *list);

/**
 * Print a listing.
 * @param folder path that raw names of -0 are put behind, NULL: none.
 * @param total whether the long form begins with the "total" line.
 * @return false: where a link leads could not be read; that was said.
 */
bool ls_print(const struct ls_list *list, struct peel_index *index, const struct users *users,
	const char *folder, bool total);

#endif
