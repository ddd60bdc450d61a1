/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of find share: a run, the expression as a tree, and the rows that say what each word of it is.
 *
 * find_parse.c makes the tree of the command line before the image is opened, find_bind gives it what only the image
 * knows (users, files that are compared with), find_eval asks it about one entry. Parse functions say what is wrong
 * themselves, on stderr.
 */
#ifndef FIND_H
#define FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <peel/query.h>

#include "users.h"
#include "walk.h"

struct call;
struct find_format;
struct find_node;
struct find_primary;
struct re_pattern_buffer;

/** Deepest nesting of parentheses; as deep as evaluation recurses. */
#define FIND_NESTING_MAX 500

/** When symlinks are followed: -P, -H, -L. */
enum find_follow {
	FIND_FOLLOW_NEVER,
	FIND_FOLLOW_ARGUMENTS,
	FIND_FOLLOW_ALWAYS,
};

/** How a number of the command line compares: N, +N, -N. */
enum find_compare {
	FIND_EQUAL,
	FIND_MORE,
	FIND_LESS,
};

/** A moment. */
struct find_time {
	int64_t sec;
	/** 0 to 999,999,999. */
	int64_t nsec;
};

/** Widths of the columns of -ls, which grow as GNU's do. */
struct find_widths {
	int ino;
	int blocks;
	int nlink;
	int user;
	int group;
	int major;
	int minor;
	int size;
};

/** One run of find. */
struct find {
	struct peel_index *index;
	/** View that is walked. */
	int view;
	struct users users;
	/** Places to start, "." where none was given. */
	char **paths;
	int path_count;
	/** Root of the tree; NULL: everything is printed. */
	struct find_node *tree;
	/** All nodes, for freeing. */
	struct find_node *nodes;

	enum find_follow follow;
	bool depth_first;
	unsigned int min_depth;
	unsigned int max_depth;
	bool warn;
	/** Syntax of regular expressions from here on, as re_set_syntax takes it. */
	unsigned long regex_syntax;
	/** When it began; origin of the relative times, which -daystart sets to midnight. */
	struct find_time now;
	struct find_time day_start;
	bool full_days;
	/** First word that is neither a global option nor one whose place matters, for a warning. */
	const char *first_test;
	/** The expression prints, so that nothing is printed by itself. */
	bool prints;
	/** -hidden was asked: the layers are walked too. */
	bool hidden;
	/** -kind or %{kind} was asked: what a file is, its first bytes tell. */
	bool reads_contents;

	/** Standard output is a terminal: names are escaped. */
	bool terminal;
	struct find_widths widths;
	int status;
	/** Actions do nothing: an entry that is looked at for the sake of -prune alone. */
	bool silent;
	bool prune;
	bool quit;
};

/** What is looked at: a step of a walk. */
struct find_entry {
	const struct walk_step *step;
	/** Bytes of the path that name the start. */
	size_t start_len;
	/** Where the start is in the step's view, NUL-terminated. */
	const char *start;
};

/** What a word is. */
enum find_class {
	FIND_TEST,
	FIND_ACTION,
	/** Concerns the whole run, wherever it stands. */
	FIND_GLOBAL,
	/** Concerns what follows it. */
	FIND_POSITIONAL,
	/** Known to GNU find and not to be had here. */
	FIND_REFUSED,
};

/** How dear a test is; -1: it does something, so that its place in the expression matters. */
enum find_cost {
	FIND_DOES = -1,
	FIND_FREE = 0,
	/** Asks the index. */
	FIND_ASKS = 1,
	/** Reads the file. */
	FIND_READS = 2,
};

/** Take an argument (NULL where the word has none). @return false with the message out. */
typedef bool find_parse_fn(struct find *find, struct find_node *node, const char *arg);
/** Take what the image knows, once it is open. @return false with the message out. */
typedef bool find_bind_fn(struct find *find, struct find_node *node);
/** Decide about an entry, or do something with it. */
typedef bool find_eval_fn(struct find *find, const struct find_node *node,
	const struct find_entry *entry);

