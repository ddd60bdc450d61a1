/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help texts, and the dump for the tests, all out of the tables. A verb's help is one
 * screen: its rows are laid out as widely as fits, and where even pairs do not, as names alone. `help -a` gives every
 * row its line.
 */
#include "help.h"

#include <string.h>

#include "cmd.h"

/* What may stand before a path of IMAGE; image_text names them too. */
static const char *const transports[] = {"docker-archive:", "oci-archive:", "oci:", "rootfs:"};

static const char exit_status_text[] =
	"Exit status: 0 done, 1 no or differs, 2 error, 3 not all could be read.";

static const char image_text[] =
	"IMAGE is a file (docker save, OCI archive, root filesystem tar; plain, gzip or zstd), an OCI layout folder,"
	" '-' for standard input, or TRANSPORT:PATH[:SELECTOR] with docker-archive, oci-archive, oci, rootfs.";

/* The name of a topic of `peel help` that is no verb. */
#define OPTIONS_TOPIC "options"
/* Another. */
#define SANDBOX_TOPIC "sandbox"

const char *help_transport(size_t i)
{
	return i < countof(transports) ? transports[i] : NULL;
}

void help_print_overview(FILE *out)
{
	const struct verb *verb;

	fputs("usage: peel VERB [OPTIONS] IMAGE [...]\n\n"
	      "Look inside a container image file without unpacking it.\n\n",
		out);
	for (size_t i = 0; (verb = verb_at(i)); i++) {
		int column = fprintf(out, "  %-10s", verb->name);

		help_fill(out, verb->summary, 14, column);
	}
	putc('\n', out);
	help_fill(out, image_text, 0, 0);
	help_fill(out, exit_status_text, 0, 0);
	help_fill(out,
		"'peel help VERB' shows the options of a verb, 'peel help options' those that verbs share.",
		0, 0);
}

/* The options that verbs share. */
static void print_options(FILE *out)
{
	fputs("Every verb takes:\n", out);
	help_rows(out, options_common, "--", HELP_WIDE);
	fputs("\nEvery verb that reads an image takes:\n", out);
	help_rows(out, options_image, "--", HELP_WIDE);
	fputs("\nEvery verb with formats takes:\n", out);
	help_rows(out, options_output, "--", HELP_WIDE);
	putc('\n', out);
	help_fill(out, image_text, 0, 0);
	help_fill(out,
		"SIZE is in bytes, or with K, M, G, T (powers of 1024) or kB, MB, GB, TB (of 1000).",
		0, 0);
}

static void print_head(FILE *out, const struct verb *verb)
{
	char first = verb->summary[0];
	char capital = first >= 'a' && first <= 'z' ? (char)(first - 'a' + 'A') : first;

	fprintf(out, "usage: peel %s [OPTIONS] %s\n\n", verb->name, verb->operands);
	fprintf(out, "%c%s.\n", capital, verb->summary + 1);
	if (verb->details) {
		help_fill(out, verb->details, 0, 0);
	}
	if (verb->options || verb->formats) {
		putc('\n', out);
	}
}

/* mount and run have -o. */
static bool takes_mount_words(const struct verb *verb)
{
	for (const struct opt *row = verb->options; row && (row->letter || row->name); row++) {
		if (row->name && strcmp(row->name, "options") == 0) {
			return true;
		}
	}
	return false;
}

/* The words of a language that is no option: of -o, of find. */
static void print_words(FILE *out, const struct verb *verb, enum help_style style)
{
	const char *word;
	int column = 2;

	if (takes_mount_words(verb)) {
		fputs("Words of -o, separated by commas:\n", out);
		help_rows(out, options_mount, "", style);
	}
	if (!verb->word_at) {
		return;
	}
	fprintf(out, "%s:\n ", verb->words_title);
	for (size_t i = 0; (word = verb->word_at(i)); i++) {
		if (column + 1 + (int)strlen(word) > HELP_COLUMNS) {
			fputs("\n ", out);
			column = 1;
		}
		column += fprintf(out, " %s", word);
	}
	putc('\n', out);
}

