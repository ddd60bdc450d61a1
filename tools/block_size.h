/* SPDX-License-Identifier: Apache-2.0 */
/** Sizes in blocks, and numbers with units, as GNU coreutils reads and writes them. Pure functions but for getenv. */
#ifndef BLOCK_SIZE_H
#define BLOCK_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/** Room for any text of block_size_format, bytes. */
#define BLOCK_SIZE_TEXT 32

/** How sizes are shown. */
struct block_size {
	/** Bytes of a block, more than 0; without meaning where human is set. */
	uint64_t bytes;
	/** The unit that fits: 3.6K, 20G. */
	bool human;
	/** Units go by 1024, not 1000. */
	bool binary;
	/** The unit is written behind the number, and with a "B" behind it. */
	bool suffix;
	bool letter_b;
};

/** What a text is as a number. */
enum number_fault {
	NUMBER_OK,
	/** Not a number at all. */
	NUMBER_INVALID,
	/** A number, and something behind it that is no unit. */
	NUMBER_SUFFIX,
	NUMBER_TOO_LARGE,
};

/**
 * Read a number as strtol does, with a unit behind it: K, KiB and KB as coreutils has them.
 * @param base 10, or 0 for 0x and 0 in front too.
 * @param units letters that are allowed; "": none.
 * @param negative whether a minus is allowed; the sign goes to *ret_negative, which may be NULL where not.
 * @param ret_number set for NUMBER_OK, NUMBER_SUFFIX and, to the largest one, for NUMBER_TOO_LARGE.
 */
enum number_fault number_parse(const char *text, int base, const char *units, bool negative,
	bool *ret_negative, uint64_t *ret_number);

/**
 * Read a block size as --block-size takes it: a number, a unit or both, "human-readable", "si".
 * @param text NULL: $BLOCK_SIZE, $BLOCKSIZE, else 1024 bytes, or 512 where $POSIXLY_CORRECT is set.
 * @param ret_block_size set on a fault too, to something usable.
 */
enum number_fault block_size_parse(const char *text, struct block_size *ret_block_size);

/** A number of bytes in blocks, rounded up. @return buf (BLOCK_SIZE_TEXT bytes). */
const char *block_size_format(char *buf, uint64_t bytes, const struct block_size *block_size);

#endif
