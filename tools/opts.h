/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Options as tables: the same rows give parsing, --help, the hint for a mistyped name, and the
 * check of the man page. A row says where in a struct its value goes. Pure functions on argv and
 * static tables.
 */
#ifndef OPTS_H
#define OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct peel_error;

/** Most values that a repeatable option takes. */
#define OPT_LIST_MAX 16
/** Longest name in a table. */
#define OPT_NAME_MAX 31

/** Values of a repeatable option; they borrow from argv. */
struct opt_list {
	const char *items[OPT_LIST_MAX];
	int count;
};

/** A number below 2^32 - 1, or none. */
struct opt_number {
	bool set;
	uint32_t value;
};

/** Rows that --top N asks for: usual where it was not given, SIZE_MAX for 0. */
static inline size_t opt_top(const struct opt_number *top, size_t usual)
{
	return !top->set ? usual : top->value ? top->value : SIZE_MAX;
}

struct opt;

/** One option as it was given. */
struct opt_event {
	const struct opt *row;
	/** NULL where it has none; borrowed from argv. */
	const char *value;
	/** Its letter in argv; NULL where the long form was given. */
	const char *letter;
};

/** Options in the order in which they were given. {0} is empty; the owner frees events. */
struct opt_log {
	struct opt_event *events;
	size_t count;
	size_t room;
};

/** What the value is, and the type that lies at the row's offset. */
enum opt_kind {
	/** No value; a bool becomes true. */
	OPT_FLAG,
	/** No place: accepted for other programs' sake. */
	OPT_IGNORED,
	/** const char *, borrowed from argv. */
	OPT_STRING,
	/**
	 * uint64_t bytes: digits, then nothing, K M G T (or KiB …: times 1024), or kB MB GB TB
	 * (times 1000).
	 */
	OPT_SIZE,
	/** As OPT_SIZE, with 0 for no limit: UINT64_MAX is stored. */
	OPT_LIMIT,
	/** struct opt_number. */
	OPT_NUMBER,
	/** struct opt_list. */
	OPT_LIST,
	/** No place: goes to the group's log, because its order among others matters. */
	OPT_ORDERED,
};

/** One option; a table ends with a row of zeros. */
struct opt {
	/** The short form, 0: none. */
	char letter;
	/** The long form without dashes, NULL: none. */
	const char *name;
	/**
	 * What help calls the value; NULL for flags. "a|b": one of these, for the completions.
	 * "[=NAME]": it may be left out, and follows "=" only.
	 */
	const char *value;
	enum opt_kind kind;
	/** Where the value goes, from the group's base. */
	size_t offset;
	/** One line for help; NULL: hidden. */
	const char *help;
};

/** A table and the struct its rows fill. */
struct opt_group {
	const struct opt *rows;
	void *base;
	/** Takes OPT_ORDERED; NULL for a table without. */
	struct opt_log *log;
};

/**
 * Parse options among operands.
 * @param argv operands are moved to its front, in order; "--" ends the options, "-" is an operand.
 * @param stop_early end at the first operand, and leave it and all after it alone.
 * @return the number of operands (stop_early: the index of the first operand), or PEEL_EUSAGE.
 */
int opts_parse(const struct opt_group *groups, size_t group_count, int argc, char **argv,
	bool stop_early, struct peel_error *err);

/** Take a word that no row has. @return 0, or less than 0 with err set. */
typedef int opts_unknown_fn(void *base, const char *word, struct peel_error *err);

/**
 * Parse a list as mount's -o takes it: long names of a table, separated by commas; "\," is a comma
 * in a value.
 * @param text is cut into pieces in place; values borrow from it.
 * @return 0, PEEL_EUSAGE, or what unknown returned.
 */
int opts_parse_commas(const struct opt *rows, void *base, char *text, opts_unknown_fn *unknown,
	struct peel_error *err);

/** Read a size as OPT_SIZE takes it. @return 0; PEEL_EUSAGE, *ret_size is untouched. */
int opts_parse_size(const char *text, uint64_t *ret_size);

/**
 * The name of a list that is nearest to a mistyped one.
 * @param name_at gives name i, NULL past the end; rows without one give "".
 * @return NULL where none is near.
 */
const char *nearest_name(const char *typed, const char *(*name_at)(const void *arg, size_t i),
	const void *arg);

#endif
