/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the verbs share: the shape of a verb, the options that all of them take, opening an index, messages
 * and exit status. A verb's file ends with its `const struct verb cmd_<name>`; main.c has the table.
 */
#ifndef CMD_H
#define CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <peel/peel.h>

#include "opts.h"

/** Number of elements of an array. */
#define countof(array) (sizeof(array) / sizeof((array)[0]))

static inline void cleanup_free_(void *pointer)
{
	free(*(void **)pointer);
}

/** free() at the end of the scope. */
#define cleanup_free __attribute__((__cleanup__(cleanup_free_)))

static inline void cleanup_index_(struct peel_index **index)
{
	peel_index_close(*index);
}

/** peel_index_close() at the end of the scope. */
#define cleanup_index __attribute__((__cleanup__(cleanup_index_)))

/** Exit status of every verb; ls, cat, stat and which keep their namesake's 1 and 2. */
enum status {
	STATUS_OK = 0,
	/** Violated, differs, not found. */
	STATUS_NO = 1,
	/** Usage or operational error. */
	STATUS_ERROR = 2,
	/** Part of the image could not be read: nothing is proved. */
	STATUS_INCONCLUSIVE = 3,
};

/** Values of the options that verbs share; the rows are in main.c. */
struct shared {
	const char *platform;
	const char *index_file;
	const char *cache_dir;
	/** As in struct peel_index_options; 0: not given. */
	uint64_t cache_limit;
	const char *spool_dir;
	uint64_t spool_limit;
	/** As given, and what they and $PEEL_LIMITS come to. */
	struct opt_list limit_words;
	struct peel_limits limits;
	bool no_cache;
	bool no_sandbox;
	bool rebuild;
	bool verify;
	bool strict;
	bool allow_missing;
	bool quiet;
	bool progress;
	bool no_progress;
	bool help;
	bool version;
	bool help_tables;
	struct opt_list outputs;
};

/** One run of a verb. */
struct call {
	const struct verb *verb;
	struct shared shared;
	/** The verb's own option values, verb->values_size bytes, zeroed before parsing. */
	void *values;
	/** The verb's own options of kind OPT_ORDERED, as given. */
	struct opt_log log;
	/** Operands. */
	int argc;
	char **argv;
	/** Set by a verb without facts, where its options want them after all. */
	bool wants_facts;
	/** Set by a verb whose facts are gathered for other detectors than the built-in ones; borrowed. */
	const struct peel_detectors *detectors;
	/** Set by a verb with headers_only, where what was asked for reads contents after all. */
	bool reads_contents;
	/**
	 * Set before images are opened by a verb that makes files below a folder: it stays writable; borrowed.
	 * NULL: none.
	 */
	const int *writable;
	/** The same, and owners of these files are changed. */
	bool owners;
	/** Set once this process is in the cage. */
	bool caged;
	/** Set where an index is built in this process, of standard input. */
	bool from_input;
	/** The files of --output, once they are open. */
	FILE *outputs[OPT_LIST_MAX];
};

/** A verb. */
struct verb {
	const char *name;
	/** Operands as the synopsis shows them. */
	const char *operands;
	/** One line without a final dot. */
	const char *summary;
	/** More for --help, whole lines; NULL: none. */
	const char *details;
	/** Own options, NULL: none. */
	const struct opt *options;
	size_t values_size;
	/** True where it opens an image and takes the image options. */
	bool image;
	/** Reads no contents of files but the names of users: of standard input the headers are enough. */
	bool headers_only;
	/** Wants facts about contents, which are gathered where they are not at hand. */
	bool facts;
	/** Options end at the first operand; what follows it is the verb's own language (find, run). */
	bool own_language;
	/**
	 * Word i of that language, such as find's "-name", NULL past the end, for help and completions; NULL:
	 * there are none. What help calls them.
	 */
	const char *(*word_at)(size_t i);
	const char *words_title;
	/** Formats of --output separated by blanks, the default first; NULL: no --output. */
	const char *formats;
	/** Exit status where the command line is wrong; 0: STATUS_ERROR. */
	int failure;
	int min_operands;
	/** -1: any number. */
	int max_operands;
	/** Does the work. Returns an exit status. */
	int (*run)(struct call *call);
};

