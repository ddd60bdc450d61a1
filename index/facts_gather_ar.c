/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ar archive is a chain: each header says where the next one is. So its headers can be met while it passes
 * by, and of each member the first bytes; the table of long names, which stands before all that need it, is
 * kept whole.
 *
 *	|hdr|first bytes| ............. |hdr|first bytes| .........
 *	|<-- a range -->|               |<-- a range -->|
 *
 * Small members make one range of several. What does not look like a header ends it: then the archive is read
 * again, by facts_ar.c, whose word on it is the last.
 */
#include "facts_gather_ar.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define AR_MAGIC 8
#define AR_HEADER 60
#define SIZE_FIELD 48
#define SIZE_DIGITS 10

void ar_keep_finish(struct ar_keep *keep)
{
	free(keep->ranges);
	free(keep->room);
	memset(keep, 0, sizeof(*keep));
}

/** Keep what follows from an offset on. */
static void open_range(struct ar_keep *keep, uint64_t offset, uint64_t wanted)
{
	if (!grow_array(&keep->ranges, keep->count, &keep->range_room, sizeof(*keep->ranges))) {
		keep->ended = true;
		return;
	}
	keep->ranges[keep->count++] = (struct ar_range){
		.offset = offset,
		.wanted = min_u64(wanted, keep->size - offset),
		.at = keep->used,
	};
}

void ar_keep_begin(struct ar_keep *keep, uint64_t size)
{
	ar_keep_finish(keep);
	*keep = (struct ar_keep){.size = size, .header = AR_MAGIC};
	open_range(keep, 0, AR_MAGIC + FACTS_AR_KEPT);
}

static void want_up_to(const struct ar_keep *keep, struct ar_range *range, uint64_t end)
{
	range->wanted = max_u64(range->wanted, min_u64(end, keep->size) - range->offset);
}

/** Take the header that the last range holds. @return false where that is none. */
static bool take_header(struct ar_keep *keep, struct ar_range *range)
{
	const uint8_t *header = keep->room + range->at + (keep->header - range->offset);
	uint64_t next = keep->header + AR_HEADER;
	uint64_t size = 0;

	for (int i = 0;
		i < SIZE_DIGITS && header[SIZE_FIELD + i] >= '0' && header[SIZE_FIELD + i] <= '9';
		i++) {
		size = size * 10 + (uint64_t)(header[SIZE_FIELD + i] - '0');
	}
	if (header[AR_HEADER - 2] != '`' || size > keep->size - next) {
		return false;
	}
	next += size + size % 2;
	if (header[0] == '/' && header[1] == '/') {
		want_up_to(keep, range, next + FACTS_AR_NAMES);
	} else if (header[0] == '#') {
		want_up_to(keep, range, keep->header + AR_HEADER + FACTS_AR_NAMES);
	}
	keep->header = next;
	if (next < keep->size && next <= range->offset + range->wanted) {
		want_up_to(keep, range, next + FACTS_AR_KEPT);
	}
	return true;
}

static bool make_room(struct ar_keep *keep, size_t len)
{
	const size_t size = (keep->used + len) * 2;
	uint8_t *grown;

	if (keep->room_size - keep->used >= len) {
		return true;
	}
	grown = keep->used + len <= FACTS_AR_KEPT_MAX ? realloc(keep->room, size) : NULL;
	if (grown) {
		keep->room = grown;
		keep->room_size = size;
	}
	return grown != NULL;
}

/** Fill the range at hand. @return bytes taken. */
static size_t fill_range(struct ar_keep *keep, const uint8_t *bytes, size_t len)
{
	struct ar_range *range = &keep->ranges[keep->count - 1];
	const size_t part = (size_t)min_u64(len, range->wanted - range->have);

	if (!make_room(keep, part)) {
		keep->ended = true;
		return 0;
	}
	memcpy(keep->room + keep->used, bytes, part);
	keep->used += part;
	range->have += part;
	while (!keep->ended && keep->header < keep->size &&
		keep->header + AR_HEADER <= range->offset + range->have) {
		keep->ended = !take_header(keep, range);
	}
	return part;
}

void ar_keep_feed(struct ar_keep *keep, uint64_t offset, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (!keep->ended && len > 0) {
		const struct ar_range *range = &keep->ranges[keep->count - 1];
		size_t part;

		if (range->have < range->wanted) {
			part = fill_range(keep, at, len);
		} else if (keep->header > offset) {
			part = (size_t)min_u64(len, keep->header - offset);
		} else {
			open_range(keep, offset, FACTS_AR_KEPT);
			continue;
		}
		at += part;
		offset += part;
		len -= part;
	}
}

bool ar_keep_copy(const struct ar_keep *keep, uint64_t offset, void *buf, size_t len)
{
	size_t low = 0;
	size_t high = keep->count;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (keep->ranges[middle].offset <= offset) {
			low = middle;
		} else {
			high = middle;
		}
	}
	if (keep->count == 0 || offset < keep->ranges[low].offset ||
		offset + len > keep->ranges[low].offset + keep->ranges[low].have) {
		return false;
	}
	memcpy(buf, keep->room + keep->ranges[low].at + (offset - keep->ranges[low].offset), len);
	return true;
}
