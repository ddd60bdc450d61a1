/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Access points in memory: a sink and a finder over one growing array, windows kept compressed
 * (zstd).
 */
#ifndef POINTS_H
#define POINTS_H

#include <stddef.h>

#include "codec.h"

struct point_list;

/** @return 0; PEEL_ENOMEM. Free with point_list_free. */
int point_list_new(struct point_list **ret_list, struct peel_error *err);
/** Free; NULL is fine. */
void point_list_free(struct point_list *list);
/** A sink that appends. The list must outlive it. */
struct point_sink point_list_sink(struct point_list *list);
/** A finder over the list, which must outlive it and not grow any more. */
struct point_finder point_list_finder(const struct point_list *list);
/** Number of points. */
size_t point_list_count(const struct point_list *list);
/** Point i and its window as kept: zstd-compressed, *ret_len 0 where there is none. Borrowed. */
const struct point *point_list_get(const struct point_list *list, size_t i, const void **ret_window,
	size_t *ret_len);

/** Compress a window (zstd). @param ret the caller frees. @return 0; PEEL_ENOMEM. */
int window_pack(const void *window, size_t len, void **ret, size_t *ret_len,
	struct peel_error *err);
/** Unpack a window to exactly len bytes. @return 0; PEEL_EFORMAT; PEEL_ENOMEM. */
int window_unpack(const void *packed, size_t packed_len, void *window, size_t len,
	struct peel_error *err);

#endif
