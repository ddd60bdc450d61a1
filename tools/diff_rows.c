/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From differences to rows. A folder that one image alone has is one row with all that is in it: its paths
 * follow it in the
 * order of the comparison, so the row is given when the first path outside of it comes.
 *
 * Where only the largest rows are wanted, a heap keeps them, the smallest on top.
 */
#include <string.h>
#include <sys/stat.h>

#include "diff.h"
#include "format.h"

/* A row that outlives its callback. */
struct kept_row {
	struct diff_row row;
	struct peel_difference difference;
	struct peel_node nodes[2];
	/* In order of coming. */
	uint64_t number;
	char *path;
};

struct rows {
	const struct diff_run *run;
	diff_row_fn *each;
	void *arg;
	struct diff_small *small;
	bool failed;
	/* The folder that is being summed, where folding. */
	bool folding;
	struct kept_row fold;
	/* The largest rows, run->top of them at most: a heap. */
	struct kept_row *heap;
	size_t count;
	uint64_t number;
};

static uint64_t change_of(const struct diff_row *row)
{
	return row->a_bytes > row->b_bytes ? row->a_bytes - row->b_bytes
					   : row->b_bytes - row->a_bytes;
}

/* Point a copy's parts at themselves. */
static void settle(struct kept_row *kept)
{
	kept->difference.path = kept->path;
	kept->difference.a.node = kept->difference.a.node ? &kept->nodes[0] : NULL;
	kept->difference.b.node = kept->difference.b.node ? &kept->nodes[1] : NULL;
	kept->row.difference = &kept->difference;
}

/* Copy a row; the path's room is taken over from what was there. @return false: no memory. */
static bool keep(struct kept_row *kept, const struct diff_row *row)
{
	const struct peel_difference *difference = row->difference;
	char *path = realloc(kept->path, difference->path_len + 1);

	if (!path) {
		return false;
	}
	memcpy(path, difference->path, difference->path_len + 1);
	kept->path = path;
	kept->row = *row;
	kept->difference = *difference;
	if (difference->a.node) {
		kept->nodes[0] = *difference->a.node;
	}
	if (difference->b.node) {
		kept->nodes[1] = *difference->b.node;
	}
	settle(kept);
	return true;
}

/* Smaller changes, and of equal ones later rows, come first. */
static int compare_kept(const void *left, const void *right)
{
	const struct kept_row *a = left;
	const struct kept_row *b = right;
	uint64_t x = change_of(&a->row);
	uint64_t y = change_of(&b->row);

	return x != y ? (x > y) - (x < y) : (a->number < b->number) - (a->number > b->number);
}

static void swap(struct kept_row *a, struct kept_row *b)
{
	struct kept_row third = *a;

	*a = *b;
	*b = third;
}

static void sift_up(struct kept_row *heap, size_t at)
{
	while (at > 0 && compare_kept(&heap[at], &heap[(at - 1) / 2]) < 0) {
		swap(&heap[at], &heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
}

static void sift_down(struct kept_row *heap, size_t count)
{
	size_t at = 0;

	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
			least = compare_kept(&heap[child], &heap[least]) < 0 ? child : least;
		}
		if (least == at) {
			return;
		}
		swap(&heap[at], &heap[least]);
		at = least;
	}
}

static bool keep_largest(struct rows *rows, const struct diff_row *row)
{
	uint64_t number = rows->number++;

	if (rows->count < rows->run->top) {
		struct kept_row *added = &rows->heap[rows->count];

		*added = (struct kept_row){.number = number};
		if (!keep(added, row)) {
			return false;
		}
		sift_up(rows->heap, rows->count++);
		return true;
	}
	if (change_of(row) <= change_of(&rows->heap[0].row)) {
		return true;
	}
	rows->heap[0].number = number;
	if (!keep(&rows->heap[0], row)) {
		return false;
	}
	sift_down(rows->heap, rows->count);
	return true;
}

