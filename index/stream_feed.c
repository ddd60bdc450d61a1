/* SPDX-License-Identifier: Apache-2.0 */
#include "stream_feed.h"

#include <stdlib.h>

#include <peel/error.h>

#include "codec_priv.h"

struct fed_stream {
	struct stream base;
	struct stream_feed feed;
};

static ssize_t fed_next(struct stream *stream, const void **ret_bytes, struct peel_error *err)
{
	struct fed_stream *fed = (struct fed_stream *)stream;
	ssize_t got = fed->feed.next(fed->feed.arg, ret_bytes, err);

	stream->in_off += got > 0 ? (uint64_t)got : 0;
	return got;
}

static int fed_skip(struct stream *stream, uint64_t len, uint64_t *ret_skipped,
	struct peel_error *err)
{
	struct fed_stream *fed = (struct fed_stream *)stream;
	int r = fed->feed.skip(fed->feed.arg, len, ret_skipped, err);

	stream->in_off += r < 0 ? 0 : *ret_skipped;
	return r;
}

static void fed_close(struct stream *stream)
{
	free(stream);
}

static const struct stream_ops fed_ops = {
	.next = fed_next,
	.skip = fed_skip,
	.close = fed_close,
};

int stream_open_feed(const struct stream_feed *feed, struct stream **ret_stream,
	struct peel_error *err)
{
	struct fed_stream *fed = calloc(1, sizeof(*fed));

	if (!fed) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	fed->base.ops = &fed_ops;
	fed->feed = *feed;
	*ret_stream = &fed->base;
	return 0;
}
