/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Lines of an image's file, read with a window: a file of any size costs the same memory. Bytes are the image's own and
 * may be anything.
 */
#ifndef PKGDB_TEXT_H
#define PKGDB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peel_error;
struct peel_index;

/** Longest line that is given whole, bytes; of a longer one its begin is given. */
#define PKGDB_LINE_MAX (128u << 10)

/** A file that is read line by line. {0} is valid; one may be opened again and again. */
struct pkgdb_text {
	struct peel_index *index;
	uint64_t ino;
	uint64_t size;
	/** Next byte of the file that is not in the window yet. */
	uint64_t offset;
	char *bytes;
	size_t room;
	size_t start, end;
	/** Number of the line that was given last, from 1. */
	unsigned long line;
	/** The rest of a line that was too long is passed over. */
	bool skipping;
	/** 0; less than 0: reading failed there, as peel_read, or opening it, as peel_resolve. */
	int code;
};

/** Free the window. */
void pkgdb_text_finish(struct pkgdb_text *text);

/**
 * Begin to read a file by its path in a view, or by its node number.
 * @param path NULL: ino is meant.
 * @return 1; 0 there is no such regular file, and code tells of a failure to look for it; PEEL_ENOMEM.
 */
int pkgdb_open(struct peel_index *index, int view, const char *path, uint64_t ino,
	struct pkgdb_text *text, struct peel_error *err);

/** The next line, without its newline; valid until the next call. @return false at the end and where code is set. */
bool pkgdb_line(struct pkgdb_text *text, const char **ret_line, size_t *ret_len);

/** The next piece of the file as it is, whatever it holds; valid until the next call. @return false as pkgdb_line. */
bool pkgdb_piece(struct pkgdb_text *text, const char **ret_bytes, size_t *ret_len);

#endif
