/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A marker is found by four bytes of it, a gram. Grams are looked up at every stride-th place only:
 *
 *   bytes     . . . F a t a l   P y t h o n   e r r o r :   . . .
 *   looked up |     |     |     |     |     |     |     |     |        every 3 bytes
 *   window                  [y t h o n  ]       "ytho", "thon" and "hon " are in the table
 *
 * Of each marker one window is chosen that has stride grams, one behind the other; wherever the marker lies, one of
 * them is at a place that is looked up. So stride is the shortest marker's length less 3, and a marker's window is
 * the one whose grams are rarest: by what bytes are common in programs and text, and by what other markers have
 * already taken, which also parts those that begin alike.
 *
 * The lookup is one load, one multiplication, one load of a table of bytes (64 KiB, most of it never touched), and
 * nothing in it waits for the place before: eight of them share a branch. On a hit the gram's list is compared whole.
 *
 * Rejected. Aho-Corasick waits for its own last state at each byte (0.4 GB/s). Wu-Manber skips further where markers
 * are long, but each skip waits for the last one's table too (about 1 GB/s with markers of 6 bytes). Teddy compares
 * nibbles of 16 or 32 places at once; with a hundred markers in its 8 buckets text passes it nearly everywhere, and
 * it needs another path where the processor lacks it. This is plain C: 8 GB/s in cache where nothing hits, about 4
 * over real libraries and text with a hundred markers.
 *
 * Cost at worst: one comparison per looked up place and marker that has its gram, each of a marker's length at most.
 *
 * Markers across pieces: the last bytes of what was fed, one less than the longest marker, are kept; they and as many
 * of the next piece are looked through by themselves.
 */
#include "facts_scan.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "facts_scan_table.h"
#include "util.h"

/* Lookups that share a branch. */
#define SAMPLES 8
/* Sets of enum facts_in. */
#define SETS 8
#define MARKER_WORDS ((FACTS_MARKERS_MAX + 63) / 64)

struct facts_scanner {
	const struct facts_wanted *wanted;
	/* By the set; NULL: no marker counts there. */
	struct marker_table *tables[SETS];
};

struct facts_scan {
	const struct facts_scanner *scanner;
	/* NULL: there is nothing more to find in this file. */
	const struct marker_table *table;
	facts_found_fn *found;
	void *arg;
	size_t left;
	uint64_t told[MARKER_WORDS];
	/* Bytes fed of this file. */
	uint64_t offset;
	/* The last of them, and room for as many of the next piece. */
	uint8_t seam[2 * FACTS_MARKER_MAX];
	size_t kept;
};

/* Bytes one behind the other, as they lie in the file. */
struct area {
	const uint8_t *begin;
	const uint8_t *end;
	uint64_t offset;
};

static void scanner_cleanup(struct facts_scanner **scanner)
{
	facts_scanner_free(*scanner);
}

int facts_scanner_new(const struct facts_wanted *wanted, struct facts_scanner **ret_scanner,
	struct peel_error *err)
{
	cleanup(scanner_cleanup) struct facts_scanner *scanner = NULL;

	if (wanted->marker_count > FACTS_MARKERS_MAX) {
		return peel_fail(err, PEEL_EUSAGE, "%zu markers are more than %d",
			wanted->marker_count, FACTS_MARKERS_MAX);
	}
	for (size_t i = 0; i < wanted->marker_count; i++) {
		const size_t len = wanted->markers[i].len;

		if (len < FACTS_MARKER_MIN || len > FACTS_MARKER_MAX) {
			return peel_fail(err, PEEL_EUSAGE, "marker %s has %zu bytes, not %d to %d",
				wanted->markers[i].name, len, FACTS_MARKER_MIN, FACTS_MARKER_MAX);
		}
	}
	scanner = calloc(1, sizeof(*scanner));
	if (!scanner) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	scanner->wanted = wanted;
	for (unsigned int in = 1; in < SETS; in++) {
		int result = marker_table_new(wanted, in, &scanner->tables[in], err);

		if (result < 0) {
			return result;
		}
	}
	*ret_scanner = steal_pointer(&scanner);
	return 0;
}

void facts_scanner_free(struct facts_scanner *scanner)
{
	if (scanner) {
		for (size_t i = 0; i < SETS; i++) {
			marker_table_free(scanner->tables[i]);
		}
		free(scanner);
	}
}

int facts_scan_new(const struct facts_scanner *scanner, struct facts_scan **ret_scan,
	struct peel_error *err)
{
	struct facts_scan *scan = calloc(1, sizeof(*scan));

	if (!scan) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	scan->scanner = scanner;
	*ret_scan = scan;
	return 0;
}

