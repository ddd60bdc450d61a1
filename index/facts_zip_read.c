/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member of a ZIP file, unpacked. Its data are DEFLATE without any header, which is what ISA-L takes; the codecs
 * below know gzip members only, whose header, trailer and access points have no use here.
 */
#include <stdlib.h>
#include <string.h>

#include <isa-l/igzip_lib.h>
#include <peel/error.h>

#include "facts_look.h"
#include "facts_window.h"
#include "util.h"

#define LOCAL_HEADER 30
/* Compressed bytes that are held at once. */
#define INPUT_WINDOW (16u << 10)

#define METHOD_STORED 0
#define METHOD_DEFLATED 8
#define FLAG_ENCRYPTED 1

/* Where a member's data begin: behind its local header, whose lengths may differ from the directory's. */
static int find_data(const struct facts_file *file, const struct facts_member *member,
	uint64_t *ret_at, struct peel_error *err)
{
	uint8_t header[LOCAL_HEADER];
	int result;

	if (member->offset > file->size || file->size - member->offset < sizeof(header)) {
		return peel_fail(err, PEEL_EFORMAT, "no local header in the file");
	}
	result = file->read(file->arg, member->offset, header, sizeof(header), err);
	if (result < 0) {
		return result;
	}
	if (memcmp(header, "PK\3\4", 4) != 0) {
		return peel_fail(err, PEEL_EFORMAT, "no local header where the directory says");
	}
	*ret_at = member->offset + sizeof(header) + facts_get16(header + 26, false) +
		facts_get16(header + 28, false);
	return 0;
}

/* Give the decoder more of the member's data. */
static int feed(struct inflate_state *state, struct facts_window *window, uint64_t *at,
	uint64_t end, struct peel_error *err)
{
	const size_t len = min_u64(end - *at, INPUT_WINDOW);
	const uint8_t *bytes;
	int result;

	if (len == 0) {
		return peel_fail(err, PEEL_EFORMAT, "compressed data end too early");
	}
	result = facts_window_at(window, *at, len, &bytes, err);
	if (result <= 0) {
		return result < 0 ? result
				  : peel_fail(err, PEEL_EFORMAT, "too much compressed data");
	}
	*at += len;
	/* The decoder's pointer lacks const; it only reads. */
	state->next_in = (uint8_t *)(uintptr_t)bytes;
	state->avail_in = (uint32_t)len;
	return 0;
}

/* Decode until the room is full or the data end. */
static int64_t inflate(struct inflate_state *state, struct facts_window *window, uint64_t *at,
	uint64_t end, size_t room, struct peel_error *err)
{
	while (state->block_state != ISAL_BLOCK_FINISH && state->avail_out > 0) {
		const uint32_t out = state->avail_out;
		int result = 0;

		if (state->avail_in == 0) {
			result = feed(state, window, at, end, err);
			if (result < 0) {
				return result;
			}
		}
		result = isal_inflate(state);
		if (result < 0 ||
			(state->avail_in > 0 && state->avail_out == out &&
				state->block_state != ISAL_BLOCK_FINISH)) {
			return peel_fail(err, PEEL_EFORMAT, "compressed data are damaged");
		}
	}
	return (int64_t)(room - state->avail_out);
}

int64_t facts_inflate(const struct facts_file *file, uint64_t at, uint64_t end, void *buf,
	size_t room, struct peel_error *err)
{
	cleanup_free struct inflate_state *state = malloc(sizeof(*state));
	uint64_t spent = 0;
	struct facts_window window = {.file = file, .room = INPUT_WINDOW, .spent = &spent};
	int64_t result;

	if (!state) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	isal_inflate_init(state);
	state->next_out = buf;
	state->avail_out = (uint32_t)room;
	result = inflate(state, &window, &at, end, room, err);
	facts_window_finish(&window);
	return result;
}

/* Where a member's stored bytes are, if they are of a form that can be unpacked. */
static int find_bytes(const struct facts_file *file, const struct facts_member *member,
	uint64_t *ret_at, uint64_t *ret_end, struct peel_error *err)
{
	int result;

	if (member->flags & FLAG_ENCRYPTED) {
		return peel_fail(err, PEEL_EUNSUPPORTED, "it is encrypted");
	}
	if (member->method != METHOD_STORED && member->method != METHOD_DEFLATED) {
		return peel_fail(err, PEEL_EUNSUPPORTED, "compression method %u", member->method);
	}
	result = find_data(file, member, ret_at, err);
	if (result < 0) {
		return result;
	}
	return checked_add(*ret_at, member->stored, ret_end) && *ret_end <= file->size
		? 0
		: peel_fail(err, PEEL_EFORMAT, "data end behind the file's end");
}

/* Unpack piece by piece into the same room: the decoder keeps what it needs of what went before. */
static int64_t inflate_each(const struct facts_file *file, uint64_t at, uint64_t end,
	const struct facts_pieces *pieces, struct peel_error *err)
{
	cleanup_free struct inflate_state *state = malloc(sizeof(*state));
	uint64_t spent = 0;
	struct facts_window window = {.file = file, .room = INPUT_WINDOW, .spent = &spent};
	uint64_t total = 0;
	int64_t got = 1;

	if (!state) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	isal_inflate_init(state);
	while (got > 0 && state->block_state != ISAL_BLOCK_FINISH && total < pieces->most) {
		const size_t room = min_u64(pieces->room, pieces->most - total);

		state->next_out = pieces->buf;
		state->avail_out = (uint32_t)room;
		got = inflate(state, &window, &at, end, room, err);
		if (got > 0) {
			pieces->piece(pieces->arg, pieces->buf, (size_t)got);
			total += (uint64_t)got;
		}
	}
	facts_window_finish(&window);
	return got < 0 ? got : (int64_t)total;
}

static int64_t read_each(const struct facts_file *file, uint64_t at, uint64_t end,
	const struct facts_pieces *pieces, struct peel_error *err)
{
	const uint64_t wanted = min_u64(end - at, pieces->most);

	for (uint64_t done = 0; done < wanted;) {
		const size_t len = min_u64(wanted - done, pieces->room);
		int result = file->read(file->arg, at + done, pieces->buf, len, err);

		if (result < 0) {
			return result;
		}
		pieces->piece(pieces->arg, pieces->buf, len);
		done += len;
	}
	return (int64_t)wanted;
}

int64_t facts_zip_each(const struct facts_file *file, const struct facts_member *member,
	const struct facts_pieces *pieces, struct peel_error *err)
{
	uint64_t at = 0, end = 0;
	int result = find_bytes(file, member, &at, &end, err);

	if (result < 0) {
		return result;
	}
	return member->method == METHOD_DEFLATED ? inflate_each(file, at, end, pieces, err)
						 : read_each(file, at, end, pieces, err);
}

int64_t facts_zip_read(const struct facts_file *file, const struct facts_member *member, void *buf,
	size_t room, struct peel_error *err)
{
	/* How long it is unpacked the directory claims only. */
	const size_t most = min_u64(room, UINT32_MAX);
	const size_t wanted = min_u64(most, member->stored);
	uint64_t at = 0, end = 0;
	int result = find_bytes(file, member, &at, &end, err);

	if (result < 0) {
		return result;
	}
	if (member->method == METHOD_DEFLATED) {
		return most > 0 ? facts_inflate(file, at, end, buf, most, err) : 0;
	}
	result = wanted > 0 ? file->read(file->arg, at, buf, wanted, err) : 0;
	return result < 0 ? result : (int64_t)wanted;
}
