/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The index: an SQLite file a image that holds its files by layer, and the merged tree.
 *
 * peel_index_open is the one door: it finds an index in the cache that may be trusted for this
 * file, or builds one and publishes it, and gives back a handle over which every question of
 * query.h is asked. The handle may be used from several threads at once.
 */
#ifndef PEEL_INDEX_H
#define PEEL_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include <peel/error.h>
#include <peel/image.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct peel_index;

/**
 * Progress of a build, at most ten times a second and once at the end. Return 0, or nonzero to
 * cancel.
 */
typedef int peel_progress_fn(void *arg, const char *what, uint64_t done_bytes,
	uint64_t total_bytes);

/** How to open or build. {0} is valid: cache in $XDG_CACHE_HOME/peel or ~/.cache/peel. */
struct peel_index_options {
	struct peel_image_options image;
	/** Cache folder; NULL: the default. Made with mode 0700 where missing. */
	const char *cache_dir;
	/**
	 * This index file instead of the cache; opened as hostile input, or built where missing.
	 */
	const char *index_file;
	/** Keep nothing: the index lives in an unlinked file. */
	bool no_cache;
	/** Build anew even where a trusted index is at hand. */
	bool rebuild;
	/** Hash plain layers too and compare every digest. */
	bool verify;
	/** Any anomaly that engines refuse is an error. */
	bool strict;
	/** Go on where a layer is missing, unsupported or broken: the index is then incomplete. */
	bool allow_missing;
	peel_progress_fn *progress;
	void *progress_arg;
};

/**
 * Open the index of an image, building it where needed.
 * @param ret_index close it with peel_index_close. Untouched on failure.
 * @return 0, or what peel_image_open returns, or PEEL_EINCOMPLETE (a layer could not be read and
 *   allow_missing is off), PEEL_ECHANGED, PEEL_ELIMIT, PEEL_EACCES (index or cache folder that is
 *   not the user's or that others may write), PEEL_ECANCELED.
 */
int peel_index_open(const char *reference, const struct peel_index_options *options,
	struct peel_index **ret_index, struct peel_error *err);

/** Close; NULL is fine. No call may be under way in another thread. */
void peel_index_close(struct peel_index *index);

/** True where every layer was read whole. */
bool peel_index_complete(const struct peel_index *index);
/** Why not, one line a reason separated by newlines; "" where complete. Belongs to the index. */
const char *peel_index_incomplete_reasons(const struct peel_index *index);
/** True where this open built it. */
bool peel_index_built(const struct peel_index *index);
/** Path of the index file, "" where it is unlinked. Belongs to the index. */
const char *peel_index_path(const struct peel_index *index);

/** What verify found of one layer. */
struct peel_verdict {
	int layer;
	/**
	 * "ok", "mismatch", "missing", "truncated", "broken", "unsupported", "unknown" (nothing to
	 * compare with).
	 */
	const char *blob;
	const char *diff_id;
	/** "ok", or as above: is the tar whole? */
	const char *tar;
	/** One escaped line; "" where all is well. */
	const char *detail;
};

/** Take one verdict; nonzero stops. */
typedef int peel_verdict_fn(void *arg, const struct peel_verdict *verdict);

/**
 * Hash every blob and every uncompressed layer of an image, compare digests, diff IDs and sizes,
 * and check that each tar is complete. Uses no cache.
 * @return 0 where all agree, 1 where something differs (mismatch, broken), 3 where something could
 *   not be read (missing, unsupported, truncated), or less than 0 (peel_image_open's codes).
 */
int peel_verify(const char *reference, const struct peel_image_options *options,
	peel_verdict_fn *each, void *each_arg, peel_progress_fn *progress, void *progress_arg,
	struct peel_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