extern const struct verb cmd_bloat;
extern const struct verb cmd_cache;
extern const struct verb cmd_cat;
extern const struct verb cmd_check;
extern const struct verb cmd_completion;
extern const struct verb cmd_cp;
extern const struct verb cmd_detect;
extern const struct verb cmd_diff;
extern const struct verb cmd_du;
extern const struct verb cmd_dup;
extern const struct verb cmd_export;
extern const struct verb cmd_find;
extern const struct verb cmd_grep;
extern const struct verb cmd_help;
extern const struct verb cmd_history;
extern const struct verb cmd_index;
extern const struct verb cmd_inspect;
extern const struct verb cmd_ls;
extern const struct verb cmd_mount;
extern const struct verb cmd_packages;
extern const struct verb cmd_report;
extern const struct verb cmd_run;
extern const struct verb cmd_sql;
extern const struct verb cmd_stat;
extern const struct verb cmd_umount;
extern const struct verb cmd_verify;
extern const struct verb cmd_waste;
extern const struct verb cmd_which;
extern const struct verb cmd_why;

/** Verb i in order of names; NULL past the end. */
const struct verb *verb_at(size_t i);
/** Verb by name, NULL where there is none. */
const struct verb *verb_find(const char *name);
/** Write the rows of every table for the tests: KIND, VERB, NAME, VALUE and text between tabs. */
void help_print_tables(FILE *out);
/** What may stand before the path of IMAGE, number i; NULL past the end. */
const char *help_transport(size_t i);
/** Write the summary of all verbs. */
void help_print_overview(FILE *out);
/**
 * Write what is given up before an image is read, and give it up, to see what the kernel holds. Returns an exit
 * status.
 */
int help_print_sandbox(FILE *out);
/** Write one verb's help, a screen. */
void help_print_verb(FILE *out, const struct verb *verb);
/** Rows that every verb takes, that verbs with an image take, and --output. */
extern const struct opt options_common[];
extern const struct opt options_image[];
extern const struct opt options_output[];

