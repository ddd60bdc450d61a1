/* SPDX-License-Identifier: Apache-2.0 */
/* Runes of a pattern, escapes, and sets of them. */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "re_parse.h"
#include "util.h"

/* One rune of the pattern, which must be UTF-8. */
int re_take_rune(struct re_parser *parser, uint32_t *ret_rune)
{
	const unsigned char *at = (const unsigned char *)parser->at;
	const size_t left = (size_t)(parser->end - parser->at);
	const size_t width = at[0] < 0x80 ? 1 : at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t rune = width == 1 ? at[0] : at[0] & (0x7Fu >> width);

	if (width > left || (at[0] >= 0x80 && at[0] < 0xC2) || at[0] > 0xF4) {
		return re_bad(parser, "the pattern is not UTF-8");
	}
	for (size_t i = 1; i < width; i++) {
		if ((at[i] & 0xC0) != 0x80) {
			return re_bad(parser, "the pattern is not UTF-8");
		}
		rune = rune << 6 | (at[i] & 0x3F);
	}
	if (rune < least[width] || rune > RE_RUNE_MAX || (rune >= 0xD800 && rune < 0xE000)) {
		return re_bad(parser, "the pattern is not UTF-8");
	}
	parser->at += width;
	*ret_rune = rune;
	return 0;
}

static int hex(char c)
{
	return c >= '0' && c <= '9'    ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : -1;
}

/* After "\x": two digits, or any number in braces. */
static int take_hex(struct re_parser *parser, uint32_t *ret_rune)
{
	const bool braced = parser->at < parser->end && *parser->at == '{';
	uint32_t rune = 0;
	int digits = 0;

	parser->at += braced;
	while (parser->at < parser->end && hex(*parser->at) >= 0 && (braced || digits < 2)) {
		rune = rune * 16 + (uint32_t)hex(*parser->at++);
		digits++;
		if (rune > RE_RUNE_MAX) {
			return re_bad(parser, "invalid escape: beyond the last rune");
		}
	}
	if (digits == 0 || (!braced && digits != 2) ||
		(braced && (parser->at == parser->end || *parser->at++ != '}'))) {
		return re_bad(parser, "invalid escape: \\x has two digits, or some in braces");
	}
	*ret_rune = rune;
	return 0;
}

/* "\123", "\0": a rune by its number. One digit from 1 to 7 would be a reference, which Go has not. */
static int take_octal(struct re_parser *parser, char first, uint32_t *ret_rune)
{
	uint32_t rune = (uint32_t)(first - '0');

	if (first != '0' && (parser->at == parser->end || *parser->at < '0' || *parser->at > '7')) {
		return re_bad(parser, "invalid escape: there are no back-references");
	}
	for (int i = 1;
		i < 3 && parser->at < parser->end && *parser->at >= '0' && *parser->at <= '7';
		i++) {
		rune = rune * 8 + (uint32_t)(*parser->at++ - '0');
	}
	*ret_rune = rune;
	return 0;
}

/* A backslash and what follows, where that is one rune. */
int re_take_escape(struct re_parser *parser, uint32_t *ret_rune)
{
	static const char letters[] = "afnrtv";
	static const char runes[] = "\a\f\n\r\t\v";
	const char *letter;
	int code;
	char c;

	parser->at++;
	if (parser->at == parser->end) {
		return re_bad(parser, "trailing backslash");
	}
	c = *parser->at;
	letter = c ? strchr(letters, c) : NULL;
	if (letter || c == 'x' || (c >= '0' && c <= '7')) {
		parser->at++;
		*ret_rune = letter ? (uint32_t)runes[letter - letters] : 0;
		return letter      ? 0
			: c == 'x' ? take_hex(parser, ret_rune)
				   : take_octal(parser, c, ret_rune);
	}
	code = re_take_rune(parser, ret_rune);
	if (code == 0 && (*ret_rune >= 128 || *ret_rune == '_' || re_is_word(*ret_rune))) {
		return *ret_rune == '_' ? 0 : re_bad(parser, "invalid escape sequence");
	}
	return code;
}

/* --- sets --- */

