/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A cache of decoded spans with a byte budget, least recently used out first; thread-safe.
 *
 * The only way in is get: a miss calls fill once, while other readers of the same span wait for it
 * (single flight) and readers of other spans go on. A fill that fails leaves nothing behind.
 */
#ifndef BLOCKCACHE_H
#define BLOCKCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"

struct peel_error;
struct blockcache;

/** Bytes of one span; keys are multiples of it. */
#define BLOCK_SIZE fuzz_size(256u << 10, 4u << 10)

/**
 * Fill buf with the span number block of the owner; short at the end of the data. Return bytes, or
 * less than 0.
 */
typedef int64_t blockcache_fill_fn(void *arg, uint64_t block, void *buf, struct peel_error *err);

/** @param budget bytes of spans kept, at least 4 BLOCK_SIZE. @return 0; PEEL_ENOMEM. */
int blockcache_new(size_t budget, struct blockcache **ret_cache, struct peel_error *err);
/** Free; NULL is fine. No get may be under way. */
void blockcache_free(struct blockcache *cache);

/**
 * Copy bytes of a span out of the cache, filling it where needed.
 * @param owner any address that is unique to the source. @param offset, len within the span.
 * @return bytes copied (short at the end of the data), or what fill returned.
 */
int64_t blockcache_read(struct blockcache *cache, const void *owner, uint64_t block, size_t offset,
	void *buf, size_t len, blockcache_fill_fn *fill, void *arg, struct peel_error *err);

/**
 * Copy len bytes of a span that is in the cache and full. @return true where it is, and holds them.
 */
bool blockcache_read_now(struct blockcache *cache, const void *owner, uint64_t block, size_t offset,
	void *buf, size_t len);

/**
 * Offer a span that was decoded on the way to another. It is copied, and pushes the least recently
 * used one out where the budget is spent; dropped where the cache has it or memory is exhausted.
 */
void blockcache_offer(struct blockcache *cache, const void *owner, uint64_t block,
	const void *bytes, size_t len);

/** Forget every span of an owner, which nobody reads any more. */
void blockcache_forget(struct blockcache *cache, const void *owner);

#endif
