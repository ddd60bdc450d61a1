/* SPDX-License-Identifier: Apache-2.0 */
#include "points.h"

#include <inttypes.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <peel/error.h>

#include "util.h"

/**
 * Windows are many and read seldom: speed of packing counts, as it happens while a layer is
 * decoded.
 */
#define WINDOW_LEVEL 1
/** Most points of one blob: a blob of 64 TiB at the widest spacing, or 16 TiB of small members. */
#define POINTS_MAX (64u << 20)

struct kept_point {
	struct point point;
	/** Packed window, NULL where there is none. */
	void *window;
	size_t window_len;
};

struct point_list {
	/** Ascending by out_off. */
	struct kept_point *points;
	size_t count;
	size_t room;
};

int window_pack(const void *window, size_t len, void **ret, size_t *ret_len, struct peel_error *err)
{
	cleanup_free void *packed = NULL;
	size_t bound = ZSTD_compressBound(len);
	size_t packed_len;
	void *fitted;

	packed = malloc(bound);
	if (!packed) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	packed_len = ZSTD_compress(packed, bound, window, len, WINDOW_LEVEL);
	if (ZSTD_isError(packed_len)) {
		return peel_fail(err, PEEL_ENOMEM, "cannot pack a window: %s",
			ZSTD_getErrorName(packed_len));
	}
	/* Thousands of these are kept; the bound is more than twice what is used. */
	fitted = realloc(packed, packed_len);
	if (fitted) {
		packed = fitted;
	}
	*ret = steal_pointer(&packed);
	*ret_len = packed_len;
	return 0;
}

int window_unpack(const void *packed, size_t packed_len, void *window, size_t len,
	struct peel_error *err)
{
	size_t got = ZSTD_decompress(window, len, packed, packed_len);

	if (ZSTD_isError(got)) {
		if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation) {
			return peel_fail(err, PEEL_ENOMEM, "out of memory");
		}
		return peel_fail(err, PEEL_EFORMAT, "broken access point: %s",
			ZSTD_getErrorName(got));
	}
	if (got != len) {
		return peel_fail(err, PEEL_EFORMAT,
			"broken access point: %zu bytes of history where %zu belong", got, len);
	}
	return 0;
}

int point_list_new(struct point_list **ret_list, struct peel_error *err)
{
	struct point_list *list = calloc(1, sizeof(*list));

	if (!list) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	*ret_list = list;
	return 0;
}

void point_list_free(struct point_list *list)
{
	size_t i;

	if (!list) {
		return;
	}
	for (i = 0; i < list->count; i++) {
		free(list->points[i].window);
	}
	free(list->points);
	free(list);
}

static int list_add(void *arg, const struct point *point, const void *window,
	struct peel_error *err)
{
	struct point_list *list = arg;
	struct kept_point kept = {.point = *point};
	int r;

	if (list->count >= POINTS_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "more than %u access points", POINTS_MAX);
	}
	if (!grow_array(&list->points, list->count, &list->room, sizeof(*list->points))) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (point->window_len > 0) {
		r = window_pack(window, point->window_len, &kept.window, &kept.window_len, err);
		if (r < 0) {
			return r;
		}
	}
	list->points[list->count++] = kept;
	return 0;
}

struct point_sink point_list_sink(struct point_list *list)
{
	return (struct point_sink){.add = list_add, .arg = list};
}

static int list_find(void *arg, uint64_t out_off, struct point *ret_point, void *window,
	struct peel_error *err)
{
	const struct point_list *list = arg;
	size_t low = 0;
	size_t high = list->count;
	size_t middle;
	const struct kept_point *kept;
	int r = 0;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (list->points[middle].point.out_off <= out_off) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	if (low == 0) {
		return peel_fail(err, PEEL_ENOENT, "no access point at or before offset %" PRIu64,
			out_off);
	}
	kept = &list->points[low - 1];
	if (kept->point.window_len > 0) {
		r = window_unpack(kept->window, kept->window_len, window, kept->point.window_len,
			err);
	}
	if (r == 0) {
		*ret_point = kept->point;
	}
	return r;
}

struct point_finder point_list_finder(const struct point_list *list)
{
	/* The finder interface carries a plain pointer; list_find only reads through it. */
	return (struct point_finder){.find = list_find, .arg = (void *)(uintptr_t)list};
}

size_t point_list_count(const struct point_list *list)
{
	return list->count;
}

const struct point *point_list_get(const struct point_list *list, size_t i, const void **ret_window,
	size_t *ret_len)
{
	const struct kept_point *kept = &list->points[i];

	*ret_window = kept->window;
	*ret_len = kept->window_len;
	return &kept->point;
}
