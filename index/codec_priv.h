/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the codec implementations share with codec.c: the base of a stream, and one constructor a
 * codec.
 */
#ifndef CODEC_PRIV_H
#define CODEC_PRIV_H

#include <peel/error.h>

#include "codec.h"

/**
 * Decoded bytes that one call of a decoding stream's next gives at most: stays in the second-level
 * cache.
 */
#define STREAM_OUT_SIZE fuzz_size(1u << 20, 8u << 10)
/** Compressed bytes read at a time. */
#define STREAM_IN_SIZE fuzz_size(64u << 10, 512u)

/** First member of every stream. */
struct stream {
	const struct stream_ops *ops;
	struct source *raw;
	/** Copied; points is set only where the caller gave a sink. */
	struct stream_options options;
	struct point_sink points;
	/** What next gave and nobody took yet. */
	const uint8_t *pending;
	size_t pending_len;
	/** Uncompressed offset of the next byte. */
	uint64_t out_off;
	/** Compressed bytes consumed; kept by the codec. */
	uint64_t in_off;
	/** Bytes after the last member or frame; kept by the codec. */
	uint64_t trailing;
	bool ended;
	/** It is decoded, and of in_off so much was told to the limits. */
	bool metered;
	uint64_t metered_in;
	/** The failure that ended the stream: every later call repeats it. */
	struct peel_error failure;
};

/** Set up the base; grabs raw, copies options (NULL is fine). */
void stream_init(struct stream *stream, const struct stream_ops *ops, struct source *raw,
	const struct stream_options *options);
/** Undo stream_init. */
void stream_finish(struct stream *stream);

/**
 * End a call of next: give len bytes, and where there are none the failure (0: none). With bytes,
 * the failure stays in err for the next call.
 * @return as next.
 */
ssize_t stream_give(const void *bytes, size_t len, int failure, const void **ret_bytes,
	struct peel_error *err);

/* Constructors; arguments and outcomes as stream_open and codec_open. */
int stream_open_plain(struct source *raw, const struct stream_options *options,
	struct stream **ret_stream, struct peel_error *err);
int stream_open_gzip(struct source *raw, const struct stream_options *options,
	struct stream **ret_stream, struct peel_error *err);
int stream_open_zstd(struct source *raw, const struct stream_options *options,
	struct stream **ret_stream, struct peel_error *err);

/** These take finder over on success only. */
int source_open_gzip(struct source *raw, uint64_t out_size, const struct point_finder *finder,
	const struct codec_options *options, struct source **ret_source, struct peel_error *err);
int source_open_zstd(struct source *raw, uint64_t out_size, const struct point_finder *finder,
	const struct codec_options *options, struct source **ret_source, struct peel_error *err);

#endif
