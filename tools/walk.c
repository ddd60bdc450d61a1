/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack of levels. A level holds a batch of its folder's entries and the cookie of the last one, so that a folder of
 * any size costs one batch; deep down the batches are small, so that the stack stays small too. The path is one
 * buffer that levels lengthen and cut.
 */
#include "walk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"

/* Entries that a level holds at once, and from which depth on they are few. */
#define BATCH 256
#define BATCH_DEEP 4
#define DEEP 64

/* One entry of a batch; its name lies in the level's names. */
struct walk_name {
	size_t name;
	size_t len;
	struct peel_node node;
};

/* A folder that is being walked. */
struct level {
	struct peel_node folder;
	/* Length of the folder's path, and where its last component begins. */
	size_t path_len;
	size_t name;
	/* Place after the last entry of the batch. */
	uint64_t cookie;
	struct walk_name *entries;
	size_t count;
	size_t room;
	size_t next;
	char *names;
	size_t names_len;
	size_t names_room;
	/* The batch ends the folder. */
	bool last;
};

struct walk {
	struct peel_index *index;
	walk_fn *each;
	void *arg;
	unsigned int max_depth;
	bool follow;
	struct level *levels;
	size_t depth;
	size_t room;
	char *path;
	size_t path_room;
	bool no_memory;
};

static void level_finish(struct level *level)
{
	free(level->entries);
	free(level->names);
}

static void walk_finish(struct walk *walk)
{
	while (walk->depth > 0) {
		level_finish(&walk->levels[--walk->depth]);
	}
	free(walk->levels);
	free(walk->path);
}

/* Make room for size bytes in a buffer that doubles. */
static bool reserve(char **buf, size_t *room, size_t size)
{
	size_t want = *room ? *room : 256;
	char *grown;

	if (size <= *room) {
		return true;
	}
	while (want < size) {
		want *= 2;
	}
	grown = realloc(*buf, want);
	if (!grown) {
		return false;
	}
	*buf = grown;
	*room = want;
	return true;
}

static int take_entry(void *arg, const struct peel_dirent *dirent)
{
	struct level *level = arg;

	if (level->count == level->room) {
		level->last = false;
		return 1;
	}
	if (!reserve(&level->names, &level->names_room, level->names_len + dirent->name_len)) {
		return 1;
	}
	memcpy(level->names + level->names_len, dirent->name, dirent->name_len);
	level->entries[level->count++] = (struct walk_name){
		.name = level->names_len, .len = dirent->name_len, .node = dirent->node};
	level->names_len += dirent->name_len;
	level->cookie = dirent->cookie;
	return 0;
}

/* Read the next batch. @return 1; 0: memory is exhausted; less than 0: err tells why the folder ends here. */
static int fill(struct walk *walk, struct level *level, struct peel_error *err)
{
	int r;

	level->count = level->next = level->names_len = 0;
	level->last = true;
	if (!level->entries) {
		level->room = walk->depth < DEEP ? BATCH : BATCH_DEEP;
		level->entries = calloc(level->room, sizeof(*level->entries));
		if (!level->entries) {
			return 0;
		}
	}
	r = peel_list(walk->index, level->folder.ino, level->cookie, take_entry, level, err);
	if (r < 0) {
		return r;
	}
	/* Stopped with room left: a name found no memory. */
	return r == 0 || level->count == level->room;
}

static enum walk_next report(struct walk *walk, enum walk_event event, size_t path_len, size_t name,
	unsigned int depth, const struct peel_node *node, const struct peel_error *err)
{
	const struct walk_step step = {
		.event = event,
		.path = walk->path,
		.path_len = path_len,
		.name = name,
		.depth = depth,
		.node = node,
		.folder = depth ? walk->levels[depth - 1].folder.ino : 0,
		.err = err,
	};

	walk->path[path_len] = '\0';
	return walk->each(walk->arg, &step);
}

static bool push(struct walk *walk, const struct peel_node *node, size_t path_len, size_t name)
{
	if (walk->depth == walk->room) {
		size_t room = walk->room ? walk->room * 2 : 32;
		struct level *levels = reallocarray(walk->levels, room, sizeof(*levels));

		if (!levels) {
			return false;
		}
		walk->levels = levels;
		walk->room = room;
	}
	walk->levels[walk->depth++] = (struct level){
		.folder = *node, .path_len = path_len, .name = name};
	return true;
}

/* Without links nothing leads back: a folder has one parent. */
static bool is_above(const struct walk *walk, const struct peel_node *node)
{
	for (size_t i = 0; i < walk->depth; i++) {
		if (walk->levels[i].folder.ino == node->ino) {
			return true;
		}
	}
	return false;
}

