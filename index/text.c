/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every output form walks the same units: a unit is one valid UTF-8 character, or one byte that
 * begins none. A unit is either shown as it is or written byte by byte as \xNN; so the escaped text
 * never holds a raw control, and undoing it gives the very bytes back.
 *
 * Runners of CI take commands out of a log: "##[name]" (GitHub), "##vso[" (Azure) and "##teamcity[" wherever they
 * stand in a line, and "::name::" (GitHub) where nothing but blanks stands before it. So the second of two number
 * signs is escaped, and two colons that a text begins with.
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

/*
 * Characters that steer the terminal or the reading order, end a line, or cannot be seen, so that two names would look
 * the same: Unicode's categories Cc, Cf, Zl and Zp, and Default_Ignorable_Code_Point; ascending.
 */
static const struct range controls[] = {
	{0x0000, 0x001f},
	{0x007f, 0x009f},
	{0x00ad, 0x00ad},
	{0x034f, 0x034f},
	{0x0600, 0x0605},
	{0x061c, 0x061c},
	{0x06dd, 0x06dd},
	{0x070f, 0x070f},
	{0x0890, 0x0891},
	{0x08e2, 0x08e2},
	{0x115f, 0x1160},
	{0x17b4, 0x17b5},
	{0x180b, 0x180f},
	{0x200b, 0x200f},
	{0x2028, 0x202e},
	{0x2060, 0x206f},
	{0x3164, 0x3164},
	{0xfe00, 0xfe0f},
	{0xfeff, 0xfeff},
	{0xffa0, 0xffa0},
	{0xfff0, 0xfffb},
	{0x110bd, 0x110bd},
	{0x110cd, 0x110cd},
	{0x13430, 0x13438},
	{0x1bca0, 0x1bca3},
	{0x1d173, 0x1d17a},
	{0xdfffe, 0xe0fff},
};

static bool is_control(uint32_t character)
{
	if (character >= 0x20 && character < 0x7f) {
		return false;
	}
	/* U+FFFE, U+FFFF and their like are no characters; XML forbids them. */
	if ((character & 0xfffe) == 0xfffe) {
		return true;
	}
	for (size_t i = 0;
		i < sizeof(controls) / sizeof(controls[0]) && controls[i].first <= character; i++) {
		if (character <= controls[i].last) {
			return true;
		}
	}
	return false;
}

/* Whether nothing that can be seen for certain stands before pos: a runner trims blanks of any script. */
static bool begins_text(const unsigned char *text, size_t pos)
{
	while (pos > 0 && (text[pos - 1] == ' ' || text[pos - 1] >= 0x80)) {
		pos--;
	}
	return pos == 0;
}

/* Whether the sign at pos would make a runner's command of what follows. */
static bool is_command(const unsigned char *text, size_t len, size_t pos)
{
	return (text[pos] == '#' && pos > 0 && text[pos - 1] == '#') ||
		(text[pos] == ':' && pos + 1 < len && text[pos + 1] == ':' &&
			begins_text(text, pos));
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

/* Escape the unit at pos of a text. @return the bytes taken, at least one. */
static size_t escape_unit(const unsigned char *text, size_t len, size_t pos, char *out,
	size_t *ret_len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *bytes = text + pos;
	uint32_t character = 0;
	size_t taken = decode(bytes, len - pos, &character);
	size_t used = 0;

	if (taken > 0 && !is_control(character) && !is_command(text, len, pos)) {
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
		pos += escape_unit(in, len, pos, unit, &unit_len);
	}
	text = malloc(total);
	if (!text) {
		return PEEL_ENOMEM;
	}
	out = text;
	for (size_t pos = 0; pos < len; out += unit_len) {
		pos += escape_unit(in, len, pos, unit, &unit_len);
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
		pos += escape_unit(in, len, pos, unit, &unit_len);
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

int peel_text_is_utf8(const void *bytes, size_t len)
{
	const unsigned char *in = bytes;
	uint32_t character;
	size_t taken = 1;

	for (size_t pos = 0; pos < len && taken > 0; pos += taken) {
		taken = decode(in + pos, len - pos, &character);
	}
	return taken > 0;
}

void peel_text_trim(char *text)
{
	size_t len = strlen(text);
	size_t tail = 0;
	unsigned char first;

	while (tail < len && tail < 3 && ((unsigned char)text[len - tail - 1] & 0xc0) == 0x80) {
		tail++;
	}
	first = tail < len ? (unsigned char)text[len - tail - 1] : 0;
	if (first >= (tail == 0 ? 0xc0 : tail == 1 ? 0xe0 : tail == 2 ? 0xf0 : 0x100)) {
		text[len - tail - 1] = '\0';
	}
}

void peel_text_print(FILE *out, const void *bytes, size_t len)
{
	const unsigned char *in = bytes;
	char unit[UNIT_MAX];
	size_t unit_len;

	for (size_t pos = 0; pos < len;) {
		pos += escape_unit(in, len, pos, unit, &unit_len);
		fwrite(unit, 1, unit_len, out);
	}
}

/*
 * What people would not see as it is is written as \uNNNN: valid JSON, and harmless where it is shown in a
 * log.
 */
static void print_json_escape(FILE *out, uint32_t character)
{
	if (character > 0xffff) {
		fprintf(out, "\\u%04x", (unsigned int)(0xd800 + ((character - 0x10000) >> 10)));
		character = 0xdc00 + ((character - 0x10000) & 0x3ff);
	}
	fprintf(out, "\\u%04x", (unsigned int)character);
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
		if (character == '"' || character == '\\') {
			fputc('\\', out);
			fputc((int)character, out);
		} else if (is_control(character) || is_command(in, len, pos)) {
			print_json_escape(out, character);
		} else {
			fwrite(in + pos, 1, taken, out);
		}
		pos += taken;
	}
	fputc('"', out);
	return valid;
}
