/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check as Markdown, for $GITHUB_STEP_SUMMARY and merge requests: a table of rules, and what they
 * complain of below.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cmd.h"
#include "sheet.h"

/* Complaints of one rule, and of all: GitHub's summary takes a MiB. */
#define SHOWN_MAX 50
#define ALL_MAX 2000

static void write_reasons(const struct check_image *image, FILE *out)
{
	const char *reasons = image->failure ? image->failure : image->reasons;
	const char *at;
	int len = 0;

	if (!reasons) {
		return;
	}
	fputs("Not everything could be looked at:\n\n", out);
	while ((at = format_next_line(&reasons, &len))) {
		cleanup_free char *line = format_text("%.*s", len, at);

		fputs("- ", out);
		sheet_markdown_text(out, line);
		putc('\n', out);
	}
	putc('\n', out);
}

static void write_rules(const struct check_image *image, FILE *out)
{
	static const char *const marks[] = {
		[PEEL_RESULT_PASS] = "pass",
		[PEEL_RESULT_FAIL] = "**fail**",
		[PEEL_RESULT_WARN] = "warn",
		[PEEL_RESULT_SKIP] = "skip",
		[PEEL_RESULT_UNSURE] = "**undecided**",
	};

	fputs("| Result | Rule | What is asked | How it came out |\n|---|---|---|---|\n", out);
	for (size_t i = 0; i < image->count; i++) {
		const struct peel_result *result = &image->results[i];

		fprintf(out, "| %s | %s ", marks[result->state], result->id);
		sheet_markdown_text(out, result->rule);
		fputs(" | ", out);
		sheet_markdown_text(out, result->title);
		fputs(" | ", out);
		sheet_markdown_text(out, result->detail);
		fputs(" |\n", out);
	}
	putc('\n', out);
}

static bool write_violations(const struct check_report *report, const struct check_image *image,
	const struct peel_result *result, size_t *left, FILE *out)
{
	size_t i = 0;

	fprintf(out, "### %s ", result->id);
	sheet_markdown_text(out, result->title);
	fputs("\n\n| What | Finding | Layer |\n|---|---|---|\n", out);
	for (; i < result->violation_count && i<SHOWN_MAX && * left> 0; i++, --*left) {
		const struct peel_violation *violation = &result->violations[i];
		cleanup_free char *subject = check_subject(violation);
		const int line = check_line(report, image, violation);
		char place[CHECK_PLACE_SIZE];

		if (!subject) {
			return false;
		}
		fputs("| ", out);
		sheet_markdown_text(out, subject);
		fputs(" | ", out);
		sheet_markdown_text(out, violation->what);
		fprintf(out, " | %s", check_place(place, violation));
		if (line > 0) {
			fprintf(out, " (line %d)", line);
		}
		fputs(" |\n", out);
	}
	putc('\n', out);
	if (result->violation_count - i + result->omitted > 0) {
		fprintf(out, "And %zu more.\n\n", result->violation_count - i + result->omitted);
	}
	return true;
}

static bool write_image(const struct check_report *report, const struct check_image *image,
	size_t *left, FILE *out)
{
	const char *name = *image->name ? image->name : report->reference;
	cleanup_free char *escaped = NULL;
	bool fine = peel_text_escape(name, strlen(name), &escaped) == 0;

	if (!fine) {
		return false;
	}
	fputs("## peel check: ", out);
	sheet_markdown_text(out, escaped);
	fprintf(out, ": %s\n\n%zu passed, %zu failed, %zu warned, %zu skipped, %zu undecided\n\n",
		check_verdict(image->status), image->passed, image->failed, image->warned,
		image->skipped, image->unsure);
	write_reasons(image, out);
	if (image->count > 0) {
		write_rules(image, out);
	}
	for (size_t i = 0; fine && i < image->count; i++) {
		if (image->results[i].violation_count > 0) {
			fine = write_violations(report, image, &image->results[i], left, out);
		}
	}
	return fine;
}

bool check_write_markdown(const struct check_report *report, FILE *out)
{
	size_t left = ALL_MAX;
	bool fine = true;

	for (size_t i = 0; fine && i < report->count; i++) {
		fine = write_image(report, &report->images[i], &left, out);
	}
	return fine;
}
