/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Rows as SQLite stores them ("record", fileformat2.html, 2.1): a header of column types, then the values.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Most columns of a record. */
#define RECORD_COLUMNS_MAX 32
/** Most bytes of the values of a record that is made here: what a leaf page may hold of one, or less. */
#define RECORD_BODY_MAX 7900
/** Most bytes of its header: the length, and a type of at most three bytes a column. */
#define RECORD_HEAD_MAX (1 + 3 * RECORD_COLUMNS_MAX)
/** Bytes of the longest number of SQLite's file format. */
#define RECORD_VARINT_MAX 9

/** A record in the making. Begin with record_begin; columns in their order, RECORD_COLUMNS_MAX at most. */
struct record {
	/** Room for its length, then the types. */
	uint8_t head[RECORD_HEAD_MAX];
	size_t head_len;
	uint8_t body[RECORD_BODY_MAX];
	size_t body_len;
	/** The values are more than RECORD_BODY_MAX; nothing of it may be used. */
	bool overflow;
};

/** Empty a record, for its first value. */
void record_begin(struct record *record);
/** NULL; also for the column that is the row's id. */
void record_null(struct record *record);
/** A whole number, as short as SQLite would make it. */
void record_int(struct record *record, int64_t value);
/** The same in so many bytes, for a value that fits. @param bytes 1, 2, 3, 4, 6 or 8. */
void record_int_wide(struct record *record, int64_t value, unsigned bytes);
/** Bytes; a blob, or text. */
void record_blob(struct record *record, const void *bytes, size_t len);
void record_text(struct record *record, const char *bytes, size_t len);
/** Ready: head (its length filled in), then body. @return bytes of both. */
size_t record_end(struct record *record);

/** Write a number. @param to RECORD_VARINT_MAX bytes. @return bytes written. */
size_t record_put_varint(uint8_t *to, uint64_t value);
/** Read a number. @return bytes read, 0 where it does not end before end. */
size_t record_get_varint(const uint8_t *at, const uint8_t *end, uint64_t *ret_value);

/** A column of a record that is being read. */
struct record_column {
	/** SQLite's serial type. */
	uint64_t type;
	const uint8_t *bytes;
	size_t len;
};

/**
 * The first columns of a record.
 * @param bytes borrowed; the columns point into it. @param count how many.
 * @return false where it is damaged, or has fewer.
 */
bool record_read(const uint8_t *bytes, size_t len, struct record_column *columns, size_t count);
/** A column's whole number, 0 where it has none. */
int64_t record_column_int(const struct record_column *column);

#endif
