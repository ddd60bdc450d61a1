/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tar entry becomes one row. The path is cleaned and its parent found (tree_dir.c); whiteouts
 * are stored under the name that they delete, opaque markers under no name, so that the merge meets
 * them beside what they act on. tree_row.c writes the row.
 */
#include "tree_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/query.h>
#include <peel/text.h>

#include "limit.h"
#include "path.h"
#include "scan.h"
#include "util.h"

/**
 * Largest owner that is not taken for another by engines: 2^32 - 1 means "leave as is", more is
 * cut.
 */
#define OWNER_MAX INT64_C(0xfffffffe)
/** From here on engines clamp a time to 1970 (they hold nanoseconds in 64 bits). */
#define MTIME_MAX INT64_C(9223372036)

int tree_report(struct tree *tree, const char *code, int layer, const void *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err)
{
	struct peel_finding finding = {
		.code = code,
		.layer = layer,
		.path = path,
		.path_len = path_len,
		.offset = offset,
		.detail = detail,
	};

	return tree->finding(tree->finding_arg, &finding, err);
}

int tree_finding(struct tree *tree, const char *code, const void *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err)
{
	return tree_report(tree, code, tree->layer, path, path_len, offset, detail, err);
}

static int report(struct tree *tree, const struct tree_row *row, const char *code,
	const char *detail, struct peel_error *err)
{
	return row->told ? 0
			 : tree_finding(tree, code, row->entry->path, row->entry->path_len,
				   row->entry->header_off, detail, err);
}

/** The tar's path without the "./" before and the "/" behind that every tar may have. */
static bool is_plain_path(const struct scan_entry *entry, const char *clean, size_t clean_len)
{
	const char *path = entry->path;
	size_t len = entry->path_len;

	if (len >= 2 && path[0] == '.' && path[1] == '/') {
		path += 2;
		len -= 2;
	}
	if (len > 0 && path[len - 1] == '/') {
		len--;
	}
	return len == clean_len && memcmp(path, clean, len) == 0;
}

/** Split the last component off, and say what it means. @return length of the parent's path. */
static size_t classify(struct tree_row *row, const char *path, size_t len, enum path_kind *ret_kind)
{
	size_t slash = len;
	size_t target = 0;

	while (slash > 0 && path[slash - 1] != '/') {
		slash--;
	}
	row->name = path + slash;
	row->name_len = len - slash;
	*ret_kind = path_classify(row->name, row->name_len, &target);
	if (*ret_kind == PATH_WHITEOUT) {
		row->type = 'w';
		row->name += target;
		row->name_len -= target;
	} else if (*ret_kind == PATH_OPAQUE) {
		row->type = 'o';
		row->name_len = 0;
	} else if (*ret_kind == PATH_BAD_WHITEOUT || row->entry->type == SCAN_UNKNOWN) {
		row->type = '?';
		row->odd_path = true;
	}
	return slash > 0 ? slash - 1 : 0;
}

/** Has a folder of the path a whiteout's name? */
static bool has_whiteout_folder(const char *path, size_t len)
{
	const char *at = path && len ? memmem(path, len, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX))
				     : NULL;

	return at && (at == path || at[-1] == '/') && strncmp(at, ".wh..wh.", 8) != 0;
}

/** Find the parent folder; runs of entries of one folder ask once. */
static int find_parent(struct tree *tree, struct tree_row *row, const char *path, size_t len,
	bool *ret_followed, bool *ret_loop, struct peel_error *err)
{
	struct tree_walk walk = {
		.id = row->id,
		.whiteout = row->type == 'w' || row->type == 'o',
		.passed_over = row->type == '?',
	};
	int code;

	if (tree->last_parent_epoch == tree->epoch && tree->last_parent_len == len &&
		tree->last_parent_whiteout == walk.whiteout &&
		tree->last_parent_passed_over == walk.passed_over &&
		memcmp(tree->last_parent, path, len) == 0) {
		row->dir = tree->last_parent_dir;
		*ret_followed = tree->last_parent_followed;
		return 0;
	}
	code = tree_walk(tree, path, len, &walk, err);
	if (code < 0) {
		return code;
	}
	memcpy(tree->last_parent, path, len);
	tree->last_parent_odd = has_whiteout_folder(path, len);
	tree->last_parent_len = len;
	tree->last_parent_dir = walk.dir;
	/* A loop is told for each entry, so it is not remembered. */
	tree->last_parent_epoch = walk.loop ? 0 : tree->epoch;
	tree->last_parent_whiteout = walk.whiteout;
	tree->last_parent_passed_over = walk.passed_over;
	tree->last_parent_followed = walk.followed;
	row->dir = walk.dir;
	*ret_followed = walk.followed;
	*ret_loop = walk.loop;
	return 0;
}

