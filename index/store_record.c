/* SPDX-License-Identifier: Apache-2.0 */
#include "store_record.h"

#include <assert.h>
#include <string.h>

/** Serial types. */
enum {
	TYPE_NULL = 0,
	TYPE_INT1 = 1,
	TYPE_INT8 = 6,
	TYPE_ZERO = 8,
	TYPE_ONE = 9,
	/** And twice the length. */
	TYPE_BLOB = 12,
	TYPE_TEXT = 13,
};

/** Bytes of the whole numbers, by type. */
static const uint8_t int_bytes[] = {0, 1, 2, 3, 4, 6, 8};

size_t record_put_varint(uint8_t *to, uint64_t value)
{
	uint8_t digits[RECORD_VARINT_MAX];
	size_t len = 0;

	if (value >> 56) {
		/* Nine bytes: the last one has eight bits. */
		to[8] = (uint8_t)value;
		value >>= 8;
		for (int i = 7; i >= 0; i--, value >>= 7) {
			to[i] = (uint8_t)(value | 0x80);
		}
		return RECORD_VARINT_MAX;
	}
	do {
		digits[len++] = (uint8_t)(value & 0x7f);
		value >>= 7;
	} while (value);
	for (size_t i = 0; i < len; i++) {
		to[i] = digits[len - 1 - i] | (i + 1 < len ? 0x80 : 0);
	}
	return len;
}

size_t record_get_varint(const uint8_t *at, const uint8_t *end, uint64_t *ret_value)
{
	uint64_t value = 0;

	/* Nearly all have one byte. */
	if (at < end && *at < 0x80) {
		*ret_value = *at;
		return 1;
	}
	for (size_t i = 0; i < RECORD_VARINT_MAX && at + i < end; i++) {
		if (i == RECORD_VARINT_MAX - 1) {
			*ret_value = value << 8 | at[i];
			return i + 1;
		}
		value = value << 7 | (at[i] & 0x7f);
		if (at[i] < 0x80) {
			*ret_value = value;
			return i + 1;
		}
	}
	return 0;
}

void record_begin(struct record *record)
{
	record->head_len = 1;
	record->body_len = 0;
	record->overflow = false;
}

static void put_type(struct record *record, uint64_t type)
{
	assert(record->head_len + 3 <= RECORD_HEAD_MAX);
	if (type < 0x80) {
		record->head[record->head_len++] = (uint8_t)type;
	} else {
		record->head_len += record_put_varint(record->head + record->head_len, type);
	}
}

static void put_body(struct record *record, const void *bytes, size_t len)
{
	if (len > RECORD_BODY_MAX - record->body_len) {
		record->overflow = true;
	} else if (len > 0) {
		memcpy(record->body + record->body_len, bytes, len);
		record->body_len += len;
	}
}

/** The low bytes of a number, the highest first. */
static void put_int(struct record *record, int64_t value, unsigned type)
{
	uint8_t bytes[8];
	unsigned len = int_bytes[type];

	for (unsigned i = 0; i < len; i++) {
		bytes[i] = (uint8_t)((uint64_t)value >> (8 * (len - 1 - i)));
	}
	put_type(record, type);
	put_body(record, bytes, len);
}

void record_null(struct record *record)
{
	put_type(record, TYPE_NULL);
}

void record_int(struct record *record, int64_t value)
{
	unsigned type = TYPE_INT1;

	if (value == 0 || value == 1) {
		put_type(record, value ? TYPE_ONE : TYPE_ZERO);
		return;
	}
	while (type < TYPE_INT8 && (value >> (8 * int_bytes[type] - 1)) != 0 &&
		(value >> (8 * int_bytes[type] - 1)) != -1) {
		type++;
	}
	put_int(record, value, type);
}

void record_int_wide(struct record *record, int64_t value, unsigned bytes)
{
	unsigned type = TYPE_INT1;

	while (type < TYPE_INT8 && int_bytes[type] < bytes) {
		type++;
	}
	put_int(record, value, type);
}

void record_blob(struct record *record, const void *bytes, size_t len)
{
	put_body(record, bytes, len);
	put_type(record, record->overflow ? TYPE_NULL : TYPE_BLOB + 2 * (uint64_t)len);
}

void record_text(struct record *record, const char *bytes, size_t len)
{
	put_body(record, bytes, len);
	put_type(record, record->overflow ? TYPE_NULL : TYPE_TEXT + 2 * (uint64_t)len);
}

size_t record_end(struct record *record)
{
	/* One byte: RECORD_HEAD_MAX is below 128. */
	record->head[0] = (uint8_t)record->head_len;
	return record->head_len + record->body_len;
}

static size_t type_bytes(uint64_t type)
{
	if (type <= TYPE_INT8) {
		return int_bytes[type];
	}
	if (type < TYPE_BLOB) {
		return type == 7 ? 8 : 0;
	}
	return (size_t)((type - TYPE_BLOB) / 2);
}

bool record_read(const uint8_t *bytes, size_t len, struct record_column *columns, size_t count)
{
	const uint8_t *end = bytes + len;
	uint64_t head_len = 0;
	size_t used = record_get_varint(bytes, end, &head_len);
	const uint8_t *at = bytes + used;
	const uint8_t *value;

	if (used == 0 || head_len > len) {
		return false;
	}
	value = bytes + head_len;
	for (size_t i = 0; i < count; i++) {
		used = record_get_varint(at, bytes + head_len, &columns[i].type);
		if (used == 0 || type_bytes(columns[i].type) > (size_t)(end - value)) {
			return false;
		}
		at += used;
		columns[i].bytes = value;
		columns[i].len = type_bytes(columns[i].type);
		value += columns[i].len;
	}
	return true;
}

int64_t record_column_int(const struct record_column *column)
{
	uint64_t value;

	if (column->type >= TYPE_ZERO || column->type == TYPE_NULL || column->type == 7) {
		return column->type == TYPE_ONE;
	}
	/* The sign spreads upwards. */
	value = column->bytes[0] & 0x80 ? UINT64_MAX : 0;
	for (size_t i = 0; i < column->len; i++) {
		value = value << 8 | column->bytes[i];
	}
	return (int64_t)value;
}
