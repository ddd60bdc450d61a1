/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check as GitHub's workflow commands: an annotation a rule, at the line of the Dockerfile that is to blame, else
 * at the rule's own line. GitHub shows ten errors and ten warnings a step, so there are not more. Names cannot end a
 * command or begin another: they are escaped for people first (no line ends), and then as GitHub's toolkit does (%
 * CR LF, and : , in properties).
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cmd.h"
#include "format.h"
#include "dockerfile.h"

/* Annotations of each kind, with one that says how many more there are; the verdict is the tenth error. */
#define ANNOTATIONS_MAX 9
/* Complaints within one. */
#define SHOWN_MAX 10

static void write_escaped(FILE *out, const char *text, bool property)
{
	for (; *text; text++) {
		if (strchr("%\r\n", *text) || (property && strchr(":,", *text))) {
			fprintf(out, "%%%02X", (unsigned char)*text);
		} else {
			putc(*text, out);
		}
	}
}

static void write_property(FILE *out, const char *text)
{
	cleanup_free char *escaped = format_escaped(text, strlen(text));

	write_escaped(out, escaped, true);
}

/* The first complaint whose line is known says where; else the rule itself. */
static void write_location(const struct check_report *report, const struct check_image *image,
	const struct peel_result *result, FILE *out)
{
	for (size_t i = 0; i < result->violation_count; i++) {
		const int line = check_line(report, image, &result->violations[i]);

		if (line > 0) {
			fputs("file=", out);
			write_property(out, dockerfile_path(report->dockerfile));
			fprintf(out, ",line=%d,", line);
			return;
		}
	}
	if (result->line > 0) {
		fputs("file=", out);
		write_property(out, result->file);
		fprintf(out, ",line=%d,", result->line);
	}
}

static bool write_annotation(const struct check_report *report, const struct check_image *image,
	const struct peel_result *result, const char *command, FILE *out)
{
	const size_t shown = result->violation_count < SHOWN_MAX ? result->violation_count
								 : SHOWN_MAX;
	const size_t rest = result->violation_count - shown + result->omitted;

	fprintf(out, "::%s ", command);
	write_location(report, image, result, out);
	fprintf(out, "title=%s ", result->id);
	write_escaped(out, result->title, true);
	fputs("::", out);
	if (*image->name) {
		cleanup_free char *name = NULL;

		if (peel_text_escape(image->name, strlen(image->name), &name) < 0) {
			return false;
		}
		write_escaped(out, name, false);
		fputs(": ", out);
	}
	write_escaped(out, result->detail, false);
	for (size_t i = 0; i < shown; i++) {
		cleanup_free char *subject = check_subject(&result->violations[i]);

		if (!subject) {
			return false;
		}
		fputs("%0A", out);
		write_escaped(out, subject, false);
		fputs(": ", out);
		write_escaped(out, result->violations[i].what, false);
	}
	if (rest > 0) {
		fprintf(out, "%%0Aand %zu more", rest);
	}
	putc('\n', out);
	return true;
}

/* Annotations of the rules in some states. */
static bool write_kind(const struct check_report *report, const char *command, unsigned int states,
	FILE *out)
{
	size_t total = 0;
	size_t written = 0;

	for (size_t i = 0; i < report->count; i++) {
		for (size_t k = 0; k < report->images[i].count; k++) {
			total += states >> report->images[i].results[k].state & 1;
		}
	}
	for (size_t i = 0; i < report->count; i++) {
		const struct check_image *image = &report->images[i];

		for (size_t k = 0; k < image->count; k++) {
			if (!(states >> image->results[k].state & 1)) {
				continue;
			}
			if (written == ANNOTATIONS_MAX - 1 && total > ANNOTATIONS_MAX) {
				fprintf(out, "::%s title=peel check::and %zu more rules\n", command,
					total - written);
				return true;
			}
			if (!write_annotation(report, image, &image->results[k], command, out)) {
				return false;
			}
			written++;
		}
	}
	return true;
}

static void write_verdict(const struct check_report *report, FILE *out)
{
	size_t passed = 0;
	size_t failed = 0;
	const char *reasons = NULL;

	for (size_t i = 0; i < report->count; i++) {
		passed += report->images[i].passed;
		failed += report->images[i].failed;
		reasons = reasons                   ? reasons
			: report->images[i].failure ? report->images[i].failure
						    : report->images[i].reasons;
	}
	fprintf(out, "::%s title=peel check::%s: %zu rules passed, %zu failed",
		report->status == STATUS_OK ? "notice" : "error", check_verdict(report->status),
		passed, failed);
	if (reasons) {
		fputs("%0A", out);
		write_escaped(out, reasons, false);
	}
	putc('\n', out);
}

bool check_write_github(const struct check_report *report, FILE *out)
{
	bool fine = write_kind(report, "error", 1u << PEEL_RESULT_FAIL, out) &&
		write_kind(report, "warning", 1u << PEEL_RESULT_WARN | 1u << PEEL_RESULT_UNSURE,
			out);

	write_verdict(report, out);
	return fine;
}
