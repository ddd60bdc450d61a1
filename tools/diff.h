/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of `peel diff` share. */
#ifndef TOOLS_DIFF_H
#define TOOLS_DIFF_H

#include "buckets.h"
#include "cmd.h"
#include "json_writer.h"

/** What the rows are. */
enum diff_by {
	DIFF_BY_PATH,
	DIFF_BY_FOLDER,
	DIFF_BY_PACKAGE,
	DIFF_BY_CATEGORY,
	DIFF_BY_LAYER,
};

/** A comparison, as the command line asks for it. */
struct diff_run {
	struct peel_index *a, *b;
	enum diff_by by;
	bool stat;
	/** Every path of folders that only one image has, not one row for all. */
	bool all;
	/** Differences of fewer bytes are one row. */
	uint64_t min_size;
	/** The largest changes only, so many of them; 0: all, in order. */
	uint32_t top;
	/** Components of --by folder. */
	uint32_t depth;
	struct peel_diff_options options;
	/** After peel_diff. */
	struct peel_diff_totals totals;
};

/** One row of differences: a path, or a folder that one image alone has with all that is in it. */
struct diff_row {
	const struct peel_difference *difference;
	/** Paths in it, and their bytes. */
	uint64_t paths;
	uint64_t a_bytes, b_bytes;
};

/** Take a row. @return false: stop, there is no memory. */
typedef bool diff_row_fn(void *arg, const struct diff_row *row);

/** What was left out of the rows: what is smaller than run->min_size, and rows above run->top. */
struct diff_small {
	uint64_t paths, a_bytes, b_bytes;
	uint64_t omitted;
};

/** Most rows that run->top may ask for. */
#define DIFF_TOP_MAX 10000

/**
 * Compare, and give the rows; run->totals is filled.
 * @return 0, or less than 0 as peel_diff.
 */
int diff_each_row(struct diff_run *run, diff_row_fn *each, void *arg, struct diff_small *ret_small,
	struct peel_error *err);

/** Sum both images' bytes by what run->by says: all that is shipped for layers, else what is visible, and what
 * is wasted
 *  as a row of its own. @return 0, or as peel_pieces. */
int diff_sum(struct diff_run *run, struct buckets *buckets, struct peel_error *err);

/** Write the differences as a document. Returns an exit status. */
int diff_print_text(struct diff_run *run, FILE *out);
int diff_print_markdown(struct diff_run *run, FILE *out);
int diff_print_csv(struct diff_run *run, FILE *out);
int diff_print_json(struct diff_run *run, FILE *out);

/** Bytes of b less bytes of a with their sign: "+3.7 MB", "-12 B", "0 B". Returns buf (FORMAT_SIZE bytes). */
const char *diff_change(char *buf, uint64_t a, uint64_t b);
/** The words of a set of enum peel_differs between separators. Returns buf. */
const char *diff_words(char *buf, size_t size, unsigned differs, const char *separator);
/** What a bucket of DIFF_BY_LAYER stands for, escaped, in at most size bytes: "layer 2 of A is 1 of B  RUN make". */
void diff_layer_name(char *buf, size_t size, const struct diff_run *run,
	const struct bucket *bucket);
/** Room for them. */
#define DIFF_WORDS_SIZE 96

#endif
