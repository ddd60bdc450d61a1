/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory is spent as extents are read, never by the number that a map claims; each extent costs the
 * image at least four bytes. Nothing here depends on the logical size, so a file that claims 8 EiB
 * costs as much as one byte.
 */
#include "tar_sparse.h"

#include <string.h>

#include <peel/error.h>

#include "limit.h"
#include "tar_header.h"
#include "util.h"

/**
 * Entries of a header and of a continuation block, and where the latter says that another one
 * follows.
 */
#define GNU_FIRST_COUNT 4
#define GNU_NEXT_COUNT 21
#define GNU_NEXT_EXTENDED 504
/** An entry is two numbers of this length. */
#define GNU_NUMBER 12

void tar_sparse_clear(struct tar_sparse *sparse)
{
	*sparse = (struct tar_sparse){
		.extents = sparse->extents,
		.room = sparse->room,
		.pending = -1,
		.limits = sparse->limits,
	};
}

void tar_sparse_finish(struct tar_sparse *sparse)
{
	if (sparse) {
		free(sparse->extents);
		*sparse = (struct tar_sparse){0};
	}
}

static int bad_map(struct peel_error *err)
{
	return peel_fail(err, PEEL_EFORMAT, "sparse map with a bad number");
}

static int add_extent(struct tar_sparse *sparse, int64_t offset, int64_t length,
	struct peel_error *err)
{
	if (offset < 0 || length < 0) {
		return bad_map(err);
	}
	int code = limits_check(sparse->limits, PEEL_LIMIT_SPARSE_EXTENTS, sparse->count + 1, err);

	if (code < 0) {
		return code;
	}
	if (!grow_array(&sparse->extents, sparse->count, &sparse->room, sizeof(*sparse->extents))) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory for a sparse map");
	}
	sparse->extents[sparse->count++] = (struct scan_extent){(uint64_t)offset, (uint64_t)length};
	return 0;
}

int tar_sparse_gnu(struct tar_sparse *sparse, const void *block, bool first, bool *ret_more,
	struct peel_error *err)
{
	const char *bytes = block;
	const char *entry = bytes + (first ? TAR_GNU_SPARSE : 0);
	int count = first ? GNU_FIRST_COUNT : GNU_NEXT_COUNT;

	*ret_more = bytes[first ? TAR_GNU_EXTENDED : GNU_NEXT_EXTENDED] != 0;
	for (int i = 0; i < count && entry[0] != 0; i++, entry += 2 * (size_t)GNU_NUMBER) {
		int64_t offset;
		int64_t length;
		int code;

		if (!tar_number(entry, GNU_NUMBER, &offset) ||
			!tar_number(entry + GNU_NUMBER, GNU_NUMBER, &length)) {
			return bad_map(err);
		}
		code = add_extent(sparse, offset, length, err);
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

static int add_pair(struct tar_sparse *sparse, const struct tar_text *offset,
	const struct tar_text *length, struct peel_error *err)
{
	int64_t offset_value;
	int64_t length_value;

	if (!tar_pax_number(offset, &offset_value) || !tar_pax_number(length, &length_value)) {
		return bad_map(err);
	}
	return add_extent(sparse, offset_value, length_value, err);
}

/** Take the text up to the next comma off the front of rest. */
static struct tar_text next_number(struct tar_text *rest)
{
	const char *comma = memchr(rest->bytes, ',', rest->len);
	struct tar_text number = {rest->bytes, comma ? (size_t)(comma - rest->bytes) : rest->len};
	size_t taken = number.len + (comma != NULL);

	rest->bytes += taken;
	rest->len -= taken;
	return number;
}

static int add_list(struct tar_sparse *sparse, const struct tar_text *list, struct peel_error *err)
{
	struct tar_text rest = *list;

	if (rest.len > 0 && rest.bytes[rest.len - 1] == ',') {
		return bad_map(err);
	}
	while (rest.len > 0) {
		struct tar_text offset = next_number(&rest);
		struct tar_text length = next_number(&rest);
		int code = add_pair(sparse, &offset, &length, err);

		if (code < 0) {
			return code;
		}
	}
	return 0;
}

int tar_sparse_records(struct tar_sparse *sparse, const struct tar_pax *pax, struct peel_error *err)
{
	const struct tar_text *list = &pax->known[TAR_PAX_SPARSE_MAP];
	int64_t count;
	int code = 0;

	if (pax->bad_map || pax->map_count % 2) {
		return bad_map(err);
	}
	for (size_t i = 0; i < pax->map_count && code == 0; i += 2) {
		code = add_pair(sparse, &pax->map[i], &pax->map[i + 1], err);
	}
	if (pax->map_count == 0 && list->bytes) {
		code = add_list(sparse, list, err);
	}
	if (code < 0) {
		return code;
	}
	if (!tar_pax_number(&pax->known[TAR_PAX_SPARSE_NUMBLOCKS], &count) || count < 0 ||
		(uint64_t)count != sparse->count) {
		return bad_map(err);
	}
	return 0;
}

/** A line of a 1.0 map is complete. */
static int end_number(struct tar_sparse *sparse, struct peel_error *err)
{
	struct tar_text text = {sparse->digits, sparse->digits_len};
	int64_t value;

	sparse->digits_len = 0;
	if (!tar_pax_number(&text, &value) || value < 0) {
		return bad_map(err);
	}
	if (sparse->pending < 0) {
		int code = limits_check(sparse->limits, PEEL_LIMIT_SPARSE_EXTENTS, (uint64_t)value,
			err);

		if (code < 0) {
			return code;
		}
		sparse->pending = 2 * value;
		return 0;
	}
	sparse->pending--;
	sparse->have_offset = !sparse->have_offset;
	if (sparse->have_offset) {
		sparse->offset = value;
		return 0;
	}
	return add_extent(sparse, sparse->offset, value, err);
}

int tar_sparse_data(struct tar_sparse *sparse, const void *block, struct peel_error *err)
{
	const char *bytes = block;

	for (int i = 0; i < TAR_BLOCK && sparse->pending != 0; i++) {
		if (bytes[i] == '\n') {
			int code = end_number(sparse, err);

			if (code < 0) {
				return code;
			}
		} else if (sparse->digits_len == sizeof(sparse->digits)) {
			return bad_map(err);
		} else {
			sparse->digits[sparse->digits_len++] = bytes[i];
		}
	}
	return sparse->pending == 0;
}

const char *tar_sparse_check(struct tar_sparse *sparse, uint64_t size, uint64_t stored)
{
	uint64_t position = 0;
	uint64_t sum = 0;
	size_t used = 0;

	for (size_t i = 0; i < sparse->count; i++) {
		const struct scan_extent extent = sparse->extents[i];

		if (extent.offset < position) {
			return "extents overlap or are out of order";
		}
		/* Neither overflows: both are below 2^63. */
		position = extent.offset + extent.length;
		if (position > size) {
			return "an extent ends past the file";
		}
		sum += extent.length;
		if (extent.length > 0) {
			sparse->extents[used++] = extent;
		}
	}
	sparse->count = used;
	return sum == stored ? NULL : "the map does not account for the data stored";
}
