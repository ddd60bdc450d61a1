/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events become a tree in an arena (yaml_build.c). libyaml itself keeps no more than a look-ahead of a
 * thousand characters, and does not recurse; what a hostile text could grow is bounded here, event
 * by event: levels, nodes, and with them the arena (YAML_NODES nodes and three pointers each, and
 * the texts, which are at most half again as long as the document: "\L" is three bytes of UTF-8).
 *
 *   members:  [ a 1 b [ x y          a stack of finished nodes, shared by all levels;
 *               ^       ^            frames know where their members begin,
 *           frame 0   frame 1        and take them off when they end
 *
 * One thing is looked at before libyaml sees it: lines that begin with "%". libyaml compares each
 * %TAG directive to all before it, and would spend hours on four megabytes of them.
 *
 * Rejected: libyaml's document API. It recurses, resolves aliases (a bomb of nine lines stands for
 * a billion nodes) and keeps no limit of its own.
 */
#include "yaml_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <peel/error.h>
#include <peel/text.h>

#include "util.h"

/* Most lines that may begin with "%": directives, or text that looks like them. */
#define PERCENT_LINES 100

static void finish_builder(struct yaml_builder *builder)
{
	yaml_parser_delete(&builder->parser);
	free(builder->members);
}

static size_t count_lines(const char *text, size_t len)
{
	size_t lines = 0;

	for (size_t i = 0; i < len; i++) {
		lines += text[i] == '\n';
	}
	return lines;
}

/* True where tabs are among the blanks that a line, from 0, begins with. */
static bool begins_with_tab(const struct yaml_builder *builder, size_t line)
{
	const char *at = builder->text;
	const char *end = at + builder->len;

	while (line > 0 && (at = memchr(at, '\n', (size_t)(end - at)))) {
		at++;
		line--;
	}
	while (at && at < end && *at == ' ') {
		at++;
	}
	return at && at < end && *at == '\t';
}

static int fail_syntax(const struct yaml_builder *builder)
{
	const yaml_parser_t *parser = &builder->parser;
	size_t line = parser->problem_mark.line;
	char hint[64] = "";

	switch (parser->error) {
	case YAML_MEMORY_ERROR:
		return peel_fail(builder->err, PEEL_ENOMEM, "out of memory");
	case YAML_READER_ERROR:
		/* It has an offset, and no mark. */
		line = count_lines(builder->text,
			parser->problem_offset < builder->len ? parser->problem_offset
							      : builder->len);
		break;
	default:
		if (begins_with_tab(builder, line)) {
			snprintf(hint, sizeof(hint), " (a tab does not indent)");
		} else if (parser->context && parser->context_mark.line < line) {
			snprintf(hint, sizeof(hint), " from line %zu on",
				parser->context_mark.line + 1);
		}
		break;
	}
	return peel_fail(builder->err, PEEL_EFORMAT, "%s:%zu: %s%s%s%s", builder->document->what,
		line + 1, parser->problem ? parser->problem : "no valid YAML",
		parser->context ? " " : "", parser->context ? parser->context : "", hint);
}

static int build(struct yaml_builder *builder)
{
	int r = 1;

	while (r > 0) {
		yaml_event_t event;

		if (!yaml_parser_parse(&builder->parser, &event)) {
			return fail_syntax(builder);
		}
		r = yaml_take_event(builder, &event);
		yaml_event_delete(&event);
	}
	return r;
}

/* Refuse what libyaml would take, or would take too long for. */
static int check_bytes(const struct yaml_builder *builder)
{
	const char *what = builder->document->what;
	const char *text = builder->text;
	const char *nul = memchr(text, '\0', builder->len);
	size_t percents = 0;

	if (nul) {
		return yaml_fail_line(builder, count_lines(text, (size_t)(nul - text)) + 1,
			"a NUL byte");
	}
	if (builder->len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		return yaml_fail_line(builder, 1, "a byte order mark");
	}
	/* Lines may end with \r, and the last bytes of U+0085, U+2028 and U+2029, too. */
	for (size_t i = 0; i < builder->len; i++) {
		percents += text[i] == '%' && (i == 0 || strchr("\n\r\x85\xa8\xa9", text[i - 1]));
	}
	if (percents > PERCENT_LINES) {
		return peel_fail(builder->err, PEEL_ELIMIT,
			"%s: more than %d lines begin with \"%%\"", what, PERCENT_LINES);
	}
	return 0;
}

int yaml_parse(const char *what, const void *bytes, size_t len, struct yaml_document **ret_document,
	struct peel_error *err)
{
	cleanup(finish_builder) struct yaml_builder builder = {
		.err = err, .text = len > 0 ? bytes : "", .len = len};
	cleanup_yaml struct yaml_document *document = calloc(1, sizeof(*document));
	int r;

	if (!document) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	builder.document = document;
	peel_text_escape_into(document->what, sizeof(document->what), what, strlen(what));
	if (len > YAML_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "%s is larger than %u bytes", document->what,
			YAML_MAX);
	}
	r = check_bytes(&builder);
	if (r < 0) {
		return r;
	}
	if (!yaml_parser_initialize(&builder.parser)) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&builder.parser, (const unsigned char *)builder.text, len);
	r = build(&builder);
	if (r < 0) {
		return r;
	}
	*ret_document = steal_pointer(&document);
	return 0;
}

void yaml_release(struct yaml_document *document)
{
	struct yaml_block *next;

	if (!document) {
		return;
	}
	for (struct yaml_block *block = document->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	free(document);
}

const struct yaml *yaml_root(const struct yaml_document *document)
{
	return document->root;
}

int yaml_fail(const struct yaml_document *document, const struct yaml *node, struct peel_error *err,
	const char *format, ...)
{
	char message[PEEL_MESSAGE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (!node) {
		return peel_fail(err, PEEL_EFORMAT, "%s: %s", document->what, message);
	}
	return peel_fail(err, PEEL_EFORMAT, "%s:%d: %s", document->what, node->line, message);
}
