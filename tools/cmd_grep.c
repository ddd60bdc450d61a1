/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel grep: GNU grep over the files of an image. Lines are bytes, letters are ASCII, as in the C locale; so nothing
 * but NUL makes a file binary.
 */
#include <unistd.h>

#include "cmd.h"
#include "grep.h"
#include "grep_setup.h"

/* Where it is plain that nothing can be selected, nothing is read. */
static bool is_hopeless(const struct grep_options *options)
{
	const struct grep_patterns *patterns = &options->patterns;

	return options->list != GREP_LIST_OTHERS &&
		(options->max_count == 0 ||
			(patterns->len == 0 && options->invert && !patterns->syntax.lines &&
				!patterns->syntax.words));
}

static bool start(struct grep *grep, struct grep_setup *setup, int operands)
{
	const struct grep_options *options = &setup->options;
	const char *eol = &options->patterns.eol;
	struct peel_error err = {0};
	const char *beg;
	const char *end;
	int r = grep_matcher_new(&options->patterns, &grep->matcher, &err);

	if (r == 0) {
		r = grep_match_line(grep->matcher, eol, eol + 1, &beg, &end, &err);
	}
	if (r < 0) {
		complain("%s", err.message);
		return false;
	}
	grep->skip_empty = (r > 0) == options->invert;
	grep->names = setup->names != 0 || operands > 1
		? setup->names >= 0
		: -(options->folders == GREP_FOLDERS_WALKED);
	grep->hide_start = operands == 0;
	grep->escape = isatty(STDOUT_FILENO);
	return true;
}

static int search(struct call *call, struct grep *grep, int first)
{
	int status;

	if (first == call->argc) {
		grep_operand(grep, ".");
	}
	for (int i = first; i < call->argc && !grep->done; i++) {
		grep_operand(grep, call->argv[i]);
	}
	status = grep->selected ? STATUS_OK : STATUS_NO;
	if (grep->failed && !(grep->options->quiet && grep->selected)) {
		status = STATUS_ERROR;
	}
	return grep->inconclusive ? STATUS_INCONCLUSIVE : status;
}

static int run_grep(struct call *call)
{
	const struct grep_values *values = call->values;
	cleanup_index struct peel_index *index = NULL;
	struct grep_setup setup = {0};
	struct grep grep = {.options = &setup.options};
	int status = STATUS_ERROR;
	int first;

	if (!grep_setup_read(call, &setup, &first)) {
		status = STATUS_ERROR;
	} else if (first == call->argc && setup.options.folders != GREP_FOLDERS_WALKED) {
		complain_usage(call, "missing PATH: -r searches all of the image");
	} else if ((is_hopeless(&setup.options) || start(&grep, &setup, call->argc - first)) &&
		(status = open_for_reading(call, &index)) == STATUS_OK) {
		grep.index = index;
		status = !parse_view(index, values->layer, &grep.view) ? STATUS_ERROR
			: !grep.matcher                                ? STATUS_NO
								       : search(call, &grep, first);
		status = reading_status(index, status);
	}
	grep_scan_finish(&grep);
	grep_matcher_free(grep.matcher);
	grep_setup_finish(&setup);
	return status;
}

#define AT(member) offsetof(struct grep_values, member)

