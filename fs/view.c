/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inode numbers. FUSE demands 1 for the root of the mount; every other node is shown under its own
 * number, so that `stat` over the mount and `peel stat` agree. If the index has another node under
 * 1, that one gets the number that the root gave up: the two are swapped, and the mapping stays one
 * to one without a table.
 *
 * Places in a folder. opendir is answered with ENOSYS, so there is no state between two calls of
 * readdir: a place must mean the same for ever. 1 is after ".", 2 is after "..", and a cookie of
 * the index is shown plus 2.
 *
 * Symlinks are shown so that they resolve inside the mount, and st_size must be the length that is
 * shown. The index says which links need no rewriting; only for the others the target is made to
 * learn its length.
 */
#include "view.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "scope.h"

/** Number of the layers mount's own root; the index counts entries and never gets there. */
#define LAYERS_ROOT (UINT64_C(1) << 62)
/** Places before the first entry: "." and "..". */
#define DOTS 2
/** Digits of a digest in a layer folder's name. */
#define DIGEST_DIGITS 12
/** Unit of statvfs; allocated bytes are multiples of it but for holes. */
#define STATFS_BLOCK 4096

/* Both ways: it is its own inverse. */
static uint64_t swap_root(const struct view *view, uint64_t number)
{
	if (number == view->root) {
		return VIEW_ROOT;
	}
	return number == VIEW_ROOT ? view->root : number;
}

static void root_node(const struct view *view, struct peel_node *ret_node)
{
	*ret_node = (struct peel_node){
		.ino = LAYERS_ROOT,
		.mode = S_IFDIR | 0555,
		.nlink = (uint32_t)(2 + view->folder_count),
		.layer = -1,
		.view = PEEL_VIEW_MERGED,
		.implied = true,
		.hidden_by = -1,
		.why = "",
	};
}

int view_node(const struct view *view, uint64_t ino, struct peel_node *ret_node,
	struct peel_error *err)
{
	uint64_t number = swap_root(view, ino);

	if (number == LAYERS_ROOT) {
		if (!view->layers) {
			return peel_fail(err, PEEL_ENOENT, "no such inode");
		}
		root_node(view, ret_node);
		return 0;
	}
	return peel_node_get(view->index, number, ret_node, err);
}

/* Length of a symlink's target as shown. */
static int shown_size(const struct view *view, const struct peel_node *node, uint64_t *ret_size,
	struct peel_error *err)
{
	cleanup_free char *target = NULL;
	size_t len = 0;
	int r;

	if (!S_ISLNK(node->mode) || view->raw_symlinks || node->plain_link) {
		*ret_size = node->size;
		return 0;
	}
	r = peel_readlink_inside(view->index, node->ino, &target, &len, err);
	if (r == 0) {
		*ret_size = len;
	}
	return r;
}

static int fill_stat(const struct view *view, const struct peel_node *node, struct stat *ret_stat,
	struct peel_error *err)
{
	uint64_t size = 0;
	int r = shown_size(view, node, &size, err);

	if (r < 0) {
		return r;
	}
	*ret_stat = (struct stat){
		.st_ino = swap_root(view, node->ino),
		.st_mode = node->mode,
		.st_nlink = node->nlink,
		.st_uid = view->force_uid ? view->uid : node->uid,
		.st_gid = view->force_gid ? view->gid : node->gid,
		.st_rdev = makedev(node->rdev_major, node->rdev_minor),
		.st_size = (off_t)size,
		.st_blksize = VIEW_BLKSIZE,
		.st_blocks = (blkcnt_t)(node->allocated / 512),
		.st_mtim = {.tv_sec = node->mtime_sec, .tv_nsec = node->mtime_nsec},
	};
	ret_stat->st_atim = ret_stat->st_mtim;
	ret_stat->st_ctim = ret_stat->st_mtim;
	return 0;
}

int view_stat(const struct view *view, uint64_t ino, struct stat *ret_stat, struct peel_error *err)
{
	struct peel_node node;
	int r = view_node(view, ino, &node, err);

	return r < 0 ? r : fill_stat(view, &node, ret_stat, err);
}

/* A name in the layers mount's own root. */
static int lookup_folder(const struct view *view, const char *name, struct peel_node *ret_node,
	struct peel_error *err)
{
	for (size_t i = 0; i < view->folder_count; i++) {
		if (strcmp(view->folders[i].name, name) == 0) {
			return peel_node_get(view->index, view->folders[i].root, ret_node, err);
		}
	}
	return peel_fail(err, PEEL_ENOENT, "no such layer");
}

