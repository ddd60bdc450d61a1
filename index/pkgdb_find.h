/* SPDX-License-Identifier: Apache-2.0 */
/** Paths that databases list, found in the merged tree; the folders on the way are remembered. */
#ifndef PKGDB_FIND_H
#define PKGDB_FIND_H

#include <stddef.h>
#include <stdint.h>

struct peel_error;
struct peel_index;
struct peel_node;
struct pkgdb_finder;
struct pkgdb_root;

/** @return 0; PEEL_ENOMEM. */
int pkgdb_finder_new(struct peel_index *index, struct pkgdb_finder **ret_finder,
	struct peel_error *err);
/** Free; NULL is fine. */
void pkgdb_finder_free(struct pkgdb_finder *finder);

/**
 * Find a path: links on the way are followed in the image, the last name is not.
 * @param base folder that relative paths begin at. @param root where absolute ones begin; what leads
 *   out of it is not found.
 * @return 1 and the node, 0 there is none, or less than 0 as peel_resolve for what is the index's fault.
 */
int pkgdb_find(struct pkgdb_finder *finder, const struct pkgdb_root *root, uint64_t base,
	const char *path, size_t len, struct peel_node *ret_node, struct peel_error *err);

#endif
