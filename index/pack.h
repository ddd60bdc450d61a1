/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Values packed into bytes for a tape: numbers of seven bits a byte, lowest first, and bytes after their length.
 * What is read back may be damaged: nothing is read past its end.
 */
#ifndef PACK_H
#define PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Something being packed; {0} is empty, its bytes are the caller's to free. */
struct pack {
	uint8_t *bytes;
	size_t len, room;
	/** Memory ran out: what was put since is not all there. */
	bool failed;
};

/** A number. */
void pack_number(struct pack *pack, uint64_t value);
/** A number that may be negative: 0, -1, 1, -2, … */
void pack_signed(struct pack *pack, int64_t value);
/** Bytes whose length who reads knows. */
void pack_raw(struct pack *pack, const void *bytes, size_t len);
/** Bytes with their length. */
void pack_bytes(struct pack *pack, const void *bytes, size_t len);
/** Bytes with their length, and a NUL. */
void pack_text(struct pack *pack, const char *text, size_t len);

/** Something being read back; after damage all numbers are 0 and all texts empty. */
struct unpack {
	const uint8_t *at;
	const uint8_t *end;
	bool damaged;
};

/** As pack_number. */
uint64_t unpack_number(struct unpack *in);
/** As pack_signed. */
int64_t unpack_signed(struct unpack *in);
/** len bytes, or NULL where there are not so many. */
const void *unpack_raw(struct unpack *in, uint64_t len);
/** As pack_bytes; NULL where they are damaged. */
const void *unpack_bytes(struct unpack *in, size_t *ret_len);
/** As pack_text; never NULL. */
const char *unpack_text(struct unpack *in, size_t *ret_len);

#endif