/* Report an entry whose path stands in the buffer, and go into it where it is a folder. */
static enum walk_next enter(struct walk *walk, const struct peel_node *node, size_t path_len,
	size_t name, const struct peel_error *err)
{
	unsigned int depth = (unsigned int)walk->depth;
	enum walk_next next;

	if (walk->follow && S_ISDIR(node->mode) && is_above(walk, node)) {
		return report(walk, WALK_LOOP, path_len, name, depth, node, NULL);
	}
	next = report(walk, WALK_ENTRY, path_len, name, depth, node, err);
	if (next == WALK_ON && S_ISDIR(node->mode)) {
		if (depth >= walk->max_depth) {
			return report(walk, WALK_LEAVE, path_len, name, depth, node, NULL);
		}
		if (!push(walk, node, path_len, name)) {
			walk->no_memory = true;
			return WALK_STOP;
		}
	}
	return next;
}

static enum walk_next fail_level(struct walk *walk, struct level *level, struct peel_error *err)
{
	level->last = true;
	level->count = level->next = 0;
	return report(walk, WALK_FAILED, level->path_len, level->name,
		(unsigned int)walk->depth - 1, &level->folder, err);
}

/* Take the next entry of the innermost folder. */
static enum walk_next advance(struct walk *walk, struct level *level)
{
	const struct walk_name *entry = &level->entries[level->next];
	bool slash = level->path_len == 0 || walk->path[level->path_len - 1] != '/';
	size_t name = level->path_len + slash;
	size_t len = name + entry->len;
	struct peel_node node = entry->node;
	struct peel_error err = {0};

	if (len > WALK_PATH_MAX) {
		peel_fail(&err, PEEL_ELIMIT, "a path of more than %u bytes", WALK_PATH_MAX);
		return fail_level(walk, level, &err);
	}
	if (!reserve(&walk->path, &walk->path_room, len + 1)) {
		walk->no_memory = true;
		return WALK_STOP;
	}
	walk->path[level->path_len] = '/';
	memcpy(walk->path + name, level->names + entry->name, entry->len);
	level->next++;
	if (walk->follow && S_ISLNK(node.mode) &&
		peel_resolve(walk->index, node.view, level->folder.ino, walk->path + name,
			entry->len, true, &node, NULL, &err) < 0) {
		return enter(walk, &entry->node, len, name, &err);
	}
	return enter(walk, &node, len, name, NULL);
}

static enum walk_next leave(struct walk *walk)
{
	struct level level = walk->levels[--walk->depth];

	level_finish(&level);
	return report(walk, WALK_LEAVE, level.path_len, level.name, (unsigned int)walk->depth,
		&level.folder, NULL);
}

static enum walk_next step(struct walk *walk)
{
	struct level *level = &walk->levels[walk->depth - 1];
	struct peel_error err = {0};
	int r;

	if (level->next < level->count) {
		return advance(walk, level);
	}
	if (level->last) {
		return leave(walk);
	}
	r = fill(walk, level, &err);
	if (r == 0) {
		walk->no_memory = true;
		return WALK_STOP;
	}
	return r > 0 ? WALK_ON : fail_level(walk, level, &err);
}

static int run(struct walk *walk, const char *path, const struct peel_node *start)
{
	size_t len = strlen(path);
	enum walk_next next = WALK_STOP;

	walk->no_memory = !reserve(&walk->path, &walk->path_room, len + 1);
	if (!walk->no_memory) {
		memcpy(walk->path, path, len);
		next = enter(walk, start, len, 0, NULL);
	}
	while (next != WALK_STOP && walk->depth > 0) {
		next = step(walk);
	}
	walk_finish(walk);
	return walk->no_memory ? PEEL_ENOMEM : next == WALK_STOP;
}

size_t walk_start_length(const char *path)
{
	size_t len = strlen(path);

	if (len > 2 && path[len - 1] == '/') {
		while (len > 1 && path[len - 2] == '/') {
			len--;
		}
	}
	return len;
}

int walk_tree(struct peel_index *index, const char *path, const struct peel_node *start,
	unsigned int max_depth, walk_fn *each, void *arg)
{
	struct walk walk = {.index = index, .each = each, .arg = arg, .max_depth = max_depth};

	return run(&walk, path, start);
}

int walk_tree_following(struct peel_index *index, const char *path, const struct peel_node *start,
	unsigned int max_depth, walk_fn *each, void *arg)
{
	struct walk walk = {
		.index = index, .each = each, .arg = arg, .max_depth = max_depth, .follow = true};

	return run(&walk, path, start);
}
