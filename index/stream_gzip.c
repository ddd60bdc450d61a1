/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip, once in order: members one after another, CRC and size of each checked, access points
 * dropped.
 *
 * The output goes round in one buffer, whose front keeps the last 32 KiB of what was given before,
 * so that the history of a point always stands in one piece before it:
 *
 *     | history 32 KiB | this call's output, up to 1 MiB |
 *
 * A point is due POINT_SPACING bytes after the last one. While it is, the decoder is fed in small
 * steps until it stands at a block's start (stream_gzip_inflate.c). Streams with very long blocks
 * have few of those, or none: after DUE_MAX fed bytes the search rests for a while, longer each
 * time. Points then lie farther apart, and nothing else changes.
 */
#include "codec_priv.h"

#include <inttypes.h>
#include <string.h>

#include <peel/error.h>

#include "source.h"
#include "stream_gzip_inflate.h"
#include "util.h"

/**
 * Compressed bytes fed in small steps before a search rests: many blocks of zlib (at most 64 KiB),
 * a few of igzip.
 */
#define DUE_MAX (512u << 10)
/** Longest rest, in POINT_SPACINGs. */
#define REST_MAX 16

enum phase {
	PHASE_HEADER,
	PHASE_DATA,
	PHASE_TRAILER,
	PHASE_END,
};

struct gzip_stream {
	struct stream base;
	struct gzip_inflate *inflate;
	enum phase phase;
	/**
	 * Uncompressed offset after the last byte decoded (the base's out_off is what was taken).
	 */
	uint64_t made;
	/** Where the member began, in both spaces, and its CRC so far. */
	uint64_t member_made;
	uint64_t member_in;
	uint32_t crc;
	/** Where the next point within a member is due; member starts count from the last point. */
	uint64_t due_at;
	uint64_t last_point;
	/**
	 * Compressed offset where this search began, 0: none is on; and how long the next rest is.
	 */
	uint64_t search_in;
	unsigned rest;
	/** End of the output in buf. */
	size_t fill;
	uint8_t buf[POINT_WINDOW + STREAM_OUT_SIZE];
};

/** Hand a point to the sink. */
static int add_point(struct gzip_stream *gzip, const struct point *point, struct peel_error *err)
{
	const struct point_sink *sink = gzip->base.options.points;
	int r = sink->add(sink->arg, point, gzip->buf + gzip->fill - point->window_len, err);

	if (r < 0) {
		return r;
	}
	gzip->last_point = point->out_off;
	gzip->due_at = point->out_off + POINT_SPACING;
	gzip->search_in = 0;
	gzip->rest = 1;
	return 0;
}

static int begin_member(struct gzip_stream *gzip, struct peel_error *err)
{
	struct point point = {.out_off = gzip->made, .in_off = gzip_inflate_tell(gzip->inflate)};
	bool first = point.in_off == 0;
	int r = gzip_inflate_header(gzip->inflate, err);

	if (r < 0) {
		return r;
	}
	if (r == 0 && first) {
		return peel_fail(err,
			gzip_inflate_tell(gzip->inflate) == gzip->base.raw->size ? PEEL_ETRUNCATED
										 : PEEL_EFORMAT,
			"gzip: no member at compressed offset 0");
	}
	if (r == 0) {
		gzip->phase = PHASE_END;
		return gzip_inflate_drain(gzip->inflate, &gzip->base.trailing, err);
	}
	gzip->member_made = gzip->made;
	gzip->member_in = point.in_off;
	gzip->crc = 0;
	gzip->phase = PHASE_DATA;
	if (gzip->base.options.points &&
		(first || gzip->made - gzip->last_point >= POINT_MEMBER_SPACING)) {
		return add_point(gzip, &point, err);
	}
	return 0;
}

/** Where a point is due and the decoder stands right, drop it. */
static int try_point(struct gzip_stream *gzip, struct peel_error *err)
{
	struct point point = {.out_off = gzip->made};

	if (gzip_inflate_at_block(gzip->inflate, &point)) {
		point.window_len = (uint32_t)min_u64(gzip->made - gzip->member_made, POINT_WINDOW);
		return add_point(gzip, &point, err);
	}
	if (gzip_inflate_tell(gzip->inflate) - gzip->search_in > DUE_MAX) {
		gzip->due_at = gzip->made + (uint64_t)gzip->rest * POINT_SPACING;
		gzip->search_in = 0;
		gzip->rest = gzip->rest < REST_MAX ? gzip->rest * 2 : gzip->rest;
	}
	return 0;
}

