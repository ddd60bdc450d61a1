/* SPDX-License-Identifier: Apache-2.0 */
#include "grep_setup.h"

#include <errno.h>
#include <string.h>

#include "block_size.h"
#include "cmd.h"

/* Most bytes of patterns, of all -e and -f together. */
#define PATTERNS_MAX (64u << 20)

static const char *quoted(const char *word)
{
	static char shown[PEEL_MESSAGE_SIZE];

	return peel_text_escape_into(shown, sizeof(shown), word, strlen(word));
}

static bool refuse(const char *why)
{
	complain("%s", why);
	return false;
}

/* Add bytes and, where they do not end with one, a newline. */
static bool add_patterns(struct grep_setup *setup, const char *bytes, size_t len, bool newline)
{
	char *grown;

	if (len > PATTERNS_MAX - setup->len) {
		complain("more than %u MiB of patterns", PATTERNS_MAX >> 20);
		return false;
	}
	grown = realloc(setup->patterns, setup->len + len + 1);
	if (!grown) {
		return refuse(strerror(ENOMEM));
	}
	setup->patterns = grown;
	memcpy(grown + setup->len, bytes, len);
	setup->len += len;
	if (newline) {
		grown[setup->len++] = '\n';
	}
	return true;
}

static bool add_pattern_file(struct grep_setup *setup, const char *path)
{
	const bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	const size_t before = setup->len;
	char bytes[4096];
	size_t len;
	bool fine = file && add_patterns(setup, "", 0, false);

	while (fine && (len = fread(bytes, 1, sizeof(bytes), file)) > 0) {
		fine = add_patterns(setup, bytes, len, false);
	}
	if (!file || ferror(file)) {
		complain("%s: %s", quoted(path), strerror(errno));
		fine = false;
	}
	if (file && !standard) {
		fclose(file);
	}
	if (fine && setup->len > before && setup->patterns[setup->len - 1] != '\n') {
		return add_patterns(setup, "", 0, true);
	}
	return fine;
}

static bool set_syntax(struct grep_setup *setup, char letter)
{
	if (letter == 'P') {
		return refuse(
			"Perl expressions (-P) are not supported; -E has most of what they are used for");
	}
	if (setup->syntax && setup->syntax != letter) {
		return refuse("conflicting matchers specified");
	}
	setup->syntax = letter;
	return true;
}

/* A number of lines; one that is too large is as good as endless. */
static bool take_number(const char *text, bool negative, int64_t *ret_number, const char *what)
{
	bool minus = false;
	uint64_t number;
	enum number_fault fault = number_parse(text, 10, "", true, &minus, &number);

	if ((fault != NUMBER_OK && fault != NUMBER_TOO_LARGE) ||
		(minus && number > 0 && !negative)) {
		complain("%s: %s", quoted(text), what);
		return false;
	}
	*ret_number = number > INT64_MAX ? INT64_MAX : (int64_t)number;
	if (minus) {
		*ret_number = -*ret_number;
	}
	return true;
}

static bool take_context(const char *text, int64_t *ret_lines)
{
	return take_number(text, false, ret_lines, "invalid context length argument");
}

/* -NUM: digits side by side are one number. */
static void take_digit(struct grep_setup *setup, const char *letter)
{
	const bool more = setup->digit && letter == setup->digit + 1;
	int64_t number = more ? setup->context : 0;

	setup->digit = letter;
	if (__builtin_mul_overflow(number, 10, &number) ||
		__builtin_add_overflow(number, *letter - '0', &number)) {
		number = INT64_MAX;
	}
	setup->context = number;
}

static bool set_folders(struct grep_options *options, const char *action)
{
	const size_t len = strlen(action);

	if (len > 2 && strncmp("read", action, len) == 0) {
		options->folders = GREP_FOLDERS_READ;
	} else if (len > 2 && strncmp("recurse", action, len) == 0) {
		options->folders = GREP_FOLDERS_WALKED;
	} else if (len > 0 && strncmp("skip", action, len) == 0) {
		options->folders = GREP_FOLDERS_SKIPPED;
	} else {
		complain("invalid argument '%s' for '--directories'", quoted(action));
		return false;
	}
	return true;
}

static bool set_binary(struct grep_options *options, const char *type)
{
	static const char *const types[] = {
		[GREP_BINARY_SAID] = "binary",
		[GREP_BINARY_TEXT] = "text",
		[GREP_BINARY_SKIPPED] = "without-match",
	};

	for (size_t i = 0; i < countof(types); i++) {
		if (strcmp(types[i], type) == 0) {
			options->binary = (enum grep_binary)i;
			return true;
		}
	}
	return refuse("unknown binary-files type");
}

static bool set_color(const char *when)
{
	static const char *const without[] = {"never", "no", "none", "auto", "tty", "if-tty"};

	for (size_t i = 0; when && i < countof(without); i++) {
		if (strcasecmp(without[i], when) == 0) {
			return true;
		}
	}
	if (!when) {
		return true;
	}
	complain("--color=%s: there are no colours", quoted(when));
	return false;
}

static bool add_directory(struct grep_options *options, const char *value)
{
	cleanup_free char *pattern = strdup(value);
	size_t len = strlen(value);

	while (pattern && len > 1 && pattern[len - 1] == '/') {
		pattern[--len] = '\0';
	}
	return pattern ? exclude_add(&options->directories, pattern, false, NULL) == 0
		       : refuse(strerror(ENOMEM));
}

static bool add_file_patterns(struct grep_options *options, const char *path)
{
	struct peel_error err = {0};

	return exclude_add_file(&options->files, path, &err) == 0 || refuse(err.message);
}

