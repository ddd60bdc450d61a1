/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One 512-byte tar block: checksum, numbers, strings. Pure functions, with the rules of Go's
 * archive/tar, because that is what every engine reads layers with.
 */
#ifndef TAR_HEADER_H
#define TAR_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peel_error;

/** Bytes of a block; headers and data are padded to it. */
#define TAR_BLOCK 512

/** Where the numbers of the sparse map of an old GNU header lie (tar_sparse.h). */
#define TAR_GNU_SPARSE 386
#define TAR_GNU_EXTENDED 482
#define TAR_GNU_REALSIZE 483

/** Layout of a header. */
enum tar_kind {
	/** No magic that we know: no owner names, no devices, no prefix. */
	TAR_V7,
	/** POSIX, and so pax too. */
	TAR_USTAR,
	/** ustar magic with star's trailer: a shorter prefix. */
	TAR_STAR,
	/** "ustar  ": no prefix. */
	TAR_GNU,
};

/** Typeflags that describe the next header. */
enum tar_special {
	TAR_PAX = 'x',
	TAR_PAX_GLOBAL = 'g',
	TAR_GNU_LONGNAME = 'L',
	TAR_GNU_LONGLINK = 'K',
	TAR_GNU_SPARSE_FILE = 'S',
};

/** A header as stored; strings are cut at their NUL and end with one. */
struct tar_header {
	enum tar_kind kind;
	char typeflag;
	int64_t mode, uid, gid, size, mtime;
	/** 0 where kind is TAR_V7. */
	int64_t devmajor, devminor;
	/** Prefix and name, joined by a slash. */
	char path[155 + 1 + 100 + 1];
	size_t path_len;
	char link[100 + 1];
	size_t link_len;
	/** "" where kind is TAR_V7. */
	char uname[32 + 1], gname[32 + 1];
};

/** True where all 512 bytes are zero. */
bool tar_is_zero(const void *block);

/**
 * True where the checksum field holds the sum of the block, bytes taken as unsigned or as signed.
 */
bool tar_checksum_ok(const void *block);

/**
 * A number field: octal with spaces or NULs around, or base-256 (first bit set), which may be
 * negative.
 * @return false where it is neither or does not fit 64 bits (ret is then untouched). An empty field
 *   is 0.
 */
bool tar_number(const void *field, size_t len, int64_t *ret);

/**
 * Decode a header block.
 * @param ret_header untouched on failure.
 * @return 0; PEEL_EFORMAT (checksum, or a number field that is none; the message names it, the
 *   caller adds the offset).
 */
int tar_header_parse(const void *block, struct tar_header *ret_header, struct peel_error *err);

/**
 * False for the types whose size field means nothing because no data follows (links, devices,
 * folders, fifos).
 */
bool tar_has_data(char typeflag);

/** Bytes from size to the next block boundary. */
static inline uint64_t tar_padding(uint64_t size)
{
	return -size & (TAR_BLOCK - 1);
}

#endif
