/* SPDX-License-Identifier: Apache-2.0 */
/** Changes to rows that are there already, made in the order of their ids: each page is then visited once. */
#ifndef TREE_BATCH_H
#define TREE_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "util.h"

struct peel_error;
struct store;

/** Most changes that wait: 1.5 MiB. */
#define TREE_BATCH_MAX fuzz_size(65536, 3)

struct tree_change {
	uint64_t id;
	uint64_t first, second;
};

/** Changes of one kind. A zero value with sql set is valid and empty. */
struct tree_batch {
	/** A literal; binds id as ?1, first as ?2 and, where it has one, second as ?3. */
	const char *sql;
	struct tree_change *changes;
	size_t count, room;
};

/** Free what waits. */
void tree_batch_finish(struct tree_batch *batch);

/** Add a change; writes all where there are TREE_BATCH_MAX. @return 0; PEEL_ENOMEM; as store_run. */
int tree_batch_add(struct tree_batch *batch, struct store *store, uint64_t id, uint64_t first,
	uint64_t second, struct peel_error *err);
/** Write all. @return 0, or as store_run. */
int tree_batch_write(struct tree_batch *batch, struct store *store, struct peel_error *err);

#endif
