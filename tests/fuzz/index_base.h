/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A good index and its facts, whose bytes are then changed: made once, the same in every run, in memory files that
 * SQLite reads through their descriptors.
 */
#ifndef INDEX_BASE_H
#define INDEX_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/tarmaker.h"

/** A value of a record in one of the files: a column of a row, or a part of a key. */
struct base_field {
	/** Where its bytes are, how many, and where its serial type stands. */
	uint32_t offset;
	uint32_t type_offset;
	uint16_t len;
	/** As SQLite's file format has it; of one byte. */
	uint8_t type;
};

/** One of the two files. */
struct base_file {
	int fd;
	uint8_t *bytes;
	size_t len;
	struct base_field *fields;
	size_t field_count, field_room;
	/** By number, from 0: pages of the table that holds the schema; the header is on the first. */
	bool *schema;
};

/** The index and the facts, and the image that the index is of. */
struct index_base {
	struct base_file files[2];
	struct tarmaker image;
};

/** Make it. */
void index_base_make(struct index_base *base);
/** True where bytes of the header or of the schema lie in a range, which is within the file and not empty. */
bool base_is_schema(const struct base_file *file, size_t offset, size_t len);
/** Change bytes of a file on disk, not those that are kept of it. */
void base_write(const struct base_file *file, size_t offset, const void *bytes, size_t len);

#endif
