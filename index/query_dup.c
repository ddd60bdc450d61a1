/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Duplicates: pieces of the ledger with the same content. A piece is an inode, so hard links are none of each
 * other. What may be the same is selected without reading (query_dup_select.c), then read in the order of the layers'
 * tars, which is the order in which decoders are cheap, and grouped by SHA-256: a fast hash could be forged.
 *
 * Paths are looked up last, for what is told alone.
 */
#include "query_dup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"
#include "util.h"

/* In order of groups; within one, visible files first, then by layer and place. */
static int compare_files(const void *a, const void *b)
{
	const struct dup_file *one = a;
	const struct dup_file *two = b;
	int order;

	if (one->size != two->size) {
		return one->size > two->size ? -1 : 1;
	}
	order = memcmp(one->digest, two->digest, sizeof(one->digest));
	if (order != 0) {
		return order;
	}
	if (one->visible != two->visible) {
		return one->visible ? -1 : 1;
	}
	return (one->entry > two->entry) - (one->entry < two->entry);
}

static bool is_same(const struct dup_file *one, const struct dup_file *two)
{
	return one->size == two->size && memcmp(one->digest, two->digest, sizeof(one->digest)) == 0;
}

static int compare_groups(const void *a, const void *b)
{
	const struct dup_group *one = a;
	const struct dup_group *two = b;

	if (one->saved != two->saved) {
		return one->saved > two->saved ? -1 : 1;
	}
	/* Slices are in order of size and digest. */
	return (one->first > two->first) - (one->first < two->first);
}

static uint64_t saved_by(uint64_t size, size_t count)
{
	uint64_t saved = 0;

	return count < 2 || checked_mul(size, count - 1, &saved) ? saved : UINT64_MAX;
}

/* The slice that starts at a file. */
static struct dup_group group_at(const struct dup_files *files, size_t first)
{
	const struct dup_file *file = &files->files[first];
	struct dup_group group = {.first = first};

	while (first + group.count < files->count && is_same(file, &file[group.count])) {
		group.visible += file[group.count].visible;
		group.count++;
	}
	group.saved = saved_by(file->size, group.count);
	group.visible_saved = saved_by(file->size, group.visible);
	return group;
}

int dup_group(struct dup_files *files, struct dup_group **ret_groups, size_t *ret_count,
	struct peel_error *err)
{
	struct dup_group *groups = NULL;
	size_t count = 0;
	size_t room = 0;

	if (files->count > 0) {
		qsort(files->files, files->count, sizeof(*files->files), compare_files);
	}
	for (size_t i = 0; i < files->count;) {
		const struct dup_group group = group_at(files, i);

		i += group.count;
		if (group.count < 2) {
			continue;
		}
		if (!grow_array(&groups, count, &room, sizeof(*groups))) {
			free(groups);
			return peel_fail(err, PEEL_ENOMEM, "out of memory");
		}
		groups[count++] = group;
	}
	if (count > 0) {
		qsort(groups, count, sizeof(*groups), compare_groups);
	}
	*ret_groups = groups;
	*ret_count = count;
	return 0;
}

/* A path that is looked for. */
struct wanted {
	uint64_t entry;
	struct peel_duplicate_path *path;
};

struct find {
	const struct wanted *wanted;
	size_t count, next;
	struct peel_error *err;
	int code;
};

static int compare_wanted(const void *a, const void *b)
{
	const struct wanted *one = a;
	const struct wanted *two = b;

	return (one->entry > two->entry) - (one->entry < two->entry);
}

/* Entries come ascending, and so do those that are looked for. */
static int take_path(void *arg, const struct peel_piece *piece)
{
	struct find *find = arg;
	struct peel_duplicate_path *path;

	if (piece->entry != find->wanted[find->next].entry) {
		return 0;
	}
	path = find->wanted[find->next].path;
	path->path = malloc(piece->path_len + 1);
	if (!path->path) {
		find->code = peel_fail(find->err, PEEL_ENOMEM, "out of memory");
		return 1;
	}
	memcpy(path->path, piece->path, piece->path_len + 1);
	path->path_len = piece->path_len;
	path->layer = piece->layer;
	path->visible = piece->visible;
	return ++find->next == find->count;
}

static int find_all(struct peel_index *index, struct wanted *wanted, size_t count,
	struct peel_error *err)
{
	struct find find = {.wanted = wanted, .count = count, .err = err};
	int r;

