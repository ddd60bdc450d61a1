/* SPDX-License-Identifier: Apache-2.0 */
#include "codec.h"

#include <string.h>

#include <peel/error.h>

#include "codec_priv.h"
#include "limit.h"
#include "source.h"
#include "util.h"

/** A compression by the first bytes of its files. */
struct magic {
	const char *name;
	enum peel_codec codec;
	size_t len;
	uint8_t bytes[10];
	/** Bits that do not count. */
	uint8_t free_bits[10];
};

/* A tar may begin with a file named BZh9, so bzip2 is told by the magic of its first block too. */
static const struct magic magics[] = {
	{"bzip2", PEEL_CODEC_NONE, 10, "BZh0\x31\x41\x59\x26\x53\x59", {[3] = 0x0f}},
	{"bzip2", PEEL_CODEC_NONE, 10, "BZh0\x17\x72\x45\x38\x50\x90", {[3] = 0x0f}},
	{"compress", PEEL_CODEC_NONE, 2, "\x1f\x9d", {0}},
	{"gzip", PEEL_CODEC_GZIP, 2, "\x1f\x8b", {0}},
	{"lz4", PEEL_CODEC_NONE, 4, "\x04\x22\x4d\x18", {0}},
	{"lz4", PEEL_CODEC_NONE, 4, "\x02\x21\x4c\x18", {0}},
	{"lzip", PEEL_CODEC_NONE, 5, "LZIP\x01", {0}},
	{"xz", PEEL_CODEC_NONE, 6,
		"\xfd"
		"7zXZ\0",
		{0}},
	{"zstd", PEEL_CODEC_ZSTD, 4, "\x28\xb5\x2f\xfd", {0}},
	{"zstd", PEEL_CODEC_ZSTD, 4, "\x50\x2a\x4d\x18", {0x0f}},
};

static const struct magic *probe(const void *bytes, size_t len)
{
	const uint8_t *first = bytes;
	size_t i;
	size_t n;

	for (i = 0; i < countof(magics); i++) {
		for (n = 0; n < magics[i].len && n < len; n++) {
			if ((first[n] & ~magics[i].free_bits[n]) != magics[i].bytes[n]) {
				break;
			}
		}
		if (n == magics[i].len) {
			return &magics[i];
		}
	}
	return NULL;
}

enum peel_codec codec_probe(const void *bytes, size_t len)
{
	const struct magic *magic = probe(bytes, len);

	return magic ? magic->codec : PEEL_CODEC_NONE;
}

const char *codec_probe_foreign(const void *bytes, size_t len)
{
	const struct magic *magic = probe(bytes, len);

	return magic && magic->codec == PEEL_CODEC_NONE ? magic->name : NULL;
}

void stream_init(struct stream *stream, const struct stream_ops *ops, struct source *raw,
	const struct stream_options *options)
{
	stream->ops = ops;
	stream->raw = source_grab(raw);
	if (options) {
		stream->options = *options;
	}
	if (stream->options.points) {
		stream->points = *stream->options.points;
		stream->options.points = &stream->points;
	}
}

void stream_finish(struct stream *stream)
{
	source_drop(stream->raw);
}

ssize_t stream_give(const void *bytes, size_t len, int failure, const void **ret_bytes,
	struct peel_error *err)
{
	if (failure < 0 && err->code != failure) {
		/* A callback's code without a message. */
		peel_fail(err, failure, "%s", peel_strerror(failure));
	}
	if (failure < 0 && len == 0) {
		return failure;
	}
	*ret_bytes = bytes;
	return (ssize_t)len;
}

/** Give the caller the failure that ended the stream. */
static int repeat_failure(const struct stream *stream, struct peel_error *err)
{
	if (err) {
		*err = stream->failure;
	}
	return stream->failure.code;
}

/**
 * End the stream with a code, whose message is there already where it did not come from a callback.
 */
static int end_with(struct stream *stream, int code, struct peel_error *err)
{
	if (stream->failure.code != code) {
		peel_fail(&stream->failure, code, "%s", peel_strerror(code));
	}
	return repeat_failure(stream, err);
}

/**
 * Hold what was decoded against the limits. What a layer may still have is given out, and the failure comes after it.
 * @param got is shortened. @return 0, or less than 0.
 */
static int meter(struct stream *stream, ssize_t *got)
{
	struct limit_watch *limits = stream->options.limits;
	struct peel_error *failure = &stream->failure;
	uint64_t most = limits_value(limits, PEEL_LIMIT_LAYER_BYTES);
	int r = limits_tick(limits, failure);

	if (r == 0) {
		r = limits_decoded(limits, stream->in_off - stream->metered_in, (uint64_t)*got,
			failure);
		stream->metered_in = stream->in_off;
	}
	if (r == 0 &&
		limits_check(limits, PEEL_LIMIT_LAYER_BYTES, stream->out_off + (uint64_t)*got,
			failure) < 0) {
		*got = (ssize_t)(most - stream->out_off);
		return *got > 0 ? 0 : PEEL_ELIMIT;
	}
	return r;
}