/** Print "peel: ..." and a newline on stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Print an error, and return the exit status that stands for its code. */
int complain_error(const struct peel_error *err);
/** The system's words for a code where it has some ("No such file or directory"), else the message. */
const char *error_text(const struct peel_error *err);
/** Exit status of a verb whose command line is wrong. */
int failure_status(const struct verb *verb);
/** Say how the verb is used, on stderr. Returns failure_status. */
int complain_usage(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Fill library options from the shared ones; progress is set up too. The struct borrows from the call. */
void index_options(const struct call *call, struct peel_index_options *ret_options);
/**
 * Open the index of an operand. Where that is standard input, the process gives its rights up before the first
 * byte is read: whatever else the verb needs must be open by then.
 * @return as peel_index_open.
 */
int open_index(struct call *call, int operand, struct peel_index_options *options,
	struct peel_index **ret_index, struct peel_error *err);
/**
 * Open the index of an operand for reading what can be read, and say on stderr what cannot; who calls it sees to
 * the cage.
 * @return STATUS_OK, or the status to exit with; the message is out.
 */
int open_operand(struct call *call, int operand, struct peel_index **ret_index);
/**
 * The same for the first operands, and then give up all rights that answering does not need (cage.h).
 * @param ret_indexes count of room; what was opened is the caller's, on failure too.
 * @return STATUS_OK, or the status to exit with; the message is out.
 */
int open_operands(struct call *call, int count, struct peel_index **ret_indexes);
/** The same for the first operand alone. */
int open_for_reading(struct call *call, struct peel_index **ret_index);
/** An image of several is not there, cannot be read, or is more than a limit allows: the others are looked at. */
bool open_is_absent(const struct peel_error *err);
/**
 * Exit status of a reading verb: status, or STATUS_INCONCLUSIVE where the index, or its facts where it has them,
 * are incomplete, or a package database could not be read. STATUS_ERROR, and the message is out, where contents were
 * wanted that headers_only had let go, and where status is STATUS_OK although a question to the index had no memory, or
 * could not read.
 */
int reading_status(const struct peel_index *index, int status);
/**
 * Say why an index is incomplete, a line a reason, and, unless -q, why it
 * was not kept.
 * @param reference names the image.
 */
void complain_incomplete(const struct call *call, const char *reference,
	const struct peel_index *index);
/**
 * Take the cache's limit from $PEEL_CACHE_LIMIT where no option gave it.
 * @return false where that is no size; the message is out.
 */
bool take_cache_limit(uint64_t *limit);
/** Is the list of limits asked for (--limit help)? Write it. */
bool limits_asked(const struct shared *shared);
void limits_print(FILE *out);
/** The same for the tests: "limit", NAME, DEFAULT and MOST between tabs. */
void limits_print_table(FILE *out);
/**
 * Take the limits from $PEEL_LIMITS and, before that, from the options.
 * @return false where one is wrong; the message is out.
 */
bool take_limits(struct shared *shared);
/**
 * What to call one of several images of a file: its platform ("" where that is not known), and where another has the
 * same, the begin of its manifest's or configuration's digest. Indexes that are NULL are passed over.
 * @return text the caller frees, as the image has it: to be escaped.
 */
char *image_label(struct peel_index *const *indexes, size_t count, size_t i);
/** Bytes that all layers take in the image file. */
uint64_t stored_bytes(struct peel_index *index);
/**
 * View of a --layer option.
 * @param layer text of a number from 0, or NULL for the merged tree.
 * @return false where there is no such layer; the message is out.
 */
bool parse_view(struct peel_index *index, const char *layer, int *ret_view);
/**
 * Resolve a path of the command line in a view; relative ones start at the root.
 * @param ret_canonical may be NULL; the caller frees.
 */
int resolve_path(struct peel_index *index, int view, const char *path, bool follow,
	struct peel_node *ret_node, char **ret_canonical, struct peel_error *err);

/** Write one document in one format to a stream. Returns an exit status. */
typedef int emit_fn(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg);
/**
 * Write what --output asks for: each FMT to its FILE or to stdout; the verb's first format where nothing was asked.
 * @return the worst status of all.
 */
int emit_all(struct call *call, struct peel_index *index, emit_fn *emit, void *arg);
/** Open the files of --output where that was not done: emit_all writes to them. @return 0; PEEL_EIO. */
int open_outputs(struct call *call, struct peel_error *err);
/** Close those that were not written. */
void close_outputs(struct call *call);
/** Check the --output values against the verb's formats. Returns STATUS_OK, or STATUS_ERROR with the message out. */
int check_outputs(const struct call *call);
/** The worse of two statuses: error, inconclusive, no, ok. */
int worse_status(int a, int b);

/**
 * Progress callback for the library; arg points to a bool: stderr is a terminal. Shows a bar there after a
 * second.
 */
int progress_show(void *arg, const char *what, uint64_t done_bytes, uint64_t total_bytes);
/** Take the bar away, before anything else is written. */
void progress_clear(void);

struct json;
/**
 * Open a JSON document: schema, image identity. Close it with json_close, before which complete and incomplete_reasons
 * stand: what is known of the index then. A verb that knows more sets json->finish to its own.
 */
void json_document(struct json *json, const char *name, struct peel_index *index);
/** The schema alone. */
void json_begin(struct json *json, const char *name);
/** The member that says which image it is, for an object that is open. */
void json_image(struct json *json, struct peel_index *index);
/** Its complete and incomplete_reasons. @param reasons a line each; NULL: it is complete. */
void json_reasons(struct json *json, const char *reasons);
/** The member image, and what is known of the index's completeness now. */
void json_image_members(struct json *json, struct peel_index *index);
/** A document of two images, whose last members "a" and "b" each hold image, complete and incomplete_reasons. */
void json_pair(struct json *json, const char *name, struct peel_index *a, struct peel_index *b);

/**
 * Called as mount(8)'s helper: SOURCE DIR -o OPTIONS.
 * @return mount(8)'s exit status.
 */
int mount_helper(int argc, char **argv);
/** Rows of mount's -o, for help. */
extern const struct opt options_mount[];

#endif