/** A word of the language. */
struct find_primary {
	const char *name;
	enum find_class class;
	bool argument;
	/** An action that stands in for the print that is there otherwise. */
	bool prints;
	enum find_cost cost;
	find_parse_fn *parse;
	find_bind_fn *bind;
	find_eval_fn *eval;
	/** What one function does for several words: a flag of fnmatch, seconds a unit, a class of permission. */
	int variant;
	/** Why not, for FIND_REFUSED. */
	const char *refusal;
};

/** Mode bits that -perm looks for: of files, and of folders, for which X means something else. */
struct find_mode {
	/** 0: these bits exactly, '-': all of them, '/': any of them. */
	char kind;
	uint32_t bits[2];
};

/** How a node combines what is below it. */
enum find_op {
	FIND_PRIMARY,
	FIND_AND,
	FIND_OR,
	/** The comma: all are done, the last one counts. */
	FIND_LIST,
};

/** A node of the expression. */
struct find_node {
	enum find_op op;
	bool negated;
	/** The worst below it; FIND_DOES where anything below does something. */
	enum find_cost cost;
	/** Of FIND_PRIMARY. */
	const struct find_primary *primary;
	/** Argument as given. */
	const char *text;
	/** Operands of the others, in order. */
	struct find_node *first;
	struct find_node *next;
	/** Next of find->nodes. */
	struct find_node *allocated;

	enum find_compare compare;
	/** -size: in units; types, kinds: a bit each. */
	uint64_t number;
	uint64_t unit;
	struct find_time time;
	struct find_mode mode;
	enum find_follow follow;
	struct re_pattern_buffer *regex;
	struct find_format *format;
};

/** The row of a word; NULL where GNU find does not know it either. */
const struct find_primary *find_primary_of(const char *word);
/** Word i of the language, those that are refused left out; NULL past the end. */
const char *find_word_at(size_t i);
/** True where a word begins the expression: everything before it is a place to start. */
bool find_is_expression(const char *word, bool leading);

/**
 * Parse an expression.
 * @param words count words, borrowed for the life of find.
 * @return false with the message out; release with find_finish in either case.
 */
bool find_parse(struct find *find, int count, char **words);
/** A node of find's list. @return NULL without memory, the message out. */
struct find_node *find_node_new(struct find *find, enum find_op op);
/**
 * Add an operand to a chain; a chain of one is the operand itself.
 * @param chain what there is, NULL at first. @param tail NULL at first, and again where it is a chain of one.
 * @return the chain; NULL without memory, the message out.
 */
struct find_node *find_chain_add(struct find *find, enum find_op op, struct find_node *chain,
	struct find_node *operand, struct find_node ***tail);
/** Finish a chain of two or more: its cost, and its operands in order of theirs. @return the chain. */
struct find_node *find_chain_finish(struct find_node *chain);
/** Take from the opened image what the expression needs. @return false with the message out. */
bool find_bind(struct find *find);
/** Whether the expression holds for an entry; a tree of NULL prints it. */
bool find_eval(struct find *find, const struct find_node *tree, const struct find_entry *entry);
/** Free the expression and the users. */
void find_finish(struct find *find);

/** Say something about a path, escaped: 'PATH': WHAT. Status 1. */
void find_complain_path(struct find *find, const char *path, const char *what);
/**
 * Say why something of the image could not be read. Status 1; 3 where its bytes are to blame, or a limit that was
 * reached, so that the answer stays open.
 */
void find_complain_error(struct find *find, const char *path, const struct peel_error *err);
/** Say why a node's argument is wrong. @return false. */
bool find_complain_argument(const struct find_node *node, const char *arg);

/** True where links are followed for an entry: -L, or -H and it is a start. */
bool find_follows(const struct find *find, const struct find_entry *entry);
/**
 * The node of an entry, whatever the walk made of it.
 * @param follow its target where it is a link, or itself. @return 0, or as peel_resolve.
 */
int find_resolve(const struct find *find, const struct find_entry *entry, bool follow,
	struct peel_node *ret_node, struct peel_error *err);

