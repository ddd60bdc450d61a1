/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Watching the contents of files while a layer is read: a hook for who knows what to look for in them, which
 * this level does not.
 */
#ifndef LAYER_WATCH_H
#define LAYER_WATCH_H

#include <stddef.h>

struct peel_error;
struct scan_entry;

/** Called where data of regular files passes: compressed layers, and all where they are verified. */
struct layer_watch {
	/**
	 * For one layer; called in the thread that reads it, as all that follows. @return 0, or less than 0:
	 * reading ends.
	 */
	int (*open)(void *arg, void **ret_state, struct peel_error *err);
	/** Free; NULL is fine. */
	void (*close)(void *state);
	/** A file begins, its data follows in pieces as the tar has them. */
	void (*begin)(void *state, const struct scan_entry *entry);
	void (*data)(void *state, const void *bytes, size_t len);
	/**
	 * It has ended. @param ret_record what there is to say, kept until the next begin; len 0: nothing.
	 * @return 0, or less than 0: reading ends.
	 */
	int (*end)(void *state, const void **ret_record, size_t *ret_len, struct peel_error *err);
	/** Memory of a state, bytes. */
	size_t memory;
	void *arg;
};

#endif
