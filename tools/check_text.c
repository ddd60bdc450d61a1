/* SPDX-License-Identifier: Apache-2.0 */
/* A check for a terminal: a line a rule, and below it what it complains of. */
#include <string.h>

#include "check.h"
#include "cmd.h"
#include "format.h"

/* Complaints of one rule that are shown; the other documents have all. */
#define SHOWN_MAX 20
/* Characters of an instruction. */
#define INSTRUCTION_MAX 60

static bool write_violation(const struct peel_violation *violation, FILE *out)
{
	cleanup_free char *subject = check_subject(violation);
	cleanup_free char *instruction =
		format_instruction(violation->instruction ? violation->instruction : "",
			INSTRUCTION_MAX);
	char place[CHECK_PLACE_SIZE];

	if (!subject || !instruction) {
		return false;
	}
	fprintf(out, "      %s: %s", subject, violation->what);
	if (*check_place(place, violation)) {
		fprintf(out, " (%s%s", place, violation->visible ? "" : ", shipped only");
		if (violation->package) {
			fputs(", package ", out);
			peel_text_print(out, violation->package->name,
				strlen(violation->package->name));
		}
		putc(')', out);
	}
	if (*instruction) {
		fprintf(out, "  %s", instruction);
	}
	putc('\n', out);
	return true;
}

static bool write_result(const struct peel_result *result, FILE *out)
{
	static const char *const marks[] = {
		[PEEL_RESULT_PASS] = "ok",
		[PEEL_RESULT_FAIL] = "FAIL",
		[PEEL_RESULT_WARN] = "warn",
		[PEEL_RESULT_SKIP] = "skip",
		[PEEL_RESULT_UNSURE] = "????",
	};
	const size_t shown = result->violation_count < SHOWN_MAX ? result->violation_count
								 : SHOWN_MAX;
	const size_t rest = result->violation_count - shown + result->omitted;
	bool fine = true;

	fprintf(out, "%-4s  %s ", marks[result->state], result->id);
	peel_text_print(out, result->file, strlen(result->file));
	if (result->line > 0) {
		fprintf(out, ":%d", result->line);
	}
	putc(' ', out);
	fputs(result->rule, out);
	fputs(": ", out);
	fputs(result->title, out);
	fputs(" -- ", out);
	fputs(result->detail, out);
	putc('\n', out);
	for (size_t i = 0; fine && i < shown; i++) {
		fine = write_violation(&result->violations[i], out);
	}
	if (rest > 0) {
		fprintf(out, "      and %zu more\n", rest);
	}
	return fine;
}

static void write_reasons(const char *reasons, FILE *out)
{
	while (reasons && *reasons) {
		size_t len = strcspn(reasons, "\n");

		fprintf(out, "inconclusive: %.*s\n", (int)len, reasons);
		reasons += len + (reasons[len] == '\n');
	}
}

static bool write_image(const struct check_image *image, FILE *out)
{
	bool fine = true;

	if (*image->name) {
		fputs("== ", out);
		peel_text_print(out, image->name, strlen(image->name));
		putc('\n', out);
	}
	for (size_t i = 0; fine && i < image->count; i++) {
		fine = write_result(&image->results[i], out);
	}
	if (image->failure) {
		fprintf(out, "inconclusive: %s\n", image->failure);
	}
	write_reasons(image->reasons, out);
	fprintf(out, "%s: %zu passed, %zu failed, %zu warned, %zu skipped, %zu undecided\n",
		check_verdict(image->status), image->passed, image->failed, image->warned,
		image->skipped, image->unsure);
	return fine;
}

bool check_write_text(const struct check_report *report, FILE *out)
{
	bool fine = true;

	for (size_t i = 0; fine && i < report->count; i++) {
		fine = write_image(&report->images[i], out);
	}
	if (report->count > 1) {
		fprintf(out, "%s: %zu images\n", check_verdict(report->status), report->count);
	}
	return fine;
}
