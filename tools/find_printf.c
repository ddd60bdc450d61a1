/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing the format of -printf. What GNU find warns of and prints as it stands is treated so here; what it refuses is
 * refused. %{NAME}, which GNU find refuses and keeps for itself, so that no format in use holds it, asks for what only
 * an image knows: {layer} {hidden-by} {why} {kind}.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "find.h"
#include "find_format.h"

/* Letters that stand alone, and those that another follows. */
#define SINGLE "abcdDfgGhHiklmMnpPsStuUyYZ"
#define DOUBLE "ABCT"

static const struct {
	const char *name;
	enum find_extension extension;
} extensions[] = {
	{"hidden-by", FIND_HIDDEN_BY},
	{"kind", FIND_KIND},
	{"layer", FIND_LAYER},
	{"why", FIND_WHY},
};

/* A format that is being taken apart. */
struct parse {
	struct find_format *format;
	/* End of the literals' bytes. */
	char *end;
};

void find_format_free(struct find_format *format)
{
	if (format) {
		free(format->pieces);
		free(format->text);
		free(format);
	}
}

static bool add_piece(struct find_format *format, const struct find_piece *piece)
{
	if (format->count == format->room) {
		size_t room = format->room ? format->room * 2 : 16;
		struct find_piece *pieces = reallocarray(format->pieces, room, sizeof(*pieces));

		if (!pieces) {
			complain("%s", strerror(ENOMEM));
			return false;
		}
		format->pieces = pieces;
		format->room = room;
	}
	format->pieces[format->count++] = *piece;
	return true;
}

/* Add literal bytes, to the literal before where there is one. */
static bool add_text(struct parse *parse, const char *text, size_t len)
{
	struct find_format *format = parse->format;
	struct find_piece *last = format->count ? &format->pieces[format->count - 1] : NULL;
	struct find_piece piece = {.kind = FIND_LITERAL, .text = parse->end, .len = len};

	memcpy(parse->end, text, len);
	parse->end += len;
	if (last && last->kind == FIND_LITERAL) {
		last->len += len;
		return true;
	}
	return add_piece(format, &piece);
}

static bool add_byte(struct parse *parse, char byte)
{
	return add_text(parse, &byte, 1);
}

/* What follows a backslash. @return the place behind it, NULL without memory. */
static const char *parse_escape(struct parse *parse, const char *at)
{
	static const char letters[] = "abfnrtv\\";
	static const char bytes[] = "\a\b\f\n\r\t\v\\";
	const char *letter = *at ? strchr(letters, *at) : NULL;

	if (letter) {
		return add_byte(parse, bytes[letter - letters]) ? at + 1 : NULL;
	}
	if (*at >= '0' && *at <= '7') {
		unsigned int value = 0;

		for (int i = 0; i < 3 && *at >= '0' && *at <= '7'; i++, at++) {
			value = value * 8 + (unsigned int)(*at - '0');
		}
		return add_byte(parse, (char)value) ? at : NULL;
	}
	if (*at == 0) {
		complain("warning: escape '\\' followed by nothing at all");
		return add_byte(parse, '\\') ? at : NULL;
	}
	complain("warning: unrecognized escape '\\%c'", isprint((unsigned char)*at) ? *at : '?');
	return add_text(parse, at - 1, 2) ? at + 1 : NULL;
}

/* Flags, width and precision, from behind the percent sign. @return the place of the letter. */
static const char *parse_field(const char *at, struct field *field)
{
	*field = (struct field){.precision = -1};
	for (; *at && strchr("-+ #", *at); at++) {
		field->left |= *at == '-';
		field->plus |= *at == '+';
		field->space |= *at == ' ';
		field->hash |= *at == '#';
	}
	field->zero = *at == '0';
	at = field_count(at, &field->width);
	if (*at == '.') {
		at = field_count(at + 1, &field->precision);
	}
	return at;
}

/* %{NAME}; at stands on the brace. @return the place behind, NULL with the message out. */
static const char *parse_extension(struct parse *parse, const char *at, struct find_piece *piece)
{
	size_t len = strcspn(at + 1, "}");
	char shown[64];

	for (size_t i = 0; at[len + 1] && i < countof(extensions); i++) {
		if (strncmp(extensions[i].name, at + 1, len) == 0 && extensions[i].name[len] == 0) {
			piece->letter = (char)extensions[i].extension;
			return add_piece(parse->format, piece) ? at + len + 2 : NULL;
		}
	}
	complain(
		"error: unknown directive '%%%s': there are %%{layer}, %%{hidden-by}, %%{why} and %%{kind}",
		peel_text_escape_into(shown, sizeof(shown), at, len + 1 + (at[len + 1] != 0)));
	return NULL;
}

/* A directive; at stands on the percent sign. @return the place behind, NULL with the message out. */
static const char *parse_directive(struct parse *parse, const char *at)
{
	const char *start = at;
	struct find_piece piece = {.kind = FIND_DIRECTIVE};

	if (at[1] == '%') {
		return add_byte(parse, '%') ? at + 2 : NULL;
	}
	at = parse_field(at + 1, &piece.field);
	piece.letter = *at;
	if (*at == '{') {
		return parse_extension(parse, at, &piece);
	}
	if (*at == 0) {
		complain("error: %s at end of format string", start);
		return NULL;
	}
	if (*at == 'F') {
		complain("error: the format directive '%%F': an image has no file system type");
		return NULL;
	}
	if (*at == '[' || *at == '(') {
		complain("error: the format directive '%%%c' is reserved for future use", *at);
		return NULL;
	}
	if (*at == '%') {
		/* The sign counts for nothing behind a width. */
		return add_text(parse, start, (size_t)(at - start)) ? at + 1 : NULL;
	}
	if (strchr(DOUBLE, *at) && at[1]) {
		piece.detail = at[1];
		return add_piece(parse->format, &piece) ? at + 2 : NULL;
	}
	if (strchr(SINGLE, *at)) {
		return add_piece(parse->format, &piece) ? at + 1 : NULL;
	}
	if (strchr(DOUBLE, *at)) {
		complain("warning: format directive '%%%c' should be followed by another character",
			*at);
	} else {
		complain("warning: unrecognized format directive '%%%c'",
			isprint((unsigned char)*at) ? *at : '?');
	}
	return add_text(parse, start, (size_t)(at + 1 - start)) ? at + 1 : NULL;
}

bool find_parse_format(struct find *find, struct find_node *node, const char *arg)
{
	static const struct find_piece stop = {.kind = FIND_STOP};
	struct find_format *format = calloc(1, sizeof(*format));
	struct parse parse = {.format = format};
	const char *at = arg;

	find->reads_contents = find->reads_contents || strstr(arg, "{kind}");
	node->format = format;
	/* Nothing in a format becomes longer than it is. */
	if (!format || !(format->text = malloc(strlen(arg) + 1))) {
		complain("%s", strerror(ENOMEM));
		return false;
	}
	parse.end = format->text;
	while (at && *at) {
		if (at[0] == '\\' && at[1] == 'c') {
			return add_piece(format, &stop);
		}
		if (*at == '\\') {
			at = parse_escape(&parse, at + 1);
		} else if (*at == '%') {
			at = parse_directive(&parse, at);
		} else {
			at = add_byte(&parse, *at) ? at + 1 : NULL;
		}
	}
	return at != NULL;
}
