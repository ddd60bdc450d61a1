/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path patterns against a model that says what glob.h says, slowly: braces are written out, and each alternative is
 * run over the path as an automaton whose states are places of the pattern. Lines of the input are patterns up to an
 * empty one, then paths.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <peel/error.h>

#include "fuzz.h"
#include "glob.h"

/* What the model takes; longer ones are only run. */
#define PATTERN_MAX 120
#define PATH_MAX_MODEL 200
#define PATTERNS_MAX 3
#define PATHS_MAX 3
/* Alternatives that the model writes out for one pattern. */
#define BUDGET 40

/* Behind a "[…]". @param ret_takes whether it takes a byte. */
static const char *skip_set(const char *at, unsigned char byte, bool *ret_takes)
{
	bool negated = false, has = false;

	at++;
	if (*at == '!' || *at == '^') {
		negated = true;
		at++;
	}
	for (bool first = true; first || *at != ']'; first = false) {
		unsigned char low, high;

		at += *at == '\\';
		low = high = (unsigned char)*at++;
		if (*at == '-' && at[1] != ']') {
			at++;
			at += *at == '\\';
			high = (unsigned char)*at++;
		}
		has |= low <= byte && byte <= high;
	}
	*ret_takes = has != negated;
	return at + 1;
}

/* Behind one element of a component. */
static const char *skip(const char *at, unsigned char byte, bool *ret_takes)
{
	if (*at == '[') {
		return skip_set(at, byte, ret_takes);
	}
	if (*at == '?') {
		*ret_takes = true;
		return at + 1;
	}
	at += *at == '\\';
	*ret_takes = (unsigned char)*at == byte;
	return at + 1;
}

/* One component's pattern against a name, each from a place on: all ways are tried at once. */
static bool name_matches(const char *pattern, const char *end, const char *name, size_t len)
{
	bool now[PATTERN_MAX + 2] = {true}, next[PATTERN_MAX + 2];
	const size_t last = (size_t)(end - pattern);

	for (size_t i = 0;; i++) {
		for (size_t s = 0; s < last; s++) {
			now[s + 1] |= now[s] && pattern[s] == '*';
		}
		if (i == len) {
			return now[last];
		}
		memset(next, 0, sizeof(next));
		for (size_t s = 0; s < last; s++) {
			bool takes;
			const char *behind;

			if (!now[s]) {
				continue;
			}
			if (pattern[s] == '*') {
				next[s] = true;
				continue;
			}
			behind = skip(pattern + s, (unsigned char)name[i], &takes);
			if (takes) {
				next[behind - pattern] = true;
			}
		}
		memcpy(now, next, sizeof(now));
	}
}

/* The end of a component of a pattern: a slash that stands in no set, and is not quoted. */
static const char *component_end(const char *at)
{
	bool ignored;

	while (*at && *at != '/') {
		at = *at == '*' ? at + 1 : skip(at, 0, &ignored);
	}
	return at;
}

/* Components of a pattern against those of a path, whose first letters are here. */
static bool rest_matches(const char *pattern, const char *path, const char *path_end)
{
	const char *end, *name_end;

	if (!*pattern || path == path_end) {
		return !*pattern && path == path_end;
	}
	pattern++;
	end = component_end(pattern);
	name_end = memchr(path + 1, '/', (size_t)(path_end - path - 1));
	name_end = name_end ? name_end : path_end;
	if (end - pattern == 2 && memcmp(pattern, "**", 2) == 0) {
		return !*end || rest_matches(end, path, path_end) ||
			rest_matches(pattern - 1, name_end, path_end);
	}
	return name_matches(pattern, end, path + 1, (size_t)(name_end - path - 1)) &&
		rest_matches(end, name_end, path_end);
}

static bool plain_matches(const char *pattern, const char *path, size_t len)
{
	char whole[PATTERN_MAX + 2];

	if (strcmp(pattern, "/") == 0) {
		return len == 1;
	}
	(void)snprintf(whole, sizeof(whole), "%s%s", pattern[0] == '/' ? "" : "/", pattern);
	return rest_matches(whole, path, len == 1 ? path : path + len);
}

/* Behind the element at a place, or at the brace or comma that stands there. */
static const char *over(const char *at)
{
	bool ignored;

	return *at == '*' || *at == '/' ? at + 1 : skip(at, 0, &ignored);
}