	if (count == 0) {
		return 0;
	}
	qsort(wanted, count, sizeof(*wanted), compare_wanted);
	r = peel_pieces(index, PEEL_BY_ENTRY, false, take_path, &find, err);
	if (r < 0 || find.code < 0) {
		return r < 0 ? r : find.code;
	}
	return find.next == count ? 0
				  : peel_fail(err, PEEL_EFORMAT, STORE_DAMAGED "a file is gone");
}

int dup_find_paths(struct peel_index *index, const struct dup_files *files,
	const struct dup_group *groups, size_t group_count, size_t limit, struct dup_paths *paths,
	struct peel_error *err)
{
	cleanup_free struct wanted *wanted = NULL;
	size_t count = 0;

	paths->starts = calloc(group_count + 1, sizeof(*paths->starts));
	for (size_t i = 0; paths->starts && i < group_count; i++) {
		paths->starts[i] = count;
		count += min_u64(groups[i].count, limit);
	}
	paths->paths = calloc(count + 1, sizeof(*paths->paths));
	wanted = calloc(count + 1, sizeof(*wanted));
	if (!paths->starts || !paths->paths || !wanted) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	paths->starts[group_count] = count;
	paths->count = count;
	for (size_t i = 0; i < group_count; i++) {
		for (size_t k = paths->starts[i]; k < paths->starts[i + 1]; k++) {
			const size_t file = groups[i].first + (k - paths->starts[i]);

			wanted[k] = (struct wanted){files->files[file].entry, &paths->paths[k]};
		}
	}
	return find_all(index, wanted, count, err);
}

void dup_paths_finish(struct dup_paths *paths)
{
	for (size_t i = 0; paths->paths && i < paths->count; i++) {
		free(paths->paths[i].path);
	}
	free(paths->paths);
	free(paths->starts);
	*paths = (struct dup_paths){0};
}

static void sum_up(const struct dup_group *groups, size_t count, struct peel_duplicates *sums)
{
	for (size_t i = 0; i < count; i++) {
		sums->groups++;
		sums->files += groups[i].count;
		sum_add(&sums->saved, groups[i].saved);
		if (groups[i].visible > 1) {
			sums->visible_groups++;
			sums->visible_files += groups[i].visible;
			sum_add(&sums->visible_saved, groups[i].visible_saved);
		}
	}
}

static int hand_over(const struct dup_files *files, const struct dup_group *group,
	const struct dup_paths *paths, size_t i, peel_duplicate_fn *each, void *arg)
{
	const struct dup_file *file = &files->files[group->first];
	char hex[2 * DUP_DIGEST_SIZE + 1];
	const struct peel_duplicate duplicate = {
		.sha256 = hex,
		.bytes = file->size,
		.files = group->count,
		.visible_files = group->visible,
		.saved = group->saved,
		.visible_saved = group->visible_saved,
		.paths = paths->paths + paths->starts[i],
		.path_count = paths->starts[i + 1] - paths->starts[i],
	};

	for (size_t k = 0; k < DUP_DIGEST_SIZE; k++) {
		snprintf(hex + 2 * k, 3, "%02x", file->digest[k]);
	}
	return each(arg, &duplicate) ? 1 : 0;
}

static int tell(struct peel_index *index, const struct peel_duplicates_options *options,
	const struct dup_files *files, const struct dup_group *groups, size_t count,
	peel_duplicate_fn *each, void *arg, struct peel_error *err)
{
	cleanup(dup_paths_finish) struct dup_paths paths = {0};
	int r = dup_find_paths(index, files, groups, count, options->paths, &paths, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		r = hand_over(files, &groups[i], &paths, i, each, arg);
	}
	return r;
}

int peel_duplicates(struct peel_index *index, const struct peel_duplicates_options *options,
	peel_duplicate_fn *each, void *arg, struct peel_duplicates *ret_sums,
	struct peel_error *err)
{
	cleanup_free struct dup_group *groups = NULL;
	struct peel_duplicates sums = {0};
	struct dup_files files = {0};
	size_t count = 0;
	int r = dup_select(index, options, &files, err);

	if (r == 0) {
		r = dup_read(index, options, &files, &sums.unread, err);
	}
	if (r == 0) {
		r = dup_group(&files, &groups, &count, err);
	}
	if (r == 0) {
		sum_up(groups, count, &sums);
		*ret_sums = sums;
		r = each ? tell(index, options, &files, groups, min_u64(count, options->groups),
				   each, arg, err)
			 : 0;
	}
	free(files.files);
	return r;
}
