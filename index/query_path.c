/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking a path as the kernel does in a chroot of a view: symlinks by the image's own tree,
 * absolute ones from the view's root, ".." by the real parent of the real folder and never above
 * the root.
 *
 * What is left to walk is one string: a symlink's target is put in front of it, so there is no
 * recursion, and its length is bounded by the targets that the budget of symlinks allows.
 */
#include "query_priv.h"

#include <stdlib.h>
#include <string.h>

#include <peel/text.h>

#include "path.h"
#include "util.h"

/* What is left to walk. */
struct pending {
	/* Owned, or NULL while text is the caller's. */
	char *own;
	const char *text;
	size_t len;
	size_t pos;
};

static void pending_finish(struct pending *pending)
{
	free(pending->own);
}

static bool only_slashes(const struct pending *pending)
{
	for (size_t i = pending->pos; i < pending->len; i++) {
		if (pending->text[i] != '/') {
			return false;
		}
	}
	return true;
}

/* Put a symlink's target before what is left. */
static int pending_push(struct query *q, struct pending *pending, const char *target,
	size_t target_len)
{
	const size_t left = pending->len - pending->pos;
	char *joined = malloc(target_len + left + 1);

	if (!joined) {
		return peel_fail(q->err, PEEL_ENOMEM, "out of memory");
	}
	memcpy(joined, target, target_len);
	memcpy(joined + target_len, pending->text + pending->pos, left);
	free(pending->own);
	*pending = (struct pending){.own = joined, .text = joined, .len = target_len + left};
	return 0;
}

/* Stand on the root where the text is absolute. */
static void enter_root(struct query_walk *walk, const char *text, size_t len)
{
	if (len > 0 && text[0] == '/') {
		walk->dir = STORE_ROOT_DIR;
		walk->leaf = false;
		walk->known = false;
	}
}

static int follow_link(struct query *q, struct query_walk *walk, uint64_t entry,
	struct pending *pending)
{
	cleanup_free char *target = NULL;
	size_t len;
	int r;

	if (++walk->hops > PEEL_SYMLINK_MAX) {
		return peel_fail(q->err, PEEL_ELOOP, "too many symlinks");
	}
	r = limits_check(&q->index->limits, PEEL_LIMIT_SYMLINK_HOPS, (uint64_t)walk->hops, q->err);
	if (r < 0) {
		return r;
	}
	r = query_target(q, entry, &target, &len);
	if (r < 0) {
		return r;
	}
	len = strnlen(target, len);
	if (len == 0) {
		return peel_fail(q->err, PEEL_ENOENT, "a symlink to nothing");
	}
	if (len > PEEL_PATH_MAX) {
		return peel_fail(q->err, PEEL_ELIMIT, "a symlink's target of %zu bytes", len);
	}
	enter_root(walk, target, len);
	return pending_push(q, pending, target, len);
}

static int walk_up(struct query *q, struct query_walk *walk)
{
	uint64_t parent;
	int r = query_dir(q, walk->dir, &parent, NULL, NULL);

	if (r == 0 && parent != 0) {
		walk->dir = parent;
		walk->known = false;
	}
	return r;
}

static int walk_name(struct query *q, struct query_walk *walk, const char *name, size_t len,
	bool follow_last, struct pending *pending)
{
	int r = query_name(q, walk->view, walk->dir, name, len, &walk->found);
	const bool slash_after = pending->pos < pending->len;

	if (r <= 0) {
		return r < 0 ? r : peel_fail(q->err, PEEL_ENOENT, "no such file or folder");
	}
	if (walk->found.type == 'l' && (slash_after || follow_last)) {
		return follow_link(q, walk, walk->found.data, pending);
	}
	walk->known = true;
	walk->leaf = walk->found.folder == 0;
	if (walk->leaf) {
		memcpy(walk->name, name, len);
		walk->name_len = len;
	} else {
		walk->dir = walk->found.folder;
	}
	return 0;
}

static bool is_dots(const char *name, size_t len, size_t dots)
{
	return len == dots && memcmp(name, "..", dots) == 0;
}