/* The model. @param budget what is left of it; less than 0: no answer. */
static bool matches(const char *pattern, const char *path, size_t len, int *budget)
{
	const char *open = pattern;
	const char *close, *from;
	int depth = 0;

	if (--*budget < 0) {
		return false;
	}
	while (*open && *open != '{') {
		open = over(open);
	}
	if (!*open) {
		return plain_matches(pattern, path, len);
	}
	for (close = open; depth != 1 || *close != '}'; close = over(close)) {
		depth += (*close == '{') - (*close == '}');
	}
	depth = 0;
	from = open + 1;
	for (const char *at = from;; at = over(at)) {
		if (depth == 0 && (*at == ',' || at == close)) {
			char one[PATTERN_MAX + 1];

			(void)snprintf(one, sizeof(one), "%.*s%.*s%s", (int)(open - pattern),
				pattern, (int)(at - from), from, close + 1);
			if (matches(one, path, len, budget)) {
				return true;
			}
			from = at + 1;
		}
		if (at == close) {
			return false;
		}
		depth += (*at == '{') - (*at == '}');
	}
}

/* A line as a C string without what a path cannot hold. @return false where it does not fit. */
static bool take_line(struct fuzz_input *input, char *line, size_t size, size_t *ret_len)
{
	const uint8_t *newline = memchr(input->at, '\n', input->left);
	const size_t len = newline ? (size_t)(newline - input->at) : input->left;
	const uint8_t *bytes;

	*ret_len = 0;
	(void)fuzz_bytes(input, newline ? len + 1 : len, &bytes);
	for (size_t i = 0; i < len && *ret_len + 1 < size; i++) {
		if (bytes[i]) {
			line[(*ret_len)++] = (char)bytes[i];
		}
	}
	line[*ret_len] = '\0';
	return true;
}

/* Make a line a canonical path: a slash before each name, and none at the end. */
static size_t make_path(const char *line, size_t len, char *path)
{
	size_t at = 0;

	path[at++] = '/';
	for (size_t i = 0; i < len; i++) {
		if (line[i] != '/' || path[at - 1] != '/') {
			path[at++] = line[i];
		}
	}
	at -= at > 1 && path[at - 1] == '/';
	return at;
}

struct told {
	uint32_t ids;
	int64_t last;
};

static int take_id(void *arg, uint32_t id)
{
	struct told *told = arg;

	fuzz_check((int64_t)id > told->last && id < PATTERNS_MAX);
	told->last = id;
	told->ids |= 1u << id;
	return 0;
}

/* All patterns, each alone and together, against one path. */
static void check_path(char patterns[][GLOB_MAX + 2], size_t count, const struct glob_set *set,
	uint32_t in_set, const char *path, size_t len)
{
	struct told told = {.last = -1};
	uint32_t alone = 0;
	uint32_t first = PATTERNS_MAX;

	for (size_t i = 0; i < count; i++) {
		const int result = glob_match(patterns[i], path, len, NULL);
		int budget = BUDGET;

		fuzz_check(result == 1 || result == 0);
		alone |= (uint32_t)result << i;
		if (strlen(patterns[i]) < PATTERN_MAX && len < PATH_MAX_MODEL) {
			const bool wanted = matches(patterns[i], path, len, &budget);

			fuzz_check(budget < 0 || wanted == (result == 1));
		}
	}
	fuzz_check(glob_set_match(set, path, len, take_id, &told) == 0);
	fuzz_check(told.ids == (alone & in_set));
	fuzz_check(glob_set_first(set, path, len, &first) == (told.ids != 0));
	fuzz_check(!told.ids || first == (uint32_t)__builtin_ctz(told.ids));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char patterns[PATTERNS_MAX][GLOB_MAX + 2];
	struct fuzz_input input = {data, len};
	cleanup_glob_set struct glob_set *set = NULL;
	char line[512], path[514];
	uint32_t in_set = 0;
	size_t count = 0;
	size_t got;

	fuzz_check(glob_set_new(&set, NULL) == 0);
	while (count < PATTERNS_MAX && input.left &&
		take_line(&input, patterns[count], sizeof(*patterns), &got) && got) {
		struct peel_error err = {0};
		const int code = glob_match(patterns[count], "/a", 2, &err);

		/* What one function refuses the other refuses as well. */
		fuzz_check((code < 0) ==
			(glob_set_add(set, patterns[count], (uint32_t)count, &err) < 0));
		if (code >= 0) {
			in_set |= 1u << count;
			count++;
		} else {
			fuzz_check(err.code < 0 && err.message[0]);
			/* Some of its alternatives may be in the set. */
			glob_set_free(set);
			fuzz_check(glob_set_new(&set, NULL) == 0);
			for (size_t i = 0; i < count; i++) {
				fuzz_check(glob_set_add(set, patterns[i], (uint32_t)i, NULL) == 0);
			}
		}
	}
	for (size_t i = 0; i < PATHS_MAX && count && input.left; i++) {
		(void)take_line(&input, line, sizeof(line), &got);
		check_path(patterns, count, set, in_set, path, make_path(line, got, path));
	}
	return 0;
}
