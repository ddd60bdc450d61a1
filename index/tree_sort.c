/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows are packed one after the other; what is sorted is an array of their places, each with the
 * first bytes of the key, which settle nearly all comparisons without a look at the row. Where memory
 * is used up the rows are written out in order, a run, and memory starts anew; in the end the runs
 * are read side by side, the one whose row is next on top of a heap. The last run stays in memory.
 *
 * Rejected: reading the index entry_path, which is made in the same order. A step over it costs ten times as much, and
 * it does not hold what the comparison of two entries needs.
 */
#include "tree_sort.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peel/error.h>

#include "tempfile.h"
#include "util.h"

/** What the file is, in messages. */
#define SORT_FILE "a temporary file"
/** Least bytes of a run that are read at a time. */
#define READ_MIN (4u << 10)

/** A row as it is packed; its name follows, and room up to a multiple of ROW_ALIGN. */
struct packed {
	uint64_t id, size, content, meta;
	uint32_t dir;
	uint16_t name_len;
	char type;
	uint8_t flags;
	char name[];
};

#define ROW_ALIGN 8

/** Bits of packed.flags. */
enum {
	PACKED_SPARSE = 1,
	PACKED_ASIDE = 2,
};

/** Where a row is. */
struct place {
	/** Folder and the first four bytes of the name. */
	uint64_t key;
	uint32_t offset;
};

/** A run that is being read. */
struct run {
	/** Where it starts in the file, the rest of it there. */
	uint64_t start, offset, end;
	/** What was read of it; the row at hand is at pos. */
	uint8_t *buf;
	size_t pos, len, room;
};

struct tree_sort {
	size_t budget;
	int folder;
	int fd;
	uint64_t end;
	/** The run in memory. */
	uint8_t *rows;
	size_t rows_len, rows_room;
	struct place *places;
	size_t count, places_room, next;
	/** Those in the file; a heap of their numbers while they are read, and the run in memory is the last. */
	struct run *runs;
	size_t run_count, run_room;
	size_t *heap;
	size_t heap_len;
	/** The run on top has given out its row. */
	bool given;
};

int tree_sort_new(size_t budget, int folder, struct tree_sort **ret_sort, struct peel_error *err)
{
	struct tree_sort *sort = calloc(1, sizeof(*sort));

	if (!sort) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	sort->budget = budget;
	sort->folder = folder;
	sort->fd = -1;
	*ret_sort = sort;
	return 0;
}

void tree_sort_free(struct tree_sort *sort)
{
	if (!sort) {
		return;
	}
	for (size_t i = 0; i < sort->run_count; i++) {
		free(sort->runs[i].buf);
	}
	if (sort->fd >= 0) {
		close(sort->fd);
	}
	free(sort->rows);
	free(sort->places);
	free(sort->runs);
	free(sort->heap);
	free(sort);
}

void tree_sort_set_budget(struct tree_sort *sort, size_t budget)
{
	sort->budget = budget;
}

