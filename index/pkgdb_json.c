/* SPDX-License-Identifier: Apache-2.0 */
#include "pkgdb_json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "util.h"

/* What comes next. */
enum state {
	WANT_VALUE,
	WANT_ITEM_OR_END,
	WANT_KEY,
	WANT_KEY_OR_END,
	WANT_COMMA_OR_END,
};

struct scan {
	struct pkgdb_text *text;
	const char *piece;
	size_t pos, len;
	unsigned long line;
	int depth;
	enum state state;
	/* '{' or '[' a level. */
	char kinds[PKGDB_JSON_DEPTH];
	char top[PKGDB_JSON_KEY_MAX + 1];
	char key[PKGDB_JSON_KEY_MAX + 1];
	char string[PKGDB_JSON_STRING_MAX + 1];
	size_t string_len;
	pkgdb_json_fn *each;
	void *arg;
};

/* The next byte, -1 at the end. */
static int peek(struct scan *scan)
{
	while (scan->pos == scan->len) {
		scan->pos = 0;
		scan->len = 0;
		if (!pkgdb_piece(scan->text, &scan->piece, &scan->len)) {
			return -1;
		}
	}
	return (unsigned char)scan->piece[scan->pos];
}

static int next(struct scan *scan)
{
	const int c = peek(scan);

	scan->pos += c >= 0;
	scan->line += c == '\n';
	return c;
}

static int next_after_blanks(struct scan *scan)
{
	int c;

	do {
		c = next(scan);
	} while (c == ' ' || c == '\t' || c == '\n' || c == '\r');
	return c;
}

static void append(struct scan *scan, int c)
{
	if (scan->string_len < PKGDB_JSON_STRING_MAX) {
		scan->string[scan->string_len++] = (char)c;
	}
}

static void append_utf8(struct scan *scan, uint32_t point)
{
	if (point < 0x80) {
		append(scan, (int)point);
	} else if (point < 0x800) {
		append(scan, (int)(0xc0 | point >> 6));
		append(scan, (int)(0x80 | (point & 0x3f)));
	} else if (point < 0x10000) {
		append(scan, (int)(0xe0 | point >> 12));
		append(scan, (int)(0x80 | (point >> 6 & 0x3f)));
		append(scan, (int)(0x80 | (point & 0x3f)));
	} else {
		append(scan, (int)(0xf0 | point >> 18));
		append(scan, (int)(0x80 | (point >> 12 & 0x3f)));
		append(scan, (int)(0x80 | (point >> 6 & 0x3f)));
		append(scan, (int)(0x80 | (point & 0x3f)));
	}
}

/* Four hexadecimal digits. */
static bool read_hex(struct scan *scan, uint32_t *ret_unit)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	uint32_t unit = 0;

	for (int i = 0; i < 4; i++) {
		const int c = next(scan);
		const char *digit = c > 0 ? strchr(digits, c) : NULL;
		size_t value;

		if (!digit) {
			return false;
		}
		value = (size_t)(digit - digits);
		unit = unit << 4 | (uint32_t)(value < 16 ? value : value - 6);
	}
	*ret_unit = unit;
	return true;
}

/* What follows a backslash. */
static bool read_escape(struct scan *scan)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const int c = next(scan);
	const char *name = c > 0 ? strchr(names, c) : NULL;
	uint32_t unit;
	uint32_t low;

	if (name) {
		append(scan, values[name - names]);
		return true;
	}
	if (c != 'u' || !read_hex(scan, &unit)) {
		return false;
	}
	if (unit >= 0xd800 && unit < 0xdc00) {
		if (next(scan) != '\\' || next(scan) != 'u' || !read_hex(scan, &low) ||
			low < 0xdc00 || low > 0xdfff) {
			return false;
		}
		unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
	}
	append_utf8(scan, unit);
	return true;
}

/* A string, its first quote read. */
static bool read_string(struct scan *scan)
{
	scan->string_len = 0;
	for (;;) {
		const int c = next(scan);

		if (c == '"') {
			scan->string[scan->string_len] = '\0';
			return true;
		}
		if (c < ' ' || (c == '\\' && !read_escape(scan))) {
			return false;
		}
		if (c != '\\') {
			append(scan, c);
		}
	}
}

