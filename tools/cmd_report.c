/* SPDX-License-Identifier: Apache-2.0 */
/* peel report: one document about an image, or about two and what differs. */
#include <string.h>

#include "packages.h"
#include "report.h"

static int emit_report(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	(void)call;
	(void)index;
	if (strcmp(format, "json") == 0) {
		return report_print_json(arg, out);
	}
	if (strcmp(format, "html") == 0) {
		return report_print_html(arg, out);
	}
	return report_print(arg, sheet_format(format), out);
}

static int make_report(struct call *call, struct report *report)
{
	struct peel_index_options shared;
	struct peel_error err = {0};
	int code;

	index_options(call, &shared);
	report->diff.options.progress = shared.progress;
	report->diff.options.progress_arg = shared.progress_arg;
	code = report_gather(report, &err);
	progress_clear();
	return code < 0 ? complain_error(&err)
			: emit_all(call, report->images[0].index, emit_report, report);
}

static int run_report(struct call *call)
{
	struct peel_index *opened[2] = {NULL, NULL};
	struct report report = {.count = call->argc};
	int status = open_operands(call, call->argc, opened);
	cleanup_index struct peel_index *a = opened[0];
	cleanup_index struct peel_index *b = opened[1];

	if (status != STATUS_OK) {
		return status;
	}
	report.images[0].index = a;
	report.images[1].index = b;
	for (int i = 0; i < report.count; i++) {
		report.images[i].name = call->argv[i];
	}
	status = make_report(call, &report);
	report_finish(&report);
	for (int i = 0; i < report.count && status != STATUS_ERROR; i++) {
		struct peel_index *index = i ? b : a;

		status = worse_status(reading_status(index, status), packages_complain(index));
	}
	return status;
}

const struct verb cmd_report = {
	.name = "report",
	.operands = "IMAGE [IMAGE]",
	.summary = "tell where the bytes of an image are, or why two images differ",
	.details =
		"Sizes, layers, waste, categories, packages, tools and secrets, and what to do next with its\n"
		"effect. html is "
		"one page that works offline: peel report --output html=report.html A B\n",
	.image = true,
	.facts = true,
	.formats = "text markdown json html",
	.min_operands = 1,
	.max_operands = 2,
	.run = run_report,
};
