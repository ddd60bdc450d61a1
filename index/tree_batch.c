/* SPDX-License-Identifier: Apache-2.0 */
#include "tree_batch.h"

#include <stdlib.h>

#include <peel/error.h>

#include "store.h"
#include "util.h"

void tree_batch_finish(struct tree_batch *batch)
{
	free(batch->changes);
	batch->changes = NULL;
	batch->count = 0;
	batch->room = 0;
}

static int compare_changes(const void *a, const void *b)
{
	const struct tree_change *left = a;
	const struct tree_change *right = b;

	return left->id < right->id ? -1 : left->id > right->id;
}

int tree_batch_write(struct tree_batch *batch, struct store *store, struct peel_error *err)
{
	sqlite3_stmt *stmt = NULL;
	int code = 0;

	if (batch->count == 0) {
		return 0;
	}
	qsort(batch->changes, batch->count, sizeof(*batch->changes), compare_changes);
	for (size_t i = 0; code == 0 && i < batch->count; i++) {
		const struct tree_change *change = &batch->changes[i];

		code = store_get(store, batch->sql, &stmt, err);
		if (code == 0) {
			sqlite3_bind_int64(stmt, 1, (int64_t)change->id);
			sqlite3_bind_int64(stmt, 2, (int64_t)change->first);
			if (sqlite3_bind_parameter_count(stmt) > 2) {
				sqlite3_bind_int64(stmt, 3, (int64_t)change->second);
			}
			code = store_run(store, stmt, err);
		}
	}
	batch->count = 0;
	return code;
}

int tree_batch_add(struct tree_batch *batch, struct store *store, uint64_t id, uint64_t first,
	uint64_t second, struct peel_error *err)
{
	if (!grow_array(&batch->changes, batch->count, &batch->room, sizeof(*batch->changes))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	batch->changes[batch->count++] = (struct tree_change){id, first, second};
	return batch->count == TREE_BATCH_MAX ? tree_batch_write(batch, store, err) : 0;
}
