/* SPDX-License-Identifier: Apache-2.0 */
/** The verb detect: what it was asked (cmd_detect.c), and how findings are written (detect_print.c, detect_json.c). */
#ifndef DETECT_H
#define DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <peel/audit.h>

#include "json_writer.h"
#include "opts.h"
#include "sheet.h"

struct call;

struct detect_values {
	struct opt_list files, tiers;
	struct opt_number top;
	bool all_platforms, list, runtime;
};

/** Most images of one file that are looked at together. */
#define DETECT_IMAGES_MAX 64

/** An image that was opened. */
struct detect_image {
	/** NULL: absent. */
	struct peel_index *index;
	/** As peel_detect_reasons; of an absent one, why. */
	char *reasons;
	/** The file lists it and has it not, or it cannot be read. */
	bool absent;
};

struct detect_run;

/** Write a finding. @return nonzero where memory is exhausted. */
typedef int detect_take_fn(struct detect_run *run, const struct peel_detection *found);

/** One run over all images, for one document. */
struct detect_run {
	const struct detect_values *values;
	const struct peel_detectors *detectors;
	const char *const *names;
	size_t name_count;
	/** Tiers that are told, and those whose findings make the status 1: a bit each. */
	unsigned int tiers, fatal_tiers;
	/** Findings of those. */
	uint64_t fatal;
	/** Room for DETECT_IMAGES_MAX, borrowed: every document is of the same ones. */
	struct detect_image *images;
	size_t image_count;
	/** The one at hand. */
	const struct detect_image *image;
	/* The document. */
	FILE *out;
	detect_take_fn *take;
	enum sheet_format format;
	struct sheet sheet;
	struct json json;
	bool is_json;
	/** Rows a tier, 0: all; the tier at hand, its rows, and how many were left out of tables. */
	size_t top, rows;
	const char *detector;
	enum peel_tier tier;
	uint64_t count, omitted;
	/** Findings by tier, and those that are visible. */
	uint64_t tiers_count[6], visible;
};

/** Begin a document, and end it. */
void detect_begin(struct detect_run *run, const char *format);
void detect_end(struct detect_run *run);
/** Begin run->image in it. @return false where memory is exhausted; detect_end_image is fine all the same. */
bool detect_begin_image(struct detect_run *run);
void detect_end_image(struct detect_run *run);

/** The same in JSON: one image is the document, of several each is a member of its array "images". */
void detect_json_begin(struct detect_run *run);
void detect_json_end(struct detect_run *run);
void detect_json_begin_image(struct detect_run *run);
int detect_json_take(struct detect_run *run, const struct peel_detection *found);
void detect_json_end_image(struct detect_run *run);

/** Write a finding as a member of an array: what check and detect both tell. */
void detect_json_evidence(struct json *json, const struct peel_evidence *evidence, size_t count);
/** "2", or "2, deleted by 5"; "" without a layer. Returns buf. */
const char *detect_layer(char *buf, size_t size, int layer, int hidden_by, enum peel_cause cause);
/** "marker python.fatal at 1234, need libpython3.11.so.1.0", escaped, cut at its end. Returns buf. */
const char *detect_evidence(char *buf, size_t size, const struct peel_evidence *evidence,
	size_t count, size_t max);
/**
 * Names, escaped, with " = " between; beyond max their number. Returns a string the caller frees, NULL without
 * memory.
 */
char *detect_names(const char *const *paths, size_t count, size_t max);
/** Say on stderr what open_for_reading did not: facts and databases that could not be read. */
void complain_detect_reasons(const struct call *call, struct peel_index *index,
	const char *reasons);

#endif