void facts_scan_free(struct facts_scan *scan)
{
	free(scan);
}

void facts_scan_begin(struct facts_scan *scan, unsigned int in, facts_found_fn *found, void *arg)
{
	scan->table = scan->scanner->tables[in & (SETS - 1)];
	scan->left = scan->table ? scan->table->marker_count : 0;
	scan->found = found;
	scan->arg = arg;
	scan->offset = 0;
	scan->kept = 0;
	memset(scan->told, 0, sizeof(scan->told));
}

/* A place whose gram is in the table by its hash: compare the markers that have it. */
static void compare_at(struct facts_scan *scan, const struct area *area, const uint8_t *at)
{
	const struct marker_table *table = scan->table;
	const uint32_t gram = marker_gram(at);
	const uint32_t list = marker_hash(gram) >> (MARKER_FILTER_BITS - MARKER_LIST_BITS);

	for (size_t i = table->lists[list]; i < table->lists[list + 1]; i++) {
		const struct marker_place *place = &table->places[i];
		const struct facts_marker *marker = &scan->scanner->wanted->markers[place->marker];
		uint64_t *told = &scan->told[place->marker / 64];
		const uint64_t bit = UINT64_C(1) << place->marker % 64;

		if (place->gram == gram && !(*told & bit) &&
			(size_t)(at - area->begin) >= place->before &&
			(size_t)(area->end - at) + place->before >= marker->len &&
			memcmp(at - place->before, marker->bytes, marker->len) == 0) {
			*told |= bit;
			scan->left--;
			scan->found(scan->arg, place->marker,
				area->offset + (uint64_t)(at - area->begin) - place->before);
		}
	}
}

/* The next place with a hit among it and the seven behind it, or one where less than eight are left. */
static inline __attribute__((always_inline)) const uint8_t *skip(const uint8_t *filter,
	const uint8_t *at, const uint8_t *end, size_t stride)
{
	while ((size_t)(end - at) >= SAMPLES * stride + MARKER_GRAM) {
		const uint32_t hits = filter[marker_hash(marker_gram(at))] |
			filter[marker_hash(marker_gram(at + stride))] |
			filter[marker_hash(marker_gram(at + 2 * stride))] |
			filter[marker_hash(marker_gram(at + 3 * stride))] |
			filter[marker_hash(marker_gram(at + 4 * stride))] |
			filter[marker_hash(marker_gram(at + 5 * stride))] |
			filter[marker_hash(marker_gram(at + 6 * stride))] |
			filter[marker_hash(marker_gram(at + 7 * stride))];

		if (hits) {
			break;
		}
		at += SAMPLES * stride;
	}
	return at;
}

/* Offsets that are known when compiling spare a third of the work; 3 is what markers of 6 bytes need. */
static const uint8_t *skip_any(const struct marker_table *table, const uint8_t *at,
	const uint8_t *end)
{
	return table->stride == 3 ? skip(table->filter, at, end, 3)
				  : skip(table->filter, at, end, table->stride);
}

static void look_through(struct facts_scan *scan, const struct area *area)
{
	const struct marker_table *table = scan->table;
	const uint8_t *at = area->begin;

	while (scan->left > 0) {
		at = skip_any(table, at, area->end);
		for (size_t i = 0; i < SAMPLES; i++) {
			const size_t left = (size_t)(area->end - at);

			if (left < MARKER_GRAM) {
				return;
			}
			if (table->filter[marker_hash(marker_gram(at))]) {
				compare_at(scan, area, at);
			}
			if (left <= table->stride) {
				return;
			}
			at += table->stride;
		}
	}
}

/* Keep the last bytes of some: as many as a marker may have before the next piece. */
static void keep_last(struct facts_scan *scan, const uint8_t *bytes, size_t len)
{
	scan->kept = min_u64(len, scan->table->longest - 1);
	memmove(scan->seam, bytes + len - scan->kept, scan->kept);
}

void facts_scan_feed(struct facts_scan *scan, const void *bytes, size_t len)
{
	if (scan->left == 0 || len == 0) {
		return;
	}
	if (scan->kept > 0) {
		const size_t more = min_u64(len, scan->table->longest - 1);
		const struct area seam = {
			scan->seam, scan->seam + scan->kept + more, scan->offset - scan->kept};

		memcpy(scan->seam + scan->kept, bytes, more);
		look_through(scan, &seam);
		if (more == len) {
			keep_last(scan, scan->seam, scan->kept + len);
			scan->offset += len;
			return;
		}
	}
	look_through(scan, &(const struct area){bytes, (const uint8_t *)bytes + len, scan->offset});
	keep_last(scan, bytes, len);
	scan->offset += len;
}
