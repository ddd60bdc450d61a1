/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd, once in order. Frames are independent, so each frame's start is an access point without
 * history; within a frame there is none, as a block may refer to all of the window before it.
 */
#include "codec_priv.h"

#include <inttypes.h>

#include <peel/error.h>

#include "source.h"
#include "stream_zstd_frames.h"
#include "util.h"

enum phase {
	PHASE_HEADER,
	PHASE_DATA,
	PHASE_END,
};

struct zstd_stream {
	struct stream base;
	struct zstd_frames *frames;
	enum phase phase;
	/**
	 * Uncompressed offset after the last byte decoded (the base's out_off is what was taken).
	 */
	uint64_t made;
	uint64_t last_point;
	/** A frame was there that is not skippable. */
	bool any_data;
	/** Bytes of this call in buf. */
	size_t fill;
	uint8_t buf[STREAM_OUT_SIZE];
};

/**
 * No further frame: the rest is trailing, unless nothing was zstd at all (lz4 has the same
 * skippable frames).
 */
static int end_frames(struct zstd_stream *zstd, struct peel_error *err)
{
	uint64_t in_off = zstd_frames_tell(zstd->frames);
	int r = zstd_frames_drain(zstd->frames, &zstd->base.trailing, err);

	if (r == 0 && zstd_frames_tell(zstd->frames) == 0) {
		return peel_fail(err, PEEL_ETRUNCATED, "zstd: no bytes at all");
	}
	if (r == 0 && zstd->base.trailing > 0 && !zstd->any_data) {
		return peel_fail(err, PEEL_EFORMAT, "zstd: no frame at compressed offset %" PRIu64,
			in_off);
	}
	return r;
}

static int begin_frame(struct zstd_stream *zstd, struct peel_error *err)
{
	const struct point_sink *sink = zstd->base.options.points;
	struct point point = {.out_off = zstd->made, .in_off = zstd_frames_tell(zstd->frames)};
	bool first = point.in_off == 0;
	int r = zstd_frames_header(zstd->frames, err);

	if (r < 0) {
		return r;
	}
	if (r == 0) {
		zstd->phase = PHASE_END;
		return end_frames(zstd, err);
	}
	zstd->any_data = zstd->any_data || r == 1;
	zstd->phase = PHASE_DATA;
	if (sink && (first || zstd->made - zstd->last_point >= POINT_MEMBER_SPACING)) {
		zstd->last_point = zstd->made;
		return sink->add(sink->arg, &point, NULL, err);
	}
	return 0;
}

static int decode_some(struct zstd_stream *zstd, struct peel_error *err)
{
	bool done = false;
	ssize_t got = zstd_frames_some(zstd->frames, zstd->buf + zstd->fill,
		sizeof(zstd->buf) - zstd->fill, &done, err);

	if (got < 0) {
		return (int)got;
	}
	zstd->fill += (size_t)got;
	zstd->made += (uint64_t)got;
	if (done) {
		zstd->phase = PHASE_HEADER;
	}
	return 0;
}

static ssize_t zstd_next(struct stream *stream, const void **ret_bytes, struct peel_error *err)
{
	struct zstd_stream *zstd = (struct zstd_stream *)stream;
	int r = 0;

	zstd->fill = 0;
	while (r == 0 && zstd->phase != PHASE_END && zstd->fill < sizeof(zstd->buf)) {
		r = zstd->phase == PHASE_HEADER ? begin_frame(zstd, err) : decode_some(zstd, err);
	}
	stream->in_off = zstd_frames_tell(zstd->frames);
	return stream_give(zstd->buf, zstd->fill, r, ret_bytes, err);
}

static void zstd_close(struct stream *stream)
{
	struct zstd_stream *zstd = (struct zstd_stream *)stream;

	zstd_frames_free(zstd->frames);
	stream_finish(stream);
	free(zstd);
}

static const struct stream_ops zstd_ops = {
	.next = zstd_next,
	.close = zstd_close,
};

int stream_open_zstd(struct source *raw, const struct stream_options *options,
	struct stream **ret_stream, struct peel_error *err)
{
	struct zstd_stream *zstd = calloc(1, sizeof(*zstd));
	int r;

	if (!zstd) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	stream_init(&zstd->base, &zstd_ops, raw, options);
	r = zstd_frames_new(raw, 0, zstd->base.options.input, zstd->base.options.input_arg,
		&zstd->frames, err);
	if (r < 0) {
		zstd_close(&zstd->base);
		return r;
	}
	if (zstd->base.options.limits) {
		zstd_frames_limit(zstd->frames, zstd->base.options.limits);
	}
	if (zstd->base.options.large) {
		zstd_frames_ask(zstd->frames, zstd->base.options.large,
			zstd->base.options.large_arg);
	}
	*ret_stream = &zstd->base;
	return 0;
}
