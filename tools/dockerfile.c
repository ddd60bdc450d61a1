/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions of a Dockerfile, as builders read them: continuation lines with the escape character of the file,
 * comments between them, heredocs, stages. Which line made which layer is dockerfile_match.c's.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <peel/error.h>
#include <peel/text.h>

#include "cmd.h"
#include "dockerfile_priv.h"

/* Heredocs that one instruction begins. */
#define HEREDOCS_MAX 16
/* Bytes of a line that can be a directive; what is behind them says nothing. */
#define DIRECTIVE_MAX 256

struct heredoc {
	char name[64];
	bool tabs;
};

/* What is left of a file, line by line. */
struct reading {
	struct dockerfile *dockerfile;
	const char *at;
	const char *end;
	int line;
	char escape;
	struct peel_error *err;
};

static bool take_line(struct reading *reading, const char **ret_line, size_t *ret_len)
{
	const char *newline;

	if (reading->at == reading->end) {
		return false;
	}
	newline = memchr(reading->at, '\n', (size_t)(reading->end - reading->at));
	*ret_line = reading->at;
	*ret_len = (size_t)((newline ? newline : reading->end) - reading->at);
	reading->at = newline ? newline + 1 : reading->end;
	reading->line++;
	if (*ret_len > 0 && (*ret_line)[*ret_len - 1] == '\r') {
		--*ret_len;
	}
	return true;
}

static bool is_comment(const char *line, size_t len)
{
	size_t i = 0;

	while (i < len && (line[i] == ' ' || line[i] == '\t')) {
		i++;
	}
	return i == len || line[i] == '#';
}

/* "# escape=`" among the first lines. */
static void take_directives(struct reading *reading)
{
	struct reading ahead = *reading;
	const char *line;
	size_t len;

	reading->escape = '\\';
	while (take_line(&ahead, &line, &len) && len > 0 && line[0] == '#') {
		/* The file has no NUL at its end, and the next line is none of this one. */
		char text[DIRECTIVE_MAX + 1];
		char name[16];
		char value;

		snprintf(text, sizeof(text), "%.*s", len < DIRECTIVE_MAX ? (int)len : DIRECTIVE_MAX,
			line);
		if (sscanf(text, "# %15[a-zA-Z] = %c", name, &value) != 2 &&
			sscanf(text, "#%15[a-zA-Z]=%c", name, &value) != 2) {
			return;
		}
		if (strcasecmp(name, "escape") == 0) {
			reading->escape = value;
		}
	}
}

/* "<<EOF", "<<-'EOF'" outside of quotes, in RUN, COPY and ADD. */
static size_t find_heredocs(const char *text, struct heredoc *docs)
{
	size_t count = 0;

	for (const char *at = strstr(text, "<<"); at && count < HEREDOCS_MAX;
		at = strstr(at, "<<")) {
		struct heredoc *doc = &docs[count];
		char quote = 0;
		size_t len = 0;

		at += 2;
		doc->tabs = *at == '-';
		at += doc->tabs;
		if (*at == '"' || *at == '\'') {
			quote = *at++;
		}
		while (len + 1 < sizeof(doc->name) &&
			(isalnum((unsigned char)at[len]) || at[len] == '_' ||
				(len > 0 && at[len] == '.'))) {
			doc->name[len] = at[len];
			len++;
		}
		doc->name[len] = 0;
		count += len > 0 && (!quote || at[len] == quote);
	}
	return count;
}

static bool ends_heredoc(const struct heredoc *doc, const char *line, size_t len)
{
	while (doc->tabs && len > 0 && *line == '\t') {
		line++;
		len--;
	}
	return strlen(doc->name) == len && memcmp(doc->name, line, len) == 0;
}

static void append(FILE *out, const char *bytes, size_t len)
{
	fwrite(bytes, 1, len, out);
}

static void take_heredocs(struct reading *reading, const char *first, FILE *out)
{
	struct heredoc docs[HEREDOCS_MAX];
	const size_t count = find_heredocs(first, docs);
	const char *line;
	size_t len;

	for (size_t i = 0; i < count; i++) {
		while (take_line(reading, &line, &len) && !ends_heredoc(&docs[i], line, len)) {
			putc('\n', out);
			append(out, line, len);
		}
	}
}

/* Whether a line goes on: its last character but for blanks is the escape. */
static bool goes_on(const struct reading *reading, const char *line, size_t *len)
{
	size_t end = *len;

	while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '\t')) {
		end--;
	}
	if (end > 0 && line[end - 1] == reading->escape) {
		*len = end - 1;
		return true;
	}
	return false;
}

