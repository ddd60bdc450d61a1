/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a check's documents is written, and that no runner of CI takes commands out of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cmd.h"

/* Formats. Where two number signs would stand side by side, the second is written in the format's own way. */
static const struct {
	const char *name;
	check_write_fn *write;
	const char *sign;
} writers[] = {
	{"text", check_write_text, "\\x23"},
	{"json", check_write_json, "\\u0023"},
	{"junit", check_write_junit, "&#35;"},
	{"sarif", check_write_sarif, "\\u0023"},
	/* The runner takes its lines as a whole; Markdown has numbers for all signs. */
	{"github", check_write_github, "#"},
	{"markdown", check_write_markdown, "#"},
};

/*
 * Runners take commands out of a log: GitHub "##[name]" and Azure "##vso[" anywhere in a line, whatever the document
 * is that goes to standard output. (The other form, "::name::", begins a line, which no name does here.)
 */
static bool write_tame(const struct check_report *report, size_t format, FILE *out)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	FILE *memory = peel_text_stream(&text, &size);
	bool fine;

	if (!memory) {
		return false;
	}
	fine = writers[format].write(report, memory);
	if (fclose(memory) != 0) {
		return false;
	}
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '#' && i > 0 && text[i - 1] == '#') {
			fputs(writers[format].sign, out);
		} else {
			putc(text[i], out);
		}
	}
	return fine;
}

int check_emit(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	const struct check_report *report = arg;
	bool fine = true;

	(void)call;
	(void)index;
	for (size_t i = 0; i < countof(writers); i++) {
		if (strcmp(writers[i].name, format) == 0) {
			fine = write_tame(report, i, out);
		}
	}
	if (!fine) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
	}
	return fine ? STATUS_OK : STATUS_ERROR;
}
