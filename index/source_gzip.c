/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip at random: a decoder that starts at an access point (a member's header, or a block within a
 * member with the 32 KiB before it) and goes on over the members that follow. CRCs were checked
 * when the stream made the points; from the middle of a member they cannot be.
 */
#include "codec_priv.h"

#include <peel/error.h>

#include "codec_source.h"
#include "stream_gzip_inflate.h"
#include "util.h"

/** Decoders kept a source, each about 160 KiB: a reader of a large file, a walk, and one more. */
#define GZIP_KEEP 3

struct gzip_decoder {
	struct gzip_inflate *inflate;
	/** Inside a member's data; else a header is next. */
	bool in_member;
};

static void gzip_free(void *arg)
{
	struct gzip_decoder *gzip = arg;

	gzip_inflate_free(gzip->inflate);
	free(gzip);
}

static int gzip_start(struct source *raw, const struct point *point, const void *window,
	void **ret_decoder, struct peel_error *err)
{
	struct gzip_decoder *gzip = calloc(1, sizeof(*gzip));
	int r;

	if (!gzip) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	gzip->in_member = point->window_len > 0;
	r = gzip_inflate_new(raw, NULL, NULL, &gzip->inflate, err);
	r = r < 0 ? r : gzip_inflate_seek(gzip->inflate, point, window, err);
	if (r < 0) {
		gzip_free(gzip);
		return r;
	}
	*ret_decoder = gzip;
	return 0;
}

static ssize_t gzip_decode(void *arg, void *buf, size_t len, struct peel_error *err)
{
	struct gzip_decoder *gzip = arg;
	ssize_t got = 0;
	uint32_t ignored;
	bool done = false;
	int r;

	while (got == 0) {
		if (!gzip->in_member) {
			r = gzip_inflate_header(gzip->inflate, err);
			if (r <= 0) {
				return r;
			}
			gzip->in_member = true;
		}
		got = gzip_inflate_some(gzip->inflate, buf, len, STREAM_IN_SIZE, &done, err);
		if (got < 0) {
			return got;
		}
		if (done) {
			gzip->in_member = false;
			r = gzip_inflate_trailer(gzip->inflate, &ignored, &ignored, err);
			if (r < 0) {
				return r;
			}
		}
	}
	return got;
}

static const struct decoder_ops gzip_decoder_ops = {
	.start = gzip_start,
	.decode = gzip_decode,
	.free = gzip_free,
	.keep = GZIP_KEEP,
};

int source_open_gzip(struct source *raw, uint64_t out_size, const struct point_finder *finder,
	const struct codec_options *options, struct source **ret_source, struct peel_error *err)
{
	return codec_source_new(raw, &gzip_decoder_ops, out_size, finder, options->cache,
		ret_source, err);
}
