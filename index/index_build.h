/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Building an index: image in, a complete index file out. Works on descriptors only.
 */
#ifndef INDEX_BUILD_H
#define INDEX_BUILD_H

#include <peel/index.h>

struct facts_spool;

/** Where and how to build. */
struct build_options {
	/** The index file: empty, read-write, borrowed. */
	int fd;
	/** Folder for SQLite's temporary files, borrowed, -1: they stay in memory. */
	int spill_dir;
	/** Folder with indexes that may know a layer already, borrowed; -1: none. */
	int cache_folder;
	/** What the image file was when it was opened; "" where that cannot be trusted later. */
	const char *identity;
	/** Where the image is, for `cache ls`: its reference with an absolute path; "" for standard input. */
	const char *location;
	/** Hash plain layers too. */
	bool verify;
	/** Takes the facts of layers whose contents pass by; NULL: none are wanted. */
	struct facts_spool *facts;
	/** Threads that read layers; 0: as many as there are cores. The index is the same in any case. */
	unsigned workers;
	peel_progress_fn *progress;
	void *progress_arg;
};

/**
 * Read every layer and write the whole index. A layer that cannot be read is no failure here: the index says
 * so (image values complete and reasons, layer.state).
 * @param image borrowed.
 * @return 0; PEEL_EIO (reading the image or writing the index), PEEL_ECHANGED, PEEL_ELIMIT,
 *   PEEL_ECANCELED, PEEL_ENOMEM, PEEL_EINTERNAL.
 */
int index_build(struct peel_image *image, const struct build_options *options,
	struct peel_error *err);

#endif
