/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders, a batch of names at a time. While peel_list runs it holds a connection to the index; here the names of a
 * batch are copied first, so that whoever takes them may ask what he likes.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_gather.h"
#include "util.h"

/* Names of a batch. */
#define BATCH 128

struct batch {
	struct pkgdb_entry entries[BATCH];
	size_t count;
	uint64_t folder, parent;
	uint64_t cookie;
};

static int take(void *arg, const struct peel_dirent *dirent)
{
	struct batch *batch = arg;
	struct pkgdb_entry *entry = &batch->entries[batch->count];

	if (batch->count == BATCH) {
		return 1;
	}
	entry->folder = batch->folder;
	entry->parent = batch->parent;
	entry->node = dirent->node;
	entry->name_len = min_u64(dirent->name_len, PEEL_NAME_MAX);
	memcpy(entry->name, dirent->name, entry->name_len);
	entry->name[entry->name_len] = '\0';
	batch->count++;
	batch->cookie = dirent->cookie;
	return 0;
}

int pkgdb_list(struct pkgdb_gather *g, uint64_t folder, uint64_t parent, pkgdb_entry_fn *each,
	void *arg)
{
	cleanup_free struct batch *batch = malloc(sizeof(*batch));
	int more = 1;

	if (!batch) {
		return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
	}
	batch->folder = folder;
	batch->parent = parent;
	batch->cookie = 0;
	while (more > 0) {
		batch->count = 0;
		more = peel_list(g->index, folder, batch->cookie, take, batch, g->err);
		if (more < 0) {
			return more;
		}
		for (size_t i = 0; i < batch->count; i++) {
			const int r = each(g, arg, &batch->entries[i]);

			if (r != 0) {
				return r;
			}
		}
	}
	return 0;
}

/* Folders that are still to be claimed. */
struct tree {
	uint64_t *folders;
	size_t count, room;
	uint32_t ticket;
	enum peel_claim how;
};

static int claim_entry(struct pkgdb_gather *g, void *arg, const struct pkgdb_entry *entry)
{
	struct tree *tree = arg;

	if (S_ISREG(entry->node.mode)) {
		return pkgdb_claim(g, entry->node.ino, tree->ticket, tree->how);
	}
	if (!S_ISDIR(entry->node.mode)) {
		return 0;
	}
	if (!grow_array(&tree->folders, tree->count, &tree->room, sizeof(*tree->folders))) {
		return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
	}
	tree->folders[tree->count++] = entry->node.ino;
	return 0;
}

static void tree_finish(struct tree *tree)
{
	free(tree->folders);
}

int pkgdb_claim_tree(struct pkgdb_gather *g, uint64_t folder, uint32_t ticket, enum peel_claim how)
{
	cleanup(tree_finish) struct tree tree = {.ticket = ticket, .how = how};
	int r = pkgdb_list(g, folder, folder, claim_entry, &tree);

	while (r == 0 && tree.count > 0) {
		const uint64_t next = tree.folders[--tree.count];

		r = pkgdb_list(g, next, next, claim_entry, &tree);
	}
	return r;
}
