/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which line of a Dockerfile made which row of an image's history.
 *
 * Builders write the instruction down, each in its way, with variables put in, flags left out, files by their digest:
 *
 *   Dockerfile                          docker build                                 BuildKit
 *   RUN apt-get update                  /bin/sh -c apt-get update                    RUN /bin/sh -c apt-get update #
 *   buildkit
 *   COPY --chown=1 a /b                 /bin/sh -c #(nop) COPY file:0123… in /b      COPY a /b # buildkit
 *   RUN with ARG V=1                    |1 V=1 /bin/sh -c …                          RUN |1 V=1 /bin/sh -c …
 *
 * So both sides are taken apart into a keyword and words; two that have the keyword in common are alike by the share
 * of words that they have in common, and the best way to lay one list over the other in order is found as a
 * difference of files is. Each stage is tried with those that it is built FROM; the one that fits best is the one
 * that was built, the last of several alike. Rows before the first that fits are the base image's: its line is that
 * of FROM. Rows between without a match have none.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <peel/error.h>

#include "cmd.h"
#include "dockerfile_priv.h"

/* Words of an instruction that are compared. */
#define WORDS_MAX 64
/* Cells of the table; a history and a file that need more are not compared. */
#define CELLS_MAX ((size_t)8 << 20)
/* What an alike pair counts: at least this of ALIKE. */
#define ALIKE 100
#define ALIKE_LEAST 34

/* An instruction taken apart; words point into text. */
struct phrase {
	char *text;
	char keyword[16];
	const char *words[WORDS_MAX];
	size_t count;
	int line;
	/* Classic COPY and ADD have the digest of what was copied: the last word alone says something. */
	bool digest;
};

struct phrases {
	struct phrase *list;
	size_t count;
};

static bool is_shell(const char *word)
{
	static const char *const shells[] = {"sh", "ash", "bash", "dash", "zsh"};
	const char *slash = strrchr(word, '/');

	for (size_t i = 0; slash && i < countof(shells); i++) {
		if (strcmp(slash + 1, shells[i]) == 0) {
			return true;
		}
	}
	return false;
}

static void drop_words(struct phrase *phrase, size_t from, size_t count)
{
	memmove(&phrase->words[from], &phrase->words[from + count],
		(phrase->count - from - count) * sizeof(phrase->words[0]));
	phrase->count -= count;
}

/* JSON's punctuation says nothing: ["a", "b"] is a b. */
static void split(struct phrase *phrase, char *text)
{
	char *rest = NULL;

	for (char *word = strtok_r(text, " \t\n\"[],", &rest); word && phrase->count < WORDS_MAX;
		word = strtok_r(NULL, " \t\n\"[],", &rest)) {
		phrase->words[phrase->count++] = word;
	}
}

static bool is_keyword(const char *word)
{
	static const char *const keywords[] = {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV",
		"EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL",
		"STOPSIGNAL", "USER", "VOLUME", "WORKDIR"};

	for (size_t i = 0; i < countof(keywords); i++) {
		if (strcasecmp(keywords[i], word) == 0) {
			return true;
		}
	}
	return false;
}

static void take_keyword(struct phrase *phrase)
{
	const char *word = phrase->count ? phrase->words[0] : "";

	/* "/bin/sh -c #(nop) CMD …" of docker build; "|1 V=1" before the shell. */
	if (is_shell(word) && phrase->count > 3 && strcmp(phrase->words[2], "#(nop)") == 0) {
		drop_words(phrase, 0, 3);
		word = phrase->words[0];
	}
	if (is_keyword(word)) {
		snprintf(phrase->keyword, sizeof(phrase->keyword), "%s", word);
		drop_words(phrase, 0, 1);
	} else {
		snprintf(phrase->keyword, sizeof(phrase->keyword), "RUN");
	}
	for (char *c = phrase->keyword; *c; c++) {
		*c = (char)toupper((unsigned char)*c);
	}
}

