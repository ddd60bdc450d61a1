/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name is kept as its last component and a pointer to its folder, which is kept the same way, so that
 * memory grows with names and not with paths: a compressed image of a few megabytes can have a million
 * names four kilobytes deep. A walk meets the names of a folder one after the other, and the folder of
 * the last one is at hand; whatever it has in common with the next path is shared.
 */
#include "links.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* A component of a path that leads to names still wanted. */
struct link_folder {
	/* NULL: the beginning of paths. */
	struct link_folder *parent;
	/* Names and folders in it, and one where it is the last. */
	size_t users;
	/* Of the path up to here: with the slash at its end. */
	size_t end;
	char name[];
};

struct link_name {
	uint64_t ino;
	/* Names still to come. */
	uint32_t left;
	struct link_folder *folder;
	size_t len;
	char name[];
};

static size_t folder_end(const struct link_folder *folder)
{
	return folder ? folder->end : 0;
}

/* One user less: folders without any are forgotten. */
static void let_go(struct link_folder *folder)
{
	while (folder && --folder->users == 0) {
		struct link_folder *parent = folder->parent;

		free(folder);
		folder = parent;
	}
}

static void free_name(void *name)
{
	let_go(((struct link_name *)name)->folder);
	free(name);
}

/* Write the path of a folder to the beginning of a buffer. */
static void write_folder(char *to, const struct link_folder *folder)
{
	for (; folder; folder = folder->parent) {
		size_t start = folder_end(folder->parent);

		memcpy(to + start, folder->name, folder->end - start);
	}
}

/* How many bytes of a path are the folder's, or those of one above it, which that becomes. */
static size_t find_common(const struct link_folder **folder, const char *path, size_t len)
{
	const struct link_folder *common = *folder;

	/* What is not the same at some level lies above all that is below. */
	for (const struct link_folder *at = *folder; at; at = at->parent) {
		size_t start = folder_end(at->parent);

		if (at->end > len || memcmp(path + start, at->name, at->end - start) != 0) {
			common = at->parent;
		}
	}
	*folder = common;
	return folder_end(common);
}

/* Make links->last the folder of a path of which len bytes are folders. @return 0, or PEEL_ENOMEM. */
static int enter_folder(struct links *links, const char *path, size_t len)
{
	const struct link_folder *common = links->last;
	size_t at = find_common(&common, path, len);
	struct link_folder *last = (struct link_folder *)common;

	if (last) {
		last->users++;
	}
	let_go(links->last);
	links->last = last;
	while (at < len) {
		size_t part = (size_t)((char *)memchr(path + at, '/', len - at) + 1 - (path + at));
		struct link_folder *folder = malloc(sizeof(*folder) + part);

		if (!folder) {
			return PEEL_ENOMEM;
		}
		at += part;
		*folder = (struct link_folder){.parent = links->last, .users = 1, .end = at};
		memcpy(folder->name, path + at - part, part);
		links->last = folder;
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct link_name *left = a;
	const struct link_name *right = b;

	return left->ino < right->ino ? -1 : left->ino > right->ino;
}

static int add_name(struct links *links, const struct peel_node *node, const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);
	size_t start = slash ? (size_t)(slash + 1 - path) : 0;
	struct link_name *name = malloc(sizeof(*name) + len - start);

	if (!name || enter_folder(links, path, start) < 0) {
		free(name);
		return PEEL_ENOMEM;
	}
	*name = (struct link_name){.ino = node->ino,
		.left = node->nlink - 1,
		.folder = links->last,
		.len = len - start};
	memcpy(name->name, path + start, len - start);
	if (!tsearch(name, &links->root, compare_names)) {
		free(name);
		return PEEL_ENOMEM;
	}
	if (links->last) {
		links->last->users++;
	}
	return 0;
}

/* Put the whole path of a name together. @return 0, or PEEL_ENOMEM. */
static int write_path(struct links *links, const struct link_name *name)
{
	size_t start = folder_end(name->folder);
	char *path = realloc(links->path, start + name->len + 1);

	if (!path) {
		return PEEL_ENOMEM;
	}
	links->path = path;
	write_folder(path, name->folder);
	memcpy(path + start, name->name, name->len);
	path[start + name->len] = '\0';
	return 0;
}

static void forget(struct links *links, struct link_name *name)
{
	tdelete(name, &links->root, compare_names);
	free_name(name);
}

int links_meet(struct links *links, const struct peel_node *node, const char *path, size_t len,
	const char **ret_first, size_t *ret_first_len)
{
	const struct link_name key = {.ino = node->ino};
	struct link_name *const *found;
	struct link_name *name;

	if (node->nlink < 2) {
		return 0;
	}
	found = tfind(&key, &links->root, compare_names);
	if (!found) {
		return add_name(links, node, path, len);
	}
	name = *found;
	if (write_path(links, name) < 0) {
		return PEEL_ENOMEM;
	}
	*ret_first = links->path;
	*ret_first_len = folder_end(name->folder) + name->len;
	if (--name->left == 0) {
		forget(links, name);
	}
	return 1;
}

void links_forget(struct links *links, uint64_t ino)
{
	const struct link_name key = {.ino = ino};
	struct link_name *const *found = tfind(&key, &links->root, compare_names);

	if (found) {
		forget(links, *found);
	}
}

void links_finish(struct links *links)
{
	tdestroy(links->root, free_name);
	let_go(links->last);
	free(links->path);
	*links = (struct links){0};
}
