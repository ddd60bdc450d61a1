/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the ledger by path. The rest that nobody owns is broken down as it comes: paths in order of their bytes
 * have all that is below a folder in one run, so that the rows of the folders above the last path are all that must be
 * known to find the next one's.
 */
#include "buckets.h"
#include "grow.h"
#include "packages.h"

#include <string.h>

/* The pass. */
struct pass {
	struct packages *packages;
	unsigned depth;
	/* Row of the folder at each level above the last path. */
	size_t rows[PACKAGES_DEPTH_MAX + 1];
	unsigned level;
	bool out_of_memory;
};

static void add_piece(struct packages_sum *sum, const struct peel_piece *piece)
{
	sum->files++;
	sum->bytes += piece->bytes;
	sum->allocated += piece->allocated;
	if (piece->claim < PACKAGES_CLAIMS) {
		sum->claims[piece->claim] += piece->bytes;
	}
}

/* Append a row for a folder. @return false where memory is exhausted. */
static bool add_folder(struct packages *packages, const char *path, size_t len)
{
	struct packages_folder *folder;

	if (!grow_array(&packages->folders, packages->folder_count, &packages->folder_room,
		    sizeof(*packages->folders))) {
		return false;
	}
	folder = &packages->folders[packages->folder_count];
	*folder = (struct packages_folder){.path = malloc(len + 2), .path_len = len ? len : 1};
	if (!folder->path) {
		return false;
	}
	memcpy(folder->path, path, len);
	memcpy(folder->path + len, len ? "" : "/", len ? 1 : 2);
	packages->folder_count++;
	return true;
}

static bool folder_is(const struct packages_folder *folder, const char *path, size_t len)
{
	return len == 0 ? folder->path_len == 1
			: folder->path_len == len && memcmp(folder->path, path, len) == 0;
}

/* The row that a file of nobody's counts for. */
static struct packages_sum *find_row(struct pass *pass, const struct peel_piece *piece)
{
	struct packages *packages = pass->packages;
	unsigned level = 0;
	size_t last = 0;

	for (; level <= pass->depth; level++) {
		const size_t len = bucket_folder(piece->path, piece->path_len, level);

		if (level > 0 && len == last) {
			break;
		}
		last = len;
		if (level < pass->level &&
			folder_is(&packages->folders[pass->rows[level]], piece->path, len)) {
			continue;
		}
		if (level > 0 && packages->folder_count >= PACKAGES_FOLDERS_MAX) {
			break;
		}
		if (!add_folder(packages, piece->path, len)) {
			return NULL;
		}
		pass->rows[level] = packages->folder_count - 1;
		pass->level = level + 1;
	}
	pass->level = level;
	return &packages->folders[pass->rows[level - 1]].sum;
}

static int take_piece(void *arg, const struct peel_piece *piece)
{
	struct pass *pass = arg;
	struct packages *packages = pass->packages;
	const uint32_t package = piece->package <= packages->count ? piece->package : 0;

	add_piece(&packages->all, piece);
	add_piece(&packages->sums[package], piece);
	if (package) {
		add_piece(&packages->owned, piece);
	} else {
		struct packages_sum *row = find_row(pass, piece);

		if (!row) {
			pass->out_of_memory = true;
			return 1;
		}
		add_piece(row, piece);
	}
	return 0;
}

static int compare_folders(const void *a, const void *b)
{
	const struct packages_folder *one = a;
	const struct packages_folder *two = b;
	const int r = (one->sum.bytes < two->sum.bytes) - (one->sum.bytes > two->sum.bytes);

	return r ? r : strcmp(one->path, two->path);
}

/* Drop the rows of folders that have no files of their own, and sort. */
static void settle(struct packages *packages)
{
	size_t kept = 0;

	for (size_t i = 0; i < packages->folder_count; i++) {
		if (packages->folders[i].sum.files == 0) {
			free(packages->folders[i].path);
		} else {
			packages->folders[kept++] = packages->folders[i];
		}
	}
	packages->folder_count = kept;
	if (kept > 0) {
		qsort(packages->folders, kept, sizeof(*packages->folders), compare_folders);
	}
}

int packages_sum_up(struct peel_index *index, unsigned depth, struct packages *ret_packages,
	struct peel_error *err)
{
	struct pass pass = {.packages = ret_packages, .depth = depth};
	int r;

	*ret_packages = (struct packages){.index = index, .count = peel_package_count(index)};
	ret_packages->sums = calloc((size_t)ret_packages->count + 1, sizeof(struct packages_sum));
	if (!ret_packages->sums) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = peel_pieces(index, PEEL_BY_PATH, true, take_piece, &pass, err);
	if (pass.out_of_memory) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	settle(ret_packages);
	return r < 0 ? r : 0;
}

void packages_finish(struct packages *packages)
{
	for (size_t i = 0; i < packages->folder_count; i++) {
		free(packages->folders[i].path);
	}
	free(packages->folders);
	free(packages->sums);
}
