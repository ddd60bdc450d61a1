/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Compressed bytes for tests, in memory: gzip as zlib (through libarchive) and as ISA-L write it,
 * gzip by hand, zstd. Running out of memory, or a compressor that fails, ends the test program.
 *
 *	struct bytes plain = {0};
 *	struct bytes packed = {0};
 *	bytes_add_text(&plain, 1, 100000);
 *	gzip_add(&packed, plain.data, plain.len, 6);
 *	…
 *	bytes_finish(&packed);
 */
#ifndef COMPRESS_H
#define COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Growing bytes. {0} is valid and empty. */
struct bytes {
	uint8_t *data;
	size_t len, room;
};

/** Add bytes. */
void bytes_add(struct bytes *bytes, const void *data, size_t len);
/**
 * Add bytes that look like a tar's: words, binary records, runs of zeros, stretches that do not
 * compress.
 */
void bytes_add_text(struct bytes *bytes, uint32_t seed, size_t len);
/** Free, and leave {0}. */
void bytes_finish(struct bytes *bytes);

/** Add a gzip member as zlib writes it. @param level 0 to 9. */
void gzip_add(struct bytes *out, const void *data, size_t len, int level);

/** How ISA-L shall write a member. */
struct gzip_isal {
	/** 0 to 3. */
	int level;
	/** Bytes between flushes, 0: none. */
	size_t flush_every;
	/** Flushes forget the history too. */
	bool full_flush;
	/** Blocks with fixed codes alone (level 0). */
	bool fixed_codes;
};

/** Add a gzip member as ISA-L writes it. */
void gzip_add_isal(struct bytes *out, const void *data, size_t len, const struct gzip_isal *how);

/** Add a gzip member of stored blocks, each with block bytes at most (up to 65535). */
void gzip_add_stored(struct bytes *out, const void *data, size_t len, size_t block);

/**
 * Add a gzip member's header with optional fields.
 * @param flags as in the header: 2 CRC, 4 extra (6 bytes), 8 name, 16 comment.
 */
void gzip_add_header(struct bytes *out, unsigned flags);
/** Add a gzip member's trailer. */
void gzip_add_trailer(struct bytes *out, const void *data, size_t len);

/** How zstd shall write a frame. */
struct zstd_how {
	int level;
	bool checksum;
	/** Leave the content size out, as a tool does that reads a pipe. */
	bool streamed;
	/** Window as a power of two, 0: the level's. */
	int window_log;
};

/** Add a zstd frame. */
void zstd_add(struct bytes *out, const void *data, size_t len, const struct zstd_how *how);
/** Add a skippable frame of len zero bytes. */
void zstd_add_skippable(struct bytes *out, unsigned kind, uint32_t len);

/** A number from 0 to below limit, and the next state. The same sequence everywhere. */
uint32_t test_random(uint32_t *state, uint32_t limit);

#endif
