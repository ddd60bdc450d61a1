/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symlinks that cannot lead out of the mount.
 *
 * The kernel resolves a link's text outside of our hands: it starts at the folder that holds the
 * link, and an absolute text or a ".." too many leaves the mount for the machine's own files. So
 * every link is shown as
 *
 *	"../" u times, then names, with u at most the depth of the folder that holds it
 *
 * and no ".." after a name. That is enough, for links through links too: the kernel handles each
 * text at the link's own folder, whose depth we know; the "../" at its front stay inside, and names
 * only lead down or to another link, of which the same is true. Nothing has to be known about where
 * the names lead.
 *
 * Three kinds of targets: one that has this form already is shown as stored. An absolute one gets
 * as many "../" as its folder is deep; one with too many "../" loses those that a chroot would
 * ignore. In one with ".." after a name, the part up to its last ".." is walked in the image's own
 * tree, where "x/.." is the parent of what x leads to, and the way from the link's folder to that
 * place is shown instead. Cutting "x/.." out of the text, as path cleaners do, is wrong where x is
 * a link: with x -> /, "x/../../etc" would become "../etc".
 *
 * Where that walk fails (dangling, a loop, a file on the way), the failing component stays, so that
 * opening fails in the same way, and what follows it is cleaned as text below it.
 *
 * A symlink with several names has one text for all of them, as the kernel keeps one for an inode.
 * Its shallowest folder counts: u is then at most the depth of each.
 */
#include "query_priv.h"

#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "util.h"

/* Deepest folder whose links can be rewritten: "../" for each level must fit a target. */
#define DEPTH_MAX (PEEL_PATH_MAX / 3)
/* Names of one symlink that are looked at; with more it is shown as if it stood in the root. */
#define NAMES_MAX 1000

static const char merged_names[] =
	"SELECT dir FROM entry e WHERE e.inode = ?1 AND e.type = 'h' AND " QUERY_VISIBLE
	" LIMIT ?2";
static const char layer_names[] =
	"SELECT dir FROM entry e WHERE e.inode = ?1 AND e.type = 'h' AND e.id >= ?3 AND e.id < ?4"
	" AND (e.why IS NULL OR e.hidden_by <> e.layer) LIMIT ?2";

/* A folder and the folders above it, itself first, the root last and left out. */
struct chain {
	size_t depth;
	uint64_t dirs[DEPTH_MAX];
};

