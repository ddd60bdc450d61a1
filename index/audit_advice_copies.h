/* SPDX-License-Identifier: Apache-2.0 */
/** Tables that the pass over the ledger keeps: contents that it saw, and earlier copies of files. */
#ifndef AUDIT_ADVICE_COPIES_H
#define AUDIT_ADVICE_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit_advice_priv.h"

/** Contents by their fast hashes and sizes. {0} is empty. */
struct advice_contents {
	struct advice_content {
		uint64_t hash[PEEL_FAST_HASH_SIZE / sizeof(uint64_t)];
		/** 0: this slot is free. */
		uint64_t bytes;
	} * slots;
	size_t count, slot_count;
};

/** Add a content. @param bytes more than 0. @return 1; 0: it is there already; PEEL_ENOMEM. */
int advice_contents_add(struct advice_contents *contents, const void *hash, uint64_t bytes);
/** Free what they hold. */
void advice_contents_finish(struct advice_contents *contents);

/** Bytes of an earlier copy of a file, and what is known of them. */
struct advice_copy {
	/** Of its path. */
	uint64_t hash;
	uint64_t bytes;
	struct advice_key key;
	/** The next copy with this slot, plus 1; 0 ends. */
	uint32_t next;
};

/** Copies by the hashes of their paths; paths of one hash are taken for one. {0} is empty. */
struct advice_copies {
	struct advice_copy *items;
	size_t count, room;
	/** First copy of a chain, plus 1. Size is a power of two. */
	uint32_t *slots;
	size_t slot_count;
};

/** Add a copy. @return false: no memory. */
bool advice_copies_add(struct advice_copies *copies, uint64_t hash, const struct advice_key *key,
	uint64_t bytes);
/**
 * The next copy of a path after one; NULL: its first. @return NULL: there is none. Valid until the next one is
 * added.
 */
struct advice_copy *advice_copies_find(struct advice_copies *copies, uint64_t hash,
	const struct advice_copy *after);
/** Free what they hold. */
void advice_copies_finish(struct advice_copies *copies);

#endif
