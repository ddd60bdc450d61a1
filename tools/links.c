/* SPDX-License-Identifier: Apache-2.0 */
#include "links.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct link_name {
	uint64_t ino;
	/* Names still to come. */
	uint32_t left;
	size_t len;
	char path[];
};

static int compare_names(const void *a, const void *b)
{
	const struct link_name *left = a;
	const struct link_name *right = b;

	return left->ino < right->ino ? -1 : left->ino > right->ino;
}

static int add_name(struct links *links, const struct peel_node *node, const char *path, size_t len)
{
	struct link_name *name = malloc(sizeof(*name) + len + 1);

	if (!name) {
		return PEEL_ENOMEM;
	}
	*name = (struct link_name){.ino = node->ino, .left = node->nlink - 1, .len = len};
	memcpy(name->path, path, len);
	name->path[len] = 0;
	if (!tsearch(name, &links->root, compare_names)) {
		free(name);
		return PEEL_ENOMEM;
	}
	return 0;
}

int links_meet(struct links *links, const struct peel_node *node, const char *path, size_t len,
	const char **ret_first, size_t *ret_first_len)
{
	const struct link_name key = {.ino = node->ino};
	struct link_name *const *found;
	struct link_name *name;

	free(links->spent);
	links->spent = NULL;
	if (node->nlink < 2) {
		return 0;
	}
	found = tfind(&key, &links->root, compare_names);
	if (!found) {
		return add_name(links, node, path, len);
	}
	name = *found;
	*ret_first = name->path;
	*ret_first_len = name->len;
	if (--name->left == 0) {
		tdelete(name, &links->root, compare_names);
		links->spent = name;
	}
	return 1;
}

void links_finish(struct links *links)
{
	tdestroy(links->root, free);
	free(links->spent);
	*links = (struct links){0};
}
