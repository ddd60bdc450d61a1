/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists name files folder by folder, and the same few thousand folders again in every list. A folder's way through the
 * links of the image (/lib is /usr/lib) is walked once and kept in a small cache: four places a set, the oldest goes.
 * So time is one lookup a path, memory is bounded whatever the lists say, and names that were chosen to collide cost
 * their owner a walk and nobody else. A folder in one that is remembered is one lookup, too, but for links and dots.
 *
 * Rejected: a table of all paths of the image (its memory grows with the image), and asking by the path alone (a walk
 * of six names for each file).
 */
#include "pkgdb_find.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>
#include <peel/query.h>

#include "pkgdb_gather.h"
#include "hash.h"
#include "util.h"

/* Sets of the cache, a power of two, and places of one. */
#define SETS 4096
#define WAYS 4

/* A folder: where its path begins and which it leads to, 0: nowhere. */
struct place {
	char *path;
	size_t len;
	uint64_t base;
	uint64_t folder;
};

struct pkgdb_finder {
	struct peel_index *index;
	/* Of WAYS places each, made when something comes into them: small images have few folders. */
	struct place *sets[SETS];
	unsigned char oldest[SETS];
	/* What was asked for last. */
	struct place *last;
};

int pkgdb_finder_new(struct peel_index *index, struct pkgdb_finder **ret_finder,
	struct peel_error *err)
{
	struct pkgdb_finder *finder = calloc(1, sizeof(*finder));

	if (!finder) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	finder->index = index;
	*ret_finder = finder;
	return 0;
}

void pkgdb_finder_free(struct pkgdb_finder *finder)
{
	for (size_t i = 0; finder && i < SETS; i++) {
		struct place *set = finder->sets[i];

		if (!set) {
			continue;
		}
		for (size_t j = 0; j < WAYS; j++) {
			free(set[j].path);
		}
		free(set);
	}
	free(finder);
}

static bool place_is(const struct place *place, uint64_t base, const char *path, size_t len)
{
	return place->path && place->base == base && place->len == len &&
		memcmp(place->path, path, len) == 0;
}

/* True for what says that there is no such folder; the rest is the index's fault. */
static bool is_missing(int code)
{
	return code == PEEL_ENOENT || code == PEEL_ENOTDIR || code == PEEL_ELOOP ||
		code == PEEL_ELIMIT;
}

/* True where a folder is the root or lies below it. */
static bool is_inside(const struct pkgdb_root *root, const char *canonical)
{
	const size_t len = strlen(root->path);

	return strncmp(canonical, root->path, len) == 0 &&
		(len == 0 || canonical[len] == '\0' || canonical[len] == '/');
}

/* Walk a folder's path. @param ret_folder 0: it leads nowhere, or out of the root. */
static int walk(struct pkgdb_finder *finder, const struct pkgdb_root *root, uint64_t base,
	const char *path, size_t len, uint64_t *ret_folder, struct peel_error *err)
{
	cleanup_free char *canonical = NULL;
	struct peel_node node;
	int r = peel_resolve(finder->index, PEEL_VIEW_MERGED, base, len ? path : ".", len ? len : 1,
		true, &node, root->path[0] ? &canonical : NULL, err);

	*ret_folder = 0;
	if (r < 0) {
		if (is_missing(r) && err) {
			*err = (struct peel_error){0};
		}
		return is_missing(r) ? 0 : r;
	}
	if (!canonical || is_inside(root, canonical)) {
		*ret_folder = node.ino;
	}
	return 0;
}

/* The place of a path in a set of the cache, NULL: it is not there. */
static struct place *find_place(struct pkgdb_finder *finder, size_t set, uint64_t base,
	const char *path, size_t len)
{
	struct place *places = finder->sets[set];

	for (size_t i = 0; places && i < WAYS; i++) {
		if (place_is(&places[i], base, path, len)) {
			return &places[i];
		}
	}
	return NULL;
}