static void print_verb(FILE *out, const struct verb *verb, enum help_style style, bool all)
{
	print_head(out, verb);
	help_rows(out, verb->options, "--", style);
	if (verb->formats) {
		fprintf(out, "  %-24s%s\n", "--output FMT[=FILE]", verb->formats);
	}
	print_words(out, verb, all ? HELP_WIDE : HELP_NAMES);
	if (!all && (style == HELP_NAMES || takes_mount_words(verb))) {
		fprintf(out, "What each means: peel help -a %s\n", verb->name);
	}
	fprintf(out, "\nShared options, as %s: peel help " OPTIONS_TOPIC "\n",
		verb->image ? "--index, --no-cache, --platform, -q" : "-q, --version");
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++) {
		lines += *text == '\n';
	}
	return lines;
}

void help_print_verb(FILE *out, const struct verb *verb)
{
	for (int style = 0; style < HELP_STYLES; style++) {
		cleanup_free char *text = NULL;
		size_t size = 0;
		FILE *screen = peel_text_stream(&text, &size);

		if (!screen) {
			complain("%s", peel_strerror(PEEL_ENOMEM));
			return;
		}
		print_verb(screen, verb, (enum help_style)style, false);
		if (fclose(screen) != 0) {
			complain("%s", peel_strerror(PEEL_ENOMEM));
			return;
		}
		if (count_lines(text) <= HELP_LINES || style == HELP_STYLES - 1) {
			fputs(text, out);
			return;
		}
	}
}

static void print_row(FILE *out, const char *kind, const char *verb, const char *name,
	const struct opt *row)
{
	fprintf(out, "%s\t%s\t%s\t%s\t%s\n", kind, verb, name, row->value ? row->value : "",
		row->help);
}

static void print_rows(FILE *out, const char *kind, const char *verb, const struct opt *rows)
{
	char name[OPT_NAME_MAX + 3];

	for (const struct opt *row = rows; row && (row->letter || row->name); row++) {
		if (row->help && row->letter) {
			snprintf(name, sizeof(name), "-%c", row->letter);
			print_row(out, kind, verb, name, row);
		}
		if (row->help && row->name) {
			snprintf(name, sizeof(name), "%s%s", strcmp(kind, "mount") == 0 ? "" : "--",
				row->name);
			print_row(out, kind, verb, name, row);
		}
	}
}

static void print_verb_table(FILE *out, const struct verb *verb)
{
	const char *word;

	fprintf(out, "verb\t%s\t%s\t%s\t%s\n", verb->name, verb->operands,
		verb->formats ? verb->formats : "", verb->summary);
	print_rows(out, "option", verb->name, verb->options);
	for (size_t i = 0; verb->word_at && (word = verb->word_at(i)); i++) {
		fprintf(out, "word\t%s\t%s\t\t\n", verb->name, word);
	}
}

void help_print_tables(FILE *out)
{
	const struct verb *verb;

	for (size_t i = 0; (verb = verb_at(i)); i++) {
		print_verb_table(out, verb);
	}
	print_rows(out, "shared", "*", options_common);
	print_rows(out, "shared", "image", options_image);
	print_rows(out, "shared", "output", options_output);
	print_rows(out, "mount", "mount", options_mount);
	limits_print_table(out);
}

struct help_values {
	bool all;
};

static const struct opt help_options[] = {
	{'a', "all", NULL, OPT_FLAG, offsetof(struct help_values, all),
		"every option with its meaning, however long"},
	{0},
};

static int run_help(struct call *call)
{
	const struct help_values *values = call->values;
	const struct verb *verb;

	if (call->argc == 0) {
		help_print_overview(stdout);
		return STATUS_OK;
	}
	if (strcmp(call->argv[0], OPTIONS_TOPIC) == 0) {
		print_options(stdout);
		return STATUS_OK;
	}
	if (strcmp(call->argv[0], SANDBOX_TOPIC) == 0) {
		return help_print_sandbox(stdout);
	}
	verb = verb_find(call->argv[0]);
	if (!verb) {
		char shown[64];

		complain("no verb '%s' (see 'peel help')",
			peel_text_escape_into(shown, sizeof(shown), call->argv[0],
				strlen(call->argv[0])));
		return STATUS_ERROR;
	}
	if (values->all) {
		print_verb(stdout, verb, HELP_WIDE, true);
	} else {
		help_print_verb(stdout, verb);
	}
	return STATUS_OK;
}

const struct verb cmd_help = {
	.name = "help",
	.operands = "[VERB|options|sandbox]",
	.summary = "show how a verb is used",
	.options = help_options,
	.values_size = sizeof(struct help_values),
	.max_operands = 1,
	.run = run_help,
};
