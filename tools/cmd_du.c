/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel du: GNU du's sums out of the index. Allocated bytes are those that the mount shows: payload rounded up to 4 KiB
 * less holes, nothing for folders and links. As GNU du, it fails with 1, whatever is wrong.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "du.h"

/* Letters that --threshold takes as units. */
#define THRESHOLD_UNITS "kKmMGTPEZY"
/* Longest list of --files0-from held at once, bytes of one name. */
#define NAME_LIST_MAX PEEL_PATH_MAX

struct du_values {
	bool all, apparent, count_links, inodes, null, one_file_system, separate, summarize, total;
	const char *files_from;
	const char *layer;
	const char *time_style;
};

/* What the options say until they are checked against each other. */
struct du_setup {
	struct du_options options;
	bool max_depth_given;
	/* A later option may still be fatal. */
	bool failed;
	/* What --files0-from names; NULL: errno of opening it. */
	FILE *list;
	int list_error;
};

static const char *quoted(const char *word)
{
	static char shown[PEEL_MESSAGE_SIZE];

	return peel_text_escape_into(shown, sizeof(shown), word, strlen(word));
}

/* Words that an option takes, cut off anywhere where that is clear. */
static int find_word(const char *const *words, const char *text)
{
	int found = -1;

	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], text) == 0) {
			return i;
		}
		if (strncmp(words[i], text, strlen(text)) == 0) {
			found = found < 0 ? i : -2;
		}
	}
	return found;
}

static bool set_threshold(struct du_options *options, const char *text)
{
	switch (number_parse(text, 0, THRESHOLD_UNITS, true, &options->threshold_negative,
		&options->threshold)) {
	case NUMBER_OK:
		break;
	case NUMBER_TOO_LARGE:
		complain("--threshold argument '%s' too large", quoted(text));
		return false;
	case NUMBER_INVALID:
	case NUMBER_SUFFIX:
		complain("invalid --threshold argument '%s'", quoted(text));
		return false;
	}
	if (options->threshold > INT64_MAX) {
		complain("--threshold argument '%s' too large", quoted(text));
		return false;
	}
	if (options->threshold == 0 && options->threshold_negative) {
		complain("invalid --threshold argument '-0'");
		return false;
	}
	return true;
}

static bool set_block_size(struct du_options *options, const char *text)
{
	enum number_fault fault = block_size_parse(text, &options->block_size);

	if (fault == NUMBER_OK) {
		return true;
	}
	complain(fault == NUMBER_TOO_LARGE       ? "--block-size argument '%s' too large"
			: fault == NUMBER_SUFFIX ? "invalid suffix in --block-size argument '%s'"
						 : "invalid --block-size argument '%s'",
		quoted(text));
	return false;
}

static void set_max_depth(struct du_setup *setup, const char *text)
{
	bool negative = false;
	uint64_t depth;

	if (number_parse(text, 0, "", true, &negative, &depth) == NUMBER_OK && depth <= INT64_MAX &&
		(!negative || depth == 0)) {
		setup->options.max_depth = depth;
		setup->max_depth_given = true;
	} else {
		complain("invalid maximum depth '%s'", quoted(text));
		setup->failed = true;
	}
}

static bool set_time(struct du_options *options, const char *word)
{
	static const char *const words[] = {"atime", "access", "use", "ctime", "status", NULL};

	options->time = true;
	/* An image has one time a file, and the mount shows it as all three. */
	if (word && find_word(words, word) < 0) {
		complain("invalid argument '%s' for '--time'", quoted(word));
		return false;
	}
	return true;
}

static void set_units(struct du_options *options, char letter)
{
	options->block_size = (struct block_size){
		.bytes = letter == 'k'  ? 1024
			: letter == 'm' ? 1024 * 1024
					: 1,
		.human = letter == 'h' || letter == 's',
		.binary = letter == 'h',
		.suffix = letter == 'h' || letter == 's',
	};
	options->apparent |= letter == 'b';
}

/* The letter of an option, for long ones without a letter the first of the name. */
static bool take_option(struct du_setup *setup, const struct opt_event *event)
{
	struct du_options *options = &setup->options;
	const struct opt *row = event->row;
	const char letter = row->letter ? row->letter : row->name[0];
	struct peel_error err = {0};

	switch (letter) {
	case 'B':
		return set_block_size(options, event->value);
	case 'D':
	case 'H':
		options->follow = DU_FOLLOW_OPERANDS;
		return true;
	case 'L':
		options->follow = DU_FOLLOW_ALL;
		return true;
	case 'P':
		options->follow = DU_FOLLOW_NONE;
		return true;
	case 'X':
		if (exclude_add_file(&options->exclude, event->value, &err) < 0) {
			complain("%s", err.message);
			setup->failed = true;
		}
		return true;
	case 'd':
		set_max_depth(setup, event->value);
		return true;
	case 'e':
		return exclude_add(&options->exclude, event->value, false, &err) == 0;
	case 't':
		return row->letter ? set_threshold(options, event->value)
				   : set_time(options, event->value);
	default:
		set_units(options, letter);
		return true;
	}
}

