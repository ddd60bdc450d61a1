/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd at random. Each frame can be started, so a blob of many frames (zstd:chunked, seekable,
 * pzstd) is read as gzip is: from the nearest frame, through the block cache. A frame itself can
 * only be read from its start, and most tools write a layer as one frame. Such a blob is decoded
 * once into a spool file (source_zstd_spool.c).
 *
 * Rejected: keeping checkpoints of the decoder within a frame. Each would hold the window, 2 to 128
 * MiB.
 */
#include "codec_priv.h"

#include <peel/error.h>

#include "codec_source.h"
#include "source.h"
#include "source_zstd_spool.h"
#include "stream_zstd_frames.h"
#include "util.h"

/**
 * Distance of the places where a frame's start is looked for, and how far before them it may lie.
 * So no read decodes more than twice as much, about 0.1 s, before a spool is worth its disk.
 */
#define STRIDE (32u << 20)

/** Decoders kept a source: each holds its frame's window, 8 MiB at zstd's highest usual level. */
#define ZSTD_KEEP 1

static int zstd_start(struct source *raw, const struct point *point, const void *window,
	void **ret_decoder, struct peel_error *err)
{
	struct zstd_frames *frames = NULL;
	int r;

	(void)window;
	if (point->window_len > 0 || point->bits > 0) {
		return peel_fail(err, PEEL_EFORMAT, "zstd: broken access point");
	}
	r = zstd_frames_new(raw, point->in_off, NULL, NULL, &frames, err);
	if (r == 0) {
		*ret_decoder = frames;
	}
	return r;
}

static ssize_t zstd_decode(void *decoder, void *buf, size_t len, struct peel_error *err)
{
	return zstd_frames_read(decoder, buf, len, err);
}

static void zstd_free(void *decoder)
{
	zstd_frames_free(decoder);
}

static const struct decoder_ops zstd_decoder_ops = {
	.start = zstd_start,
	.decode = zstd_decode,
	.free = zstd_free,
	.keep = ZSTD_KEEP,
};

/**
 * Whether some frame is so long that reading within it would be slow. @return 1, 0, or what find
 * gave.
 */
static int has_long_frame(uint64_t out_size, const struct point_finder *finder,
	struct peel_error *err)
{
	uint8_t window[POINT_WINDOW];
	struct point point;
	uint64_t out_off;
	int r;

	for (out_off = STRIDE; out_off < out_size; out_off += STRIDE) {
		r = finder->find(finder->arg, out_off, &point, window, err);
		if (r < 0) {
			return r;
		}
		if (out_off - point.out_off >= STRIDE) {
			return 1;
		}
		/* Offsets come from a file: one that wraps round must not keep us here. */
		if (out_off > UINT64_MAX - STRIDE) {
			break;
		}
	}
	return 0;
}

int source_open_zstd(struct source *raw, uint64_t out_size, const struct point_finder *finder,
	const struct codec_options *options, struct source **ret_source, struct peel_error *err)
{
	int r = 0;

	if (options->spool_dir >= 0) {
		r = has_long_frame(out_size, finder, err);
	}
	if (r < 0) {
		return r;
	}
	/* A decoder that starts anywhere knows the usual windows alone. */
	if (r == 0 && options->window_log <= ZSTD_WINDOW_LOG_MAX) {
		return codec_source_new(raw, &zstd_decoder_ops, out_size, finder, options->cache,
			ret_source, err);
	}
	r = spool_source_new(raw, out_size, options->spool_dir,
		options->spool_limit ? options->spool_limit : CODEC_SPOOL_LIMIT,
		options->window_log, ret_source, err);
	if (r == 0 && finder->close) {
		finder->close(finder->arg);
	}
	return r;
}