static int decode_some(struct gzip_stream *gzip, struct peel_error *err)
{
	/* A point needs some history: one without means the start of a member. */
	bool due = gzip->base.options.points && gzip->made >= gzip->due_at &&
		gzip->made > gzip->member_made;
	size_t feed = due ? gzip_inflate_step(gzip->inflate) : STREAM_IN_SIZE;
	uint8_t *out = gzip->buf + gzip->fill;
	bool done = false;
	ssize_t got;

	if (due && gzip->search_in == 0) {
		gzip->search_in = gzip_inflate_tell(gzip->inflate);
	}
	got = gzip_inflate_some(gzip->inflate, out, sizeof(gzip->buf) - gzip->fill, feed, &done,
		err);
	if (got < 0) {
		return (int)got;
	}
	gzip->crc = gzip_crc(gzip->crc, out, (size_t)got);
	gzip->fill += (size_t)got;
	gzip->made += (uint64_t)got;
	if (done) {
		gzip->phase = PHASE_TRAILER;
		gzip->search_in = 0;
		return 0;
	}
	return due ? try_point(gzip, err) : 0;
}

static int end_member(struct gzip_stream *gzip, struct peel_error *err)
{
	uint32_t crc = 0;
	uint32_t size = 0;
	int r = gzip_inflate_trailer(gzip->inflate, &crc, &size, err);

	if (r < 0) {
		return r;
	}
	if (crc != gzip->crc || size != (uint32_t)(gzip->made - gzip->member_made)) {
		return peel_fail(err, PEEL_EFORMAT,
			"gzip: wrong %s of the member at compressed offset %" PRIu64,
			crc != gzip->crc ? "CRC" : "size", gzip->member_in);
	}
	gzip->phase = PHASE_HEADER;
	return 0;
}

static int step(struct gzip_stream *gzip, struct peel_error *err)
{
	switch (gzip->phase) {
	case PHASE_HEADER:
		return begin_member(gzip, err);
	case PHASE_DATA:
		return decode_some(gzip, err);
	case PHASE_TRAILER:
		return end_member(gzip, err);
	case PHASE_END:
		break;
	}
	return 0;
}

static ssize_t gzip_next(struct stream *stream, const void **ret_bytes, struct peel_error *err)
{
	struct gzip_stream *gzip = (struct gzip_stream *)stream;
	int r = 0;

	memmove(gzip->buf, gzip->buf + gzip->fill - POINT_WINDOW, POINT_WINDOW);
	gzip->fill = POINT_WINDOW;
	while (r == 0 && gzip->phase != PHASE_END && gzip->fill < sizeof(gzip->buf)) {
		r = step(gzip, err);
	}
	stream->in_off = gzip_inflate_tell(gzip->inflate);
	return stream_give(gzip->buf + POINT_WINDOW, gzip->fill - POINT_WINDOW, r, ret_bytes, err);
}

static void gzip_close(struct stream *stream)
{
	struct gzip_stream *gzip = (struct gzip_stream *)stream;

	gzip_inflate_free(gzip->inflate);
	stream_finish(stream);
	free(gzip);
}

static const struct stream_ops gzip_ops = {
	.next = gzip_next,
	.close = gzip_close,
};

int stream_open_gzip(struct source *raw, const struct stream_options *options,
	struct stream **ret_stream, struct peel_error *err)
{
	struct gzip_stream *gzip = calloc(1, sizeof(*gzip));
	int r;

	if (!gzip) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	stream_init(&gzip->base, &gzip_ops, raw, options);
	gzip->fill = POINT_WINDOW;
	gzip->rest = 1;
	r = gzip_inflate_new(raw, gzip->base.options.input, gzip->base.options.input_arg,
		&gzip->inflate, err);
	if (r < 0) {
		gzip_close(&gzip->base);
		return r;
	}
	*ret_stream = &gzip->base;
	return 0;
}