static int chain_read(struct query *q, uint64_t dir, struct chain *chain)
{
	chain->depth = 0;
	while (dir != STORE_ROOT_DIR) {
		int r;

		if (chain->depth == DEPTH_MAX) {
			return peel_fail(q->err, PEEL_ELIMIT,
				"a symlink in a folder deeper than %d", DEPTH_MAX);
		}
		chain->dirs[chain->depth++] = dir;
		r = query_dir(q, dir, &dir, NULL, NULL);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* Depth of a folder, counted up to a limit. */
static int depth_up_to(struct query *q, uint64_t dir, size_t limit, size_t *ret_depth)
{
	size_t depth = 0;

	while (depth < limit && dir != STORE_ROOT_DIR) {
		int r = query_dir(q, dir, &dir, NULL, NULL);

		if (r < 0) {
			return r;
		}
		depth++;
	}
	*ret_depth = depth;
	return 0;
}

/* A target that is being written. */
struct text {
	size_t len;
	char bytes[PEEL_PATH_MAX];
};

static int append(struct query *q, struct text *text, const char *bytes, size_t len)
{
	/* One byte stays for the NUL: the kernel takes no more either. */
	if (len >= sizeof(text->bytes) - text->len) {
		return peel_fail(q->err, PEEL_ELIMIT, "a symlink's target would have over %d bytes",
			PEEL_PATH_MAX - 1);
	}
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	return 0;
}

static int append_component(struct query *q, struct text *text, const char *name, size_t len)
{
	int r = 0;

	if (text->len > 0 && text->bytes[text->len - 1] != '/') {
		r = append(q, text, "/", 1);
	}
	return r < 0 ? r : append(q, text, name, len);
}

static int append_up(struct query *q, struct text *text, size_t levels)
{
	int r = 0;

	while (levels-- > 0 && r == 0) {
		r = append_component(q, text, "..", 2);
	}
	return r;
}

/* The way from one folder to another, through the lowest folder that holds both. */
static int append_way(struct query *q, struct text *text, uint64_t from, uint64_t to)
{
	struct chain up;
	struct chain down;
	char name[PEEL_PATH_MAX];
	uint64_t parent;
	size_t len;
	int r = chain_read(q, from, &up);

	if (r == 0) {
		r = chain_read(q, to, &down);
	}
	if (r != 0) {
		return r;
	}
	while (up.depth > 0 && down.depth > 0 &&
		up.dirs[up.depth - 1] == down.dirs[down.depth - 1]) {
		up.depth--;
		down.depth--;
	}
	r = append_up(q, text, up.depth);
	while (r == 0 && down.depth > 0) {
		r = query_dir(q, down.dirs[--down.depth], &parent, name, &len);
		if (r == 0) {
			r = append_component(q, text, name, len);
		}
	}
	return r;
}

/* What a target consists of. */
struct target {
	const char *text;
	size_t len;
	bool absolute;
	/* ".." before the first name, and where that name starts. */
	size_t ups;
	size_t names;
	/* Where the text goes on after the last ".." that follows a name; 0: there is none. */
	size_t tail;
};

static bool is_dot(const char *name, size_t len)
{
	return len == 1 && name[0] == '.';
}

static bool is_dot_dot(const char *name, size_t len)
{
	return len == 2 && memcmp(name, "..", 2) == 0;
}

static void parse_target(const char *text, size_t len, struct target *ret)
{
	bool named = false;
	size_t pos = 0;
	size_t start;
	size_t part;

	*ret = (struct target){
		.text = text, .len = len, .absolute = len > 0 && text[0] == '/', .names = len};
	while (path_next(text, len, &pos, &start, &part)) {
		if (is_dot(text + start, part)) {
			continue;
		}
		if (!is_dot_dot(text + start, part)) {
			ret->names = named ? ret->names : start;
			named = true;
		} else if (named) {
			ret->tail = pos;
		} else {
			ret->ups++;
		}
	}
}

bool query_target_plain(const char *text, size_t len)
{
	struct target target;

	if (len >= PEEL_PATH_MAX || (len > 0 && memchr(text, '\0', len))) {
		return false;
	}
	parse_target(text, len, &target);
	return !target.absolute && target.ups == 0 && target.tail == 0;
}

static void skip_slashes(const struct target *target, size_t *pos)
{
	while (*pos < target->len && target->text[*pos] == '/') {
		(*pos)++;
	}
}

/*
 * What is left after a component that leads nowhere: names only, below it; at least ".", which a
 * file refuses.
 */
static int append_cleaned(struct query *q, struct text *text, const struct target *target,
	size_t pos)
{
	cleanup_free char *rest = malloc(target->len - pos + 1);
	size_t len = target->len - pos;

	if (!rest) {
		return peel_fail(q->err, PEEL_ENOMEM, "out of memory");
	}
	memcpy(rest, target->text + pos, len);
	len = path_clean(rest, len, NULL);
	return len ? append_component(q, text, rest, len) : append_component(q, text, ".", 1);
}

/* Outcomes of a walk that the target itself explains. */
static bool leads_nowhere(int r)
{
	return r == PEEL_ENOENT || r == PEEL_ENOTDIR || r == PEEL_ELOOP || r == PEEL_ELIMIT;
}

/* A target with ".." after a name, component by component up to the last "..". */
static int show_walked(struct query *q, int view, uint64_t dir, const struct target *target,
	struct text *text)
{
	struct query_walk walk = {.view = view, .dir = target->absolute ? STORE_ROOT_DIR : dir};
	size_t pos = 0;
	size_t start;
	size_t part;
	int r;

	while (pos < target->tail && path_next(target->text, target->len, &pos, &start, &part)) {
		const uint64_t before = walk.dir;

		r = query_walk_path(q, &walk, target->text + start, part, true);
		if (leads_nowhere(r) || (r == 0 && walk.leaf)) {
			query_forgive(q);
			r = append_way(q, text, dir, before);
			if (r == 0) {
				r = append_component(q, text, target->text + start, part);
			}
			return r < 0 ? r : append_cleaned(q, text, target, pos);
		}
		if (r < 0) {
			return r;
		}
	}
	r = append_way(q, text, dir, walk.dir);
	start = target->tail;
	skip_slashes(target, &start);
	if (r == 0 && start < target->len) {
		r = append_component(q, text, target->text + start, target->len - start);
	}
	return r;
}

/* A target whose ".." all stand in front. */
static int show_plain(struct query *q, uint64_t dir, const struct target *target, struct text *text)
{
	const size_t wanted = target->absolute ? DEPTH_MAX + 1 : target->ups;
	size_t depth;
	int r = depth_up_to(q, dir, wanted, &depth);

	if (r < 0) {
		return r;
	}
	if (!target->absolute && depth == target->ups) {
		return append(q, text, target->text, target->len);
	}
	r = append_up(q, text, depth);
	if (r == 0 && target->names < target->len) {
		r = append_component(q, text, target->text + target->names,
			target->len - target->names);
	}
	return r;
}

/* Take the folder of one more name: the shallowest counts. */
static int take_name(struct query *q, uint64_t dir, size_t *depth, uint64_t *best)
{
	size_t other;
	int r = depth_up_to(q, dir, *depth, &other);

	if (r == 0 && other < *depth) {
		*depth = other;
		*best = dir;
	}
	return r;
}

/* The folder that a symlink's target is shown for. Asked for files with one name too: the number of names is the
 * word of the index, and a stranger's index must not lead out either. */
static int link_folder(struct query *q, const struct query_found *found, uint64_t *ret_dir)
{
	const int view = found->node.view;
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	size_t depth = DEPTH_MAX + 1;
	int names = 0;
	int r;

	*ret_dir = found->parent;
	if (found->single) {
		return 0;
	}
	r = store_get(q->store, view == PEEL_VIEW_MERGED ? merged_names : layer_names, &stmt,
		q->err);
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)found->data);
	sqlite3_bind_int(stmt, 2, NAMES_MAX);
	if (view != PEEL_VIEW_MERGED) {
		sqlite3_bind_int64(stmt, 3, (int64_t)q->index->layers[view].first_id);
		sqlite3_bind_int64(stmt, 4, (int64_t)q->index->layers[view].end_id);
	}
	if (found->own_name) {
		r = take_name(q, found->parent, &depth, ret_dir);
	}
	while (r == 0 && (r = store_step(q->store, stmt, q->err)) > 0) {
		names++;
		r = take_name(q, (uint64_t)sqlite3_column_int64(stmt, 0), &depth, ret_dir);
	}
	if (names == NAMES_MAX) {
		*ret_dir = STORE_ROOT_DIR;
	}
	return r;
}

