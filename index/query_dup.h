/* SPDX-License-Identifier: Apache-2.0 */
/** Files that may have duplicates, from selecting them to groups of them. */
#ifndef QUERY_DUP_H
#define QUERY_DUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/waste.h>

/** Bytes of a SHA-256. */
#define DUP_DIGEST_SIZE 32

/** A file that may have a duplicate. */
struct dup_file {
	uint64_t entry, ino, size;
	int layer;
	bool visible;
	/** The fast hash, then zeros; once the file was read: its SHA-256. */
	unsigned char digest[DUP_DIGEST_SIZE];
};

/** Files with the same digest: a slice of the array. */
struct dup_group {
	size_t first, count, visible;
	uint64_t saved, visible_saved;
};

/** A growing array of files. {0} is empty. */
struct dup_files {
	struct dup_file *files;
	size_t count, room;
};

/**
 * Find the files that may have a duplicate, by size and fast hash.
 * @param files empty; in order of entries in the end. @return 0, or peel_pieces's codes.
 */
int dup_select(struct peel_index *index, const struct peel_duplicates_options *options,
	struct dup_files *files, struct peel_error *err);

/**
 * Read the files and put their SHA-256 in place. What cannot be read of an incomplete image is taken out.
 * @param ret_unread receives how many. @return 0; PEEL_ECANCELED, peel_read's codes.
 */
int dup_read(struct peel_index *index, const struct peel_duplicates_options *options,
	struct dup_files *files, uint64_t *ret_unread, struct peel_error *err);

/**
 * Bring the files into groups, and those into order: the one that saves most first.
 * @param ret_groups the caller frees. @return 0; PEEL_ENOMEM.
 */
int dup_group(struct dup_files *files, struct dup_group **ret_groups, size_t *ret_count,
	struct peel_error *err);

/** Paths of the files of some groups, side by side with them. */
struct dup_paths {
	/** Of group i: starts[i] to starts[i + 1]. */
	struct peel_duplicate_path *paths;
	size_t *starts;
	size_t count;
};

/**
 * Look up the paths of the first files of each group.
 * @param limit most paths a group. @return 0, or peel_pieces's codes; dup_paths_finish is due in any case.
 */
int dup_find_paths(struct peel_index *index, const struct dup_files *files,
	const struct dup_group *groups, size_t group_count, size_t limit, struct dup_paths *paths,
	struct peel_error *err);

/** Free what it holds. */
void dup_paths_finish(struct dup_paths *paths);

#endif
