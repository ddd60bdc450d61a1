/* SPDX-License-Identifier: Apache-2.0 */
/** The tables of the marker scanner: what facts_scan_table.c builds and facts_scan.c reads. Its design note
 *  explains them. */
#ifndef FACTS_SCAN_TABLE_H
#define FACTS_SCAN_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct facts_wanted;
struct peel_error;

/** Bytes that are looked up at once. */
#define MARKER_GRAM 4
/** The filter has one byte a hash. */
#define MARKER_FILTER_BITS 16
/** Lists of grams are found by the upper bits of the same hash. */
#define MARKER_LIST_BITS 12

/** A gram of a marker. */
struct marker_place {
	uint32_t gram;
	uint16_t hash;
	uint16_t marker;
	/** Bytes of the marker before the gram. */
	uint16_t before;
};

/** What is looked for in one set of kinds of files. */
struct marker_table {
	/** Nonzero where a gram of that hash is in a list. */
	uint8_t filter[1 << MARKER_FILTER_BITS];
	/** Where each list begins in places, and the last ends. */
	uint16_t lists[(1 << MARKER_LIST_BITS) + 1];
	/** By list; of a marker that repeats a gram the later one first. */
	struct marker_place *places;
	size_t place_count;
	size_t marker_count;
	/** Bytes from one looked up place to the next. */
	size_t stride;
	/** Length of the longest marker. */
	size_t longest;
};

/** The gram at a place. */
static inline uint32_t marker_gram(const uint8_t *at)
{
	uint32_t gram;

	memcpy(&gram, at, sizeof(gram));
	return gram;
}

/** Its hash, of MARKER_FILTER_BITS bits. */
static inline uint32_t marker_hash(uint32_t gram)
{
	return gram * 0x9e3779b1u >> (32 - MARKER_FILTER_BITS);
}

/**
 * The table of the markers that count in a set of enum facts_in. Their lengths are in bounds.
 * @param ret_table left alone where no marker counts.
 * @return 0; PEEL_ENOMEM.
 */
int marker_table_new(const struct facts_wanted *wanted, unsigned int in,
	struct marker_table **ret_table, struct peel_error *err);
/** Free; NULL is fine. */
void marker_table_free(struct marker_table *table);

#endif