static const struct opt grep_options_table[] = {
	{'0', NULL, NULL, OPT_ORDERED, 0, NULL},
	{'1', NULL, NULL, OPT_ORDERED, 0, NULL},
	{'2', NULL, NULL, OPT_ORDERED, 0, NULL},
	{'3', NULL, NULL, OPT_ORDERED, 0, NULL},
	{'4', NULL, NULL, OPT_ORDERED, 0, NULL},
	{'5', NULL, NULL, OPT_ORDERED, 0, NULL},
	{'6', NULL, NULL, OPT_ORDERED, 0, NULL},
	{'7', NULL, NULL, OPT_ORDERED, 0, NULL},
	{'8', NULL, NULL, OPT_ORDERED, 0, NULL},
	{'9', NULL, NULL, OPT_ORDERED, 0, NULL},
	{'A', "after-context", "N", OPT_ORDERED, 0, "N lines behind each match"},
	{'B', "before-context", "N", OPT_ORDERED, 0, "N lines before each match"},
	{'C', "context", "N", OPT_ORDERED, 0, "both; -N is the same"},
	{'D', "devices", "ACTION", OPT_ORDERED, 0, "read (an error) or skip"},
	{'E', "extended-regexp", NULL, OPT_ORDERED, 0, "patterns are extended expressions"},
	{'F', "fixed-strings", NULL, OPT_ORDERED, 0, "patterns are strings"},
	{'G', "basic-regexp", NULL, OPT_ORDERED, 0, "patterns are basic expressions (the default)"},
	{'H', "with-filename", NULL, OPT_ORDERED, 0, "names before lines"},
	{'I', NULL, NULL, OPT_ORDERED, 0, "as --binary-files=without-match"},
	{'L', "files-without-match", NULL, OPT_ORDERED, 0, "only names, of files without a match"},
	{'P', "perl-regexp", NULL, OPT_ORDERED, 0, NULL},
	{'R', "dereference-recursive", NULL, OPT_ORDERED, 0, "as -r, following all symlinks"},
	{'T', "initial-tab", NULL, OPT_FLAG, AT(tabs), "a tab before lines"},
	{'U', "binary", NULL, OPT_FLAG, AT(binary), NULL},
	{'Z', "null", NULL, OPT_FLAG, AT(null_names), "NUL behind names"},
	{'a', "text", NULL, OPT_ORDERED, 0, "as --binary-files=text"},
	{'b', "byte-offset", NULL, OPT_FLAG, AT(offsets), "offsets before lines"},
	{0, "binary-files", "TYPE", OPT_ORDERED, 0, "binary (said), text, or without-match"},
	{'c', "count", NULL, OPT_FLAG, AT(count), "how many lines match in each file"},
	{0, "color", "[=WHEN]", OPT_ORDERED, 0, "never or auto: there are no colours"},
	{0, "colour", "[=WHEN]", OPT_ORDERED, 0, NULL},
	{'d', "directories", "ACTION", OPT_ORDERED, 0, "read (an error), recurse, or skip"},
	{'e', "regexp", "PATTERN", OPT_ORDERED, 0, "a pattern, or several by lines"},
	{0, "exclude", "GLOB", OPT_ORDERED, 0, "skip files by name"},
	{0, "exclude-dir", "GLOB", OPT_ORDERED, 0, "skip folders by name"},
	{0, "exclude-from", "FILE", OPT_ORDERED, 0, "as --exclude, a line of FILE each"},
	{'f', "file", "FILE", OPT_ORDERED, 0, "patterns by lines of FILE"},
	{0, "group-separator", "TEXT", OPT_ORDERED, 0, "between groups of lines [--]"},
	{'h', "no-filename", NULL, OPT_ORDERED, 0, "no names before lines"},
	{'i', "ignore-case", NULL, OPT_ORDERED, 0, "a is A"},
	{0, "include", "GLOB", OPT_ORDERED, 0, "only files by name"},
	{'l', "files-with-matches", NULL, OPT_ORDERED, 0, "only names, of files with a match"},
	{0, "label", "NAME", OPT_STRING, AT(label), NULL},
	{0, "layer", "N", OPT_STRING, AT(layer), "layer N as stored, from 0"},
	{0, "line-buffered", NULL, OPT_FLAG, AT(line_buffered), "write each line at once"},
	{'m', "max-count", "N", OPT_ORDERED, 0, "no more than N lines a file"},
	{'n', "line-number", NULL, OPT_FLAG, AT(numbers), "line numbers before lines"},
	{0, "no-group-separator", NULL, OPT_ORDERED, 0, "nothing between groups"},
	{0, "no-ignore-case", NULL, OPT_ORDERED, 0, "undo -i"},
	{'o', "only-matching", NULL, OPT_FLAG, AT(only_matching), "only what matches"},
	{'q', "quiet", NULL, OPT_FLAG, AT(quiet), "nothing but the status"},
	{'r', "recursive", NULL, OPT_ORDERED, 0, "all files below folders"},
	{'s', "no-messages", NULL, OPT_FLAG, AT(no_messages), "no word about what cannot be read"},
	{0, "silent", NULL, OPT_FLAG, AT(silent), "as -q"},
	{'v', "invert-match", NULL, OPT_FLAG, AT(invert), "lines that do not match"},
	{'w', "word-regexp", NULL, OPT_FLAG, AT(words), "match whole words"},
	{'x', "line-regexp", NULL, OPT_FLAG, AT(lines), "match whole lines"},
	{'y', NULL, NULL, OPT_ORDERED, 0, NULL},
	{'z', "null-data", NULL, OPT_FLAG, AT(null_data), "lines end with NUL"},
	{0},
};

const struct verb cmd_grep = {
	.name = "grep",
	.operands = "IMAGE PATTERN [PATH...]",
	.summary = "search the contents of files",
	.details =
		"Order, output and status are those of GNU grep in the C locale at the root of a chroot of the\n"
		"image. With -e or -f all operands behind IMAGE are paths; with -r and none, all is searched.\n",
	.options = grep_options_table,
	.values_size = sizeof(struct grep_values),
	.image = true,
	.min_operands = 1,
	.max_operands = -1,
	.run = run_grep,
};
