/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions of find, with their formats, modes, dates, sizes and kinds. A line of the input is a word. What is wrong
 * is said, in clean text, and what is right is a tree: as deep as parentheses may be nested, each chain of two or more,
 * as dear as its dearest operand. Where it only tests what an entry says of itself, it is asked about some, twice, and
 * its negation once.
 *
 * Expressions of -regex are compiled by the C library, and come from the user alone: they are left out.
 */
#include <limits.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "../../tools/cmd.h"
#include "../../tools/find.h"
#include "../../tools/find_format.h"
#include "fuzz.h"

#define WORDS_MAX 64
/* Of the first byte. */
#define WARN 1
/* A Tuesday. */
#define NOW 1700000000

static unsigned int complaints;

/* What the parser says it says with this. */
void complain(const char *format, ...)
{
	char text[2048];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fuzz_check(len > 0);
	/* Cut in a character, a text would be none. */
	if ((size_t)len < sizeof(text)) {
		fuzz_check_text(text);
	}
	complaints++;
}

/* Of the rest of the command; only evaluation that asks the image comes here, and there is none. */
void find_complain_path(struct find *find, const char *path, const char *what)
{
	(void)find;
	(void)path;
	fuzz_fail(what, __FILE__, __LINE__);
}

void find_complain_error(struct find *find, const char *path, const struct peel_error *err)
{
	(void)find;
	(void)path;
	fuzz_fail(err->message, __FILE__, __LINE__);
}

const char *error_text(const struct peel_error *err)
{
	fuzz_fail(err->message, __FILE__, __LINE__);
}

int resolve_path(struct peel_index *index, int view, const char *path, bool follow,
	struct peel_node *ret_node, char **ret_canonical, struct peel_error *err)
{
	(void)index;
	(void)view;
	(void)follow;
	(void)ret_node;
	(void)ret_canonical;
	(void)err;
	fuzz_fail(path, __FILE__, __LINE__);
}

const char *__wrap_re_compile_pattern(const char *pattern, size_t len,
	struct re_pattern_buffer *regex);

const char *__wrap_re_compile_pattern(const char *pattern, size_t len,
	struct re_pattern_buffer *regex)
{
	(void)pattern;
	(void)len;
	(void)regex;
	return "left out";
}

static void check_format(const struct find_format *format)
{
	const char *end = format->text;

	for (size_t i = 0; i < format->count; i++) {
		const struct find_piece *piece = &format->pieces[i];

		fuzz_check(piece->kind != FIND_STOP || i + 1 == format->count);
		if (piece->kind == FIND_LITERAL) {
			/* One after the other, and none beside another. */
			fuzz_check(piece->len > 0 && piece->text == end);
			fuzz_check(i == 0 || piece[-1].kind != FIND_LITERAL);
			end += piece->len;
		} else if (piece->kind == FIND_DIRECTIVE) {
			fuzz_check(piece->letter != 0);
			fuzz_check(piece->field.precision >= -1 && piece->field.width >= 0);
		}
	}
}

static void check_primary(const struct find_node *node)
{
	fuzz_check(node->primary && node->primary->class != FIND_REFUSED);
	fuzz_check(node->primary->argument == (node->text != NULL));
	fuzz_check(node->cost == node->primary->cost && !node->first);
	fuzz_check(node->time.nsec >= 0 && node->time.nsec < 1000000000);
	fuzz_check(((node->mode.bits[0] | node->mode.bits[1]) & ~07777u) == 0);
	if (node->format) {
		check_format(node->format);
	}
}

static void check_tree(const struct find_node *node, int nesting)
{
	enum find_cost cost = FIND_FREE;
	size_t count = 0;

	/* Three chains a pair of parentheses. */
	fuzz_check(nesting <= 3 * (FIND_NESTING_MAX + 1));
	if (node->op == FIND_PRIMARY) {
		check_primary(node);
		return;
	}
	for (const struct find_node *at = node->first; at; at = at->next) {
		check_tree(at, nesting + 1);
		cost = cost == FIND_DOES || at->cost == FIND_DOES ? FIND_DOES
			: at->cost > cost                         ? at->cost
								  : cost;
		count++;
	}
	fuzz_check(count >= 2 && node->cost == cost && !node->primary);
}

static void ask(struct find *find)
{
	static const struct peel_node nodes[] = {
		{.ino = 1, .mode = S_IFDIR | 0755, .nlink = 3, .hidden_by = -1, .implied = true},
		{.ino = 17,
			.mode = S_IFREG | 04711,
			.nlink = 1,
			.uid = 1000,
			.gid = 5,
			.size = 123456789,
			.mtime_sec = NOW - 86401,
			.mtime_nsec = 5,
			.hidden_by = -1,
			.layer = 1},
		{.ino = UINT64_MAX >> 1,
			.mode = S_IFLNK | 0777,
			.nlink = 1,
			.uid = UINT32_MAX,
			.size = 9,
			.mtime_sec = INT64_MIN,
			.mtime_nsec = 999999999,
			.hidden_by = 2},
	};
	static const char *const paths[] = {"/", "/usr/bin/git", "/a/[b]*\\"};

	for (size_t i = 0; i < countof(nodes); i++) {
		const char *name = strrchr(paths[i], '/') + 1;
		const struct walk_step step = {.path = paths[i],
			.path_len = strlen(paths[i]),
			.name = (size_t)(name - paths[i]),
			.depth = (unsigned int)i,
			.node = &nodes[i]};
		const struct find_entry entry = {&step, 1, "/"};
		const bool holds = find_eval(find, find->tree, &entry);

		fuzz_check(find_eval(find, find->tree, &entry) == holds);
		find->tree->negated ^= true;
		fuzz_check(find_eval(find, find->tree, &entry) != holds);
		find->tree->negated ^= true;
	}
}

/* The words of the input, each with a NUL behind it. */
static int take_words(char *text, size_t len, char **words)
{
	int count = 0;

	for (size_t at = 0; at < len && count < WORDS_MAX; at++) {
		words[count++] = text + at;
		while (at < len && text[at] != '\n' && text[at] != '\0') {
			at++;
		}
		text[at] = '\0';
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	struct find find = {.warn = fuzz_byte(&input) & WARN,
		.max_depth = UINT_MAX,
		.regex_syntax = RE_SYNTAX_EMACS,
		.prints = true,
		.now = {NOW, 5},
		.day_start = {NOW, 5}};
	char *text = malloc(input.left + 1);
	char *words[WORDS_MAX];
	int count, paths = 0;

	fuzz_check(text);
	memcpy(text, input.at, input.left);
	text[input.left] = '\0';
	count = take_words(text, input.left, words);
	while (paths < count && !find_is_expression(words[paths], true)) {
		paths++;
	}
	complaints = 0;
	if (!find_parse(&find, count - paths, words + paths)) {
		fuzz_check(complaints > 0);
	} else if (find.tree) {
		check_tree(find.tree, 0);
		if (find.tree->cost == FIND_FREE) {
			ask(&find);
		}
	} else {
		fuzz_check(complaints == 0);
	}
	find_finish(&find);
	free(text);
	return 0;
}