static void clean(struct phrase *phrase)
{
	const size_t count = phrase->count;

	if (count >= 2 && strcmp(phrase->words[count - 1], "buildkit") == 0 &&
		strcmp(phrase->words[count - 2], "#") == 0) {
		phrase->count -= 2;
	}
	while (phrase->count > 0 && strncmp(phrase->words[0], "--", 2) == 0) {
		drop_words(phrase, 0, 1);
	}
	if (phrase->count > 0 && phrase->words[0][0] == '|' &&
		isdigit((unsigned char)phrase->words[0][1])) {
		const size_t args = strtoul(phrase->words[0] + 1, NULL, 10) + 1;

		drop_words(phrase, 0, args < phrase->count ? args : phrase->count);
	}
	if (phrase->count > 0 && strcmp(phrase->keyword, "RUN") == 0 &&
		is_shell(phrase->words[0])) {
		drop_words(phrase, 0, 1);
		while (phrase->count > 0 && phrase->words[0][0] == '-') {
			drop_words(phrase, 0, 1);
		}
	}
	/* "file:0123… in /b": of several files "multi:0123… in /b". */
	if (phrase->count >= 3 && strcmp(phrase->words[phrase->count - 2], "in") == 0 &&
		strchr(phrase->words[0], ':')) {
		phrase->digest = true;
	}
	while (phrase->count > 0 && strncmp(phrase->words[0], "<<", 2) == 0) {
		drop_words(phrase, 0, 1);
	}
}

static bool parse(const char *text, int line, struct phrase *phrase)
{
	*phrase = (struct phrase){.text = strdup(text), .line = line};
	if (!phrase->text) {
		return false;
	}
	split(phrase, phrase->text);
	take_keyword(phrase);
	clean(phrase);
	return true;
}

static void free_phrases(struct phrases *phrases)
{
	for (size_t i = 0; i < phrases->count; i++) {
		free(phrases->list[i].text);
	}
	free(phrases->list);
}

/* A variable stands for any word. */
static bool words_alike(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || strchr(a, '$');
}

/* How alike a line of the file is to a row of the history: 0 to ALIKE. */
static int alike(const struct phrase *line, const struct phrase *row)
{
	const size_t most = line->count > row->count ? line->count : row->count;
	size_t common = 0;
	size_t from = 0;

	if (strcmp(line->keyword, row->keyword) != 0) {
		return 0;
	}
	if (row->digest) {
		return line->count > 0 &&
				words_alike(line->words[line->count - 1],
					row->words[row->count - 1])
			? ALIKE
			: 0;
	}
	for (size_t i = 0; i < line->count; i++) {
		size_t k = from;

		while (k < row->count && !words_alike(line->words[i], row->words[k])) {
			k++;
		}
		if (k < row->count) {
			common++;
			from = k + 1;
		}
	}
	return most == 0                                      ? ALIKE
		: (int)(ALIKE * common / most) >= ALIKE_LEAST ? (int)(ALIKE * common / most)
							      : 0;
}

/*
 * Lay rows over lines, both in order: best[i][j] is what the lines from i and the rows from j come to. Among equals
 * a match, then the later: leaving out a line before leaving out a row. @return what all come to, -1: no memory or
 * too large.
 */
static int lay(const struct phrases *lines, const struct phrases *rows, int *ret_lines)
{
	const size_t width = rows->count + 1;
	cleanup_free int *best = NULL;
	int total;

	if ((lines->count + 1) * width > CELLS_MAX) {
		return -1;
	}
	best = calloc((lines->count + 1) * width, sizeof(*best));
	if (!best) {
		return -1;
	}
	for (size_t i = lines->count; i-- > 0;) {
		for (size_t j = rows->count; j-- > 0;) {
			const int score = alike(&lines->list[i], &rows->list[j]);
			const size_t cell = i * width + j;

			best[cell] = best[cell + width] > best[cell + 1] ? best[cell + width]
									 : best[cell + 1];
			if (score > 0 && score + best[cell + width + 1] > best[cell]) {
				best[cell] = score + best[cell + width + 1];
			}
		}
	}
	total = best[0];
	for (size_t i = 0, j = 0; i < lines->count && j < rows->count;) {
		const int here = best[i * width + j];

		if (here == best[(i + 1) * width + j]) {
			i++;
		} else if (here == best[i * width + j + 1]) {
			j++;
		} else {
			ret_lines[j++] = lines->list[i++].line;
		}
	}
	return total;
}

