/* SPDX-License-Identifier: Apache-2.0 */
/** Sums of files and bytes by a key, for one image or for two side by side. */
#ifndef BUCKETS_H
#define BUCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What lies in a bucket, of one image. */
struct bucket_sum {
	uint64_t files, bytes, allocated;
};

struct bucket {
	/** Raw bytes, NUL-terminated; owned by the buckets. */
	const char *key;
	size_t key_len;
	/** First image, second image. */
	struct bucket_sum sums[2];
};

/** {0} is empty; free with buckets_finish. */
struct buckets {
	struct bucket *items;
	size_t count, room;
	/** Positions in items plus 1, by hash of the key; a power of two of slots. */
	uint32_t *slots;
	size_t slot_count;
	/** Where hashes start; the order of items does not depend on it. */
	uint64_t seed;
};

/** Free what it holds. */
void buckets_finish(struct buckets *buckets);

/** The bucket of a key, made where it is missing; valid until the next one is made. @return NULL: no memory. */
struct bucket *buckets_get(struct buckets *buckets, const void *key, size_t len);

/** Length of a path's first components, folders alone: 0 for what lies in the root. */
size_t bucket_folder(const char *path, size_t len, uint32_t depth);

/** Orders of buckets. */
enum buckets_order {
	/** Bytes compared as numbers. */
	BUCKETS_BY_KEY,
	/** Most bytes of the first image first, then by key. */
	BUCKETS_BY_BYTES,
	/** Largest difference of bytes first, whatever its sign, then by key. */
	BUCKETS_BY_CHANGE,
};

/** Sort items; no bucket can be got after that. */
void buckets_sort(struct buckets *buckets, enum buckets_order order);

#endif