static bool set_time_style(struct du_options *options, const char *style)
{
	static const char *const styles[] = {"full-iso", "long-iso", "iso", NULL};
	static const char *const formats[] = {
		"%Y-%m-%d %H:%M:%S.%N %z", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
	int i;

	if (!style) {
		style = getenv("TIME_STYLE");
		if (!style || !*style || strcmp(style, "locale") == 0) {
			style = "long-iso";
		}
		while (strncmp(style, "posix-", 6) == 0) {
			style += 6;
		}
	}
	if (*style == '+') {
		options->time_format = style + 1;
		return true;
	}
	i = find_word(styles, style);
	if (i < 0) {
		complain("invalid argument '%s' for 'time style'", quoted(style));
		return false;
	}
	options->time_format = formats[i];
	return true;
}

/* @return false where du cannot start; the message is out. */
static bool check_options(struct du_setup *setup, const struct du_values *values)
{
	struct du_options *options = &setup->options;

	if (setup->failed) {
		return false;
	}
	if (values->all && values->summarize) {
		complain("cannot both summarize and show all entries");
		return false;
	}
	if (values->summarize && setup->max_depth_given) {
		if (options->max_depth != 0) {
			complain("warning: summarizing conflicts with --max-depth=%ju",
				(uintmax_t)options->max_depth);
			return false;
		}
		complain("warning: summarizing is the same as using --max-depth=0");
	}
	if (values->summarize) {
		options->max_depth = 0;
	}
	if (options->inodes) {
		if (options->apparent) {
			complain(
				"warning: options --apparent-size and -b are ineffective with --inodes");
		}
		options->block_size.bytes = 1;
	}
	return !options->time || set_time_style(options, values->time_style);
}

static bool read_options(const struct call *call, struct du_setup *setup)
{
	const struct du_values *values = call->values;
	struct du_options *options = &setup->options;

	options->all = values->all;
	options->apparent = values->apparent;
	options->count_links = values->count_links;
	options->inodes = values->inodes;
	options->null = values->null;
	options->separate = values->separate;
	options->max_depth = UINT64_MAX;
	block_size_parse(getenv("DU_BLOCK_SIZE"), &options->block_size);
	for (size_t i = 0; i < call->log.count; i++) {
		if (!take_option(setup, &call->log.events[i])) {
			return false;
		}
	}
	return check_options(setup, values);
}

/* A file of this machine cannot be opened any more once the image is. */
static void open_list(struct du_setup *setup, const char *list)
{
	if (list) {
		setup->list = strcmp(list, "-") == 0 ? stdin : fopen(list, "re");
		setup->list_error = setup->list ? 0 : errno;
	}
}

/* Names out of a file of this machine, each ended by NUL. */
static void count_listed(struct du *du, const struct du_setup *setup, const char *list)
{
	FILE *file = setup->list;
	const bool standard = file == stdin;
	cleanup_free char *name = NULL;
	size_t room = 0;
	size_t number = 0;

	if (!file) {
		complain("cannot open '%s' for reading: %s", quoted(list),
			strerror(setup->list_error));
		du->status = STATUS_NO;
		return;
	}
	while (getdelim(&name, &room, '\0', file) > 0) {
		number++;
		if (!*name) {
			complain("%s:%zu: invalid zero-length file name", quoted(list), number);
			du->status = worse_status(du->status, STATUS_NO);
		} else if (standard && strcmp(name, "-") == 0) {
			complain("when reading file names from stdin, no file name of '-' allowed");
			du->status = worse_status(du->status, STATUS_NO);
		} else {
			du_operand(du, name);
		}
	}
	/* Without memory a name ends the loop, and is no error of the file. */
	if (!feof(file)) {
		complain("%s: read error", quoted(list));
		du->status = worse_status(du->status, STATUS_NO);
	}
}

static int count_operands(struct call *call, const struct du_setup *setup, struct du *du)
{
	const struct du_values *values = call->values;

	du->each_once = values->files_from || call->argc > 2 ||
		du->options->follow == DU_FOLLOW_ALL;
	/* A name on a terminal must not speak to it; one ended by NUL is for a machine. */
	du->escape = !du->options->null && isatty(STDOUT_FILENO);
	if (values->files_from) {
		count_listed(du, setup, values->files_from);
	} else if (call->argc == 1) {
		du_operand(du, ".");
	}
	for (int i = 1; i < call->argc; i++) {
		du_operand(du, call->argv[i]);
	}
	if (values->total) {
		du_print(du, &du->total, "total", strlen("total"));
	}
	return du->status;
}

static int run_du(struct call *call)
{
	const struct du_values *values = call->values;
	cleanup_index struct peel_index *index = NULL;
	struct du_setup setup = {0};
	struct du du = {.options = &setup.options};
	int status = STATUS_NO;

	if (!read_options(call, &setup)) {
		complain("see 'peel help du'");
	} else if (values->files_from && call->argc > 1) {
		complain("extra operand '%s': operands cannot be combined with --files0-from",
			quoted(call->argv[1]));
	} else if (values->files_from && strcmp(values->files_from, "-") == 0 &&
		peel_reference_is_stdin(call->argv[0])) {
		complain("the image and --files0-from cannot both be standard input");
	} else {
		open_list(&setup, values->files_from);
		status = open_for_reading(call, &index);
	}
	if (index && status == STATUS_OK) {
		du.index = index;
		status = parse_view(index, values->layer, &du.view)
			? count_operands(call, &setup, &du)
			: STATUS_ERROR;
		status = reading_status(index, status);
	}
	if (setup.list && setup.list != stdin) {
		fclose(setup.list);
	}
	du_finish(&du);
	exclude_finish(&setup.options.exclude);
	return status;
}

#define AT(member) offsetof(struct du_values, member)

static const struct opt du_options_table[] = {
	{'0', "null", NULL, OPT_FLAG, AT(null), "raw names ended by NUL, not by a newline"},
	{'B', "block-size", "SIZE", OPT_ORDERED, 0, "in units of SIZE, as 1M or kB"},
	{'D', "dereference-args", NULL, OPT_ORDERED, 0, "follow symlinks among the operands"},
	{'H', NULL, NULL, OPT_ORDERED, 0, "as -D"},
	{'L', "dereference", NULL, OPT_ORDERED, 0, "follow all symlinks"},
	{'P', "no-dereference", NULL, OPT_ORDERED, 0, "follow no symlinks (the default)"},
	{'S', "separate-dirs", NULL, OPT_FLAG, AT(separate), "folders without their folders"},
	{'X', "exclude-from", "FILE", OPT_ORDERED, 0, "as --exclude, a pattern a line of FILE"},
	{'a', "all", NULL, OPT_FLAG, AT(all), "files too, not only folders"},
	{0, "apparent-size", NULL, OPT_FLAG, AT(apparent), "payload bytes, not allocated ones"},
	{'b', "bytes", NULL, OPT_ORDERED, 0, "as --apparent-size --block-size=1"},
	{'c', "total", NULL, OPT_FLAG, AT(total), "a line for the sum of all"},
	{'d', "max-depth", "N", OPT_ORDERED, 0, "show no more than N levels"},
	{0, "exclude", "PATTERN", OPT_ORDERED, 0, "leave out what matches PATTERN"},
	{0, "files0-from", "FILE", OPT_STRING, AT(files_from),
		"operands from FILE, each ended by NUL"},
	{'h', "human-readable", NULL, OPT_ORDERED, 0, "sizes as 3.6K or 20G"},
	{0, "inodes", NULL, OPT_FLAG, AT(inodes), "count files, not bytes"},
	{'k', NULL, NULL, OPT_ORDERED, 0, "as --block-size=1K"},
	{'l', "count-links", NULL, OPT_FLAG, AT(count_links), "hard links every time"},
	{0, "layer", "N", OPT_STRING, AT(layer), "layer N as stored, from 0"},
	{'m', NULL, NULL, OPT_ORDERED, 0, "as --block-size=1M"},
	{'s', "summarize", NULL, OPT_FLAG, AT(summarize), "one line an operand"},
	{0, "si", NULL, OPT_ORDERED, 0, "as -h, in powers of 1000"},
	{'t', "threshold", "SIZE", OPT_ORDERED, 0, "at least SIZE, or where negative at most"},
	{0, "time", "[=WORD]", OPT_ORDERED, 0, "the latest time of all below"},
	{0, "time-style", "STYLE", OPT_STRING, AT(time_style),
		"full-iso, long-iso, iso or +FORMAT as date has it"},
	{'x', "one-file-system", NULL, OPT_FLAG, AT(one_file_system), "an image is one (always)"},
	{0},
};

const struct verb cmd_du = {
	.name = "du",
	.operands = "IMAGE [PATH...]",
	.summary = "add up what files occupy",
	.details =
		"Order, output and status are those of GNU du at the root of a chroot of the image.\n"
		"Sizes are allocated bytes: payload rounded up to 4 KiB less holes; folders and\n"
		"symlinks have none.\n",
	.options = du_options_table,
	.values_size = sizeof(struct du_values),
	.image = true,
	.headers_only = true,
	.failure = STATUS_NO,
	.min_operands = 1,
	.max_operands = -1,
	.run = run_du,
};
