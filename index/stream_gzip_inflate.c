/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISA-L decodes DEFLATE more than twice as fast as zlib, but it does not say where blocks begin. It
 * can be made to: fed a few bytes at a time, it returns with the state "in a block's header"
 * whenever a header does not fit what it was fed, and has then put the bit reader back to the
 * header's first bit. So the header's place is
 *
 *     bytes taken so far - bytes kept for the header (tmp_in_size), less the unread bits
 *     (read_in_length)
 *
 * and where all output has been given too (tmp_out_processed == tmp_out_valid), decoding can start
 * there with the last 32 KiB of output. A stored block tells its length, so feeding just as much
 * ends at the next block. Headers of three bits (fixed codes) are mostly missed: such a place is
 * not found, the next one is.
 *
 * Rules that ISA-L 2.30 needs:
 * - At the end of the data it keeps whole bytes in its bit reader that belong to what follows; they
 *   are given back here (the buffer keeps the last bytes of the piece before, as those may reach
 *   back into it). Later versions give them back themselves, and the same sum is then 0.
 * - It is fed at most 64 KiB at a time: large pieces are slower, and close to 4 GiB a sum in it
 *   overflows.
 * - Its total_out has 32 bits and is not used.
 * - CRC flag 0 means bare DEFLATE; headers and trailers are read here, so that their limits are
 *   ours.
 */
#include "stream_gzip_inflate.h"

#include <inttypes.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <string.h>

#include <peel/error.h>

#include "codec_priv.h"
#include "source.h"
#include "util.h"

/**
 * Bytes of the piece before that stay in front of the buffer: ISA-L's 64-bit reader, and a magic.
 */
#define KEEP 16
/**
 * Longest member header. Only the extra field has a limit of its own; names and comments are text
 * of a line.
 */
#define HEADER_MAX (1u << 20)
/**
 * Bytes fed at a time while a block's start is looked for: most headers with dynamic codes are
 * longer.
 */
#define STEP 64

#define FLAG_HEADER_CRC 0x02
#define FLAG_EXTRA 0x04
#define FLAG_NAME 0x08
#define FLAG_COMMENT 0x10
#define FLAGS_RESERVED 0xe0
#define METHOD_DEFLATE 8

struct gzip_inflate {
	struct source *raw;
	stream_fn *input;
	void *input_arg;
	/** Compressed offset right after the buffer's last byte. */
	uint64_t read_off;
	/** Next byte, and the end of what was read, in buf. */
	size_t pos;
	size_t len;
	/** Bytes and CRC of the header being read. */
	size_t header_len;
	uint32_t header_crc;
	struct inflate_state state;
	uint8_t buf[KEEP + STREAM_IN_SIZE];
};

uint32_t gzip_crc(uint32_t crc, const void *bytes, size_t len)
{
	return crc32_gzip_refl(crc, bytes, len);
}

int gzip_inflate_new(struct source *raw, stream_fn *input, void *input_arg,
	struct gzip_inflate **ret_inflate, struct peel_error *err)
{
	struct gzip_inflate *inflate = calloc(1, sizeof(*inflate));

	if (!inflate) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	inflate->raw = raw;
	inflate->input = input;
	inflate->input_arg = input_arg;
	inflate->pos = KEEP;
	inflate->len = KEEP;
	isal_inflate_init(&inflate->state);
	*ret_inflate = inflate;
	return 0;
}

void gzip_inflate_free(struct gzip_inflate *inflate)
{
	free(inflate);
}

uint64_t gzip_inflate_tell(const struct gzip_inflate *inflate)
{
	return inflate->read_off - (inflate->len - inflate->pos);
}

static int fail_at(const struct gzip_inflate *inflate, struct peel_error *err, int code,
	const char *what)
{
	return peel_fail(err, code, "gzip: %s at compressed offset %" PRIu64, what,
		gzip_inflate_tell(inflate));
}

/**
 * Read the next piece into the empty buffer. A failure leaves all as it was. @return 1; 0 at the
 * end; less than 0.
 */
static int refill(struct gzip_inflate *inflate, struct peel_error *err)
{
	ssize_t got;
	int r;

	memmove(inflate->buf, inflate->buf + inflate->len - KEEP, KEEP);
	inflate->pos = KEEP;
	inflate->len = KEEP;
	got = source_read_at(inflate->raw, inflate->read_off, inflate->buf + KEEP, STREAM_IN_SIZE,
		err);
	if (got <= 0) {
		return (int)got;
	}
	if (inflate->input) {
		r = inflate->input(inflate->input_arg, inflate->buf + KEEP, (size_t)got, err);
		if (r < 0) {
			return r;
		}
	}
	inflate->read_off += (uint64_t)got;
	inflate->len += (size_t)got;
	return 1;
}

/** Take a byte. @return 1; 0 at the end; less than 0. */
static int take_byte(struct gzip_inflate *inflate, uint8_t *ret_byte, struct peel_error *err)
{
	int r;

	if (inflate->pos == inflate->len) {
		r = refill(inflate, err);
		if (r <= 0) {
			return r;
		}
	}
	*ret_byte = inflate->buf[inflate->pos++];
	return 1;
}