int view_lookup(const struct view *view, uint64_t folder, const char *name, struct stat *ret_stat,
	struct peel_error *err)
{
	uint64_t number = swap_root(view, folder);
	struct peel_node node;
	int r;

	if (view->layers && number == LAYERS_ROOT) {
		r = lookup_folder(view, name, &node, err);
	} else {
		r = peel_lookup(view->index, number, name, strlen(name), &node, err);
	}
	return r < 0 ? r : fill_stat(view, &node, ret_stat, err);
}

/* What list_entry needs of view_list. */
struct listing {
	const struct view *view;
	view_each_fn *each;
	void *arg;
	struct peel_error *err;
	int result;
};

static int list_entry(void *arg, const struct peel_dirent *entry)
{
	struct listing *listing = arg;
	char name[PEEL_NAME_MAX + 1];
	struct stat stat;

	/* One name that the kernel refuses makes the whole folder unreadable. */
	if (entry->name_len == 0 || entry->name_len > PEEL_NAME_MAX ||
		memchr(entry->name, '/', entry->name_len) ||
		memchr(entry->name, '\0', entry->name_len) || entry->cookie > INT64_MAX - DOTS) {
		return 0;
	}
	memcpy(name, entry->name, entry->name_len);
	name[entry->name_len] = '\0';
	listing->result = fill_stat(listing->view, &entry->node, &stat, listing->err);
	if (listing->result < 0) {
		return 1;
	}
	return listing->each(listing->arg, name, entry->cookie + DOTS, &stat);
}

static int list_folders(const struct view *view, uint64_t place, view_each_fn *each, void *arg,
	struct peel_error *err)
{
	for (uint64_t i = place > DOTS ? place - DOTS : 0; i < view->folder_count; i++) {
		struct peel_node node;
		struct stat stat;
		int r = peel_node_get(view->index, view->folders[i].root, &node, err);

		if (r == 0) {
			r = fill_stat(view, &node, &stat, err);
		}
		if (r < 0) {
			return r;
		}
		if (each(arg, view->folders[i].name, i + 1 + DOTS, &stat)) {
			return 1;
		}
	}
	return 0;
}

/* Inode number of a folder's parent. */
static int parent_of(const struct view *view, uint64_t number, uint64_t *ret_number,
	struct peel_error *err)
{
	int r;

	if (number == view->root) {
		*ret_number = number;
		return 0;
	}
	r = peel_parent(view->index, number, ret_number, err);
	if (r == 0 && *ret_number == number) {
		*ret_number = view->root;
	}
	return r;
}

/* "." and ".."; 1 where the callback stopped. */
static int list_dots(const struct view *view, uint64_t number, uint64_t place, view_each_fn *each,
	void *arg, struct peel_error *err)
{
	uint64_t parent;
	struct stat stat = {.st_mode = S_IFDIR};
	int r = parent_of(view, number, &parent, err);

	if (r < 0) {
		return r;
	}
	stat.st_ino = swap_root(view, number);
	if (place == 0 && each(arg, ".", 1, &stat)) {
		return 1;
	}
	stat.st_ino = swap_root(view, parent);
	return each(arg, "..", DOTS, &stat) ? 1 : 0;
}

int view_list(const struct view *view, uint64_t folder, uint64_t place, view_each_fn *each,
	void *arg, struct peel_error *err)
{
	uint64_t number = swap_root(view, folder);
	struct listing listing = {.view = view, .each = each, .arg = arg, .err = err};
	int r = 0;

	if (place < DOTS) {
		r = list_dots(view, number, place, each, arg, err);
	}
	if (r != 0) {
		return r;
	}
	if (view->layers && number == LAYERS_ROOT) {
		return list_folders(view, place, each, arg, err);
	}
	r = peel_list(view->index, number, place > DOTS ? place - DOTS : 0, list_entry, &listing,
		err);
	return listing.result < 0 ? listing.result : r;
}

int view_readlink(const struct view *view, uint64_t ino, char **ret_target, struct peel_error *err)
{
	uint64_t number = swap_root(view, ino);
	size_t len;

	if (view->raw_symlinks) {
		return peel_readlink(view->index, number, ret_target, &len, err);
	}
	return peel_readlink_inside(view->index, number, ret_target, &len, err);
}

