/* SPDX-License-Identifier: Apache-2.0 */
#include "opts.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>
#include <peel/text.h>

/* Bytes of a word of the command line that a message shows. */
#define SHOWN_MAX 120

#define countof(array) (sizeof(array) / sizeof((array)[0]))

static bool is_end(const struct opt *row)
{
	return !row->letter && !row->name;
}

static const char *shown(char *buf, size_t size, const char *word)
{
	return peel_text_escape_into(buf, size, word, strlen(word));
}

/* All groups, for the search of the nearest name. */
struct all_groups {
	const struct opt_group *groups;
	size_t count;
};

static const char *group_name_at(const void *arg, size_t i)
{
	const struct all_groups *all = arg;

	for (size_t g = 0; g < all->count; g++) {
		const struct opt *rows = all->groups[g].rows;

		for (size_t r = 0; rows && !is_end(&rows[r]); r++) {
			if (i-- == 0) {
				return rows[r].name && rows[r].help ? rows[r].name : "";
			}
		}
	}
	return NULL;
}

static int parse_number(const char *text, uint64_t limit, uint64_t *ret_number,
	const char **ret_rest)
{
	uint64_t number = 0;
	const char *digit = text;

	for (; *digit >= '0' && *digit <= '9'; digit++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, (uint64_t)(*digit - '0'), &number) ||
			number > limit) {
			return PEEL_EUSAGE;
		}
	}
	*ret_number = number;
	*ret_rest = digit;
	return digit == text ? PEEL_EUSAGE : 0;
}

int opts_parse_size(const char *text, uint64_t *ret_size)
{
	static const struct {
		const char *unit;
		uint64_t bytes;
	} units[] = {
		{"", 1},
		{"B", 1},
		{"K", 1ull << 10},
		{"KiB", 1ull << 10},
		{"kB", 1000},
		{"M", 1ull << 20},
		{"MiB", 1ull << 20},
		{"MB", 1000000},
		{"G", 1ull << 30},
		{"GiB", 1ull << 30},
		{"GB", 1000000000},
		{"T", 1ull << 40},
		{"TiB", 1ull << 40},
		{"TB", 1000000000000},
	};
	uint64_t number;
	uint64_t size;
	const char *rest;

	if (parse_number(text, UINT64_MAX, &number, &rest) < 0) {
		return PEEL_EUSAGE;
	}
	for (size_t i = 0; i < countof(units); i++) {
		if (strcmp(rest, units[i].unit) == 0) {
			if (__builtin_mul_overflow(number, units[i].bytes, &size)) {
				return PEEL_EUSAGE;
			}
			*ret_size = size;
			return 0;
		}
	}
	return PEEL_EUSAGE;
}

static int add_to_list(struct opt_list *list, const char *value, const char *name,
	struct peel_error *err)
{
	if (list->count == OPT_LIST_MAX) {
		return peel_fail(err, PEEL_EUSAGE, "option '--%s' is given more than %d times",
			name, OPT_LIST_MAX);
	}
	list->items[list->count++] = value;
	return 0;
}

/* Put one value where its row says. shown_name is the option as messages call it. */
static int set_value(const struct opt *row, void *base, const char *value, const char *shown_name,
	struct peel_error *err)
{
	char *place = (char *)base + row->offset;
	char buf[SHOWN_MAX];
	uint64_t number;
	const char *rest;

