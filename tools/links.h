/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The first names of files that have several, during a walk. A file is forgotten once its last name
 * was met, so that memory holds only those whose names are still to come.
 */
#ifndef LINKS_H
#define LINKS_H

#include <stddef.h>

#include <peel/query.h>

/** Files by number. {0} is valid and empty. */
struct links {
	/** A tree of tsearch(3). */
	void *root;
	/** The folder of the name that was added last. */
	struct link_folder *last;
	/** What the last links_meet gave out. */
	char *path;
};

/**
 * Meet a name of a node that is no folder.
 * @param ret_first where 1 is returned: the first name, valid until the next call; NUL-terminated.
 * @return 1 where another name came before; 0 where this is the first or only one; PEEL_ENOMEM.
 */
int links_meet(struct links *links, const struct peel_node *node, const char *path, size_t len,
	const char **ret_first, size_t *ret_first_len);

/** Forget the first name of a file: the next one that is met is the first. */
void links_forget(struct links *links, uint64_t ino);

/** Forget all. */
void links_finish(struct links *links);

#endif
