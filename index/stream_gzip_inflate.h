/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gzip members over a source, driven by ISA-L: header, DEFLATE data in pieces, trailer, next
 * header.
 *
 * All that knows ISA-L is here. The stream and the decoded source both drive it; neither the CRC
 * nor the output's history is kept here. One thread.
 */
#ifndef STREAM_GZIP_INFLATE_H
#define STREAM_GZIP_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "codec.h"

struct gzip_inflate;

/**
 * Start at the first byte of raw.
 * @param raw borrowed. @param input takes every compressed byte in order as it is read; may be
 *   NULL.
 * @return 0; PEEL_ENOMEM.
 */
int gzip_inflate_new(struct source *raw, stream_fn *input, void *input_arg,
	struct gzip_inflate **ret_inflate, struct peel_error *err);
/** Free; NULL is fine. */
void gzip_inflate_free(struct gzip_inflate *inflate);

/**
 * Go to a point: at a member's header where it has no window, else within its data.
 * @param window window_len bytes.
 * @return 0; PEEL_EFORMAT (no point can be like this); what reading raw gives.
 */
int gzip_inflate_seek(struct gzip_inflate *inflate, const struct point *point, const void *window,
	struct peel_error *err);

/**
 * Read a member's header.
 * @return 1 where data follows; 0 where no header is here (end, or something else: nothing is
 *   consumed then); PEEL_EFORMAT, PEEL_ETRUNCATED, what reading raw or input gave.
 */
int gzip_inflate_header(struct gzip_inflate *inflate, struct peel_error *err);

/**
 * Decode some data of the member.
 * @param feed most compressed bytes to feed, so that a caller may stop close behind a block's end.
 * @param ret_done set to true where the member's data is at its end (the trailer is next).
 * @return bytes decoded, may be 0; PEEL_EFORMAT, PEEL_ETRUNCATED, what reading raw or input gave.
 *   Each call takes input, gives output, or is done.
 */
ssize_t gzip_inflate_some(struct gzip_inflate *inflate, void *out, size_t room, size_t feed,
	bool *ret_done, struct peel_error *err);

/** Read a member's trailer. @return 0; PEEL_ETRUNCATED, what reading raw or input gave. */
int gzip_inflate_trailer(struct gzip_inflate *inflate, uint32_t *ret_crc, uint32_t *ret_size,
	struct peel_error *err);

/** How many bytes to feed at most, so that the next block's start is not run over. */
size_t gzip_inflate_step(const struct gzip_inflate *inflate);

/**
 * Whether the decoder stands at a block's start with all output given.
 * @param ret_point receives in_off and bits.
 */
bool gzip_inflate_at_block(const struct gzip_inflate *inflate, struct point *ret_point);

/** Offset of the next compressed byte. */
uint64_t gzip_inflate_tell(const struct gzip_inflate *inflate);

/** Read to the end of raw, through input. @return 0, what reading raw or input gave. */
int gzip_inflate_drain(struct gzip_inflate *inflate, uint64_t *ret_bytes, struct peel_error *err);

/** Continue a CRC-32 as gzip has it; starts at 0. */
uint32_t gzip_crc(uint32_t crc, const void *bytes, size_t len);

#endif
