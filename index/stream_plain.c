/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream over bytes that are not compressed.
 *
 * A tar's headers are read and its file bodies skipped, so reading ahead must suit both many small
 * files in a row (large reads, one a few hundred files) and large bodies (a small read, a jump).
 * The read-ahead starts small after each jump and doubles while reading goes on in sequence. It never
 * goes past what the source can give: of standard input file contents may not have been kept.
 */
#include "codec_priv.h"

#include <stdlib.h>

#include <peel/error.h>

#include "source.h"
#include "util.h"

/** First read after a jump: a header and its extensions, and a small file or two. */
#define AHEAD_MIN (4u << 10)
/**
 * Skipping more than this past what was read costs less than reading it: about a read call's worth
 * of copying.
 */
#define JUMP (8u << 10)
/** Largest read. */
#define AHEAD_MAX (256u << 10)

struct plain_stream {
	struct stream base;
	/** Bytes that the next read asks for. */
	size_t ahead;
	uint8_t buf[AHEAD_MAX];
};

static ssize_t plain_next(struct stream *stream, const void **ret_bytes, struct peel_error *err)
{
	struct plain_stream *plain = (struct plain_stream *)stream;
	uint64_t reach = max_u64(source_reach(stream->raw, stream->in_off), 1);
	ssize_t got;
	int r;

	/* Of what is not there one byte is asked for: that fails, and says so. */
	got = source_read_at(stream->raw, stream->in_off, plain->buf,
		(size_t)min_u64(plain->ahead, reach), err);
	if (got <= 0) {
		return got;
	}
	if (stream->options.input) {
		r = stream->options.input(stream->options.input_arg, plain->buf, (size_t)got, err);
		if (r < 0) {
			return r;
		}
	}
	stream->in_off += (uint64_t)got;
	plain->ahead = (size_t)min_u64(plain->ahead * 2, AHEAD_MAX);
	*ret_bytes = plain->buf;
	return got;
}

static int plain_skip(struct stream *stream, uint64_t len, uint64_t *ret_skipped,
	struct peel_error *err)
{
	struct plain_stream *plain = (struct plain_stream *)stream;
	uint64_t left = stream->raw->size - min_u64(stream->in_off, stream->raw->size);

	(void)err;
	*ret_skipped = min_u64(len, left);
	stream->in_off += *ret_skipped;
	if (*ret_skipped > JUMP) {
		plain->ahead = AHEAD_MIN;
	}
	return 0;
}

static void plain_close(struct stream *stream)
{
	stream_finish(stream);
	free(stream);
}

static const struct stream_ops plain_ops = {
	.next = plain_next,
	.skip = plain_skip,
	.close = plain_close,
};

static const struct stream_ops plain_unsized_ops = {
	.next = plain_next,
	.close = plain_close,
};

int stream_open_plain(struct source *raw, const struct stream_options *options,
	struct stream **ret_stream, struct peel_error *err)
{
	struct plain_stream *plain = malloc(sizeof(*plain));

	if (!plain) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	plain->base = (struct stream){0};
	plain->ahead = AHEAD_MIN;
	/* Where the end is not known, only reading finds it. */
	stream_init(&plain->base,
		raw->size == SOURCE_SIZE_UNKNOWN ? &plain_unsized_ops : &plain_ops, raw, options);
	*ret_stream = &plain->base;
	return 0;
}
