/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Sums over the ledger (facts.h): where wasted bytes are and who wasted them, which contents are there twice, and what
 * dive says of the same image. Bytes are apparent ones: payload of regular files, hard links once, where the data is.
 *
 * Open the index with facts, so that contents decide why a file is hidden, and contents are compared by their hashes.
 */
#ifndef PEEL_WASTE_H
#define PEEL_WASTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/error.h>
#include <peel/facts.h>
#include <peel/index.h>
#include <peel/query.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Everything, as a limit. */
#define PEEL_TOP_ALL SIZE_MAX

/** How much of the waste is named. {0} names none of the paths and folders. */
struct peel_waste_options {
	/** Most paths and most folders kept, those with the most bytes; PEEL_TOP_ALL: every one. */
	size_t top;
	/** Deepest folders that are rows of their own, "/" being 0; what is below counts for them too. */
	unsigned int depth;
	/** Told every piece of the pass, in the order of paths; nonzero stops all. NULL: nobody is. */
	peel_piece_fn *each;
	void *arg;
};

/** Wasted bytes that one layer shipped and one layer hid, for one reason. */
struct peel_waste_pair {
	int layer;
	/** -1: no layer hid it (it never could be seen). */
	int hidden_by;
	enum peel_cause cause;
	uint64_t files, bytes, allocated;
};

/** Wasted bytes at a path, or below a folder. */
struct peel_waste_path {
	/** Canonical, raw bytes, NUL-terminated. */
	char *path;
	size_t path_len;
	/** Files that were shipped there and are not visible. */
	uint64_t files, bytes, allocated;
	/** Of a path: the merged tree has a file there. */
	bool visible;
	/**
	 * Of a path: the layer of the largest of them, what hid it, and why; of a folder: the cause of most bytes,
	 * and -1 for both layers.
	 */
	int layer, hidden_by;
	enum peel_cause cause;
};

/** The waste of an image. Rows come with the most bytes first, then in order of layers or paths. */
struct peel_waste {
	struct peel_ledger total;
	/** One ledger a layer: what it shipped. */
	struct peel_ledger *layers;
	size_t layer_count;
	struct peel_waste_pair *pairs;
	size_t pair_count;
	struct peel_waste_path *paths;
	/** Rows; and how many there are in the image. */
	size_t path_count, path_total;
	struct peel_waste_path *folders;
	size_t folder_count, folder_total;
};

/**
 * Sum up what an image ships in vain.
 * @param ret_waste free it with peel_waste_free. Untouched on failure.
 * @return 0, 1 where options->each stopped it, or peel_pieces's codes. Memory is that of the rows.
 */
int peel_waste(struct peel_index *index, const struct peel_waste_options *options,
	struct peel_waste **ret_waste, struct peel_error *err);
/** Free; NULL is fine. */
void peel_waste_free(struct peel_waste *waste);

/** Bytes of a ledger that are not visible. */
uint64_t peel_ledger_wasted(const struct peel_ledger *ledger);

/** A path that dive calls inefficient: how many layers have it, and their sizes together. */
struct peel_dive_path {
	/** Raw bytes, NUL-terminated. */
	char *path;
	size_t path_len;
	uint64_t count;
	uint64_t bytes;
};

/** What dive (github.com/wagoodman/dive) says of an image: its formulas, with their faults. */
struct peel_dive {
	/** Of all layers, and of all but the first. */
	uint64_t size_bytes, user_bytes;
	/** Sum over all paths that several layers have, the copy that is visible included. */
	uint64_t wasted_bytes;
	/** Sum of each path's smallest size by sum of all sizes, 1 where that is 0. */
	double efficiency;
	/** wasted_bytes / user_bytes: not a number where both are 0, infinite where only user_bytes is. */
	double user_wasted;
	/** Paths that several layers have: the largest, most bytes first, and how many there are. */
	struct peel_dive_path *paths;
	size_t path_count, path_total;
};

/**
 * Reckon as dive does. Needs no facts.
 * @param top most paths that are kept, PEEL_TOP_ALL: every one.
 * @param ret_dive free it with peel_dive_free. Untouched on failure.
 * @return 0; PEEL_EFORMAT, PEEL_ELIMIT (a path of PEEL_PATH_MAX bytes or more), PEEL_ENOMEM, PEEL_EINTERNAL.
 */
int peel_dive(struct peel_index *index, size_t top, struct peel_dive **ret_dive,
	struct peel_error *err);
/** Free; NULL is fine. */
void peel_dive_free(struct peel_dive *dive);

/** Which duplicates are looked for, and how much of them is told. */
struct peel_duplicates_options {
	/** Smallest file that counts, bytes; 0 is as 1: empty files save nothing. */
	uint64_t min_size;
	/** Only files that the merged tree shows. */
	bool visible_only;
	/** Most groups handed over, those that save most; most paths that a group names. PEEL_TOP_ALL: every one. */
	size_t groups, paths;
	/** While files are read; NULL: none. */
	peel_progress_fn *progress;
	void *progress_arg;
};

/** One of the files of a group. */
struct peel_duplicate_path {
	/** Raw bytes, NUL-terminated. */
	char *path;
	size_t path_len;
	int layer;
	bool visible;
};

/** Files with the same content: different inodes, so none is a hard link of another. Valid during the callback. */
struct peel_duplicate {
	/** SHA-256 of the content, hex digits: by it they are the same. */
	const char *sha256;
	/** Of one file. */
	uint64_t bytes;
	/** Files, and those that the merged tree shows. */
	uint64_t files, visible_files;
	/** Bytes that one copy instead of all would save: of what is shipped, and of what is visible. */
	uint64_t saved, visible_saved;
	/** Some of them: visible ones first, then by layer and place in it. */
	const struct peel_duplicate_path *paths;
	size_t path_count;
};

/** Take a group; nonzero stops. */
typedef int peel_duplicate_fn(void *arg, const struct peel_duplicate *duplicate);

/** What all groups come to. */
struct peel_duplicates {
	/** Groups, the files in them, and what one copy of each would save. */
	uint64_t groups, files, saved;
	/** The same of what is visible: groups with several visible files. */
	uint64_t visible_groups, visible_files, visible_saved;
	/** Files of an incomplete layer that could not be read, and so are in no group. */
	uint64_t unread;
};

/**
 * Contents that are there more than once. Sizes and fast hashes select (sizes alone where the index was opened without
 * facts: slower), SHA-256 decides; every file that may have a duplicate is read.
 * @param each groups with the most saved bytes first (visible_only: of what is visible), then by digest; NULL: none.
 * @return 0, 1 where the callback stopped it; PEEL_ECANCELED (progress); peel_pieces's and peel_read's codes. Memory is
 *   some 100 bytes a file that may have a duplicate, and the paths.
 */
int peel_duplicates(struct peel_index *index, const struct peel_duplicates_options *options,
	peel_duplicate_fn *each, void *arg, struct peel_duplicates *ret_sums,
	struct peel_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