/** Take a byte that must be there, as part of a header or trailer. @return 0 or less. */
static int take_header_byte(struct gzip_inflate *inflate, uint8_t *ret_byte, struct peel_error *err)
{
	int r = take_byte(inflate, ret_byte, err);

	if (r < 0) {
		return r;
	}
	if (r == 0) {
		return fail_at(inflate, err, PEEL_ETRUNCATED,
			"the data ends in a member's header or trailer");
	}
	if (inflate->header_len++ >= HEADER_MAX) {
		return fail_at(inflate, err, PEEL_EFORMAT, "endless header");
	}
	inflate->header_crc = gzip_crc(inflate->header_crc, ret_byte, 1);
	return 0;
}

static int take_little_endian(struct gzip_inflate *inflate, int bytes, uint32_t *ret_value,
	struct peel_error *err)
{
	uint32_t value = 0;
	uint8_t byte = 0;
	int i;
	int r;

	for (i = 0; i < bytes; i++) {
		r = take_header_byte(inflate, &byte, err);
		if (r < 0) {
			return r;
		}
		value |= (uint32_t)byte << (8 * i);
	}
	*ret_value = value;
	return 0;
}

static int skip_bytes(struct gzip_inflate *inflate, uint32_t bytes, struct peel_error *err)
{
	uint8_t byte;
	int r = 0;

	while (bytes-- > 0 && r == 0) {
		r = take_header_byte(inflate, &byte, err);
	}
	return r;
}

static int skip_string(struct gzip_inflate *inflate, struct peel_error *err)
{
	uint8_t byte = 0;
	int r;

	do {
		r = take_header_byte(inflate, &byte, err);
	} while (r == 0 && byte != 0);
	return r;
}

/** The optional fields that flags announces (RFC 1952, 2.3). */
static int skip_fields(struct gzip_inflate *inflate, uint8_t flags, struct peel_error *err)
{
	uint32_t value = 0;
	uint32_t crc;
	int r = 0;

	if (flags & FLAG_EXTRA) {
		r = take_little_endian(inflate, 2, &value, err);
		r = r < 0 ? r : skip_bytes(inflate, value, err);
	}
	if (r == 0 && (flags & FLAG_NAME)) {
		r = skip_string(inflate, err);
	}
	if (r == 0 && (flags & FLAG_COMMENT)) {
		r = skip_string(inflate, err);
	}
	if (r == 0 && (flags & FLAG_HEADER_CRC)) {
		crc = inflate->header_crc & 0xffff;
		r = take_little_endian(inflate, 2, &value, err);
		if (r == 0 && value != crc) {
			r = fail_at(inflate, err, PEEL_EFORMAT,
				"a member's header has the wrong CRC");
		}
	}
	return r;
}

/**
 * Take the two bytes that begin a member. @return 1; 0 where they are not here (nothing is
 * consumed); less than 0.
 */
static int take_magic(struct gzip_inflate *inflate, struct peel_error *err)
{
	uint8_t byte = 0;
	int r = take_byte(inflate, &byte, err);

	if (r <= 0) {
		return r;
	}
	if (byte != 0x1f) {
		inflate->pos--;
		return 0;
	}
	r = take_byte(inflate, &byte, err);
	if (r < 0) {
		return r;
	}
	if (r == 0 || byte != 0x8b) {
		inflate->pos -= (size_t)r + 1;
		return 0;
	}
	return 1;
}

int gzip_inflate_header(struct gzip_inflate *inflate, struct peel_error *err)
{
	static const uint8_t magic[] = {0x1f, 0x8b};
	uint8_t method = 0;
	uint8_t flags = 0;
	int r = take_magic(inflate, err);

	if (r <= 0) {
		return r;
	}
	inflate->header_len = sizeof(magic);
	inflate->header_crc = gzip_crc(0, magic, sizeof(magic));
	r = take_header_byte(inflate, &method, err);
	r = r < 0 ? r : take_header_byte(inflate, &flags, err);
	/* Modification time, extra flags, operating system. */
	r = r < 0 ? r : skip_bytes(inflate, 6, err);
	if (r < 0) {
		return r;
	}
	if (method != METHOD_DEFLATE || (flags & FLAGS_RESERVED)) {
		return fail_at(inflate, err, PEEL_EFORMAT,
			"a member's header has an unknown method or flag");
	}
	r = skip_fields(inflate, flags, err);
	if (r < 0) {
		return r;
	}
	isal_inflate_reset(&inflate->state);
	return 1;
}

int gzip_inflate_trailer(struct gzip_inflate *inflate, uint32_t *ret_crc, uint32_t *ret_size,
	struct peel_error *err)
{
	int r;

	inflate->header_len = 0;
	r = take_little_endian(inflate, 4, ret_crc, err);
	return r < 0 ? r : take_little_endian(inflate, 4, ret_size, err);
}

/** Start the bit reader with the unread bits at the top of the byte before the point. */
static int load_bits(struct gzip_inflate *inflate, const struct point *point,
	struct peel_error *err)
{
	uint8_t byte = 0;
	int r;