	switch (row->kind) {
	case OPT_FLAG:
		*(bool *)place = true;
		return 0;
	case OPT_IGNORED:
		return 0;
	case OPT_STRING:
		*(const char **)place = value;
		return 0;
	case OPT_SIZE:
	case OPT_LIMIT:
		if (opts_parse_size(value, (uint64_t *)(void *)place) < 0) {
			return peel_fail(err, PEEL_EUSAGE,
				"option '%s': '%s' is no size (as 512M or 10GB)", shown_name,
				shown(buf, sizeof(buf), value));
		}
		if (row->kind == OPT_LIMIT && *(uint64_t *)(void *)place == 0) {
			*(uint64_t *)(void *)place = UINT64_MAX;
		}
		return 0;
	case OPT_NUMBER:
		if (parse_number(value, UINT32_MAX - 1, &number, &rest) < 0 || *rest) {
			return peel_fail(err, PEEL_EUSAGE, "option '%s': '%s' is no number",
				shown_name, shown(buf, sizeof(buf), value));
		}
		((struct opt_number *)(void *)place)->set = true;
		((struct opt_number *)(void *)place)->value = (uint32_t)number;
		return 0;
	case OPT_LIST:
		return add_to_list((struct opt_list *)(void *)place, value, row->name, err);
	case OPT_ORDERED:
		break;
	}
	return peel_fail(err, PEEL_EINTERNAL, "option '%s' has no kind", shown_name);
}

static int add_to_log(struct opt_log *log, const struct opt *row, const char *value,
	const char *letter, struct peel_error *err)
{
	if (log->count == log->room) {
		size_t room = log->room ? log->room * 2 : 16;
		struct opt_event *events = reallocarray(log->events, room, sizeof(*events));

		if (!events) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		log->events = events;
		log->room = room;
	}
	log->events[log->count++] = (struct opt_event){row, value, letter};
	return 0;
}

static bool is_optional(const struct opt *row)
{
	return row->value && row->value[0] == '[';
}

/* One option with its value. letter is where it stands in argv, NULL for a long one. */
static int take(const struct opt *row, const struct opt_group *group, const char *value,
	const char *letter, const char *shown_name, struct peel_error *err)
{
	return row->kind == OPT_ORDERED && group->log
		? add_to_log(group->log, row, value, letter, err)
		: set_value(row, group->base, value, shown_name, err);
}

static int fail_unknown(const struct opt_group *groups, size_t count, const char *word,
	size_t name_len, struct peel_error *err)
{
	struct all_groups all = {groups, count};
	char name[OPT_NAME_MAX + 1] = "";
	char buf[SHOWN_MAX];
	const char *nearest = NULL;

	if (name_len <= OPT_NAME_MAX) {
		memcpy(name, word + 2, name_len);
		nearest = nearest_name(name, group_name_at, &all);
	}
	peel_text_escape_into(buf, sizeof(buf), word, name_len + 2);
	if (nearest) {
		return peel_fail(err, PEEL_EUSAGE, "unknown option '%s' (did you mean '--%s'?)",
			buf, nearest);
	}
	return peel_fail(err, PEEL_EUSAGE, "unknown option '%s'", buf);
}

/* --name, --name=value or --name value. @return how many words of argv it took, or less than 0. */
static int parse_long(const struct opt_group *groups, size_t count, const char *word,
	const char *next, struct peel_error *err)
{
	size_t name_len = strcspn(word + 2, "=");
	const char *value = word[2 + name_len] == '=' ? word + 3 + name_len : NULL;
	char shown_name[OPT_NAME_MAX + 3];

	for (size_t g = 0; g < count; g++) {
		for (const struct opt *row = groups[g].rows; row && !is_end(row); row++) {
			int taken = 1;
			int r;

			if (!row->name || strlen(row->name) != name_len ||
				memcmp(row->name, word + 2, name_len) != 0) {
				continue;
			}
			snprintf(shown_name, sizeof(shown_name), "--%s", row->name);
			if (!row->value && value) {
				return peel_fail(err, PEEL_EUSAGE, "option '%s' takes no value",
					shown_name);
			}
			if (row->value && !value && !is_optional(row)) {
				value = next;
				taken = 2;
			}
			if (row->value && !value && !is_optional(row)) {
				return peel_fail(err, PEEL_EUSAGE, "option '%s' wants a value",
					shown_name);
			}
			r = take(row, &groups[g], value, NULL, shown_name, err);
			return r < 0 ? r : taken;
		}
	}
	return fail_unknown(groups, count, word, name_len, err);
}