/* Options without a letter. */
static bool take_name(struct grep_setup *setup, const char *name, const char *value)
{
	struct grep_options *options = &setup->options;

	if (strcmp(name, "binary-files") == 0) {
		return set_binary(options, value);
	}
	if (strcmp(name, "color") == 0 || strcmp(name, "colour") == 0) {
		return set_color(value);
	}
	if (strcmp(name, "include") == 0 || strcmp(name, "exclude") == 0) {
		return exclude_add(&options->files, value, name[0] == 'i', NULL) == 0 ||
			refuse(strerror(ENOMEM));
	}
	if (strcmp(name, "exclude-from") == 0) {
		return add_file_patterns(options, value);
	}
	if (strcmp(name, "exclude-dir") == 0) {
		return add_directory(options, value);
	}
	if (strcmp(name, "no-ignore-case") == 0) {
		options->patterns.syntax.ignore_case = false;
		return true;
	}
	/* --group-separator, --no-group-separator */
	options->separator = value;
	return true;
}

static bool take_option(struct grep_setup *setup, const struct opt_event *event)
{
	struct grep_options *options = &setup->options;
	const char letter = event->row->letter;
	const char *value = event->value;

	switch (letter) {
	case 0:
		return take_name(setup, event->row->name, value);
	case 'A':
		return take_context(value, &options->after);
	case 'B':
		return take_context(value, &options->before);
	case 'C':
		return take_context(value, &setup->context);
	case 'D':
		options->skip_devices = strcmp(value, "skip") == 0;
		return options->skip_devices || strcmp(value, "read") == 0 ||
			refuse("unknown devices method");
	case 'E':
	case 'F':
	case 'G':
	case 'P':
		return set_syntax(setup, letter);
	case 'H':
	case 'h':
		setup->names = letter == 'H' ? 1 : -1;
		return true;
	case 'I':
		options->binary = GREP_BINARY_SKIPPED;
		return true;
	case 'L':
	case 'l':
		options->list = letter == 'L' ? GREP_LIST_OTHERS : GREP_LIST_MATCHING;
		return true;
	case 'R':
	case 'r':
		options->folders = GREP_FOLDERS_WALKED;
		options->follow |= letter == 'R';
		return true;
	case 'a':
		options->binary = GREP_BINARY_TEXT;
		return true;
	case 'd':
		return set_folders(options, value);
	case 'e':
		return add_patterns(setup, value, strlen(value), true);
	case 'f':
		return add_pattern_file(setup, value);
	case 'i':
	case 'y':
		options->patterns.syntax.ignore_case = true;
		return true;
	case 'm':
		return take_number(value, true, &options->max_count, "invalid max count");
	default:
		take_digit(setup, event->letter);
		return true;
	}
}

static void take_flags(const struct grep_values *values, struct grep_options *options)
{
	options->invert = values->invert;
	options->count = values->count;
	options->only_matching = values->only_matching;
	options->quiet = values->quiet || values->silent;
	options->numbers = values->numbers;
	options->offsets = values->offsets;
	options->null_names = values->null_names;
	options->tabs = values->tabs;
	options->line_buffered = values->line_buffered;
	options->no_messages = values->no_messages;
	options->patterns.syntax.lines = values->lines;
	options->patterns.syntax.words = values->words;
	options->patterns.parts = values->only_matching;
	options->patterns.eol = values->null_data ? '\0' : '\n';
}

/* The first operand behind the image is the pattern where no option gave one. */
static bool take_patterns(struct call *call, struct grep_setup *setup, int *ret_first)
{
	struct grep_options *options = &setup->options;

	*ret_first = 1;
	if (!setup->patterns) {
		const char *pattern = call->argc > 1 ? call->argv[1] : NULL;

		if (!pattern) {
			complain_usage(call, "missing pattern");
			return false;
		}
		*ret_first = 2;
		/* For scripts that wrote "\-x" lest it be an option. */
		pattern += !options->patterns.fixed && strncmp(pattern, "\\-", 2) == 0;
		if (!add_patterns(setup, pattern, strlen(pattern), true)) {
			return false;
		}
	} else if (setup->len == 0) {
		/* An empty file of patterns: no line matches. */
		options->invert = !options->invert;
		options->patterns.syntax.lines = options->patterns.syntax.words = false;
		setup->len = 1;
	}
	options->patterns.text = setup->patterns;
	options->patterns.len = setup->len - 1;
	return true;
}

bool grep_setup_read(struct call *call, struct grep_setup *setup, int *ret_first)
{
	struct grep_options *options = &setup->options;

	take_flags(call->values, options);
	options->before = options->after = setup->context = -1;
	options->max_count = -1;
	options->separator = "--";
	for (size_t i = 0; i < call->log.count; i++) {
		if (!take_option(setup, &call->log.events[i])) {
			return false;
		}
	}
	options->patterns.fixed = setup->syntax == 'F';
	options->patterns.syntax.extended = setup->syntax == 'E';
	if (options->after < 0) {
		options->after = setup->context;
	}
	if (options->before < 0) {
		options->before = setup->context;
	}
	/* -q goes before -l and -L, and these before -c. */
	if (options->quiet) {
		options->list = GREP_LIST_NONE;
	}
	options->count &= !options->quiet && options->list == GREP_LIST_NONE;
	return take_patterns(call, setup, ret_first);
}

void grep_setup_finish(struct grep_setup *setup)
{
	exclude_finish(&setup->options.files);
	exclude_finish(&setup->options.directories);
	free(setup->patterns);
}
