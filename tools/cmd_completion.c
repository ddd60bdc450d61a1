/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel completion: a script for bash, zsh or fish. The scripts (completions/) are the same for every verb: they read
 * rows of the tables that parse the options and print the help, put into them as one quoted text, five fields between
 * tabs a line: verb - NAME FLAGS FORMATS OPERANDS SUMMARY · option OWNER NAME VALUE HELP, the owner being a verb, "*",
 * "image" or "output" · mount - WORD VALUE HELP · word VERB NAME · transport - NAME. An empty field is "-".
 */
#include <string.h>

#include "cmd.h"
#include "completion_bash.h"
#include "completion_fish.h"
#include "completion_zsh.h"

/* Where the rows go in a script. */
#define MARK "@TABLES@"

/* A shell: its script, and how a single quote stands within single quotes. */
struct shell {
	const char *name;
	const char *script;
	const char *quote;
	/* A backslash is escaped within single quotes too. */
	bool backslash;
};

static const struct shell shells[] = {
	{"bash", completion_bash, "'\\''", false},
	{"fish", completion_fish, "\\'", true},
	{"zsh", completion_zsh, "'\\''", false},
};

static void print_quoted(const struct shell *shell, const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'') {
			fputs(shell->quote, stdout);
		} else {
			if (*text == '\\' && shell->backslash) {
				putchar('\\');
			}
			putchar(*text);
		}
	}
	putchar('\'');
}

/* Blanks between formats become commas, so that the field is one word. */
static void print_formats(FILE *out, const char *formats)
{
	for (; formats && *formats; formats++) {
		putc(*formats == ' ' ? ',' : *formats, out);
	}
	fputs(formats ? "" : "-", out);
}

static void print_verb(FILE *out, const struct verb *verb)
{
	fprintf(out, "verb\t-\t%s\t%s%s\t", verb->name, verb->image ? "image" : "plain",
		verb->own_language ? ",language" : "");
	print_formats(out, verb->formats);
	fprintf(out, "\t%s\t%s\n", *verb->operands ? verb->operands : "-", verb->summary);
}

static void print_rows(FILE *out, const char *kind, const char *owner, const struct opt *rows)
{
	const char *dashes = strcmp(kind, "mount") == 0 ? "" : "--";

	for (const struct opt *row = rows; row && (row->letter || row->name); row++) {
		const char *value = row->value ? row->value : "-";

		if (row->help && row->letter) {
			fprintf(out, "%s\t%s\t-%c\t%s\t%s\n", kind, owner, row->letter, value,
				row->help);
		}
		if (row->help && row->name) {
			fprintf(out, "%s\t%s\t%s%s\t%s\t%s\n", kind, owner, dashes, row->name,
				value, row->help);
		}
	}
}

static void print_tables(FILE *out)
{
	const struct verb *verb;
	const char *name;

	for (size_t i = 0; (verb = verb_at(i)); i++) {
		print_verb(out, verb);
		print_rows(out, "option", verb->name, verb->options);
		for (size_t w = 0; verb->word_at && (name = verb->word_at(w)); w++) {
			fprintf(out, "word\t%s\t%s\t-\t-\n", verb->name, name);
		}
	}
	print_rows(out, "shared", "*", options_common);
	print_rows(out, "shared", "image", options_image);
	print_rows(out, "shared", "output", options_output);
	print_rows(out, "mount", "-", options_mount);
	for (size_t i = 0; (name = help_transport(i)); i++) {
		fprintf(out, "transport\t-\t%s\t-\t-\n", name);
	}
}

static const struct shell *find_shell(const char *name)
{
	for (size_t i = 0; i < countof(shells); i++) {
		if (strcmp(shells[i].name, name) == 0) {
			return &shells[i];
		}
	}
	return NULL;
}

static int run_completion(struct call *call)
{
	const struct shell *shell = find_shell(call->argv[0]);
	cleanup_free char *tables = NULL;
	const char *mark;
	size_t size = 0;
	FILE *out;
	char shown[64];

	if (!shell) {
		return complain_usage(call, "no script for '%s': bash, fish or zsh",
			peel_text_escape_into(shown, sizeof(shown), call->argv[0],
				strlen(call->argv[0])));
	}
	out = peel_text_stream(&tables, &size);
	if (out) {
		print_tables(out);
	}
	if (!out || fclose(out) != 0) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	tables[size - 1] = 0;
	mark = strstr(shell->script, MARK);
	fwrite(shell->script, 1, (size_t)(mark - shell->script), stdout);
	print_quoted(shell, tables);
	fputs(mark + strlen(MARK), stdout);
	return STATUS_OK;
}

const struct verb cmd_completion = {
	.name = "completion",
	.operands = "bash|fish|zsh",
	.summary = "write the script that completes peel's command lines in a shell",
	.details =
		"Installed with peel. By hand: source <(peel completion bash), or peel completion fish | source.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_completion,
};
