/* SPDX-License-Identifier: Apache-2.0 */
#include "grep_lex.h"

#include <ctype.h>
#include <string.h>

#include <peel/error.h>

/* Longest name between "[:" and ":]". */
#define CLASS_NAME_MAX 16

static void fail(struct grep_lexer *p, const char *message)
{
	p->fault = peel_fail(p->err, PEEL_EUSAGE, "%s", message);
	p->token = TOKEN_END;
	p->next = p->end;
}

static void put(struct grep_set *set, unsigned char byte)
{
	set->bits[byte / 64] |= UINT64_C(1) << (byte % 64);
}

/* With the other case too, where case does not matter. */
static void put_folded(const struct grep_lexer *p, struct grep_set *set, unsigned char byte)
{
	put(set, byte);
	if (p->syntax->ignore_case) {
		put(set, (unsigned char)tolower(byte));
		put(set, (unsigned char)toupper(byte));
	}
}

static void invert(struct grep_set *set)
{
	for (size_t i = 0; i < 4; i++) {
		set->bits[i] = ~set->bits[i];
	}
}

static void set_token(struct grep_lexer *p, enum grep_token token)
{
	p->token = token;
	p->start = token == TOKEN_OPEN || token == TOKEN_OR;
	p->anchor = p->start;
}

/* A place is no operand, and leaves an operator behind it with what was before. */
static void set_place(struct grep_lexer *p, enum grep_kind place)
{
	p->token = TOKEN_PLACE;
	p->place = place;
	p->anchor = false;
}

static void set_byte(struct grep_lexer *p, unsigned char byte)
{
	p->set = (struct grep_set){0};
	put_folded(p, &p->set, byte);
	set_token(p, TOKEN_SET);
}

static void set_class(struct grep_lexer *p, bool (*has)(unsigned char), bool wanted)
{
	p->set = (struct grep_set){0};
	for (unsigned int byte = 0; byte < 256; byte++) {
		if (has((unsigned char)byte) == wanted) {
			put(&p->set, (unsigned char)byte);
		}
	}
	set_token(p, TOKEN_SET);
}

static bool is_blank(unsigned char byte)
{
	return isspace(byte) != 0;
}

static bool is_word(unsigned char byte)
{
	return grep_is_word(byte);
}

/* "[:name:]" behind its "[:". @return false where there is no such class, which the C library says. */
static bool put_class(struct grep_lexer *p, const char *name, size_t len)
{
	static const struct {
		const char *name;
		int (*has)(int);
	} classes[] = {
		{"alpha", isalpha},
		{"upper", isupper},
		{"lower", islower},
		{"digit", isdigit},
		{"xdigit", isxdigit},
		{"space", isspace},
		{"punct", ispunct},
		{"alnum", isalnum},
		{"print", isprint},
		{"graph", isgraph},
		{"cntrl", iscntrl},
		{"blank", isblank},
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strlen(classes[i].name) != len || memcmp(classes[i].name, name, len) != 0) {
			continue;
		}
		for (int byte = 0; byte < 256; byte++) {
			if (classes[i].has(byte)) {
				put_folded(p, &p->set, (unsigned char)byte);
			}
		}
		return true;
	}
	return false;
}

/* "[:", "[=" or "[.": up to its end. @return false where it is none of these and "[" stands for itself. */
static bool take_named(struct grep_lexer *p, bool *ret_known)
{
	const char *name = p->next + 1;
	const char kind = p->next < p->end ? *p->next : '\0';
	const char *close = name;

	if (kind != ':' && kind != '=' && kind != '.') {
		return false;
	}
	while (close + 1 < p->end && close - name < CLASS_NAME_MAX &&
		!(close[0] == kind && close[1] == ']')) {
		close++;
	}
	if (close + 1 >= p->end || close[0] != kind || close[1] != ']') {
		return false;
	}
	*ret_known &= kind == ':' && put_class(p, name, (size_t)(close - name));
	p->next = close + 2;
	return true;
}

/* A byte, or a range of them, that begins with first. */
static void take_range(struct grep_lexer *p, unsigned char first, bool *ret_known,
	unsigned int *colons)
{
	unsigned char last = first;

	if (p->end - p->next > 1 && p->next[0] == '-' && p->next[1] != ']') {
		last = (unsigned char)p->next[1];
		p->next += 2;
		*colons |= 8;
		/* An end such as "[.x.]" is for the C library. */
		if (last == '[' && p->next < p->end && *p->next == '.') {
			*ret_known = false;
		}
	} else {
		*colons |= first == ':' ? 2 : 4;
	}
	for (unsigned int byte = first; byte <= last; byte++) {
		put_folded(p, &p->set, (unsigned char)byte);
	}
}

/* A bracket expression behind its "[". */
static void take_bracket(struct grep_lexer *p)
{
	bool inverted = p->next < p->end && *p->next == '^';
	bool known = true;
	unsigned int colons;
	bool first = true;

	p->next += inverted;
	p->set = (struct grep_set){0};
	colons = p->next < p->end && *p->next == ':';
	for (; p->next < p->end && (first || *p->next != ']'); first = false) {
		unsigned char byte = (unsigned char)*p->next++;

		if (byte == '[' && take_named(p, &known)) {
			colons |= 8;
		} else {
			take_range(p, byte, &known, &colons);
		}
	}
	if (p->next < p->end) {
		p->next++;
	}
	if (colons == 7) {
		fail(p, "character class syntax is [[:space:]], not [:space:]");
		return;
	}
	if (inverted) {
		invert(&p->set);
	}
	set_token(p, known ? TOKEN_SET : TOKEN_ANYTHING);
}

