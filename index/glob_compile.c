/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern becomes a list of components, and each of them what it begins with, what it ends with,
 * and the steps between:
 *
 *   "lib*.so.[0-9]*"     head "lib"   steps * . s o . [0-9] *   tail ""
 *   "*.pyc"              head ""      steps *                    tail ".pyc"
 *   "setup.py"           head "setup.py", no steps
 *
 * Most patterns are settled by comparing the two ends, and the set finds them by these.
 */
#include "glob_priv.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>
#include <peel/text.h>

#include "util.h"

/* Longest piece of a pattern in a message. */
#define SHOWN_SIZE 240

/* A pattern on its way. */
struct compiler {
	struct glob *glob;
	const char *pattern;
	/* What is filled of the glob's arrays. */
	size_t steps;
	size_t sets;
	size_t text;
	/* Why the pattern is none. */
	const char *why;
};

int glob_refuse(const char *pattern, const char *why, struct peel_error *err)
{
	char shown[SHOWN_SIZE];

	return peel_fail(err, PEEL_EFORMAT, "pattern \"%s\": %s",
		peel_text_escape_into(shown, sizeof(shown), pattern, strlen(pattern)), why);
}

/* Remember why. @return 0, which no component ends at. */
static size_t wrong(struct compiler *compiler, const char *why)
{
	compiler->why = why;
	return 0;
}

static void add_range(struct glob_bytes *set, unsigned int from, unsigned int to)
{
	for (unsigned int c = from; c <= to; c++) {
		set->bits[c / 64] |= UINT64_C(1) << c % 64;
	}
}

/* A byte of a set, which may be escaped. Moves *at behind it. */
static unsigned int set_byte(const char *text, size_t *at)
{
	*at += text[*at] == '\\';
	return (unsigned char)text[(*at)++];
}

/* Members of a set, from its first to its end. */
static bool fill_set(struct compiler *compiler, struct glob_bytes *set, size_t at, size_t end)
{
	const char *text = compiler->pattern;

	while (at < end) {
		unsigned int from;
		unsigned int to;

		if (text[at] == '[' && strchr(":.=", text[at + 1])) {
			return wrong(compiler, "character classes are not taken");
		}
		from = to = set_byte(text, &at);
		if (text[at] == '-' && at + 1 < end) {
			at++;
			to = set_byte(text, &at);
		}
		if (from > to) {
			return wrong(compiler, "a range that runs backwards");
		}
		if (from == '/' || to == '/') {
			return wrong(compiler, "a slash within []");
		}
		add_range(set, from, to);
	}
	return true;
}

/* A set, from its "[" on. @return where it ends, behind its "]"; 0: wrong. */
static size_t parse_set(struct compiler *compiler, size_t open)
{
	struct glob_bytes *set = &compiler->glob->sets[compiler->sets];
	const char *text = compiler->pattern;
	const size_t end = glob_bracket_end(text, open);
	const bool others = text[open + 1] == '!' || text[open + 1] == '^';

	if (end == 0) {
		return wrong(compiler, "a \"[\" without its \"]\"");
	}
	if (!fill_set(compiler, set, open + 1 + others, end)) {
		return 0;
	}
	for (size_t i = 0; others && i < countof(set->bits); i++) {
		set->bits[i] = ~set->bits[i];
	}
	set->bits['/' / 64] &= ~(UINT64_C(1) << '/' % 64);
	compiler->glob->steps[compiler->steps++] = (uint16_t)(GLOB_SETS + compiler->sets++);
	return end + 1;
}

/* One step, and where the next begins; 0: wrong. */
static size_t parse_step(struct compiler *compiler, size_t at)
{
	const char *text = compiler->pattern;
	uint16_t *steps = compiler->glob->steps;

	switch (text[at]) {
	case '*':
		if (text[at + 1] == '*') {
			return wrong(compiler, "\"**\" must be a whole component");
		}
		steps[compiler->steps++] = GLOB_STAR;
		return at + 1;
	case '?':
		steps[compiler->steps++] = GLOB_ANY;
		return at + 1;
	case '[':
		return parse_set(compiler, at);
	case '\\':
		at++;
		if (text[at] == '\0') {
			return wrong(compiler, "a \"\\\" at the end");
		}
		if (text[at] == '/') {
			return wrong(compiler, "a slash that is no separator");
		}
		break;
	default:
		break;
	}
	steps[compiler->steps++] = (unsigned char)text[at];
	return at + 1;
}

static size_t count_bytes(const uint16_t *steps, size_t count, bool from_end)
{
	size_t bytes = 0;

	while (bytes < count && steps[from_end ? count - 1 - bytes : bytes] < GLOB_ANY) {
		bytes++;
	}
	return bytes;
}

static bool has_star(const uint16_t *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (steps[i] == GLOB_STAR) {
			return true;
		}
	}
	return false;
}

