/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every output form walks the same units: a unit is one valid UTF-8 character, or one byte that
 * begins none. A unit is either shown as it is or written byte by byte as \xNN; so the escaped text
 * never holds a raw control, and undoing it gives the very bytes back.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>
#include <peel/text.h>

/* Longest escaped unit: a character of four bytes, "\xNN" each. */
#define UNIT_MAX 16

struct range {
	uint32_t first;
	uint32_t last;
};

/* Characters that steer the terminal or the reading order, or end a line; ascending. */
static const struct range controls[] = {
	{0x0000, 0x001f},
	{0x007f, 0x009f},
	{0x061c, 0x061c},
	{0x200e, 0x200f},
	{0x2028, 0x202e},
	{0x2066, 0x2069},
};

static bool is_control(uint32_t character)
{
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		if (character >= controls[i].first && character <= controls[i].last) {
			return true;
		}
	}
	return false;
}

/* Decode one character. @return its length, or 0 where the bytes begin no valid one. */
static size_t decode(const unsigned char *bytes, size_t len, uint32_t *ret_character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t character = bytes[0];
	size_t wanted = character < 0x80 ? 1
		: character < 0xc0       ? 0
		: character < 0xe0       ? 2
		: character < 0xf0       ? 3
		: character < 0xf8       ? 4
					 : 0;

	if (wanted == 0 || wanted > len) {
		return 0;
	}
	if (wanted > 1) {
		character &= 0x7fu >> wanted;
	}
	for (size_t i = 1; i < wanted; i++) {
		if ((bytes[i] & 0xc0) != 0x80) {
			return 0;
		}
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (character < least[wanted] || character > 0x10ffff ||
		(character >= 0xd800 && character <= 0xdfff)) {
		return 0;
	}
	*ret_character = character;
	return wanted;
}

/* Escape the unit at the start of bytes. @return the bytes taken, at least one. */
static size_t escape_unit(const unsigned char *bytes, size_t len, char *out, size_t *ret_len)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t character = 0;
	size_t taken = decode(bytes, len, &character);
	size_t used = 0;

	if (taken > 0 && !is_control(character)) {
		if (character == '\\') {
			out[used++] = '\\';
		}
		memcpy(out + used, bytes, taken);
		*ret_len = used + taken;
		return taken;
	}
	taken = taken > 0 ? taken : 1;
	for (size_t i = 0; i < taken; i++) {
		out[used++] = '\\';
		out[used++] = 'x';
		out[used++] = hex[bytes[i] >> 4];
		out[used++] = hex[bytes[i] & 15];
	}
	*ret_len = used;
	return taken;
}

int peel_text_escape(const void *bytes, size_t len, char **ret)
{
	const unsigned char *in = bytes;
	char unit[UNIT_MAX];
	size_t total = 1;
	size_t unit_len;
	char *text;
	char *out;

	if (len > (SIZE_MAX - 1) / 4) {
		return PEEL_ENOMEM;
	}
	for (size_t pos = 0; pos < len; total += unit_len) {
		pos += escape_unit(in + pos, len - pos, unit, &unit_len);
	}
	text = malloc(total);
	if (!text) {
		return PEEL_ENOMEM;
	}
	out = text;
	for (size_t pos = 0; pos < len; out += unit_len) {
		pos += escape_unit(in + pos, len - pos, unit, &unit_len);
		memcpy(out, unit, unit_len);
	}
	*out = '\0';
	*ret = text;
	return 0;
}

const char *peel_text_escape_into(char *buf, size_t size, const void *bytes, size_t len)
{
	const unsigned char *in = bytes;
	char unit[UNIT_MAX];
	size_t unit_len;
	size_t used = 0;
	/* The last end of a unit after which "..." and the NUL still fit. */
	size_t cut = 0;

	for (size_t pos = 0; pos < len;) {
		pos += escape_unit(in + pos, len - pos, unit, &unit_len);
		if (used + unit_len + 1 > size) {
			memcpy(buf + cut, "...", 4);
			return buf;
		}
		memcpy(buf + used, unit, unit_len);
		used += unit_len;
		if (used + 4 <= size) {
			cut = used;
		}
	}
	buf[used] = '\0';
	return buf;
}

void peel_text_print(FILE *out, const void *bytes, size_t len)
{
	const unsigned char *in = bytes;
	char unit[UNIT_MAX];
	size_t unit_len;

	for (size_t pos = 0; pos < len;) {
		pos += escape_unit(in + pos, len - pos, unit, &unit_len);
		fwrite(unit, 1, unit_len, out);
	}
}

/*
 * Controls above ASCII are written as \uNNNN too: valid JSON, and harmless where it is shown in a
 * log.
 */
static void print_json_character(FILE *out, const unsigned char *bytes, size_t len,
	uint32_t character)
{
	if (character == '"' || character == '\\') {
		fputc('\\', out);
		fputc((int)character, out);
	} else if (is_control(character)) {
		fprintf(out, "\\u%04x", (unsigned int)character);
	} else {
		fwrite(bytes, 1, len, out);
	}
}

int peel_text_print_json(FILE *out, const void *bytes, size_t len)
{
	const unsigned char *in = bytes;
	int valid = 1;

	fputc('"', out);
	for (size_t pos = 0; pos < len;) {
		uint32_t character = 0;
		size_t taken = decode(in + pos, len - pos, &character);

		if (taken == 0) {
			fputs("\xef\xbf\xbd", out);
			valid = 0;
			pos++;
			continue;
		}
		print_json_character(out, in + pos, taken, character);
		pos += taken;
	}
	fputc('"', out);
	return valid;
}