/** Compare a number as a node's argument says. */
bool find_compare_number(const struct find_node *node, uint64_t number);
/** Parse [+-]N into compare and number. @return false where it is none; nothing is said. */
bool find_number(struct find_node *node, const char *arg);

/** Count relative times from today's midnight on: -daystart. */
void find_start_day(struct find *find);

/** @name Parse functions of rows @{ */
find_parse_fn find_parse_depth;
find_parse_fn find_parse_follow;
find_parse_fn find_parse_format;
find_parse_fn find_parse_hidden;
find_parse_fn find_parse_kind;
find_parse_fn find_parse_maxdepth;
find_parse_fn find_parse_mindepth;
find_parse_fn find_parse_name;
find_parse_fn find_parse_newer;
find_parse_fn find_parse_newermt;
find_parse_fn find_parse_number;
find_parse_fn find_parse_path;
find_parse_fn find_parse_perm;
find_parse_fn find_parse_regex;
find_parse_fn find_parse_regextype;
find_parse_fn find_parse_size;
find_parse_fn find_parse_time;
find_parse_fn find_parse_type;
find_parse_fn find_parse_warn;
/** @} */

/** @name Bind functions of rows @{ */
find_bind_fn find_bind_group;
find_bind_fn find_bind_newer;
find_bind_fn find_bind_samefile;
find_bind_fn find_bind_user;
/** @} */

/** @name Eval functions of rows @{ */
find_eval_fn find_eval_access;
find_eval_fn find_eval_empty;
find_eval_fn find_eval_false;
find_eval_fn find_eval_gid;
find_eval_fn find_eval_hidden;
find_eval_fn find_eval_inum;
find_eval_fn find_eval_kind;
find_eval_fn find_eval_layer;
find_eval_fn find_eval_links;
find_eval_fn find_eval_lname;
find_eval_fn find_eval_ls;
find_eval_fn find_eval_mtime;
find_eval_fn find_eval_name;
find_eval_fn find_eval_newer;
find_eval_fn find_eval_nogroup;
find_eval_fn find_eval_nouser;
find_eval_fn find_eval_path;
find_eval_fn find_eval_perm;
find_eval_fn find_eval_print;
find_eval_fn find_eval_print0;
find_eval_fn find_eval_printf;
find_eval_fn find_eval_prune;
find_eval_fn find_eval_quit;
find_eval_fn find_eval_regex;
find_eval_fn find_eval_size;
find_eval_fn find_eval_true;
find_eval_fn find_eval_type;
find_eval_fn find_eval_uid;
find_eval_fn find_eval_xtype;
/** @} */

/** Free a node's compiled expression, and its format; NULL is fine. */
void find_regex_free(struct re_pattern_buffer *regex);
void find_format_free(struct find_format *format);

/** Parse a mode as chmod takes it, into the bits that it sets from nothing. @return false where it is none. */
bool find_mode_parse(const char *text, struct find_mode *mode);

/**
 * Parse a date as -newermt takes it: see find_date.c.
 * @param now what relative dates count from. @return false where it cannot be read as one.
 */
bool find_date_parse(const char *text, const struct find_time *now, struct find_time *ret_time);

/** "Tue Nov 14 22:13:20.1234567890 2023" in the local time zone. @return buf (FIND_TIME_SIZE bytes). */
const char *find_time_plain(char *buf, const struct find_time *when);
/** By one letter of strftime, or @ or +, with fractions where GNU has them. @return buf (FIND_TIME_SIZE bytes). */
const char *find_time_format(char *buf, const struct find_time *when, char letter);
/** Room for a time as text. */
#define FIND_TIME_SIZE 320

/** Letter of a type as -type and %y have it: f d l b c p s, U for none of these. */
char find_type_letter(uint32_t mode);
/** Name of the first part of a path that is left when slashes at its end are not counted: GNU's base_name. */
const char *find_base_name(const char *path, size_t len, size_t *ret_len);
/** "NAME" of an xattr as text. @return false where the node has none; the caller frees. */
bool find_xattr(struct find *find, uint64_t ino, const char *name, char **ret_value);

#endif
