/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A digest of what a decoder gives, made by a thread of its own, so that decoding does not wait for it.
 */
#ifndef LAYER_HASH_H
#define LAYER_HASH_H

#include <stdbool.h>
#include <stddef.h>

struct layer_hash;
struct peel_error;

/** Bytes of a block that changes hands, and how many of them there are. */
#define HASH_BLOCK (256u << 10)
#define HASH_BLOCKS 2

/**
 * Start a digest.
 * @param like as digest_new. @param thread false: the caller's thread makes it; also where no other can be had.
 * @return 0; PEEL_EUNSUPPORTED (algorithm); PEEL_ENOMEM. Free with layer_hash_free.
 */
int layer_hash_new(const char *like, bool thread, struct layer_hash **ret_hash,
	struct peel_error *err);

/** Add bytes, which are copied. One thread at a time calls it. */
void layer_hash_update(struct layer_hash *hash, const void *bytes, size_t len);

/** Wait until all are in it, and write "algorithm:hex" (DIGEST_TEXT_SIZE bytes). It takes no further bytes. */
void layer_hash_text(struct layer_hash *hash, char *text);

/** Free; NULL is fine. */
void layer_hash_free(struct layer_hash *hash);

#endif