static size_t packed_size(size_t name_len)
{
	return (offsetof(struct packed, name) + name_len + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
}

static uint64_t key_of(uint32_t dir, const char *name, size_t len)
{
	uint64_t key = dir;

	for (size_t i = 0; i < 4; i++) {
		key = key << 8 | (i < len ? (unsigned char)name[i] : 0);
	}
	return key;
}

static int compare_packed(const struct packed *a, const struct packed *b)
{
	int order;

	if (a->dir != b->dir) {
		return a->dir < b->dir ? -1 : 1;
	}
	order = memcmp(a->name, b->name, (size_t)min_u64(a->name_len, b->name_len));
	if (order != 0) {
		return order;
	}
	if (a->name_len != b->name_len) {
		return a->name_len < b->name_len ? -1 : 1;
	}
	if (a->type != b->type) {
		return (unsigned char)a->type < (unsigned char)b->type ? -1 : 1;
	}
	return a->id < b->id ? -1 : a->id > b->id;
}

static const struct packed *row_at(const uint8_t *rows, size_t offset)
{
	return (const struct packed *)(rows + offset);
}

static int compare_places(const void *a, const void *b, void *rows)
{
	const struct place *left = a;
	const struct place *right = b;

	if (left->key != right->key) {
		return left->key < right->key ? -1 : 1;
	}
	return compare_packed(row_at(rows, left->offset), row_at(rows, right->offset));
}

static void sort_memory(struct tree_sort *sort)
{
	if (sort->count > 1) {
		qsort_r(sort->places, sort->count, sizeof(*sort->places), compare_places,
			sort->rows);
	}
}

static int write_bytes(struct tree_sort *sort, const uint8_t *bytes, size_t len,
	struct peel_error *err)
{
	int code = tempfile_write(sort->fd, SORT_FILE, bytes, len, sort->end, err);

	sort->end += code == 0 ? len : 0;
	return code;
}

/** Write the rows of memory out in order. */
static int write_rows(struct tree_sort *sort, struct peel_error *err)
{
	enum { BUF_SIZE = 256 << 10 };
	cleanup_free uint8_t *buf = malloc(BUF_SIZE);
	size_t fill = 0;
	int code = buf ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");

	for (size_t i = 0; code == 0 && i < sort->count; i++) {
		const struct packed *row = row_at(sort->rows, sort->places[i].offset);
		size_t size = packed_size(row->name_len);

		if (BUF_SIZE - fill < size) {
			code = write_bytes(sort, buf, fill, err);
			fill = 0;
		}
		if (code == 0) {
			memcpy(buf + fill, row, size);
			fill += size;
		}
	}
	return code < 0 ? code : write_bytes(sort, buf, fill, err);
}

/** End the run in memory. */
static int end_run(struct tree_sort *sort, struct peel_error *err)
{
	struct run run = {.start = sort->end, .offset = sort->end};
	int code;

	if (sort->fd < 0) {
		int fd = tempfile_new(sort->folder, SORT_FILE, err);

		if (fd < 0) {
			return fd;
		}
		sort->fd = fd;
	}
	if (!grow_array(&sort->runs, sort->run_count, &sort->run_room, sizeof(*sort->runs))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	sort_memory(sort);
	code = write_rows(sort, err);
	run.end = sort->end;
	sort->runs[sort->run_count++] = run;
	sort->rows_len = 0;
	sort->count = 0;
	return code;
}

static int make_room(struct tree_sort *sort, size_t size, struct peel_error *err)
{
	if (sort->rows_room - sort->rows_len < size) {
		size_t room = (sort->rows_room + size) * 5 / 4;
		uint8_t *grown = room > UINT32_MAX ? NULL : realloc(sort->rows, room);

		if (!grown) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		sort->rows = grown;
		sort->rows_room = room;
	}
	if (!grow_array(&sort->places, sort->count, &sort->places_room, sizeof(*sort->places))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	return 0;
}

int tree_sort_add(struct tree_sort *sort, const struct sort_row *row, struct peel_error *err)
{
	size_t size = packed_size(row->name_len);
	struct packed *packed;
	int code = 0;

	if (sort->folder >= 0 && sort->count > 0 &&
		sort->rows_len + size + (sort->count + 1) * sizeof(*sort->places) > sort->budget) {
		code = end_run(sort, err);
	}
	if (code == 0) {
		code = make_room(sort, size, err);
	}
	if (code < 0) {
		return code;
	}
	packed = (struct packed *)(sort->rows + sort->rows_len);
	/* What is between rows is written to the file as well. */
	memset(packed, 0, size);
	packed->id = row->id;
	packed->size = row->size;
	packed->dir = row->dir;
	packed->content = row->content;
	packed->meta = row->meta;
	packed->name_len = row->name_len;
	packed->type = row->type;
	packed->flags = (uint8_t)((row->sparse ? PACKED_SPARSE : 0) |
		(row->aside ? PACKED_ASIDE : 0));
	memcpy(packed->name, row->name, row->name_len);
	sort->places[sort->count++] = (struct place){
		.key = key_of(row->dir, row->name, row->name_len),
		.offset = (uint32_t)sort->rows_len,
	};
	sort->rows_len += size;
	return 0;
}

/** The row at hand of a run, NULL at its end. */
static const struct packed *head_of(const struct tree_sort *sort, size_t run)
{
	if (run == sort->run_count) {
		return sort->next < sort->count
			? row_at(sort->rows, sort->places[sort->next].offset)
			: NULL;
	}
	return sort->runs[run].pos < sort->runs[run].len
		? row_at(sort->runs[run].buf, sort->runs[run].pos)
		: NULL;
}

/** Have size bytes of a run at hand, as far as it goes. */
static int refill(struct tree_sort *sort, struct run *run, size_t size, struct peel_error *err)
{
	size_t left = run->len - run->pos;
	size_t want;
	int code;

	if (left >= size || run->offset == run->end) {
		return left >= size || left == 0
			? 0
			: peel_fail(err, PEEL_EIO, SORT_FILE " is damaged");
	}
	if (size > run->room) {
		uint8_t *grown = realloc(run->buf, size);

		if (!grown) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		run->buf = grown;
		run->room = size;
	}
	memmove(run->buf, run->buf + run->pos, left);
	run->pos = 0;
	run->len = left;
	want = (size_t)min_u64(run->room - left, run->end - run->offset);
	if (left + want < size) {
		return peel_fail(err, PEEL_EIO, SORT_FILE " is damaged");
	}
	code = tempfile_read(sort->fd, SORT_FILE, run->buf + left, want, run->offset, err);
	run->len += code == 0 ? want : 0;
	run->offset += code == 0 ? want : 0;
	return code;
}

/** Have the next row of a run at hand, whole. */
static int load_head(struct tree_sort *sort, size_t number, struct peel_error *err)
{
	struct run *run = &sort->runs[number];
	int code;

	if (number == sort->run_count) {
		return 0;
	}
	code = refill(sort, run, sizeof(struct packed), err);
	return code < 0 || run->pos == run->len
		? code
		: refill(sort, run, packed_size(row_at(run->buf, run->pos)->name_len), err);
}

/** Put a run where it belongs below a place of the heap. */
static void sift(struct tree_sort *sort, size_t at)
{
	size_t *heap = sort->heap;

	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < sort->heap_len;
			child++) {
			if (compare_packed(head_of(sort, heap[child]), head_of(sort, heap[least])) <
				0) {
				least = child;
			}
		}
		if (least == at) {
			return;
		}
		{
			size_t swapped = heap[at];

			heap[at] = heap[least];
			heap[least] = swapped;
		}
		at = least;
	}
}

/** Put all runs that have a row into the heap. */
static void make_heap(struct tree_sort *sort)
{
	sort->heap_len = 0;
	for (size_t i = 0; i <= sort->run_count; i++) {
		if (head_of(sort, i)) {
			sort->heap[sort->heap_len++] = i;
		}
	}
	for (size_t i = sort->heap_len; i-- > 0;) {
		sift(sort, i);
	}
}

int tree_sort_finish(struct tree_sort *sort, struct peel_error *err)
{
	size_t room = max_u64(sort->budget / (sort->run_count + 1) / 4, READ_MIN);

	sort_memory(sort);
	sort->heap = calloc(sort->run_count + 1, sizeof(*sort->heap));
	if (!sort->heap) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	for (size_t i = 0; i < sort->run_count; i++) {
		sort->runs[i].room = room;
		sort->runs[i].buf = malloc(room);
		if (!sort->runs[i].buf) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
	}
	return tree_sort_rewind(sort, err);
}

int tree_sort_rewind(struct tree_sort *sort, struct peel_error *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < sort->run_count; i++) {
		struct run *run = &sort->runs[i];

		run->offset = run->start;
		run->pos = 0;
		run->len = 0;
		code = load_head(sort, i, err);
	}
	sort->next = 0;
	sort->given = false;
	if (code == 0) {
		make_heap(sort);
	}
	return code;
}

