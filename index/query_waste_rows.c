/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows while they are gathered. Of paths and folders only the largest are kept, in a heap, so that memory is that of
 * the answer and not that of the image. Equal rows have an order too, so the same image gives the same rows.
 */
#include "query_waste.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Slots of the first map of pairs. */
#define FIRST_SLOTS 64

static int compare_paths(const struct peel_waste_path *a, const struct peel_waste_path *b)
{
	const int order = memcmp(a->path, b->path, min_u64(a->path_len, b->path_len));

	return order ? order : (a->path_len > b->path_len) - (a->path_len < b->path_len);
}

/* Rows in the order of an answer. */
static int compare_rows(const void *a, const void *b)
{
	const struct peel_waste_path *one = a;
	const struct peel_waste_path *two = b;

	if (one->bytes != two->bytes) {
		return one->bytes > two->bytes ? -1 : 1;
	}
	return compare_paths(one, two);
}

static void swap_rows(struct waste_top *top, size_t i, size_t j)
{
	struct peel_waste_path row = top->rows[i];

	top->rows[i] = top->rows[j];
	top->rows[j] = row;
}

/* The last in order comes to the front of a heap whose last row is new. */
static void sift_up(struct waste_top *top)
{
	size_t i = top->count - 1;

	while (i > 0 && compare_rows(&top->rows[i], &top->rows[(i - 1) / 2]) > 0) {
		swap_rows(top, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

/* The same where the first row is new. */
static void sift_down(struct waste_top *top)
{
	size_t i = 0;

	for (;;) {
		size_t last = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < top->count; child++) {
			if (compare_rows(&top->rows[child], &top->rows[last]) > 0) {
				last = child;
			}
		}
		if (last == i) {
			return;
		}
		swap_rows(top, i, last);
		i = last;
	}
}

static char *copy_path(const struct peel_waste_path *row)
{
	char *copy = malloc(row->path_len + 1);

	if (copy) {
		memcpy(copy, row->path, row->path_len);
		copy[row->path_len] = '\0';
	}
	return copy;
}

int waste_top_add(struct waste_top *top, const struct peel_waste_path *row, struct peel_error *err)
{
	const bool full = top->count == top->limit;
	char *path;

	top->total++;
	if (top->limit == 0 || (full && compare_rows(row, &top->rows[0]) > 0)) {
		return 0;
	}
	path = copy_path(row);
	if (!path || (!full && !grow_array(&top->rows, top->count, &top->room, sizeof(*row)))) {
		free(path);
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (full) {
		free(top->rows[0].path);
		top->rows[0] = *row;
		top->rows[0].path = path;
		sift_down(top);
	} else {
		top->rows[top->count] = *row;
		top->rows[top->count++].path = path;
		sift_up(top);
	}
	return 0;
}

void waste_top_sort(struct waste_top *top)
{
	if (top->count > 1) {
		qsort(top->rows, top->count, sizeof(*top->rows), compare_rows);
	}
}

void waste_rows_free(struct peel_waste_path *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(rows[i].path);
	}
	free(rows);
}

static size_t slot_of(const struct waste_pairs *pairs, int layer, int hidden_by,
	enum peel_cause cause)
{
	const uint64_t key = ((uint64_t)(uint32_t)layer << 32 | (uint32_t)hidden_by) * 16 +
		(uint64_t)cause;

	return (key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (pairs->slot_count - 1);
}

/* The slot of a key: the one that has it, or a free one. */
static uint32_t *find_slot(const struct waste_pairs *pairs, int layer, int hidden_by,
	enum peel_cause cause)
{
	size_t i = slot_of(pairs, layer, hidden_by, cause);

	for (; pairs->slots[i]; i = (i + 1) & (pairs->slot_count - 1)) {
		const struct peel_waste_pair *row = &pairs->rows[pairs->slots[i] - 1];

		if (row->layer == layer && row->hidden_by == hidden_by && row->cause == cause) {
			break;
		}
	}
	return &pairs->slots[i];
}

static bool grow_slots(struct waste_pairs *pairs)
{
	const size_t count = pairs->slot_count ? 2 * pairs->slot_count : FIRST_SLOTS;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots) {
		return false;
	}
	free(pairs->slots);
	pairs->slots = slots;
	pairs->slot_count = count;
	for (size_t i = 0; i < pairs->count; i++) {
		const struct peel_waste_pair *row = &pairs->rows[i];

		*find_slot(pairs, row->layer, row->hidden_by, row->cause) = (uint32_t)i + 1;
	}
	return true;
}

int waste_pairs_add(struct waste_pairs *pairs, const struct peel_piece *piece,
	struct peel_error *err)
{
	struct peel_waste_pair *row;
	uint32_t *slot;

	if ((2 * pairs->count >= pairs->slot_count && !grow_slots(pairs)) ||
		!grow_array(&pairs->rows, pairs->count, &pairs->room, sizeof(*pairs->rows))) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	slot = find_slot(pairs, piece->layer, piece->hidden_by, piece->cause);
	if (!*slot) {
		pairs->rows[pairs->count] = (struct peel_waste_pair){.layer = piece->layer,
			.hidden_by = piece->hidden_by,
			.cause = piece->cause};
		*slot = (uint32_t)++pairs->count;
	}
	row = &pairs->rows[*slot - 1];
	row->files++;
	sum_add(&row->bytes, piece->bytes);
	sum_add(&row->allocated, piece->allocated);
	return 0;
}

static int compare_pairs(const void *a, const void *b)
{
	const struct peel_waste_pair *one = a;
	const struct peel_waste_pair *two = b;

	if (one->bytes != two->bytes) {
		return one->bytes > two->bytes ? -1 : 1;
	}
	if (one->layer != two->layer) {
		return one->layer < two->layer ? -1 : 1;
	}
	if (one->hidden_by != two->hidden_by) {
		return one->hidden_by < two->hidden_by ? -1 : 1;
	}
	return (int)one->cause - (int)two->cause;
}

void waste_pairs_sort(struct waste_pairs *pairs)
{
	free(pairs->slots);
	pairs->slots = NULL;
	if (pairs->count > 1) {
		qsort(pairs->rows, pairs->count, sizeof(*pairs->rows), compare_pairs);
	}
}
