/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Compressed bytes against the plain ones they were made from: once in order, and at random. A
 * difference fails the running test.
 */
#ifndef CODEC_CHECK_H
#define CODEC_CHECK_H

#include <stdint.h>

#include "codec.h"
#include "compress.h"

struct blockcache;
struct point_list;
struct source;

/** A decoded source and all that it stands on. */
struct opened {
	struct source *raw;
	struct point_list *points;
	struct blockcache *cache;
	struct source *source;
};

/**
 * Decode in order: what comes out, and what the input and output callbacks see, must be what it
 * should be, and the points must ascend from 0.
 * @param trailing bytes at packed's end that are no member or frame.
 */
void check_stream(const struct bytes *packed, enum peel_codec codec, const struct bytes *plain,
	uint64_t trailing);

/**
 * Decode in order, and expect it to fail, twice in the same way.
 * @param ret_message receives the failure's message (PEEL_MESSAGE_SIZE bytes), NULL: not wanted.
 * @return the code.
 */
int check_broken(const struct bytes *packed, enum peel_codec codec, char *ret_message);

/**
 * Find the points and open a decoded source.
 * @param spool_dir as in struct codec_options.
 */
void check_open(struct opened *opened, const struct bytes *packed, enum peel_codec codec,
	size_t budget, int spool_dir);
/**
 * The same over a source of the caller's (borrowed), with the points that are in opened already.
 */
int check_open_over(struct opened *opened, struct source *raw, enum peel_codec codec,
	uint64_t out_size, int spool_dir, struct peel_error *err);
/** Drop all. */
void check_close(struct opened *opened);

/** Read count times at seeded places, short ones and long ones, past the end too. */
void check_random(struct source *source, const struct bytes *plain, uint32_t seed, int count);

/** Read at seeded places from four threads at once. */
void check_threads(struct source *source, const struct bytes *plain);

/**
 * Open over packed again and again, with the n-th read failing: a read that meets the failure says so, and the next is
 * right. plain has more than 3 MB.
 * @param opened of check_open; its source is dropped.
 * @return the first n that no read reached.
 */
unsigned check_faulty(struct opened *opened, const struct bytes *packed, enum peel_codec codec,
	const struct bytes *plain);

/** check_stream, check_open with a small cache, check_random, and reading all in order. */
void check_all(const struct bytes *packed, enum peel_codec codec, const struct bytes *plain);

#endif
