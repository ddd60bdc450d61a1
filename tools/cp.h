/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Copying files of an image to a folder of this machine: what cmd_cp.c sets up, and cp_tree.c does.
 */
#ifndef CP_H
#define CP_H

#include "cmd.h"
#include "links.h"
#include "put.h"
#include "put_meta.h"
#include "walk.h"

/** Large reads: a gzip layer is then decoded once, in order. */
#define CP_CHUNK ((size_t)1 << 20)

/** One run. */
struct cp {
	struct peel_index *index;
	struct put put;
	struct put_rules rules;
	bool recursive;
	/** Hard links stay links. */
	bool links_kept;
	/** Devices are made: what reads a stranger's image must not be able to make the machine's disk and open it. */
	bool devices;
	struct links links;
	/** The entry at hand has its copy under its name. */
	bool copied;
	/** CP_CHUNK bytes. */
	char *buf;
	/** For the bar. */
	struct peel_index_options options;
	uint64_t done_bytes;
	uint64_t all_bytes;
	/** Worst exit status so far. */
	int status;
	/**
	 * Of the source being copied: length of its path as given, and its name in the target; "":
	 * it is the target.
	 */
	size_t source_len;
	const char *name;
};

/** Say what went wrong with a path: WHAT PATH: WHY. The status becomes STATUS_NO or stays worse. */
void cp_complain(struct cp *cp, const char *what, const char *path, const char *why);

/** Say that the image could not be read. */
void cp_complain_read(struct cp *cp, const char *path, const struct peel_error *err);

/**
 * Write a file's bytes from offset to end where the descriptor stands. @return false where that
 * failed; it was said.
 */
bool cp_bytes(struct cp *cp, const char *path, uint64_t ino, uint64_t offset, uint64_t end, int fd);

/**
 * A walk_fn that copies, arg being a struct cp. It stops the walk where there is no way on at all.
 */
enum walk_next cp_step(void *arg, const struct walk_step *step);

#endif