/* Digits of an interval. @return false where there are none. */
static bool take_count(const char **text, const char *end, uint32_t *ret_count)
{
	const char *begin = *text;

	*ret_count = 0;
	for (; *text < end && isdigit((unsigned char)**text); (*text)++) {
		if (*ret_count <= GREP_REPEAT_MAX) {
			*ret_count = *ret_count * 10 + (uint32_t)(**text - '0');
		}
	}
	return *text > begin;
}

/* An interval behind its "{". @return false where it is none, and "{" stands for itself. */
static bool take_interval(struct grep_lexer *p)
{
	const char *text = p->next;
	uint32_t min;
	uint32_t max;
	bool counted = take_count(&text, p->end, &min);

	max = min;
	if (text < p->end && *text == ',') {
		text++;
		counted = true;
		if (!take_count(&text, p->end, &max)) {
			max = GREP_ENDLESS;
		}
	}
	if (!p->syntax->extended && (text == p->end || *text++ != '\\')) {
		return false;
	}
	if (text == p->end || *text++ != '}' || !counted || min > max) {
		return false;
	}
	if (min > GREP_REPEAT_MAX || (max != GREP_ENDLESS && max > GREP_REPEAT_MAX)) {
		fail(p, "regular expression too big");
		return true;
	}
	p->min = min;
	p->max = max;
	p->next = text;
	set_token(p, TOKEN_REPEAT);
	return true;
}

/* Whether "$" is an anchor: at the end of an alternative. */
static bool is_last(const struct grep_lexer *p)
{
	const size_t bk = !p->syntax->extended;
	const size_t left = (size_t)(p->end - p->next);

	if (p->syntax->extended || left == 0 || *p->next == '\n') {
		return true;
	}
	return left > bk && *p->next == '\\' && (p->next[bk] == ')' || p->next[bk] == '|');
}

static void set_repeat(struct grep_lexer *p, uint32_t min, uint32_t max)
{
	p->min = min;
	p->max = max;
	set_token(p, TOKEN_REPEAT);
}

/* What a backslash makes of a byte; operators are not here. @return false: the byte itself. */
static bool take_escape(struct grep_lexer *p, unsigned char byte)
{
	switch (byte) {
	case '`':
		set_place(p, GREP_LINE_BEGIN);
		return true;
	case '\'':
		set_place(p, GREP_LINE_END);
		return true;
	case '<':
		set_place(p, GREP_WORD_BEGIN);
		return true;
	case '>':
		set_place(p, GREP_WORD_END);
		return true;
	case 'b':
		set_place(p, GREP_WORD_EDGE);
		return true;
	case 'B':
		set_place(p, GREP_NO_WORD_EDGE);
		return true;
	case 's':
	case 'S':
		set_class(p, is_blank, byte == 's');
		return true;
	case 'w':
	case 'W':
		set_class(p, is_word, byte == 'w');
		return true;
	default:
		if (byte >= '1' && byte <= '9') {
			set_token(p, TOKEN_ANYTHING);
			return true;
		}
		return false;
	}
}

/* Operators that basic expressions have with a backslash, extended ones without. @return false: not one here. */
static bool take_operator(struct grep_lexer *p, unsigned char byte, bool backslash)
{
	const bool operand = !p->start || p->syntax->extended;

	if (backslash == p->syntax->extended) {
		return false;
	}
	switch (byte) {
	case '(':
		set_token(p, TOKEN_OPEN);
		return true;
	case ')':
		if (p->depth == 0 && p->syntax->extended) {
			return false;
		}
		set_token(p, TOKEN_CLOSE);
		return true;
	case '|':
		set_token(p, TOKEN_OR);
		return true;
	case '{':
		return operand && take_interval(p);
	case '+':
	case '?':
		if (operand) {
			set_repeat(p, byte == '+', byte == '+' ? GREP_ENDLESS : 1);
		}
		return operand;
	default:
		return false;
	}
}

/* Bytes that mean something by themselves in both kinds. @return false: not here. */
static bool take_plain(struct grep_lexer *p, unsigned char byte)
{
	switch (byte) {
	case '^':
		if (p->syntax->extended || p->anchor) {
			set_place(p, GREP_LINE_BEGIN);
			return true;
		}
		return false;
	case '$':
		if (is_last(p)) {
			set_place(p, GREP_LINE_END);
			return true;
		}
		return false;
	case '*':
		if (!p->start || p->syntax->extended) {
			set_repeat(p, 0, GREP_ENDLESS);
			return true;
		}
		return false;
	case '.':
		p->set = (struct grep_set){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
		set_token(p, TOKEN_SET);
		return true;
	case '[':
		take_bracket(p);
		return true;
	case '\n':
		set_token(p, TOKEN_OR);
		return true;
	default:
		return false;
	}
}

void grep_lex(struct grep_lexer *p)
{
	unsigned char byte;
	bool backslash;

	if (p->next == p->end) {
		p->token = TOKEN_END;
		return;
	}
	byte = (unsigned char)*p->next++;
	backslash = byte == '\\' && p->next < p->end;
	if (backslash) {
		byte = (unsigned char)*p->next++;
	}
	if (!take_operator(p, byte, backslash) &&
		!(backslash ? take_escape(p, byte) : take_plain(p, byte)) && p->fault == 0) {
		set_byte(p, byte);
	}
}