static const struct opt *find_letter(const struct opt_group *groups, size_t count, char letter,
	const struct opt_group **ret_group)
{
	for (size_t g = 0; g < count; g++) {
		for (const struct opt *row = groups[g].rows; row && !is_end(row); row++) {
			if (row->letter == letter) {
				*ret_group = &groups[g];
				return row;
			}
		}
	}
	return NULL;
}

/* -abc, -ofoo or -o foo. @return how many words of argv it took, or less than 0. */
static int parse_letters(const struct opt_group *groups, size_t count, const char *word,
	const char *next, struct peel_error *err)
{
	for (const char *letter = word + 1; *letter; letter++) {
		char shown_name[8];
		const struct opt_group *group = NULL;
		const struct opt *row = find_letter(groups, count, *letter, &group);
		const char *value = letter[1] ? letter + 1 : next;
		char one[] = {'-', *letter, 0};
		int r;

		shown(shown_name, sizeof(shown_name), one);
		if (!row) {
			return peel_fail(err, PEEL_EUSAGE, "unknown option '%s'", shown_name);
		}
		if (!row->value) {
			value = NULL;
		} else if (!value) {
			return peel_fail(err, PEEL_EUSAGE, "option '%s' wants a value", shown_name);
		}
		r = take(row, group, value, letter, shown_name, err);
		if (r < 0 || row->value) {
			return r < 0 ? r : letter[1] ? 1 : 2;
		}
	}
	return 1;
}

int opts_parse(const struct opt_group *groups, size_t group_count, int argc, char **argv,
	bool stop_early, struct peel_error *err)
{
	int operands = 0;
	int i = 0;

	while (i < argc) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		int taken;

		if (argv[i][0] != '-' || argv[i][1] == 0) {
			if (stop_early) {
				return i;
			}
			argv[operands++] = argv[i++];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		taken = argv[i][1] == '-' ? parse_long(groups, group_count, argv[i], next, err)
					  : parse_letters(groups, group_count, argv[i], next, err);
		if (taken < 0) {
			return taken;
		}
		i += taken;
	}
	if (stop_early) {
		return i;
	}
	while (i < argc) {
		argv[operands++] = argv[i++];
	}
	return operands;
}

/* Cut the next word off a comma list in place; "\\," and "\\\\" lose their backslash. */
static char *next_word(char **rest)
{
	char *word = *rest;
	char *to = word;
	char *from = word;

	if (!word) {
		return NULL;
	}
	for (; *from && *from != ','; from++) {
		if (*from == '\\' && (from[1] == ',' || from[1] == '\\')) {
			from++;
		}
		*to++ = *from;
	}
	*rest = *from ? from + 1 : NULL;
	*to = 0;
	return word;
}

static int set_word(const struct opt *row, void *base, const char *word, size_t name_len,
	struct peel_error *err)
{
	const char *value = word[name_len] == '=' ? word + name_len + 1 : NULL;

	if (row->kind == OPT_IGNORED) {
		return 0;
	}
	if (row->value && (!value || !*value)) {
		return peel_fail(err, PEEL_EUSAGE, "mount option '%s' wants a value", row->name);
	}
	if (!row->value && value) {
		return peel_fail(err, PEEL_EUSAGE, "mount option '%s' takes no value", row->name);
	}
	return set_value(row, base, value ? value : "", row->name, err);
}

int opts_parse_commas(const struct opt *rows, void *base, char *text, opts_unknown_fn *unknown,
	struct peel_error *err)
{
	char *word;

	while ((word = next_word(&text))) {
		size_t name_len = strcspn(word, "=");
		const struct opt *row = rows;
		int r;

		if (!*word) {
			continue;
		}
		while (!is_end(row) &&
			(!row->name || strlen(row->name) != name_len ||
				memcmp(row->name, word, name_len) != 0)) {
			row++;
		}
		r = is_end(row) ? unknown(base, word, err)
				: set_word(row, base, word, name_len, err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}
