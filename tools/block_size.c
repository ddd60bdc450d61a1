/* SPDX-License-Identifier: Apache-2.0 */
#include "block_size.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Letters that a block size may have. */
#define BLOCK_UNITS "EGgKkMmPTtYZ"
/* Powers of a unit, "" for bytes. */
static const char powers[] = " KMGTPEZY";

/* Take the unit at *text, and go past it. */
static enum number_fault scale(const char **text, const char *units, uint64_t *number)
{
	const char *power = strchr(powers, toupper((unsigned char)**text));
	uint64_t base = 1024;
	enum number_fault fault = NUMBER_OK;

	if (!strchr(units, **text) || !power) {
		return NUMBER_SUFFIX;
	}
	(*text)++;
	if ((*text)[0] == 'i' && (*text)[1] == 'B') {
		*text += 2;
	} else if ((*text)[0] == 'B' || (*text)[0] == 'D') {
		base = 1000;
		(*text)++;
	}
	for (const char *p = powers; p < power; p++) {
		if (__builtin_mul_overflow(*number, base, number)) {
			*number = UINT64_MAX;
			fault = NUMBER_TOO_LARGE;
		}
	}
	return **text ? NUMBER_SUFFIX : fault;
}

/* As number_parse, and where the text ended. */
static enum number_fault parse(const char *text, int base, const char *units, bool negative,
	bool *ret_negative, uint64_t *ret_number, const char **ret_end)
{
	const char *digits = text + strspn(text, " \t\n\v\f\r");
	bool minus = *digits == '-';
	enum number_fault fault = NUMBER_OK;
	uint64_t number;
	char *end;

	*ret_end = text;
	if (minus && !negative) {
		return NUMBER_INVALID;
	}
	errno = 0;
	number = strtoull(digits + minus, &end, base);
	if (errno == ERANGE) {
		fault = NUMBER_TOO_LARGE;
	}
	if (end == digits + minus) {
		/* A unit alone stands for one of it. */
		if (end != text || !*end || !strchr(units, *end)) {
			return NUMBER_INVALID;
		}
		number = 1;
	}
	*ret_end = end;
	if (*end) {
		enum number_fault scaled = scale(ret_end, units, &number);

		fault = scaled == NUMBER_OK ? fault : scaled;
	}
	if (negative) {
		*ret_negative = minus;
	}
	*ret_number = number;
	return fault;
}

enum number_fault number_parse(const char *text, int base, const char *units, bool negative,
	bool *ret_negative, uint64_t *ret_number)
{
	const char *end;

	return parse(text, base, units, negative, ret_negative, ret_number, &end);
}

static bool is_prefix(const char *text, const char *word)
{
	return *text && strncmp(text, word, strlen(text)) == 0;
}

static uint64_t default_bytes(void)
{
	return getenv("POSIXLY_CORRECT") ? 512 : 1024;
}

enum number_fault block_size_parse(const char *text, struct block_size *ret_block_size)
{
	enum number_fault fault;
	uint64_t bytes = 0;
	const char *end;

	*ret_block_size = (struct block_size){.bytes = default_bytes()};
	if (!text && !(text = getenv("BLOCK_SIZE")) && !(text = getenv("BLOCKSIZE"))) {
		return NUMBER_OK;
	}
	/* Digits are not grouped in the C locale. */
	text += *text == '\'';
	if (is_prefix(text, "human-readable") || is_prefix(text, "si")) {
		*ret_block_size = (struct block_size){
			.bytes = 1, .human = true, .binary = *text == 'h', .suffix = true};
		return NUMBER_OK;
	}
	fault = parse(text, 0, BLOCK_UNITS, false, NULL, &bytes, &end);
	if (bytes > 0) {
		ret_block_size->bytes = bytes;
	} else if (fault == NUMBER_OK) {
		fault = NUMBER_INVALID;
	}
	if (fault == NUMBER_OK && !isdigit((unsigned char)*text) && end > text) {
		ret_block_size->suffix = true;
		ret_block_size->letter_b = end[-1] == 'B';
		ret_block_size->binary = end[-1] != 'B' || end[-2] == 'i';
	}
	return fault;
}

static void append_unit(char *buf, const struct block_size *block_size, unsigned int power)
{
	size_t len = strlen(buf);

	if (power > 0) {
		buf[len++] = power == 1 && !block_size->binary ? 'k' : powers[power];
		if (block_size->binary && block_size->letter_b) {
			buf[len++] = 'i';
		}
	}
	if (block_size->letter_b) {
		buf[len++] = 'B';
	}
	buf[len] = '\0';
}

/* Three digits at most, rounded up: below ten of a unit with one digit behind the point. */
static unsigned int format_human(char *buf, uint64_t bytes, uint64_t base)
{
	const unsigned int largest = sizeof(powers) - 2;
	uint64_t unit = 1;
	unsigned int power = 0;
	uint64_t whole;
	uint64_t tenths;

	while (bytes / unit >= base && power < largest) {
		unit *= base;
		power++;
	}
	whole = bytes / unit;
	/* The rest is less than 2^60, the largest unit that 64 bits can exceed. */
	tenths = (bytes % unit * 10 + unit - 1) / unit;
	if (whole < 9 || (whole == 9 && tenths < 10)) {
		whole += tenths / 10;
		tenths %= 10;
	} else {
		whole += tenths > 0;
		tenths = 0;
	}
	if (whole == base && power < largest) {
		whole = 1;
		power++;
	}
	if (power > 0 && whole < 10) {
		snprintf(buf, BLOCK_SIZE_TEXT, "%" PRIu64 ".%" PRIu64, whole, tenths);
	} else {
		snprintf(buf, BLOCK_SIZE_TEXT, "%" PRIu64, whole);
	}
	return power;
}

const char *block_size_format(char *buf, uint64_t bytes, const struct block_size *block_size)
{
	const uint64_t base = block_size->binary ? 1024 : 1000;
	unsigned int power = 0;

	if (block_size->human) {
		power = format_human(buf, bytes, base);
	} else {
		const uint64_t unit = block_size->bytes;

		snprintf(buf, BLOCK_SIZE_TEXT, "%" PRIu64, bytes / unit + (bytes % unit != 0));
		for (uint64_t reached = 1; reached < unit && power < sizeof(powers) - 2; power++) {
			reached = reached > UINT64_MAX / base ? UINT64_MAX : reached * base;
		}
	}
	if (block_size->suffix) {
		append_unit(buf, block_size, power);
	}
	return buf;
}
