/* SPDX-License-Identifier: Apache-2.0 */
/** Compressed bytes, decoded by us in order and at random, against another decoder. */
#ifndef FUZZ_CODEC_H
#define FUZZ_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec.h"

/** Most decoded bytes that an input may have; longer ones are given up. */
#define FUZZ_PLAIN_MAX (48u << 10)

/** What the other decoder made of an input. */
struct fuzz_plain {
	uint8_t bytes[FUZZ_PLAIN_MAX];
	size_t len;
	/** Bytes after the last member or frame. */
	size_t trailing;
	/** It was decoded to its end; otherwise bytes are what came before the failure. */
	bool good;
	/** There is more than FUZZ_PLAIN_MAX; nothing else is to be believed. */
	bool large;
};

/**
 * Decode in order, in pieces, with points; then at random through them. Aborts where that differs from told.
 * @param lax what the other decoder refuses may be taken.
 */
void fuzz_codec(const uint8_t *data, size_t len, enum peel_codec codec,
	const struct fuzz_plain *told, bool lax);

#endif