ssize_t view_read(const struct view *view, uint64_t ino, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	return peel_read(view->index, swap_root(view, ino), offset, buf, len, err);
}

int view_read_now(const struct view *view, uint64_t ino, uint64_t offset, void *buf, size_t len,
	size_t *ret_got, struct peel_error *err)
{
	return peel_read_now(view->index, swap_root(view, ino), offset, buf, len, ret_got, err);
}

int view_seek(const struct view *view, uint64_t ino, uint64_t offset, bool hole,
	uint64_t *ret_offset, struct peel_error *err)
{
	return peel_seek(view->index, swap_root(view, ino), offset, hole, ret_offset, err);
}

int view_statfs(const struct view *view, struct statvfs *ret_stat, struct peel_error *err)
{
	uint64_t nodes = view->totals.nodes;
	uint64_t allocated = view->totals.allocated;

	for (int i = 0; view->layers && i < peel_layer_count(view->index); i++) {
		struct peel_layer_stat layer;
		int r = peel_layer_stat(view->index, i, &layer, err);

		if (r < 0) {
			return r;
		}
		nodes += layer.entries;
		allocated += layer.allocated;
	}
	*ret_stat = (struct statvfs){
		.f_bsize = STATFS_BLOCK,
		.f_frsize = STATFS_BLOCK,
		.f_blocks = allocated / STATFS_BLOCK + (allocated % STATFS_BLOCK != 0),
		.f_files = nodes,
		.f_flag = ST_RDONLY | ST_NOSUID,
		.f_namemax = PEEL_NAME_MAX,
	};
	return 0;
}

/*
 * The digits of a digest that go into a folder's name; nothing but digits, whatever the image
 * claims.
 */
static void digest_digits(const struct peel_layer_stat *layer, char ret_digits[DIGEST_DIGITS + 1])
{
	const char *const candidates[] = {
		layer->layer.digest,
		layer->layer.diff_id,
		layer->blob_hashed,
		layer->diff_hashed,
	};

	for (size_t i = 0; i < countof(candidates); i++) {
		const char *colon = strchr(candidates[i], ':');
		const char *digits = colon ? colon + 1 : candidates[i];

		if (strspn(digits, "0123456789abcdef") >= DIGEST_DIGITS) {
			memcpy(ret_digits, digits, DIGEST_DIGITS);
			ret_digits[DIGEST_DIGITS] = '\0';
			return;
		}
	}
	strcpy(ret_digits, "unknown");
}

static int make_folders(struct view *view, struct peel_error *err)
{
	int count = peel_layer_count(view->index);
	view->folders = calloc((size_t)count + 1, sizeof(*view->folders));
	if (!view->folders) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	for (int i = 0; i < count; i++) {
		struct view_folder *folder = &view->folders[i];
		char digits[DIGEST_DIGITS + 1];
		struct peel_layer_stat layer;
		int r = peel_layer_stat(view->index, i, &layer, err);

		if (r < 0) {
			view_finish(view);
			return r;
		}
		digest_digits(&layer, digits);
		snprintf(folder->name, sizeof(folder->name), count <= 100 ? "%02d-%s" : "%04d-%s",
			i, digits);
		folder->root = peel_root(i);
	}
	strcpy(view->folders[count].name, "merged");
	view->folders[count].root = peel_root(PEEL_VIEW_MERGED);
	view->folder_count = (size_t)count + 1;
	return 0;
}

int view_init(struct view *view, struct peel_index *index, const struct peel_mount_options *options,
	struct peel_error *err)
{
	int r;

	*view = (struct view){
		.index = index,
		.layers = options->layers,
		.raw_symlinks = options->raw_symlinks,
		.provenance = options->provenance,
		.force_uid = options->force_uid,
		.force_gid = options->force_gid,
		.uid = options->uid,
		.gid = options->gid,
		.root = options->layers ? LAYERS_ROOT : peel_root(PEEL_VIEW_MERGED),
	};
	r = peel_totals(index, &view->totals, err);
	if (r < 0 || !view->layers) {
		return r;
	}
	return make_folders(view, err);
}

void view_finish(struct view *view)
{
	free(view->folders);
	view->folders = NULL;
	view->folder_count = 0;
}