/* \d, \W and the like. @return 1 taken, 0 it is none, or less than 0. */
int re_take_perl_class(struct re_parser *parser, struct re_builder *builder)
{
	const uint32_t *pairs;
	size_t count;
	char letter;
	int code;

	if (parser->end - parser->at < 2 || parser->at[0] != '\\') {
		return 0;
	}
	letter = parser->at[1];
	if (letter == 'p' || letter == 'P') {
		return peel_fail(parser->err, PEEL_EUNSUPPORTED,
			"\\p: classes of Unicode are not known here");
	}
	pairs = re_perl_class((char)(letter | 0x20), &count);
	if (!pairs) {
		return 0;
	}
	parser->at += 2;
	code = re_builder_pairs(builder, pairs, count, !(letter & 0x20), parser->fold, parser->err);
	return code < 0 ? code : 1;
}

/* [:alpha:] within a class. @return as take_perl_class. */
static int take_posix_class(struct re_parser *parser, struct re_builder *builder)
{
	const char *name = parser->at + 2;
	const char *end;
	const uint32_t *pairs;
	size_t count;
	bool negated;
	int code;

	if (!re_next_is(parser, "[:")) {
		return 0;
	}
	end = memmem(name, (size_t)(parser->end - name), ":]", 2);
	if (!end) {
		return 0;
	}
	negated = *name == '^';
	name += negated;
	pairs = end >= name ? re_posix_class(name, (size_t)(end - name), &count) : NULL;
	if (!pairs) {
		return re_bad(parser, "invalid character class range: there is no such class");
	}
	parser->at = end + 2;
	code = re_builder_pairs(builder, pairs, count, negated, parser->fold, parser->err);
	return code < 0 ? code : 1;
}

static int take_class_rune(struct re_parser *parser, uint32_t *ret_rune)
{
	if (parser->at == parser->end) {
		return re_bad(parser, "missing closing ]");
	}
	return *parser->at == '\\' ? re_take_escape(parser, ret_rune)
				   : re_take_rune(parser, ret_rune);
}

static int take_class_range(struct re_parser *parser, struct re_builder *builder)
{
	uint32_t low = 0;
	uint32_t high;
	int code = take_class_rune(parser, &low);

	if (code < 0) {
		return code;
	}
	high = low;
	if (parser->end - parser->at >= 2 && parser->at[0] == '-' && parser->at[1] != ']') {
		parser->at++;
		code = take_class_rune(parser, &high);
		if (code == 0 && high < low) {
			code = re_bad(parser, "invalid character class range: it runs backwards");
		}
	}
	return code < 0 ? code : re_builder_add(builder, low, high, parser->fold, parser->err);
}

static int take_class_items(struct re_parser *parser, struct re_builder *builder)
{
	bool first = true;
	int code = 0;

	while (code >= 0 && (parser->at == parser->end || *parser->at != ']' || first)) {
		if (parser->at == parser->end) {
			return re_bad(parser, "missing closing ]");
		}
		first = false;
		code = take_posix_class(parser, builder);
		if (code == 0) {
			code = re_take_perl_class(parser, builder);
		}
		if (code == 0) {
			code = take_class_range(parser, builder);
		}
	}
	return code < 0 ? code : 0;
}

int re_finish_set(struct re_parser *parser, struct re_builder *builder, int code,
	uint32_t *ret_node)
{
	struct re_node node = {.type = RE_SET};

	if (code >= 0) {
		code = re_builder_finish(builder, parser->re, &node.a, parser->err);
	}
	free(builder->ranges);
	return code < 0 ? code : re_add_node(parser, node, ret_node);
}

int re_parse_class(struct re_parser *parser, uint32_t *ret_node)
{
	struct re_builder builder = {0};
	bool negated;
	int code;

	parser->at++;
	negated = parser->at < parser->end && *parser->at == '^';
	parser->at += negated;
	code = take_class_items(parser, &builder);
	parser->at += code == 0;
	if (code == 0 && negated) {
		code = re_builder_negate(&builder, parser->err);
	}
	return re_finish_set(parser, &builder, code, ret_node);
}

int re_add_literal(struct re_parser *parser, uint32_t rune, uint32_t *ret_node)
{
	struct re_builder builder = {0};
	/* A rune beyond ASCII that has no other case would do; which those are is not known here. */
	int code = re_builder_add(&builder, rune, rune, parser->fold, parser->err);

	return re_finish_set(parser, &builder, code, ret_node);
}

int re_parse_dot(struct re_parser *parser, uint32_t *ret_node)
{
	struct re_builder builder = {0};
	int code = parser->dot_newline ? 0
				       : re_builder_add(&builder, '\n', '\n', false, parser->err);

	parser->at++;
	if (code == 0) {
		code = re_builder_negate(&builder, parser->err);
	}
	return re_finish_set(parser, &builder, code, ret_node);
}