/* The largest first. */
static bool give_largest(struct rows *rows)
{
	bool fine = true;

	if (!rows->run->top) {
		return true;
	}
	if (rows->count > 1) {
		qsort(rows->heap, rows->count, sizeof(*rows->heap), compare_kept);
	}
	for (size_t i = rows->count; fine && i > 0; i--) {
		settle(&rows->heap[i - 1]);
		fine = rows->each(rows->arg, &rows->heap[i - 1].row);
	}
	rows->small->omitted = rows->number - rows->count;
	return fine;
}

static void rows_finish(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->heap[i].path);
	}
	free(rows->heap);
	free(rows->fold.path);
}

static bool give(struct rows *rows, const struct diff_row *row)
{
	if (change_of(row) < rows->run->min_size) {
		rows->small->paths += row->paths;
		rows->small->a_bytes += row->a_bytes;
		rows->small->b_bytes += row->b_bytes;
		return true;
	}
	return rows->run->top ? keep_largest(rows, row) : rows->each(rows->arg, row);
}

static bool end_fold(struct rows *rows)
{
	bool folding = rows->folding;

	rows->folding = false;
	return !folding || give(rows, &rows->fold.row);
}

static bool in_fold(const struct rows *rows, const struct peel_difference *difference)
{
	size_t len = rows->fold.difference.path_len;

	return rows->folding && difference->path_len > len && difference->path[len] == '/' &&
		memcmp(difference->path, rows->fold.path, len) == 0;
}

static bool is_lone_folder(const struct peel_difference *difference)
{
	const struct peel_node *node = difference->a.node ? difference->a.node : difference->b.node;

	return difference->differs & (PEEL_DIFFERS_ADDED | PEEL_DIFFERS_REMOVED) &&
		S_ISDIR(node->mode);
}

static bool take(struct rows *rows, const struct peel_difference *difference)
{
	const struct diff_row row = {difference, 1, difference->a.bytes, difference->b.bytes};

	if (in_fold(rows, difference)) {
		rows->fold.row.paths++;
		rows->fold.row.a_bytes += difference->a.bytes;
		rows->fold.row.b_bytes += difference->b.bytes;
		return true;
	}
	if (!end_fold(rows)) {
		return false;
	}
	if (!rows->run->all && is_lone_folder(difference)) {
		rows->folding = true;
		return keep(&rows->fold, &row);
	}
	return give(rows, &row);
}

static int take_difference(void *arg, const struct peel_difference *difference)
{
	struct rows *rows = arg;

	rows->failed = !take(rows, difference);
	return rows->failed;
}

int diff_each_row(struct diff_run *run, diff_row_fn *each, void *arg, struct diff_small *ret_small,
	struct peel_error *err)
{
	struct rows rows = {.run = run, .each = each, .arg = arg, .small = ret_small};
	int code = 0;

	*ret_small = (struct diff_small){0};
	rows.heap = calloc((size_t)run->top + 1, sizeof(*rows.heap));
	rows.failed = !rows.heap;
	if (!rows.failed) {
		code = peel_diff(run->a, run->b, &run->options, take_difference, &rows,
			&run->totals, err);
		progress_clear();
	}
	if (code == 0 && !rows.failed) {
		rows.failed = !end_fold(&rows) || !give_largest(&rows);
	}
	rows_finish(&rows);
	return rows.failed ? peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM)) : code;
}

const char *diff_change(char *buf, uint64_t a, uint64_t b)
{
	char size[FORMAT_SIZE];

	if (a == b) {
		return format_bytes(buf, 0);
	}
	snprintf(buf, FORMAT_SIZE, "%c%.*s", b > a ? '+' : '-', FORMAT_SIZE - 2,
		format_bytes(size, b > a ? b - a : a - b));
	return buf;
}

const char *diff_words(char *buf, size_t size, unsigned differs, const char *separator)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned bit = 1; bit < 1u << PEEL_DIFFERS_COUNT; bit <<= 1) {
		if (differs & bit && used < size) {
			used += (size_t)snprintf(buf + used, size - used, "%s%s",
				used ? separator : "", peel_differs_name(bit));
		}
	}
	return buf;
}
