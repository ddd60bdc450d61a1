/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choose of each marker the window whose grams are rarest, and put them into lists by hash. What is common was
 * counted over programs and text; of two windows as rare the one wins whose grams no other marker has taken, so that
 * many markers that begin alike do not make one long list.
 */
#include "facts_scan_table.h"

#include <stdbool.h>
#include <stdlib.h>

#include <peel/error.h>

#include "facts_wanted.h"
#include "util.h"

/* Farther places gain nothing, and want rarer grams. */
#define STRIDE_MAX 8

/* How common a byte is in programs and text: about the logarithm. */
static unsigned int commonness(uint8_t byte)
{
	static const char vowels[] = "etaoinsrlcd";

	if (byte == 0) {
		return 10;
	}
	if (byte == 0xff || byte == ' ' || (byte != 0 && strchr(vowels, byte))) {
		return 7;
	}
	if (byte >= 'a' && byte <= 'z') {
		return 6;
	}
	if (byte == '_' || byte == '.' || byte == '/' || byte == '-' || byte == '\n' ||
		(byte >= '0' && byte <= '9') || byte < 16) {
		return 5;
	}
	if (byte >= 'A' && byte <= 'Z') {
		return 4;
	}
	return 2;
}

/* What a window costs: how often its grams will be met, and how many markers share them. */
static uint64_t window_cost(const uint8_t *window, size_t stride, const uint16_t *taken)
{
	uint64_t cost = 0;

	for (size_t i = 0; i < stride; i++) {
		unsigned int weight = 0;

		for (size_t k = 0; k < MARKER_GRAM; k++) {
			weight += commonness(window[i + k]);
		}
		cost += (UINT64_C(1) << weight) *
			(1 + 4 * (uint64_t)taken[marker_hash(marker_gram(window + i))]);
	}
	return cost;
}

/* Choose a marker's window and add its grams. */
static void add_marker(struct marker_table *table, const struct facts_marker *marker, size_t number,
	uint16_t *taken)
{
	const uint8_t *bytes = marker->bytes;
	const size_t last = marker->len - (table->stride + MARKER_GRAM - 1);
	uint64_t best_cost = UINT64_MAX;
	size_t best = 0;

	for (size_t at = 0; at <= last; at++) {
		const uint64_t cost = window_cost(bytes + at, table->stride, taken);

		if (cost < best_cost) {
			best_cost = cost;
			best = at;
		}
	}
	for (size_t i = 0; i < table->stride; i++) {
		const uint32_t gram = marker_gram(bytes + best + i);
		const uint32_t hash = marker_hash(gram);

		table->places[table->place_count++] = (struct marker_place){
			gram, (uint16_t)hash, (uint16_t)number, (uint16_t)(best + i)};
		table->filter[hash] = 1;
		taken[hash]++;
	}
}

/* By list; of a marker that repeats a gram the later of them first, so that the first place in the file is told. */
static int compare_places(const void *left, const void *right)
{
	const struct marker_place *a = left;
	const struct marker_place *b = right;

	if (a->hash != b->hash) {
		return a->hash < b->hash ? -1 : 1;
	}
	if (a->marker != b->marker) {
		return a->marker < b->marker ? -1 : 1;
	}
	return a->before > b->before ? -1 : a->before < b->before;
}

static void index_lists(struct marker_table *table)
{
	size_t at = 0;

	qsort(table->places, table->place_count, sizeof(*table->places), compare_places);
	for (size_t list = 0; list <= 1 << MARKER_LIST_BITS; list++) {
		while (at < table->place_count &&
			(size_t)table->places[at].hash >> (MARKER_FILTER_BITS - MARKER_LIST_BITS) <
				list) {
			at++;
		}
		table->lists[list] = (uint16_t)at;
	}
}

void marker_table_free(struct marker_table *table)
{
	if (table) {
		free(table->places);
		free(table);
	}
}

static void table_cleanup(struct marker_table **table)
{
	marker_table_free(*table);
}

int marker_table_new(const struct facts_wanted *wanted, unsigned int in,
	struct marker_table **ret_table, struct peel_error *err)
{
	cleanup(table_cleanup) struct marker_table *table = calloc(1, sizeof(*table));
	cleanup_free uint16_t *taken = calloc(1 << MARKER_FILTER_BITS, sizeof(*taken));
	size_t shortest = STRIDE_MAX + MARKER_GRAM - 1;

	if (!table || !taken) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < wanted->marker_count; i++) {
		if (wanted->markers[i].in & in) {
			table->marker_count++;
			shortest = min_u64(shortest, wanted->markers[i].len);
			table->longest = max_u64(table->longest, wanted->markers[i].len);
		}
	}
	if (table->marker_count == 0) {
		return 0;
	}
	table->stride = shortest - MARKER_GRAM + 1;
	table->places = calloc(table->marker_count * table->stride, sizeof(*table->places));
	if (!table->places) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < wanted->marker_count; i++) {
		if (wanted->markers[i].in & in) {
			add_marker(table, &wanted->markers[i], i, taken);
		}
	}
	index_lists(table);
	*ret_table = steal_pointer(&table);
	return 0;
}
