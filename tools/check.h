/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The verb check: what it found of one or several images (check_report.c), and the documents about it, one format a
 * file. Strings of a report are raw bytes, copies that it owns; each writer escapes them for its readers.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <peel/peel.h>

struct keep_block;

/** Memory that is freed as a whole. {0} is empty. */
struct keep {
	struct keep_block *blocks;
};

/** Zeroed bytes. @return NULL where memory is exhausted. */
void *keep_alloc(struct keep *keep, size_t size);
/** A copy; NULL stays NULL. @return NULL where memory is exhausted, too. */
char *keep_text(struct keep *keep, const char *text);
/** Free all. */
void keep_free(struct keep *keep);

/** What all rules of one image came to, and its figures in bytes. */
struct check_image {
	struct peel_index *index;
	/** As people are told which of several it is; "" where it is the only one. */
	const char *name;
	/** Why the image could not be opened at all, NULL: it could. The rest is then empty. */
	const char *failure;
	struct peel_result *results;
	size_t count, room;
	size_t passed, failed, warned, skipped, unsure;
	/** One escaped line a reason, newline between; NULL: conclusive. */
	char *reasons;
	/** Line of the Dockerfile by row of the history, 0 unknown; NULL: there is no Dockerfile. */
	int *lines;
	int line_count;
	struct peel_ledger ledger;
	uint64_t stored_bytes;
	/** STATUS_OK, STATUS_NO or STATUS_INCONCLUSIVE. */
	int status;
};

struct dockerfile;

/** All of it. */
struct check_report {
	/** As the user named the image. */
	const char *reference;
	struct check_image *images;
	size_t count;
	/** NULL: none was given. */
	const struct dockerfile *dockerfile;
	/** Of all images. */
	int status;
	struct keep keep;
};

/** Copy a result into an image's. @return false where memory is exhausted. */
bool check_report_add(struct check_report *report, struct check_image *image,
	const struct peel_result *result);
/** Free all, indexes too. */
void check_report_finish(struct check_report *report);

/** "pass", "fail", "warn", "skip", "unsure". */
const char *check_state_name(enum peel_result_state state);
/** "pass", "fail" or "inconclusive" for a status. */
const char *check_verdict(int status);
/**
 * What a violation is about, for people: its names, or the image; escaped.
 * @return a string the caller frees, NULL where memory is exhausted.
 */
char *check_subject(const struct peel_violation *violation);
/** "layer 2, deleted by 5", "" where no layer has it. Returns buf (CHECK_PLACE_SIZE bytes). */
const char *check_place(char *buf, const struct peel_violation *violation);
#define CHECK_PLACE_SIZE 80

/** Write a document. @return false where memory is exhausted. */
typedef bool check_write_fn(const struct check_report *report, FILE *out);
check_write_fn check_write_text, check_write_json, check_write_junit, check_write_sarif,
	check_write_github, check_write_markdown;

/** Line of the Dockerfile that made a violation's layer; 0: not known, or no file was given. */
int check_line(const struct check_report *report, const struct check_image *image,
	const struct peel_violation *violation);

struct call;

/** Write the report in one format; arg is the struct check_report. An emit_fn: returns an exit status. */
int check_emit(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg);

#endif