/** Step over the row that was given out. */
static int step(struct tree_sort *sort, struct peel_error *err)
{
	size_t top = sort->heap[0];
	int code = 0;

	if (top == sort->run_count) {
		sort->next++;
	} else {
		struct run *run = &sort->runs[top];

		run->pos += packed_size(row_at(run->buf, run->pos)->name_len);
		code = load_head(sort, top, err);
	}
	if (code == 0 && !head_of(sort, top)) {
		sort->heap[0] = sort->heap[--sort->heap_len];
	}
	if (code == 0 && sort->heap_len > 1) {
		sift(sort, 0);
	}
	return code;
}

int tree_sort_next(struct tree_sort *sort, struct sort_row *ret_row, struct peel_error *err)
{
	const struct packed *head;
	int code = sort->given ? step(sort, err) : 0;

	sort->given = false;
	if (code < 0 || sort->heap_len == 0) {
		return code;
	}
	sort->given = true;
	head = head_of(sort, sort->heap[0]);
	*ret_row = (struct sort_row){
		.id = head->id,
		.size = head->size,
		.dir = head->dir,
		.content = head->content,
		.meta = head->meta,
		.name_len = head->name_len,
		.type = head->type,
		.sparse = head->flags & PACKED_SPARSE,
		.aside = head->flags & PACKED_ASIDE,
		.name = head->name,
	};
	return 1;
}