static int add_instruction(struct reading *reading, int line, char *text)
{
	struct dockerfile *dockerfile = reading->dockerfile;

	if (dockerfile->count == DOCKERFILE_INSTRUCTIONS_MAX) {
		free(text);
		return peel_fail(reading->err, PEEL_ELIMIT, "%s: more than %d instructions",
			dockerfile->shown, DOCKERFILE_INSTRUCTIONS_MAX);
	}
	dockerfile->list[dockerfile->count++] = (struct instruction){.line = line, .text = text};
	return 0;
}

/* One instruction with its continuation lines and heredocs. */
static int take_instruction(struct reading *reading, const char *line, size_t len)
{
	const int first_line = reading->line;
	char *text = NULL;
	size_t size;
	FILE *out = peel_text_stream(&text, &size);
	bool fine = true;
	bool more;

	if (!out) {
		return peel_fail(reading->err, PEEL_ENOMEM, "no memory");
	}
	more = goes_on(reading, line, &len);
	append(out, line, len);
	while (more && take_line(reading, &line, &len)) {
		if (is_comment(line, len)) {
			continue;
		}
		more = goes_on(reading, line, &len);
		append(out, line, len);
	}
	if (fflush(out) == 0 &&
		(strncasecmp(text, "RUN", 3) == 0 || strncasecmp(text, "COPY", 4) == 0 ||
			strncasecmp(text, "ADD", 3) == 0)) {
		cleanup_free char *first = strdup(text);

		fine = first != NULL;
		if (fine) {
			take_heredocs(reading, first, out);
		}
	}
	if (fclose(out) != 0 || !fine) {
		free(text);
		return peel_fail(reading->err, PEEL_ENOMEM, "no memory");
	}
	return add_instruction(reading, first_line, text);
}

static int read_all(struct reading *reading)
{
	const char *line;
	size_t len;
	int code = 0;

	take_directives(reading);
	while (code == 0 && take_line(reading, &line, &len)) {
		if (is_comment(line, len)) {
			continue;
		}
		while (len > 0 && (*line == ' ' || *line == '\t')) {
			line++;
			len--;
		}
		code = take_instruction(reading, line, len);
	}
	return code;
}

void dockerfile_free(struct dockerfile *dockerfile)
{
	if (!dockerfile) {
		return;
	}
	for (size_t i = 0; i < dockerfile->count; i++) {
		free(dockerfile->list[i].text);
	}
	free(dockerfile->list);
	free(dockerfile->path);
	free(dockerfile->shown);
	free(dockerfile);
}

const char *dockerfile_path(const struct dockerfile *dockerfile)
{
	return dockerfile->path;
}

static bool has_from(const struct dockerfile *dockerfile)
{
	for (size_t i = 0; i < dockerfile->count; i++) {
		if (strncasecmp(dockerfile->list[i].text, "FROM", 4) == 0) {
			return true;
		}
	}
	return false;
}

int dockerfile_parse(const char *path, const char *text, size_t len,
	struct dockerfile **ret_dockerfile, struct peel_error *err)
{
	struct dockerfile *dockerfile = calloc(1, sizeof(*dockerfile));
	struct reading reading = {
		.dockerfile = dockerfile, .at = text, .end = text + len, .err = err};
	int code = 0;

	if (!dockerfile || !(dockerfile->path = strdup(path)) ||
		peel_text_escape(path, strlen(path), &dockerfile->shown) < 0 ||
		!(dockerfile->list = calloc(DOCKERFILE_INSTRUCTIONS_MAX,
			  sizeof(*dockerfile->list)))) {
		code = peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	if (code == 0) {
		code = read_all(&reading);
	}
	if (code == 0 && !has_from(dockerfile)) {
		code = peel_fail(err, PEEL_EFORMAT, "%s: no Dockerfile: it has no FROM",
			dockerfile->shown);
	}
	if (code < 0) {
		dockerfile_free(dockerfile);
		return code;
	}
	*ret_dockerfile = dockerfile;
	return 0;
}

int dockerfile_load(const char *path, struct dockerfile **ret_dockerfile, struct peel_error *err)
{
	cleanup_free char *text = malloc(DOCKERFILE_MAX + 1);
	char shown[PEEL_MESSAGE_SIZE / 2];
	FILE *in = fopen(path, "re");
	size_t len = 0;
	bool failed = false;

	peel_text_escape_into(shown, sizeof(shown), path, strlen(path));
	if (!in) {
		return peel_fail(err, errno == ENOENT ? PEEL_ENOENT : PEEL_EIO, "%s: %s", shown,
			strerror(errno));
	}
	if (text) {
		len = fread(text, 1, DOCKERFILE_MAX + 1, in);
		failed = ferror(in) != 0;
	}
	fclose(in);
	if (!text || failed) {
		return peel_fail(err, text ? PEEL_EIO : PEEL_ENOMEM, "%s: cannot be read", shown);
	}
	if (len > DOCKERFILE_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "%s: more than %u bytes", shown, DOCKERFILE_MAX);
	}
	return dockerfile_parse(path, text, len, ret_dockerfile, err);
}