/** Make bytes pending. @return 1; 0 at the end; less than 0. */
static int advance(struct stream *stream, struct peel_error *err)
{
	const void *bytes = NULL;
	struct peel_error stop = {0};
	ssize_t got;
	int r;

	if (stream->failure.code < 0) {
		return repeat_failure(stream, err);
	}
	if (stream->ended) {
		return 0;
	}
	got = stream->ops->next(stream, &bytes, &stream->failure);
	if (got < 0) {
		return end_with(stream, (int)got, err);
	}
	if (got == 0) {
		stream->ended = true;
		return 0;
	}
	if (stream->metered) {
		r = meter(stream, &got);
		if (r < 0) {
			return end_with(stream, r, err);
		}
	}
	if (stream->options.output) {
		r = stream->options.output(stream->options.output_arg, bytes, (size_t)got, &stop);
		if (r < 0) {
			stream->failure = stop;
			return end_with(stream, r, err);
		}
	}
	stream->pending = bytes;
	stream->pending_len = (size_t)got;
	return 1;
}

/** Take n of the pending bytes. */
static const void *take(struct stream *stream, size_t n)
{
	const void *bytes = stream->pending;

	stream->pending += n;
	stream->pending_len -= n;
	stream->out_off += n;
	return bytes;
}

ssize_t stream_read(struct stream *stream, void *buf, size_t len, struct peel_error *err)
{
	size_t done = 0;
	size_t n;
	int r;

	while (done < len) {
		if (stream->pending_len == 0) {
			r = advance(stream, err);
			if (r < 0) {
				return r;
			}
			if (r == 0) {
				break;
			}
		}
		n = (size_t)min_u64(stream->pending_len, len - done);
		memcpy((uint8_t *)buf + done, take(stream, n), n);
		done += n;
	}
	return (ssize_t)done;
}

/**
 * Pass or drop some pending bytes, or skip. @return 1 where some were, 0 at the end, less than 0.
 */
static int pass_some(struct stream *stream, uint64_t len, stream_fn *each, void *arg,
	uint64_t *ret_passed, struct peel_error *err)
{
	const void *bytes;
	int r;

	if (stream->pending_len == 0 && !each && !stream->options.output && stream->ops->skip &&
		stream->failure.code == 0) {
		r = stream->ops->skip(stream, len, ret_passed, err);
		stream->out_off += r < 0 ? 0 : *ret_passed;
		return r < 0 ? r : *ret_passed > 0;
	}
	r = stream->pending_len > 0 ? 1 : advance(stream, err);
	if (r <= 0) {
		return r;
	}
	*ret_passed = min_u64(stream->pending_len, len);
	bytes = take(stream, (size_t)*ret_passed);
	r = each ? each(arg, bytes, (size_t)*ret_passed, err) : 0;
	return r < 0 ? r : 1;
}

int stream_pass(struct stream *stream, uint64_t len, stream_fn *each, void *arg,
	uint64_t *ret_passed, struct peel_error *err)
{
	uint64_t done = 0;
	uint64_t n = 0;
	int r = 1;

	while (done < len && r > 0) {
		r = pass_some(stream, len - done, each, arg, &n, err);
		if (r < 0) {
			return r;
		}
		done += r > 0 ? n : 0;
	}
	*ret_passed = done;
	return 0;
}

uint64_t stream_tell(const struct stream *stream)
{
	return stream->out_off;
}

uint64_t stream_tell_in(const struct stream *stream)
{
	return stream->in_off;
}

uint64_t stream_trailing(const struct stream *stream)
{
	return stream->trailing;
}

void stream_close(struct stream *stream)
{
	if (stream) {
		stream->ops->close(stream);
	}
}

static int open_by_codec(struct source *raw, enum peel_codec codec,
	const struct stream_options *options, struct stream **ret_stream, struct peel_error *err)
{
	switch (codec) {
	case PEEL_CODEC_NONE:
		return stream_open_plain(raw, options, ret_stream, err);
	case PEEL_CODEC_GZIP:
		return stream_open_gzip(raw, options, ret_stream, err);
	case PEEL_CODEC_ZSTD:
		return stream_open_zstd(raw, options, ret_stream, err);
	}
	return peel_fail(err, PEEL_EUNSUPPORTED, "unknown compression %d", (int)codec);
}

int stream_open(struct source *raw, enum peel_codec codec, const struct stream_options *options,
	struct stream **ret_stream, struct peel_error *err)
{
	int r = open_by_codec(raw, codec, options, ret_stream, err);

	if (r == 0) {
		(*ret_stream)->metered = codec != PEEL_CODEC_NONE && (*ret_stream)->options.limits;
	}
	return r;
}

/** Open by codec. The finder is taken over on success only; a plain source needs none. */
static int open_decoded(struct source *raw, enum peel_codec codec, uint64_t out_size,
	const struct point_finder *finder, const struct codec_options *options,
	struct source **ret_source, struct peel_error *err)
{
	switch (codec) {
	case PEEL_CODEC_NONE:
		*ret_source = source_grab(raw);
		if (finder->close) {
			finder->close(finder->arg);
		}
		return 0;
	case PEEL_CODEC_GZIP:
		return source_open_gzip(raw, out_size, finder, options, ret_source, err);
	case PEEL_CODEC_ZSTD:
		return source_open_zstd(raw, out_size, finder, options, ret_source, err);
	}
	return peel_fail(err, PEEL_EUNSUPPORTED, "unknown compression %d", (int)codec);
}

int codec_open(struct source *raw, enum peel_codec codec, uint64_t out_size,
	const struct point_finder *finder, const struct codec_options *options,
	struct source **ret_source, struct peel_error *err)
{
	int r = open_decoded(raw, codec, out_size, finder, options, ret_source, err);

	if (r < 0 && finder->close) {
		finder->close(finder->arg);
	}
	return r;
}