/** Keep the marks of tree_dir.c true: what stands at this path from now on. */
static int note_in_layer(struct tree *tree, struct tree_row *row, struct peel_error *err)
{
	const struct tree_name name = {row->dir, row->name, row->name_len};
	const char *link = row->entry->link ? row->entry->link : "";
	struct dir_slot *slot;
	uint64_t hash;
	int code;

	if (row->type == 'w' || row->type == 'o' || row->type == '?') {
		return 0;
	}
	hash = tree_name_hash(tree, row->dir, row->name, row->name_len);
	/* An entry may take the place of the symlink that others, or it itself, were reached by. */
	tree->epoch += tree_follow_maybe(tree, hash);
	code = tree_follow_note(tree, hash, &name, row->type == 'l' ? link : NULL,
		row->entry->link_len, err);
	if (code < 0) {
		return code;
	}
	if (row->type == 'd') {
		if (row->dir == 0) {
			row->self = STORE_ROOT_DIR;
			return 0;
		}
		code = tree_dir_get(tree, hash, row->dir, row->name, row->name_len, &slot, err);
		if (code == 0) {
			/*
			 * What came before may turn out to be out of reach, so what follows says
			 * anew what it needs.
			 */
			tree->epoch += slot->present == tree->epoch;
			slot->present = tree->epoch;
			row->self = slot->id;
		}
		return code;
	}
	slot = tree_dir_cached(tree, hash, row->dir, row->name, row->name_len);
	if (slot && (slot->present == tree->epoch || slot->marked == tree->epoch)) {
		tree->epoch++;
	}
	return 0;
}

/**
 * Overlay drivers store whiteouts and opaque folders so; an engine that uses one would honour them.
 */
static bool is_overlay_marker(const struct tree_row *row)
{
	const struct scan_entry *entry = row->entry;

	if (row->type == 'c' && entry->rdev_major == 0 && entry->rdev_minor == 0) {
		return true;
	}
	for (size_t i = 0; i < entry->xattr_count; i++) {
		if (strncmp(entry->xattrs[i].name, "trusted.overlay.", 16) == 0 ||
			strncmp(entry->xattrs[i].name, "user.overlay.", 13) == 0) {
			return true;
		}
	}
	return false;
}

/** What of an entry deserves a finding, whatever the other layers hold. */
static int report_oddities(struct tree *tree, const struct tree_row *row, enum path_kind kind,
	struct peel_error *err)
{
	const struct scan_entry *entry = row->entry;
	bool whiteout = row->type == 'w' || row->type == 'o';
	const struct {
		bool seen;
		const char *code;
		const char *detail;
	} oddities[] = {
		{kind == PATH_BAD_WHITEOUT, "invalid-whiteout",
			"a whiteout that names no file is ignored"},
		{kind == PATH_AUFS, "aufs-metadata", "metadata of aufs is hidden"},
		{whiteout && (entry->type != SCAN_FILE || entry->size > 0), "odd-whiteout",
			"a whiteout that is not an empty regular file"},
		{row->path_len > 0 && tree->last_parent_odd, "whiteout-in-path",
			"a folder has a whiteout's name"},
		{is_overlay_marker(row), "overlay-marker",
			"an overlay driver would take this for a whiteout or an opaque folder"},
		{entry->uid < 0 || entry->uid > OWNER_MAX || entry->gid < 0 ||
				entry->gid > OWNER_MAX,
			"uid-becomes-root", "an owner over 32 bits, which engines cut"},
		{row->name_len > PEEL_NAME_MAX, "name-too-long",
			"a name over 255 bytes is not shown"},
		{row->path_len > PEEL_PATH_MAX - 1, "path-too-long", "a path over 4,095 bytes"},
		{(row->type == 'l' || row->type == 'h') && entry->link_len == 0, "empty-link",
			"a link without a target"},
		{row->type == 'l' && entry->link_len > PEEL_PATH_MAX - 1, "link-too-long",
			"a link target over 4,095 bytes"},
		{entry->mtime_sec > MTIME_MAX || entry->mtime_sec < -MTIME_MAX, "mtime-clamped",
			"a time that engines replace by 1970"},
		{entry->mtime_sec < 0 && entry->mtime_sec >= -MTIME_MAX, "negative-mtime",
			"a time before 1970, which engines show differently"},
	};