	if (point->bits == 0) {
		return 0;
	}
	r = source_read_exact(inflate->raw, point->in_off - 1, &byte, 1, err);
	if (r < 0) {
		return r;
	}
	inflate->state.read_in = byte >> (8 - point->bits);
	inflate->state.read_in_length = point->bits;
	return 0;
}

int gzip_inflate_seek(struct gzip_inflate *inflate, const struct point *point, const void *window,
	struct peel_error *err)
{
	/* ISA-L takes the history by a pointer without const, and reads it. */
	uint8_t *history = (uint8_t *)(uintptr_t)window;

	if (point->bits > 7 || point->window_len > POINT_WINDOW ||
		point->in_off > inflate->raw->size ||
		(point->bits > 0 && (point->in_off == 0 || point->window_len == 0))) {
		return peel_fail(err, PEEL_EFORMAT,
			"gzip: broken access point at compressed offset %" PRIu64, point->in_off);
	}
	inflate->pos = KEEP;
	inflate->len = KEEP;
	inflate->read_off = point->in_off;
	isal_inflate_reset(&inflate->state);
	if (point->window_len == 0) {
		return 0;
	}
	if (isal_inflate_set_dict(&inflate->state, history, point->window_len) != COMP_OK) {
		return fail_at(inflate, err, PEEL_EFORMAT, "history is refused");
	}
	return load_bits(inflate, point, err);
}

/** The data is at its end: give back the whole bytes that ISA-L read too many. */
static void give_back(struct gzip_inflate *inflate)
{
	if (inflate->state.read_in_length > 0) {
		inflate->pos -= (size_t)inflate->state.read_in_length / 8;
	}
	inflate->state.read_in = 0;
	inflate->state.read_in_length = 0;
}

static const char *status_text(int status)
{
	switch (status) {
	case ISAL_INVALID_BLOCK:
		return "invalid block";
	case ISAL_INVALID_SYMBOL:
		return "invalid symbol";
	case ISAL_INVALID_LOOKBACK:
		return "reference before the start of the data";
	default:
		return "invalid data";
	}
}

ssize_t gzip_inflate_some(struct gzip_inflate *inflate, void *out, size_t room, size_t feed,
	bool *ret_done, struct peel_error *err)
{
	struct inflate_state *state = &inflate->state;
	uint32_t given;
	uint32_t taken;
	int r = 1;
	int status;

	*ret_done = false;
	if (inflate->pos == inflate->len) {
		r = refill(inflate, err);
		if (r < 0) {
			return r;
		}
	}
	given = (uint32_t)min_u64(inflate->len - inflate->pos, feed);
	room = (size_t)min_u64(room, STREAM_OUT_SIZE);
	state->next_in = inflate->buf + inflate->pos;
	state->avail_in = given;
	state->next_out = out;
	state->avail_out = (uint32_t)room;
	status = isal_inflate(state);
	/* After an error avail_in may be a few bytes below 0. */
	taken = (uint32_t)min_u64(given - state->avail_in, given);
	inflate->pos += taken;
	if (status < 0) {
		return fail_at(inflate, err, PEEL_EFORMAT, status_text(status));
	}
	room -= state->avail_out;
	if (state->block_state == ISAL_BLOCK_FINISH) {
		give_back(inflate);
		*ret_done = true;
	} else if (room == 0 && taken == 0) {
		/* Without this a decoder that stands still would hang us. */
		return r == 0
			? fail_at(inflate, err, PEEL_ETRUNCATED, "the data ends within a member")
			: fail_at(inflate, err, PEEL_EFORMAT, "invalid data");
	}
	return (ssize_t)room;
}

size_t gzip_inflate_step(const struct gzip_inflate *inflate)
{
	const struct inflate_state *state = &inflate->state;
	int32_t left;

	if (state->block_state != ISAL_BLOCK_TYPE0) {
		return STEP;
	}
	left = state->type0_block_len - state->read_in_length / 8;
	return left > 0 ? (size_t)left : 1;
}

bool gzip_inflate_at_block(const struct gzip_inflate *inflate, struct point *ret_point)
{
	const struct inflate_state *state = &inflate->state;
	uint64_t bit;

	if ((state->block_state != ISAL_BLOCK_NEW_HDR && state->block_state != ISAL_BLOCK_HDR) ||
		state->tmp_out_processed != state->tmp_out_valid) {
		return false;
	}
	bit = (gzip_inflate_tell(inflate) - (uint64_t)state->tmp_in_size) * 8 -
		(uint64_t)state->read_in_length;
	ret_point->in_off = (bit + 7) / 8;
	ret_point->bits = (uint8_t)(ret_point->in_off * 8 - bit);
	return true;
}

int gzip_inflate_drain(struct gzip_inflate *inflate, uint64_t *ret_bytes, struct peel_error *err)
{
	uint64_t start = gzip_inflate_tell(inflate);
	int r;

	do {
		r = refill(inflate, err);
	} while (r > 0);
	*ret_bytes = gzip_inflate_tell(inflate) - start;
	return r;
}
