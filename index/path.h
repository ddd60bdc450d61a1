/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Paths inside an image: cleaning a tar's name, splitting it, and the whiteout names. Pure
 * functions on bytes.
 */
#ifndef PATH_H
#define PATH_H

#include <stdbool.h>
#include <stddef.h>

/** Prefix of a whiteout's name, and the opaque marker (OCI image-spec, layer.md). */
#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

/** What the last component of a path means. */
enum path_kind {
	/** An ordinary name. */
	PATH_NAME,
	/** .wh.NAME: deletes NAME below. */
	PATH_WHITEOUT,
	/** .wh..wh..opq: hides all that lower layers have in this folder. */
	PATH_OPAQUE,
	/** Other .wh..wh.*: aufs metadata, hidden. */
	PATH_AUFS,
	/** .wh. or .wh... or .wh..: names no file. */
	PATH_BAD_WHITEOUT,
};

/**
 * Classify a name. @param ret_target for PATH_WHITEOUT: where the deleted name starts within name.
 */
enum path_kind path_classify(const char *name, size_t len, size_t *ret_target);

/**
 * Clean a path lexically in place: no leading, trailing or double slashes, no "." components, ".."
 * takes the component before it away and is clamped at the root.
 * @param ret_escaped set where ".." went above the root. @return the new length (0: the root); no
 *   NUL is added.
 */
size_t path_clean(char *path, size_t len, bool *ret_escaped);

/**
 * The next component of a path.
 * @param pos in and out, starts at 0. @param ret_start, ret_len the component.
 * @return false at the end. Slashes are passed over.
 */
bool path_next(const char *path, size_t len, size_t *pos, size_t *ret_start, size_t *ret_len);

#endif