	for (size_t i = 0; i < countof(oddities); i++) {
		int code = oddities[i].seen
			? report(tree, row, oddities[i].code, oddities[i].detail, err)
			: 0;

		if (code < 0) {
			return code;
		}
	}
	return 0;
}

static void count(struct tree *tree, const struct tree_row *row)
{
	struct tree_layer *layer = &tree->layers[tree->layer];

	layer->entries++;
	if (row->type == 'f') {
		layer->files++;
		layer->bytes += row->entry->size;
		layer->allocated += row->allocated;
	}
	tree->totals.any_xattrs |= row->entry->xattr_count > 0;
	tree->totals.any_sparse |= (row->flags & ENTRY_SPARSE) != 0;
}

/** The root's own entry: "./" and the like. Only a folder can be the root. */
static void take_root(struct tree_row *row)
{
	row->dir = 0;
	row->name = row->path;
	row->name_len = 0;
	row->type = row->entry->type == SCAN_DIR ? 'd' : '?';
}

uint64_t tree_last_id(const struct tree *tree)
{
	return tree->next_id - 1;
}

int tree_add(struct tree *tree, const struct scan_entry *entry, const void *hash, bool told,
	struct peel_error *err)
{
	struct tree_row row = {
		.entry = entry,
		.hash = hash,
		.told = told,
		.id = tree->next_id,
		.type = (char)entry->type,
		.path = tree->path,
	};
	enum path_kind kind = PATH_NAME;
	bool escaped = false;
	bool followed = false;
	bool loop = false;
	int code = 0;

	if (entry->path_len >= TREE_PATH_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "a path over %d bytes at offset %" PRIu64,
			TREE_PATH_MAX, entry->header_off);
	}
	code = limits_count(tree->limits, PEEL_LIMIT_ENTRIES, tree_count(tree) + 1, err);
	if (code < 0) {
		return code;
	}
	memcpy(tree->path, entry->path, entry->path_len);
	row.path_len = path_clean(tree->path, entry->path_len, &escaped);
	row.odd_path = !is_plain_path(entry, tree->path, row.path_len);
	if (row.path_len == 0) {
		take_root(&row);
		code = row.type == 'd' ? 0
				       : report(tree, &row, "bad-root-entry",
						 "only a folder can be the root", err);
	} else {
		size_t parent_len = classify(&row, tree->path, row.path_len, &kind);

		code = find_parent(tree, &row, tree->path, parent_len, &followed, &loop, err);
	}
	row.odd_path |= followed || loop;
	if (code == 0 && escaped) {
		code = report(tree, &row, "path-traversal", "\"..\" above the root, clamped", err);
	}
	if (code == 0 && followed && !loop) {
		code = report(tree, &row, "engines-differ",
			"the parent is a symlink of the same layer, followed", err);
	}
	if (code == 0 && loop) {
		code = report(tree, &row, "symlink-loop", "the parent is a loop of symlinks", err);
	}
	if (code == 0) {
		code = report_oddities(tree, &row, kind, err);
	}
	if (code == 0) {
		code = note_in_layer(tree, &row, err);
	}
	if (code == 0) {
		code = tree_row_insert(tree, &row, err);
	}
	if (code == 0) {
		count(tree, &row);
		tree->next_id++;
	}
	return code;
}