/* A number or a word, its first byte read. @return its type, 0: it is none. */
static char read_bare(struct scan *scan, int first)
{
	static const char *const words[] = {"true", "false", "null"};
	static const char letters[] = "+-.0123456789Eabcdefghijklmnopqrstuvwxyz";

	scan->string_len = 0;
	append(scan, first);
	while (peek(scan) > 0 && strchr(letters, peek(scan))) {
		append(scan, next(scan));
	}
	scan->string[scan->string_len] = '\0';
	for (size_t i = 0; i < countof(words); i++) {
		if (strcmp(scan->string, words[i]) == 0) {
			return 'w';
		}
	}
	return strspn(scan->string, "+-.0123456789eE") == scan->string_len &&
			(first == '-' || (first >= '0' && first <= '9'))
		? 'n'
		: '\0';
}

static int emit(struct scan *scan, char type)
{
	const struct pkgdb_json_value value = {
		.depth = scan->depth,
		.top = scan->top,
		.key = scan->key,
		.type = type,
		.text = scan->string,
		.len = scan->string_len,
	};

	scan->state = WANT_COMMA_OR_END;
	return type ? scan->each(scan->arg, &value) : PEEL_EFORMAT;
}

static int push(struct scan *scan, int kind)
{
	if (scan->depth == PKGDB_JSON_DEPTH) {
		return PEEL_EFORMAT;
	}
	scan->kinds[scan->depth++] = (char)kind;
	scan->key[0] = '\0';
	scan->state = kind == '{' ? WANT_KEY_OR_END : WANT_ITEM_OR_END;
	return 0;
}

static int take_value(struct scan *scan, int c)
{
	if (c == '{' || c == '[') {
		return push(scan, c);
	}
	if (c == '"') {
		return read_string(scan) ? emit(scan, 's') : PEEL_EFORMAT;
	}
	return emit(scan, read_bare(scan, c));
}

static int take_key(struct scan *scan, int c)
{
	if (c != '"' || !read_string(scan) || next_after_blanks(scan) != ':') {
		return PEEL_EFORMAT;
	}
	scan->string_len = min_u64(scan->string_len, PKGDB_JSON_KEY_MAX);
	memcpy(scan->key, scan->string, scan->string_len);
	scan->key[scan->string_len] = '\0';
	if (scan->depth == 1) {
		memcpy(scan->top, scan->key, scan->string_len + 1);
	}
	scan->state = WANT_VALUE;
	return 0;
}

/* A comma, or the end of what is innermost. */
static int take_end(struct scan *scan, int c)
{
	const char kind = scan->depth > 0 ? scan->kinds[scan->depth - 1] : '\0';

	if (c == ',' && kind) {
		scan->key[0] = '\0';
		scan->state = kind == '{' ? WANT_KEY : WANT_VALUE;
		return 0;
	}
	if ((c != '}' || kind != '{') && (c != ']' || kind != '[')) {
		return PEEL_EFORMAT;
	}
	scan->depth--;
	scan->state = WANT_COMMA_OR_END;
	return 0;
}

static int take(struct scan *scan, int c)
{
	switch (scan->state) {
	case WANT_VALUE:
		return take_value(scan, c);
	case WANT_ITEM_OR_END:
		return c == ']' ? take_end(scan, c) : take_value(scan, c);
	case WANT_KEY:
		return take_key(scan, c);
	case WANT_KEY_OR_END:
		return c == '}' ? take_end(scan, c) : take_key(scan, c);
	case WANT_COMMA_OR_END:
		break;
	}
	return take_end(scan, c);
}

/* Some editors put one before the document; package managers do not mind. */
static void skip_byte_order_mark(struct scan *scan)
{
	if (peek(scan) == 0xef && scan->len >= 3 && memcmp(scan->piece, "\xef\xbb\xbf", 3) == 0) {
		scan->pos = 3;
	}
}

int pkgdb_json_scan(struct pkgdb_text *text, pkgdb_json_fn *each, void *arg,
	unsigned long *ret_line)
{
	cleanup_free struct scan *scan = calloc(1, sizeof(*scan));
	int r = 0;
	int c;

	*ret_line = 1;
	if (!scan) {
		return PEEL_ENOMEM;
	}
	scan->text = text;
	scan->each = each;
	scan->arg = arg;
	scan->line = 1;
	skip_byte_order_mark(scan);
	while (r == 0 && (c = next_after_blanks(scan)) >= 0) {
		r = take(scan, c);
	}
	*ret_line = scan->line;
	if (r == 0 && text->code < 0) {
		return text->code;
	}
	return r == 0 && (scan->depth > 0 || scan->state != WANT_COMMA_OR_END) ? PEEL_EFORMAT : r;
}
