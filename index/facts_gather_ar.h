/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is kept of a large ar archive that passes by: its headers and the begin of each member, so that
 * facts_ar_list finds all it reads, and none of the archive is decoded again.
 */
#ifndef FACTS_GATHER_AR_H
#define FACTS_GATHER_AR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes kept from a member's header on, and read by who lists it; of them the member's own. */
#define FACTS_AR_KEPT 320
#define FACTS_AR_HEAD 256
/** Bytes kept from a long name on, and read there. */
#define FACTS_AR_NAMES 4096
/** Most bytes kept of an archive; beyond them it is read again. */
#define FACTS_AR_KEPT_MAX (3u << 20)

/** A range of the file that is kept. */
struct ar_range {
	uint64_t offset;
	/** Bytes wanted, and at hand, and where they are in the room. */
	uint64_t wanted;
	size_t have;
	size_t at;
};

/** {0} keeps nothing. */
struct ar_keep {
	uint64_t size;
	/** Where the next header is. */
	uint64_t header;
	/** No more is kept: not an archive that can be followed, or too large a one, or no memory. */
	bool ended;
	struct ar_range *ranges;
	size_t count, range_room;
	uint8_t *room;
	size_t used, room_size;
};

/** Begin an archive of a size. */
void ar_keep_begin(struct ar_keep *keep, uint64_t size);
/** Bytes of it, in order and without gaps, from an offset on. */
void ar_keep_feed(struct ar_keep *keep, uint64_t offset, const void *bytes, size_t len);
/** Copy a range. @return false where it was not kept. */
bool ar_keep_copy(const struct ar_keep *keep, uint64_t offset, void *buf, size_t len);
/** Free what it holds; it is then as new. */
void ar_keep_finish(struct ar_keep *keep);

#endif