static int show(struct query *q, const struct query_found *found, const struct target *target,
	struct text *text)
{
	uint64_t dir;
	int r = link_folder(q, found, &dir);

	if (r == 0) {
		r = target->tail ? show_walked(q, found->node.view, dir, target, text)
				 : show_plain(q, dir, target, text);
	}
	if (r == 0 && text->len == 0) {
		r = append(q, text, ".", 1);
	}
	return r;
}

/* The symlink and its stored target. */
static int read_link(struct query *q, uint64_t ino, struct query_found *ret_found,
	char **ret_target, size_t *ret_len)
{
	int r = query_node(q, ino, ret_found);

	if (r == 0) {
		return peel_fail(q->err, PEEL_ENOENT, "no such node");
	}
	return r < 0 ? r : query_target(q, ret_found->data, ret_target, ret_len);
}

int peel_readlink(struct peel_index *index, uint64_t ino, char **ret_target, size_t *ret_len,
	struct peel_error *err)
{
	cleanup_query struct query q = {0};
	struct query_found found;
	int r = query_begin(&q, index, err);

	return r < 0 ? r : read_link(&q, ino, &found, ret_target, ret_len);
}

int peel_readlink_inside(struct peel_index *index, uint64_t ino, char **ret_target, size_t *ret_len,
	struct peel_error *err)
{
	cleanup_query struct query q = {0};
	cleanup_free char *stored = NULL;
	struct query_found found;
	struct target target;
	struct text text;
	size_t len;
	int r = query_begin(&q, index, err);

	if (r == 0) {
		r = read_link(&q, ino, &found, &stored, &len);
	}
	if (r != 0) {
		return r;
	}
	/*
	 * The kernel ends at a NUL, and must not find another target than the one that was judged.
	 */
	len = strnlen(stored, len);
	if (len >= PEEL_PATH_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "a symlink's target of %zu bytes", len);
	}
	parse_target(stored, len, &target);
	if (target.absolute || target.ups || target.tail) {
		text.len = 0;
		r = show(&q, &found, &target, &text);
		if (r < 0) {
			return r;
		}
		free(stored);
		stored = strndup(text.bytes, text.len);
		if (!stored) {
			return peel_fail(err, PEEL_ENOMEM, "out of memory");
		}
		len = text.len;
	}
	*ret_target = steal_pointer(&stored);
	*ret_len = len;
	return 0;
}
