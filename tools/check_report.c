/* SPDX-License-Identifier: Apache-2.0 */
/* What a check found, kept for all documents that are written about it. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cmd.h"
#include "detect.h"
#include "grow.h"

/* Names of a violation that people are shown. */
#define NAMES_SHOWN 4

struct keep_block {
	struct keep_block *next;
	max_align_t bytes[];
};

void *keep_alloc(struct keep *keep, size_t size)
{
	struct keep_block *block = calloc(1, sizeof(*block) + size + 1);

	if (!block) {
		return NULL;
	}
	block->next = keep->blocks;
	keep->blocks = block;
	return block->bytes;
}

char *keep_text(struct keep *keep, const char *text)
{
	char *copy = text ? keep_alloc(keep, strlen(text) + 1) : NULL;

	if (copy) {
		memcpy(copy, text, strlen(text) + 1);
	}
	return copy;
}

void keep_free(struct keep *keep)
{
	while (keep->blocks) {
		struct keep_block *block = keep->blocks;

		keep->blocks = block->next;
		free(block);
	}
}

static bool copy_names(struct keep *keep, struct peel_violation *violation)
{
	const char **paths = keep_alloc(keep, (violation->path_count + 1) * sizeof(*paths));
	bool fine = paths != NULL;

	for (size_t i = 0; fine && i < violation->path_count; i++) {
		paths[i] = keep_text(keep, violation->paths[i]);
		fine = paths[i] != NULL;
	}
	violation->paths = paths;
	return fine;
}

/* Packages and instructions belong to the index, which lives as long as the report. */
static bool copy_violation(struct keep *keep, struct peel_violation *violation)
{
	struct peel_evidence *evidence = keep_alloc(keep,
		(violation->evidence_count + 1) * sizeof(*evidence));
	bool fine = evidence && copy_names(keep, violation);

	for (size_t i = 0; fine && i < violation->evidence_count; i++) {
		evidence[i].type = keep_text(keep, violation->evidence[i].type);
		evidence[i].text = keep_text(keep, violation->evidence[i].text);
		evidence[i].offset = violation->evidence[i].offset;
		fine = evidence[i].type && evidence[i].text;
	}
	violation->evidence = evidence;
	violation->what = keep_text(keep, violation->what);
	return fine && violation->what;
}

static bool copy_violations(struct keep *keep, struct peel_result *result)
{
	struct peel_violation *copies = keep_alloc(keep,
		(result->violation_count + 1) * sizeof(*copies));
	bool fine = copies != NULL;

	for (size_t i = 0; fine && i < result->violation_count; i++) {
		copies[i] = result->violations[i];
		fine = copy_violation(keep, &copies[i]);
	}
	result->violations = copies;
	return fine;
}

bool check_report_add(struct check_report *report, struct check_image *image,
	const struct peel_result *result)
{
	struct keep *keep = &report->keep;
	struct peel_result copy = *result;

	if (!grow_array(&image->results, image->count, &image->room, sizeof(*image->results))) {
		return false;
	}
	copy.id = keep_text(keep, result->id);
	copy.file = keep_text(keep, result->file);
	copy.rule = keep_text(keep, result->rule);
	copy.title = keep_text(keep, result->title);
	copy.detail = keep_text(keep, result->detail);
	if (!copy.id || !copy.file || !copy.rule || !copy.title || !copy.detail ||
		!copy_violations(keep, &copy)) {
		return false;
	}
	image->results[image->count++] = copy;
	return true;
}

void check_report_finish(struct check_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		peel_index_close(report->images[i].index);
		free(report->images[i].results);
		free(report->images[i].reasons);
		free(report->images[i].lines);
	}
	free(report->images);
	keep_free(&report->keep);
}

int check_line(const struct check_report *report, const struct check_image *image,
	const struct peel_violation *violation)
{
	const int row = violation->history;

	return report->dockerfile && image->lines && row >= 0 && row < image->line_count
		? image->lines[row]
		: 0;
}

const char *check_state_name(enum peel_result_state state)
{
	static const char *const names[] = {
		[PEEL_RESULT_PASS] = "pass",
		[PEEL_RESULT_FAIL] = "fail",
		[PEEL_RESULT_WARN] = "warn",
		[PEEL_RESULT_SKIP] = "skip",
		[PEEL_RESULT_UNSURE] = "unsure",
	};

	return names[state];
}

const char *check_verdict(int status)
{
	return status == STATUS_OK ? "pass" : status == STATUS_NO ? "fail" : "inconclusive";
}

char *check_subject(const struct peel_violation *violation)
{
	return violation->path_count
		? detect_names(violation->paths, violation->path_count, NAMES_SHOWN)
		: strdup("image");
}

const char *check_place(char *buf, const struct peel_violation *violation)
{
	if (violation->layer < 0) {
		buf[0] = 0;
	} else if (violation->hidden_by >= 0) {
		snprintf(buf, CHECK_PLACE_SIZE, "layer %d, hidden by %d", violation->layer,
			violation->hidden_by);
	} else {
		snprintf(buf, CHECK_PLACE_SIZE, "layer %d", violation->layer);
	}
	return buf;
}
