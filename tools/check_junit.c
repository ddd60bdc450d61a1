/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check as JUnit XML, in the shape that Jenkins, GitLab and Azure read: a testsuite for each policy file and
 * image, a testcase for each rule; an undecided rule is an error, not a failure, a rule under warn passes and says
 * what it found.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cmd.h"
#include "format.h"

/* Complaints of one rule that are written. */
#define SHOWN_MAX 200

struct totals {
	size_t tests, failures, errors, skipped;
};

/*
 * Escaped text is UTF-8 without controls: what is left is XML's own, and U+FFFE and U+FFFF, which are
 * no characters of it.
 */
static void write_xml(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strncmp(text, "\xEF\xBF\xBE", 3) == 0 ||
			strncmp(text, "\xEF\xBF\xBF", 3) == 0) {
			fputs("\xEF\xBF\xBD", out);
			text += 2;
			continue;
		}
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&apos;", out);
			break;
		default:
			putc(*text, out);
		}
	}
}

static void write_raw(FILE *out, const char *text)
{
	cleanup_free char *escaped = format_escaped(text, strlen(text));

	write_xml(out, escaped);
}

static void count(struct totals *totals, enum peel_result_state state)
{
	totals->tests++;
	totals->failures += state == PEEL_RESULT_FAIL;
	totals->errors += state == PEEL_RESULT_UNSURE;
	totals->skipped += state == PEEL_RESULT_SKIP;
}

static void write_totals(FILE *out, const struct totals *totals)
{
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"0\"",
		totals->tests, totals->failures, totals->errors, totals->skipped);
}

static bool write_violations(FILE *out, const struct peel_result *result)
{
	const size_t shown = result->violation_count < SHOWN_MAX ? result->violation_count
								 : SHOWN_MAX;
	const size_t rest = result->violation_count - shown + result->omitted;

	for (size_t i = 0; i < shown; i++) {
		cleanup_free char *subject = check_subject(&result->violations[i]);
		char place[CHECK_PLACE_SIZE];

		if (!subject) {
			return false;
		}
		write_xml(out, subject);
		fputs(": ", out);
		write_xml(out, result->violations[i].what);
		if (*check_place(place, &result->violations[i])) {
			fprintf(out, " (%s)", place);
		}
		putc('\n', out);
	}
	if (rest > 0) {
		fprintf(out, "and %zu more\n", rest);
	}
	return true;
}

static bool write_outcome(FILE *out, const struct peel_result *result)
{
	static const char *const tags[] = {
		[PEEL_RESULT_FAIL] = "failure",
		[PEEL_RESULT_WARN] = "system-out",
		[PEEL_RESULT_UNSURE] = "error",
	};
	const char *tag = tags[result->state];
	bool fine;

	fprintf(out, ">\n      <%s", tag);
	if (result->state != PEEL_RESULT_WARN) {
		fputs(" message=\"", out);
		write_xml(out, result->detail);
		fprintf(out, "\" type=\"%s\"", result->id);
	}
	putc('>', out);
	if (result->state == PEEL_RESULT_WARN) {
		fputs("warning: ", out);
		write_xml(out, result->detail);
		putc('\n', out);
	}
	fine = write_violations(out, result);
	fprintf(out, "</%s>\n    </testcase>\n", tag);
	return fine;
}

static bool write_case(FILE *out, const struct peel_result *result)
{
	fprintf(out, "    <testcase classname=\"peel.%s\" name=\"", result->id);
	write_xml(out, result->rule);
	fputs(": ", out);
	write_xml(out, result->title);
	fputs("\" time=\"0\"", out);
	if (result->state == PEEL_RESULT_PASS) {
		fputs("/>\n", out);
		return true;
	}
	if (result->state == PEEL_RESULT_SKIP) {
		fputs(">\n      <skipped message=\"", out);
		write_xml(out, result->detail);
		fputs("\"/>\n    </testcase>\n", out);
		return true;
	}
	return write_outcome(out, result);
}

static void write_suite_name(FILE *out, const struct check_image *image, const char *file)
{
	fputs("  <testsuite name=\"", out);
	write_raw(out, file);
	if (*image->name) {
		fputs(" on ", out);
		write_raw(out, image->name);
	}
	putc('"', out);
}

/* The results of one file, from result first on. @return the number after the last, 0: no memory. */
static size_t write_suite(FILE *out, const struct check_image *image, size_t first)
{
	const char *file = image->results[first].file;
	struct totals totals = {0};
	size_t end = first;
	bool fine = true;

	while (end < image->count && strcmp(image->results[end].file, file) == 0) {
		count(&totals, image->results[end++].state);
	}
	write_suite_name(out, image, file);
	write_totals(out, &totals);
	fputs(">\n", out);
	for (size_t i = first; fine && i < end; i++) {
		fine = write_case(out, &image->results[i]);
	}
	fputs("  </testsuite>\n", out);
	return fine ? end : 0;
}

/* What keeps the whole image from a verdict is a suite of its own: no rule may show it. */
static void write_completeness(FILE *out, const struct check_image *image)
{
	const char *reasons = image->failure ? image->failure : image->reasons;
	const struct totals totals = {.tests = 1, .errors = 1};
	const char *at;
	int len = 0;

	if (!reasons) {
		return;
	}
	write_suite_name(out, image, "everything was looked at");
	write_totals(out, &totals);
	fputs(">\n    <testcase classname=\"peel.complete\" name=\"everything was looked at\" time=\"0\">\n"
	      "      <error message=\"inconclusive\" type=\"inconclusive\">",
		out);
	while ((at = format_next_line(&reasons, &len))) {
		cleanup_free char *line = format_text("%.*s", len, at);

		write_xml(out, line);
		fputs(*reasons ? "\n" : "", out);
	}
	fputs("</error>\n    </testcase>\n  </testsuite>\n", out);
}

bool check_write_junit(const struct check_report *report, FILE *out)
{
	struct totals totals = {0};

	for (size_t i = 0; i < report->count; i++) {
		const struct check_image *image = &report->images[i];

		for (size_t k = 0; k < image->count; k++) {
			count(&totals, image->results[k].state);
		}
		totals.tests += image->failure || image->reasons;
		totals.errors += image->failure || image->reasons;
	}
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"peel check\"", out);
	write_totals(out, &totals);
	fputs(">\n", out);
	for (size_t i = 0; i < report->count; i++) {
		const struct check_image *image = &report->images[i];

		for (size_t k = 0; k < image->count;) {
			k = write_suite(out, image, k);
			if (k == 0) {
				return false;
			}
		}
		write_completeness(out, image);
	}
	fputs("</testsuites>\n", out);
	return true;
}
