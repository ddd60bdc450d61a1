/* SPDX-License-Identifier: Apache-2.0 */
#include "exclude.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>
#include <peel/text.h>

/* One pattern. */
struct exclude_pattern {
	/* Without its backslashes where it has no wildcards. */
	char *text;
	bool wildcards;
	bool include;
};

static bool has_wildcards(const char *pattern)
{
	for (; *pattern; pattern++) {
		if (strchr("?*[", *pattern)) {
			return true;
		}
		if (*pattern == '\\' && pattern[1]) {
			pattern++;
		}
	}
	return false;
}

static void remove_backslashes(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\\' && from[1]) {
			from++;
		}
		*to++ = *from;
	}
	*to = '\0';
}

int exclude_add(struct exclude *exclude, const char *pattern, bool include, struct peel_error *err)
{
	struct exclude_pattern *added;

	if (exclude->count == exclude->room) {
		size_t room = exclude->room ? exclude->room * 2 : 8;

		added = reallocarray(exclude->patterns, room, sizeof(*added));
		if (!added) {
			return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
		}
		exclude->patterns = added;
		exclude->room = room;
	}
	added = &exclude->patterns[exclude->count];
	*added = (struct exclude_pattern){
		.text = strdup(pattern), .wildcards = has_wildcards(pattern), .include = include};
	if (!added->text) {
		return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
	}
	if (!added->wildcards) {
		remove_backslashes(added->text);
	}
	exclude->count++;
	return 0;
}

static int add_lines(struct exclude *exclude, FILE *file, struct peel_error *err)
{
	char *line = NULL;
	size_t room = 0;
	size_t total = 0;
	ssize_t len;
	int r = 0;

	while (r == 0 && (len = getline(&line, &room, file)) >= 0) {
		total += (size_t)len;
		while (len > 0 && isspace((unsigned char)line[len - 1])) {
			line[--len] = '\0';
		}
		if (total > EXCLUDE_FILE_MAX) {
			r = peel_fail(err, PEEL_ELIMIT, "more than %u MiB of patterns",
				EXCLUDE_FILE_MAX >> 20);
		} else if (len > 0) {
			r = exclude_add(exclude, line, false, err);
		}
	}
	/* Without memory a line ends the loop, and is no error of the file. */
	if (r == 0 && !feof(file)) {
		r = peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	}
	free(line);
	return r;
}

int exclude_add_file(struct exclude *exclude, const char *path, struct peel_error *err)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	char shown[PEEL_MESSAGE_SIZE];
	int r;

	r = file ? add_lines(exclude, file, err) : peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	if (file && !standard) {
		fclose(file);
	}
	return r < 0 ? peel_wrap(err, "%s",
			       peel_text_escape_into(shown, sizeof(shown), path, strlen(path)))
		     : 0;
}

/* A name that a pattern may be compared with begins behind a slash, but for wildcards not between two. */
static bool match_one(const struct exclude_pattern *pattern, const char *name, bool anchored)
{
	for (;;) {
		bool matched = pattern->wildcards ? fnmatch(pattern->text, name, 0) == 0
						  : strcmp(pattern->text, name) == 0;

		if (matched || anchored) {
			return matched;
		}
		do {
			name = strchr(name, '/');
			if (!name) {
				return false;
			}
			name++;
		} while (pattern->wildcards && *name == '/');
	}
}

bool exclude_match(const struct exclude *exclude, const char *name, bool anchored)
{
	for (size_t i = exclude->count; i > 0; i--) {
		const struct exclude_pattern *pattern = &exclude->patterns[i - 1];

		if (match_one(pattern, name, anchored)) {
			return !pattern->include;
		}
	}
	return exclude->count > 0 && exclude->patterns[0].include;
}

void exclude_finish(struct exclude *exclude)
{
	for (size_t i = 0; i < exclude->count; i++) {
		free(exclude->patterns[i].text);
	}
	free(exclude->patterns);
	*exclude = (struct exclude){0};
}
