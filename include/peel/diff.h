/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Two images, path by path: what of the merged trees differs, and every byte of the difference once.
 *
 * Sums: over all differences, b's bytes less a's are the difference of the visible bytes; with the difference
 * of the wasted
 * bytes (the ledgers in struct peel_diff_totals) that is the difference of all that is shipped.
 */
#ifndef PEEL_DIFF_H
#define PEEL_DIFF_H

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

/** How the two trees differ at a path: a set of bits. */
enum peel_differs {
	/** Only b has it, only a has it. */
	PEEL_DIFFERS_ADDED = 1,
	PEEL_DIFFERS_REMOVED = 2,
	/** A file in one, a folder in the other, …; the rest is not compared then. */
	PEEL_DIFFERS_TYPE = 4,
	/** Size or bytes of a regular file, target of a symlink, numbers of a device. */
	PEEL_DIFFERS_CONTENT = 8,
	/** Permission bits. */
	PEEL_DIFFERS_MODE = 16,
	/** Owner or group. */
	PEEL_DIFFERS_OWNER = 32,
	/** Time of last change, to the nanosecond. */
	PEEL_DIFFERS_MTIME = 64,
	PEEL_DIFFERS_XATTRS = 128,
	/**
	 * The same content, but its bytes count at this path in one image only: the names of a hard-linked
	 * file differ.
	 */
	PEEL_DIFFERS_LINKS = 256,
};

/** Number of bits. */
#define PEEL_DIFFERS_COUNT 9

/** Word for a bit: "added", "removed", "type", "content", "mode", "owner", "mtime", "xattrs", "links". */
const char *peel_differs_name(unsigned bit);

/** One image's side of a difference. */
struct peel_side {
	/** Valid during the callback; NULL: it is not there. */
	const struct peel_node *node;
	/**
	 * Bytes that count at this path: 0 for what is no regular file, and for the second and later names of
	 * one.
	 */
	uint64_t bytes;
	uint64_t allocated;
	/** Layer that ships the data, -1 none. */
	int layer;
	/** As in struct peel_piece; 0 without facts, and for what is no regular file. */
	uint32_t package;
	uint32_t category;
};

/** One path that differs. */
struct peel_difference {
	/** Canonical, raw bytes, NUL-terminated; "/" for the root. */
	const char *path;
	size_t path_len;
	/** A set of enum peel_differs, never 0. */
	unsigned differs;
	struct peel_side a, b;
};

/** Take a difference, valid during the call; nonzero stops. */
typedef int peel_difference_fn(void *arg, const struct peel_difference *difference);

struct peel_diff_options {
	/** Bits that are no difference: PEEL_DIFFERS_MODE, OWNER, MTIME, XATTRS; others are not ignored. */
	unsigned ignore;
	/** Called while contents are compared; may be NULL. */
	peel_progress_fn *progress;
	void *progress_arg;
};

/** What comparing came to. */
struct peel_diff_totals {
	/** All that each image ships. */
	struct peel_ledger a, b;
	/** Paths that are the same, and paths by what differs first (bit i of enum peel_differs). */
	uint64_t same;
	uint64_t differing;
	uint64_t by_bit[PEEL_DIFFERS_COUNT];
	/** Layers that both have, by a digest that was computed, and their bytes. */
	int shared_layers;
	uint64_t shared_bytes;
	/** Contents that were read and compared, bytes of both images. */
	uint64_t compared_bytes;
};

/**
 * Compare the merged trees of two images. Differences come in order of paths, component by component, bytes
 * compared as
 * numbers; a folder before what is in it. Equal content is decided by a layer that both have, byte for byte or
 * by SHA-256;
 * a fast hash only tells what differs.
 * @param options may be NULL.
 * @param ret_totals may be NULL; filled on success.
 * @return 0 at the end (differing tells whether there was a difference), 1 where the callback stopped it; peel_read's
 *   codes (a content that could not be read, the message names the path), PEEL_ECANCELED, PEEL_ELIMIT (a path over
 *   PEEL_PATH_MAX), PEEL_ENOMEM, PEEL_EFORMAT, PEEL_EINTERNAL.
 */
int peel_diff(struct peel_index *a, struct peel_index *b, const struct peel_diff_options *options,
	peel_difference_fn *each, void *arg, struct peel_diff_totals *ret_totals,
	struct peel_error *err);

/**
 * The layer of b that is layer i of a, by a digest that was computed of both. Each layer has one partner at most.
 * @return its number, -1 none.
 */
int peel_diff_shared_layer(struct peel_index *a, struct peel_index *b, int i);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