/* --- stages --- */

static bool is_from(const struct dockerfile *dockerfile, size_t i)
{
	return strncasecmp(dockerfile->list[i].text, "FROM", 4) == 0 &&
		isspace((unsigned char)dockerfile->list[i].text[4]);
}

/* The stage, by its FROM, that another is built from; count: none, it is an image. */
static size_t base_of(const struct dockerfile *dockerfile, size_t from)
{
	struct phrase phrase;
	size_t found = dockerfile->count;

	if (!parse(dockerfile->list[from].text, 0, &phrase)) {
		return found;
	}
	for (size_t i = 0; phrase.count > 0 && i < from; i++) {
		struct phrase other;

		if (!is_from(dockerfile, i) || !parse(dockerfile->list[i].text, 0, &other)) {
			continue;
		}
		if (other.count >= 3 && strcasecmp(other.words[1], "as") == 0 &&
			strcasecmp(other.words[2], phrase.words[0]) == 0) {
			found = i;
		}
		free(other.text);
	}
	free(phrase.text);
	return found;
}

/* The instructions of a stage behind those of the stages below it; *ret_line is that of the lowest FROM. */
static bool add_stage(const struct dockerfile *dockerfile, size_t from, struct phrases *phrases,
	int *ret_line)
{
	const size_t base = base_of(dockerfile, from);
	bool fine = true;

	*ret_line = dockerfile->list[from].line;
	if (base < from && !add_stage(dockerfile, base, phrases, ret_line)) {
		return false;
	}
	for (size_t i = from + 1; fine && i < dockerfile->count && !is_from(dockerfile, i); i++) {
		fine = phrases->count < dockerfile->count &&
			parse(dockerfile->list[i].text, dockerfile->list[i].line,
				&phrases->list[phrases->count]);
		phrases->count += fine;
	}
	return fine;
}

static bool try_stage(const struct dockerfile *dockerfile, size_t from, const struct phrases *rows,
	int *best, int *ret_lines)
{
	struct phrases lines = {.list = calloc(dockerfile->count + 1, sizeof(*lines.list))};
	cleanup_free int *found = calloc(rows->count + 1, sizeof(*found));
	int from_line;
	bool fine = lines.list && found && add_stage(dockerfile, from, &lines, &from_line);
	int total = fine ? lay(&lines, rows, found) : 0;

	if (fine && total > 0 && total >= *best) {
		*best = total;
		memcpy(ret_lines, found, rows->count * sizeof(*found));
		for (size_t j = 0; j < rows->count && ret_lines[j] == 0; j++) {
			ret_lines[j] = from_line;
		}
	}
	free_phrases(&lines);
	return fine;
}

int dockerfile_lines(const struct dockerfile *dockerfile, const char *const *created_by,
	size_t count, int *ret_lines, struct peel_error *err)
{
	struct phrases rows = {.list = calloc(count + 1, sizeof(*rows.list))};
	bool fine = rows.list != NULL;
	int best = 0;

	memset(ret_lines, 0, count * sizeof(*ret_lines));
	while (fine && rows.count < count) {
		fine = parse(created_by[rows.count], 0, &rows.list[rows.count]);
		rows.count += fine;
	}
	for (size_t i = 0; fine && i < dockerfile->count; i++) {
		fine = !is_from(dockerfile, i) || try_stage(dockerfile, i, &rows, &best, ret_lines);
	}
	free_phrases(&rows);
	return fine ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
}
