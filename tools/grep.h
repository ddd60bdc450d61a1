/* SPDX-License-Identifier: Apache-2.0 */
/** One run of grep: options, the file that is being read, and what it prints. */
#ifndef GREP_H
#define GREP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/query.h>

#include "exclude.h"
#include "grep_match.h"

/** Longest line, together with the lines kept before it for -B, in bytes; longer ones are an error of that file. */
#define GREP_LINE_MAX (64u << 20)

/** -l and -L. */
enum grep_list {
	GREP_LIST_NONE,
	GREP_LIST_MATCHING,
	GREP_LIST_OTHERS,
};

/** What is done with files that hold NUL. */
enum grep_binary {
	GREP_BINARY_SAID,
	GREP_BINARY_TEXT,
	GREP_BINARY_SKIPPED,
};

/** What is done with folders. */
enum grep_folders {
	GREP_FOLDERS_READ,
	GREP_FOLDERS_SKIPPED,
	GREP_FOLDERS_WALKED,
};

/** What was asked for. */
struct grep_options {
	struct grep_patterns patterns;
	bool invert;
	bool count;
	bool only_matching;
	/** Nothing is printed, and the first match ends the run. */
	bool quiet;
	bool numbers;
	bool offsets;
	bool null_names;
	bool tabs;
	bool line_buffered;
	bool no_messages;
	/** -R: symlinks are followed; else -r follows those among the operands. */
	bool follow;
	bool skip_devices;
	enum grep_list list;
	enum grep_binary binary;
	enum grep_folders folders;
	/** Lines around a match; less than 0: no groups. */
	int64_t before;
	int64_t after;
	/** Lines a file; less than 0 ends nothing. */
	int64_t max_count;
	/** NULL: none. */
	const char *separator;
	struct exclude files;
	struct exclude directories;
};

/** One run. */
struct grep {
	const struct grep_options *options;
	struct peel_index *index;
	int view;
	struct grep_matcher *matcher;
	/** Names before lines: 1 yes, 0 no, -1 where the first operand decides by being a folder. */
	int names;
	/** The walk's start was not given, and is not shown. */
	bool hide_start;
	/** Names and lines are escaped: they go to a terminal. */
	bool escape;
	/** Empty lines are not selected, so that runs of NUL in a binary file may be passed over. */
	bool skip_empty;

	/** Something was selected; something failed; something could not be read in part. */
	bool selected;
	bool failed;
	bool inconclusive;
	/** -q has its answer, or memory is exhausted: end. */
	bool done;
	/** A group was printed before. */
	bool used;

	/** The window over a file; it keeps its size from file to file. memory is what to free. */
	char *memory;
	char *buf;
	size_t room;
};

/** A file that is being searched. */
struct grep_scan {
	struct grep *grep;
	const char *name;
	const struct peel_node *node;
	/** What the window holds; lim is followed by room for one more byte. */
	char *beg;
	char *lim;
	/** Bytes read from the file. */
	uint64_t offset;
	/** Bytes before beg; lines before counted. */
	uint64_t passed;
	uint64_t lines;
	const char *counted;
	/** Behind the last byte printed; NULL where that is before the window. */
	const char *printed;
	/** Lines that may still be selected, and lines of context that are still to be printed. */
	int64_t left;
	int64_t pending;
	/** -q, -l, -L, -c, or a binary file: nothing is printed; the first match ends the file. */
	bool quiet;
	bool first_only;
	bool skip_nuls;
	/** Digits of a number with -T. */
	int width;
};

/** Search a regular file. @return lines selected; failures are said and noted in grep. */
int64_t grep_scan_file(struct grep *grep, const char *name, const struct peel_node *node);
/** Free the window. */
void grep_scan_finish(struct grep *grep);

/** Print a line that begins at beg and ends before lim, as selected (':') or as context ('-'). */
void grep_print_line(struct grep_scan *scan, const char *beg, const char *lim, char separator);
/** Print a file's name as it stands before lines. */
void grep_print_name(const struct grep *grep, const char *name);
/** Count lines of the window up to a place. */
void grep_count_lines(struct grep_scan *scan, const char *lim);

/** Search an operand, or, where it is a folder and -r was given, what is below it. */
void grep_operand(struct grep *grep, const char *path);
/** Say that a file failed, unless -s was given, and note it. */
void grep_fail(struct grep *grep, const char *name, const char *message);

#endif
