/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The decoded source that every codec with access points shares: spans in the block cache, decoders
 * that stay where they stopped, and single decoders behind a small vtable.
 */
#ifndef CODEC_SOURCE_H
#define CODEC_SOURCE_H

#include "codec.h"

/** A decoder that starts at a point and goes forward. Each is used by one thread at a time. */
struct decoder_ops {
	/**
	 * Start. raw outlives the decoder. @return 0; PEEL_ENOMEM, PEEL_EFORMAT, what reading raw
	 * gives.
	 */
	int (*start)(struct source *raw, const struct point *point, const void *window,
		void **ret_decoder, struct peel_error *err);
	/**
	 * Decode the next bytes, at least one. @return bytes; 0 at the end of the data; less than
	 * 0.
	 */
	ssize_t (*decode)(void *decoder, void *buf, size_t len, struct peel_error *err);
	/** Free; never NULL. */
	void (*free)(void *decoder);
	/** Decoders that stay alive between reads. */
	unsigned keep;
};

/**
 * Arguments and outcomes as codec_open; the finder is taken over on success only.
 */
int codec_source_new(struct source *raw, const struct decoder_ops *ops, uint64_t out_size,
	const struct point_finder *finder, struct blockcache *cache, struct source **ret_source,
	struct peel_error *err);

/** Decode exactly len bytes. @return 0; PEEL_EFORMAT where the data ends before; as decode. */
int decoder_read(const struct decoder_ops *ops, void *decoder, void *buf, size_t len,
	struct peel_error *err);

#endif