static void keep_text(struct compiler *compiler, const uint16_t *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		compiler->glob->text[compiler->text++] = (char)steps[i];
	}
}

static bool is_dots(const char *text, size_t len)
{
	return (len == 1 && text[0] == '.') || (len == 2 && memcmp(text, "..", 2) == 0);
}

/* Take head and tail off the steps of a component, which are the last of all, from first on. */
static bool finish_part(struct compiler *compiler, struct glob_part *part, size_t first)
{
	const uint16_t *steps = compiler->glob->steps + first;
	size_t count = compiler->steps - first;
	size_t head = count_bytes(steps, count, false);
	size_t tail = has_star(steps, count) ? count_bytes(steps, count, true) : 0;

	part->text = (uint16_t)compiler->text;
	part->head = (uint16_t)head;
	part->tail = (uint16_t)tail;
	part->step = (uint16_t)(first + head);
	part->steps = (uint16_t)(count - head - tail);
	keep_text(compiler, steps, head);
	keep_text(compiler, steps + count - tail, tail);
	if (part->steps == 0 && is_dots(compiler->glob->text + part->text, head)) {
		wrong(compiler, "a component \".\" or \"..\"");
		return false;
	}
	return true;
}

static bool is_any_depth(const char *text, size_t at)
{
	return text[at] == '*' && text[at + 1] == '*' && (text[at + 2] == '/' || !text[at + 2]);
}

/* One component. @return where it ends; 0: wrong. */
static size_t parse_part(struct compiler *compiler, size_t at)
{
	struct glob *glob = compiler->glob;
	struct glob_part *part = &glob->parts[glob->parts_count];
	const char *text = compiler->pattern;
	const size_t first = compiler->steps;

	if (is_any_depth(text, at)) {
		/* Two in a row are one. */
		if (glob->parts_count == 0 || !part[-1].any_depth) {
			part->any_depth = true;
			glob->parts_count++;
		}
		return at + 2;
	}
	if (text[at] == '/' || text[at] == '\0') {
		return wrong(compiler, text[at] ? "an empty component" : "a slash at the end");
	}
	while (text[at] && text[at] != '/') {
		at = parse_step(compiler, at);
		if (at == 0) {
			return 0;
		}
	}
	if (!finish_part(compiler, part, first)) {
		return 0;
	}
	glob->parts_count++;
	return at;
}

/* All components. @return false: wrong. */
static bool parse(struct compiler *compiler)
{
	const char *text = compiler->pattern;
	size_t at = 0;

	if (text[0] != '/' && !(is_any_depth(text, 0) && text[2])) {
		compiler->why = "it begins neither with \"/\" nor with \"**/\"";
		return false;
	}
	if (strcmp(text, "/") == 0) {
		return true;
	}
	at = text[0] == '/';
	do {
		at = parse_part(compiler, at);
		if (at == 0) {
			return false;
		}
	} while (text[at++]);
	return true;
}

/* Components behind the last "**", 0 where there is none. */
static uint32_t count_ending(const struct glob *glob)
{
	uint32_t count = 0;

	while (count < glob->parts_count && !glob->parts[glob->parts_count - 1 - count].any_depth) {
		count++;
	}
	return count < glob->parts_count ? count : 0;
}

static size_t count_of(const char *text, char wanted)
{
	size_t count = 0;

	for (; *text; text++) {
		count += *text == wanted;
	}
	return count;
}

/* A block with room for what a pattern could need at most; the widest elements first. */
static struct glob *new_glob(const char *pattern)
{
	const size_t len = strlen(pattern);
	const size_t sets = count_of(pattern, '[');
	const size_t parts = count_of(pattern, '/') + 1;
	struct glob *glob;
	size_t size;

	size = sizeof(*glob) + sets * sizeof(*glob->sets) + parts * sizeof(*glob->parts) +
		len * (sizeof(*glob->steps) + 1);
	glob = calloc(1, size);
	if (!glob) {
		return NULL;
	}
	glob->size = (uint32_t)size;
	glob->sets = (struct glob_bytes *)(glob + 1);
	glob->parts = (struct glob_part *)(glob->sets + sets);
	glob->steps = (uint16_t *)(glob->parts + parts);
	glob->text = (char *)(glob->steps + len);
	return glob;
}

int glob_compile(const char *pattern, const char *whole, struct glob **ret_glob,
	struct peel_error *err)
{
	cleanup_free struct glob *glob = new_glob(pattern);
	struct compiler compiler = {.glob = glob, .pattern = pattern};

	if (!glob) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (!parse(&compiler)) {
		return glob_refuse(whole, compiler.why, err);
	}
	glob->ending = count_ending(glob);
	*ret_glob = steal_pointer(&glob);
	return 0;
}
