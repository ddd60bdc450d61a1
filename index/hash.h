/* SPDX-License-Identifier: Apache-2.0 */
/** Hashes for tables in memory. */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

/**
 * A number that is another one in every process, and the same in one: where a table's chains have no bound, its hashes
 * begin with it, so that no image can hold a million names of one hash.
 */
uint64_t hash_seed(void);

/** Hash of bytes: FNV-1a, folded. @param base parts bytes that are equal, or hash_seed(). */
static inline uint64_t hash_bytes(uint64_t base, const void *bytes, size_t len)
{
	const uint8_t *at = (const uint8_t *)bytes;
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ base;

	for (size_t i = 0; i < len; i++) {
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	}
	return hash ^ hash >> 32;
}

#endif
