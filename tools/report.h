/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of `peel report` share: all that a report says, gathered before it is written. */
#ifndef REPORT_H
#define REPORT_H

#include "advice.h"
#include "buckets.h"
#include "cmd.h"
#include "diff.h"
#include "sheet.h"

/** Rows of a section that text and Markdown show, and that JSON and HTML hold. */
#define REPORT_ROWS_SHOWN 12
#define REPORT_ROWS_MAX 1000
/** Advice that saves less is not worth a line, bytes. */
#define REPORT_ADVICE_MIN 1000000

/** A finding of a detector. Strings are owned. */
struct report_finding {
	char *detector, *title, *tier, *path;
	size_t path_len;
	bool visible;
	int layer;
	uint64_t bytes;
};

/** One image. */
struct report_image {
	struct peel_index *index;
	/** As it was named. */
	const char *name;
	/** Why not all of it is known, a line a reason; NULL: all is. */
	char *reasons;
	struct peel_waste *waste;
	/** By number: category id and package id from 1, 0 none. */
	struct bucket_sum *categories, *packages;
	uint32_t category_count, package_count;
	/** Folders of what no package owns. */
	struct buckets unowned;
	/** Cells of the treemap: a large file, or the small ones of a folder. Keys are struct leaf_key and a path. */
	struct buckets leaves;
	uint64_t leaf_min;
	struct report_finding *findings;
	size_t finding_count, finding_room, findings_left_out;
	struct advice_list advice;
	/** No memory: for the sums; for the findings, which are gathered by another thread. */
	bool no_memory, findings_failed;
};

/** What stands before the path in the key of a leaf. */
struct leaf_key {
	int32_t layer;
	uint32_t package, category, cause;
};

/** One image, or two and what differs. */
struct report {
	struct report_image images[2];
	int count;
	/** Of two. */
	struct diff_run diff;
	/** Paths with the largest changes; copies. */
	struct report_change {
		char *path;
		size_t path_len;
		unsigned differs;
		uint64_t paths, a_bytes, b_bytes;
	} * changes;
	size_t change_count, change_room;
	/** Paths that differ and are not among them. */
	uint64_t changes_left_out;
	struct buckets by_category, by_folder, by_package, by_layer;
};

/**
 * Gather all. @return 0; PEEL_ENOMEM, as peel_pieces, peel_detect, peel_advise, peel_diff. Free with
 * report_finish, always.
 */
int report_gather(struct report *report, struct peel_error *err);
/** Gather what is said of one image; index and name are set. @return as report_gather. */
int report_gather_image(struct report_image *image, struct peel_error *err);
/** Free what it holds, but the indexes. */
void report_finish(struct report *report);

/** The finding of one image whose path the other image's findings of that detector do not name. */
bool report_alone(const struct report_image *other, const struct report_finding *finding);

/** Write the report. Text and Markdown by format. Return an exit status. */
int report_print(const struct report *report, enum sheet_format format, FILE *out);
int report_print_json(const struct report *report, FILE *out);
int report_print_html(const struct report *report, FILE *out);

#endif