static bool is_dots(const char *name, size_t len)
{
	return len == 0 || (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

/*
 * A folder in one that is in the cache: its name is looked up there. What is in a folder inside of the root is inside,
 * too. @return 1 and the folder, 0 it is to be walked, or less than 0.
 */
static int step(struct pkgdb_finder *finder, uint64_t base, const char *path, size_t len,
	uint64_t *ret_folder, struct peel_error *err)
{
	const char *slash = memrchr(path, '/', len);
	const size_t parent_len = slash ? (size_t)(slash - path) : 0;
	const char *name = slash ? slash + 1 : path;
	const size_t name_len = (size_t)(path + len - name);
	const struct place *parent;
	struct peel_node node;
	int r;

	if (is_dots(name, name_len)) {
		return 0;
	}
	parent = find_place(finder, hash_bytes(base, path, parent_len) & (SETS - 1), base, path,
		parent_len);
	if (!parent || parent->folder == 0) {
		return 0;
	}
	r = peel_lookup(finder->index, parent->folder, name, name_len, &node, err);
	if (r < 0) {
		if (is_missing(r) && err) {
			*err = (struct peel_error){0};
		}
		return is_missing(r) ? 0 : r;
	}
	*ret_folder = node.ino;
	return S_ISDIR(node.mode);
}

/* Keep where a path leads to, in the place of what came into its set first. @return false: no memory. */
static bool remember(struct pkgdb_finder *finder, size_t set, const struct place *place)
{
	struct place *places = finder->sets[set];
	char *copy = malloc(place->len + 1);

	if (copy && !places) {
		places = finder->sets[set] = calloc(WAYS, sizeof(*places));
	}
	if (!copy || !places) {
		free(copy);
		return false;
	}
	memcpy(copy, place->path, place->len);
	places += finder->oldest[set];
	finder->oldest[set] = (unsigned char)((finder->oldest[set] + 1) % WAYS);
	free(places->path);
	*places = *place;
	places->path = copy;
	finder->last = places;
	return true;
}

/* The folder that a path leads to, out of the cache or walked. */
static int find_folder(struct pkgdb_finder *finder, const struct pkgdb_root *root, uint64_t base,
	const char *path, size_t len, uint64_t *ret_folder, struct peel_error *err)
{
	const size_t set = (size_t)(hash_bytes(base, path, len) & (SETS - 1));
	struct place *place = finder->last;
	int r;

	if (!place || !place_is(place, base, path, len)) {
		place = find_place(finder, set, base, path, len);
	}
	if (place) {
		finder->last = place;
		*ret_folder = place->folder;
		return 0;
	}
	r = step(finder, base, path, len, ret_folder, err);
	if (r == 0) {
		r = walk(finder, root, base, path, len, ret_folder, err);
	}
	if (r < 0) {
		return r;
	}
	if (!remember(finder, set, &(struct place){(char *)path, len, base, *ret_folder})) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	return 0;
}

int pkgdb_find(struct pkgdb_finder *finder, const struct pkgdb_root *root, uint64_t base,
	const char *path, size_t len, struct peel_node *ret_node, struct peel_error *err)
{
	const char *slash;
	uint64_t folder;
	size_t folder_len;
	int r;

	/* In a root that lies in the image, absolute is relative to it. */
	if (len > 0 && path[0] == '/') {
		base = root->ino;
	}
	while (len > 0 && path[0] == '/') {
		path++;
		len--;
	}
	if (len == 0 || len > PEEL_PATH_MAX) {
		return 0;
	}
	slash = memrchr(path, '/', len);
	folder_len = slash ? (size_t)(slash - path) : 0;
	r = find_folder(finder, root, base, path, folder_len, &folder, err);
	if (r < 0 || folder == 0) {
		return r;
	}
	r = slash
		? peel_lookup(finder->index, folder, slash + 1, len - folder_len - 1, ret_node, err)
		: peel_lookup(finder->index, folder, path, len, ret_node, err);
	if (is_missing(r)) {
		if (err) {
			*err = (struct peel_error){0};
		}
		return 0;
	}
	return r < 0 ? r : 1;
}
