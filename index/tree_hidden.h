/* SPDX-License-Identifier: Apache-2.0 */
/** Entries that something hides: collected while the merge runs, then written into their rows. */
#ifndef TREE_HIDDEN_H
#define TREE_HIDDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"
#include "util.h"

struct peel_error;
struct record;

/** Most that wait: 4 MiB. */
#define TREE_HIDDEN_MAX fuzz_size(1u << 19, 4u)

/** {.store = …} is valid and empty. */
struct tree_hidden {
	/** Borrowed. */
	struct store *store;
	/** Each: id, layer and reason, in this order of bits. */
	uint64_t *changes;
	size_t count, room;
	/** Some are left to SQLite. */
	bool late;
};

/** Free what waits. */
void tree_hidden_free(struct tree_hidden *hidden);

/**
 * Write the end of an entry's record (flags, hash, hidden_by, why) so that tree_hidden can change it in place.
 * @param hash 16 bytes, or NULL. @param layer what hides it, -1: nothing yet.
 */
void tree_hidden_put(struct record *record, uint32_t flags, const void *hash, int layer,
	enum store_why why);

/**
 * Note that an entry is hidden; once each. Between this and tree_hidden_write nobody changes table entry.
 * @return 0; PEEL_ENOMEM, PEEL_EIO (disk full), as store_step.
 */
int tree_hidden_add(struct tree_hidden *hidden, uint64_t id, int layer, enum store_why why,
	struct peel_error *err);

/** Write all, and let SQLite see it; no statement may be at a row. @return as tree_hidden_add. */
int tree_hidden_write(struct tree_hidden *hidden, struct peel_error *err);

#endif