int query_walk_path(struct query *q, struct query_walk *walk, const char *path, size_t len,
	bool follow_last)
{
	cleanup(pending_finish) struct pending pending = {.text = path, .len = len};
	size_t start;
	size_t part;
	int r = 0;

	enter_root(walk, path, len);
	while (r == 0 && path_next(pending.text, pending.len, &pending.pos, &start, &part)) {
		const char *name = pending.text + start;

		if (walk->leaf) {
			return peel_fail(q->err, PEEL_ENOTDIR, "not a folder");
		}
		if (is_dots(name, part, 2)) {
			r = walk_up(q, walk);
		} else if (!is_dots(name, part, 1)) {
			r = walk_name(q, walk, name, part, follow_last, &pending);
		}
		if (r == 0 && walk->leaf && pending.pos < pending.len && only_slashes(&pending)) {
			return peel_fail(q->err, PEEL_ENOTDIR, "not a folder");
		}
	}
	return r;
}

int query_dir_path(struct query *q, uint64_t dir, char *buf, size_t *ret_len)
{
	char name[PEEL_PATH_MAX];
	size_t start = PEEL_PATH_MAX;
	size_t len;

	while (dir != STORE_ROOT_DIR) {
		int r = query_dir(q, dir, &dir, name, &len);

		if (r < 0) {
			return r;
		}
		if (len + 1 > start) {
			return peel_fail(q->err, PEEL_ELIMIT, "a path over %d bytes",
				PEEL_PATH_MAX);
		}
		start -= len;
		memcpy(buf + start, name, len);
		buf[--start] = '/';
	}
	*ret_len = PEEL_PATH_MAX - start;
	memmove(buf, buf + start, *ret_len);
	return 0;
}

/* The canonical path of where a walk stands, "/" for the root. */
static int walk_canonical(struct query *q, const struct query_walk *walk, char **ret_path)
{
	char buf[PEEL_PATH_MAX];
	char *path;
	size_t len;
	int r = query_dir_path(q, walk->dir, buf, &len);

	if (r < 0) {
		return r;
	}
	path = malloc(len + walk->name_len + 2);
	if (!path) {
		return peel_fail(q->err, PEEL_ENOMEM, "out of memory");
	}
	memcpy(path, buf, len);
	if (walk->leaf) {
		path[len++] = '/';
		memcpy(path + len, walk->name, walk->name_len);
		len += walk->name_len;
	} else if (len == 0) {
		path[len++] = '/';
	}
	path[len] = '\0';
	*ret_path = path;
	return 0;
}

static int resolve(struct query *q, struct query_walk *walk, const char *path, size_t len,
	bool follow_last)
{
	int r;

	if (len > PEEL_PATH_MAX) {
		return peel_fail(q->err, PEEL_ELIMIT, "a path over %d bytes", PEEL_PATH_MAX);
	}
	r = query_walk_path(q, walk, path, len, follow_last);
	if (r == 0 && !walk->known) {
		r = query_folder_node(q, walk->view, walk->dir, &walk->found);
		if (r <= 0) {
			return r < 0 ? r : peel_fail(q->err, PEEL_ENOENT, "no such file or folder");
		}
	}
	return r < 0 ? r : 0;
}

int peel_resolve(struct peel_index *index, int view, uint64_t start, const void *path,
	size_t path_len, bool follow_last, struct peel_node *ret_node, char **ret_canonical,
	struct peel_error *err)
{
	cleanup_query struct query q = {0};
	struct query_walk walk = {.view = view, .dir = STORE_ROOT_DIR};
	int start_view = view;
	char shown[256];
	int r;

	if (view < PEEL_VIEW_MERGED || view >= index->layer_count) {
		return peel_fail(err, PEEL_ENOENT, "no layer %d", view);
	}
	r = query_begin(&q, index, err);
	if (r == 0 && start) {
		r = query_folder(&q, start, &start_view, &walk.dir);
	}
	if (r < 0) {
		return r;
	}
	if (start_view != view) {
		return peel_fail(err, PEEL_EUSAGE,
			"the folder to start from belongs to another view");
	}
	r = resolve(&q, &walk, path, path_len, follow_last);
	if (r == 0 && ret_canonical) {
		r = walk_canonical(&q, &walk, ret_canonical);
	}
	if (r < 0) {
		peel_text_escape_into(shown, sizeof(shown), path, path_len);
		return err ? peel_wrap(err, "%s", shown) : r;
	}
	*ret_node = walk.found.node;
	return 0;
}
