/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report of two images is the reports of both, and what differs between them by category, folder, package,
 * layer and path.
 */
#include <string.h>

#include "grow.h"
#include "report.h"

static bool take_change(void *arg, const struct diff_row *row)
{
	struct report *report = arg;
	struct report_change *change;

	if (!grow_array(&report->changes, report->change_count, &report->change_room,
		    sizeof(*report->changes))) {
		return false;
	}
	change = &report->changes[report->change_count];
	*change = (struct report_change){
		.path = malloc(row->difference->path_len + 1),
		.path_len = row->difference->path_len,
		.differs = row->difference->differs,
		.paths = row->paths,
		.a_bytes = row->a_bytes,
		.b_bytes = row->b_bytes,
	};
	if (!change->path) {
		return false;
	}
	memcpy(change->path, row->difference->path, row->difference->path_len + 1);
	report->change_count++;
	return true;
}

static int gather_sums(struct report *report, struct peel_error *err)
{
	const struct {
		enum diff_by by;
		struct buckets *buckets;
	} all[] = {
		{DIFF_BY_CATEGORY, &report->by_category},
		{DIFF_BY_FOLDER, &report->by_folder},
		{DIFF_BY_PACKAGE, &report->by_package},
		{DIFF_BY_LAYER, &report->by_layer},
	};
	int code = 0;

	for (size_t i = 0; code == 0 && i < countof(all); i++) {
		report->diff.by = all[i].by;
		code = diff_sum(&report->diff, all[i].buckets, err);
	}
	return code;
}

static int gather_diff(struct report *report, struct peel_error *err)
{
	struct diff_small small;
	int code;

	report->diff.a = report->images[0].index;
	report->diff.b = report->images[1].index;
	report->diff.depth = 2;
	report->diff.top = REPORT_ROWS_MAX;
	report->diff.options.ignore = PEEL_DIFFERS_MTIME;
	code = diff_each_row(&report->diff, take_change, report, &small, err);
	report->changes_left_out = code < 0 ? 0 : small.omitted;
	return code < 0 ? code : gather_sums(report, err);
}

int report_gather(struct report *report, struct peel_error *err)
{
	int code = 0;

	for (int i = 0; code == 0 && i < report->count; i++) {
		code = report_gather_image(&report->images[i], err);
	}
	return code == 0 && report->count == 2 ? gather_diff(report, err) : code;
}

bool report_alone(const struct report_image *other, const struct report_finding *finding)
{
	for (size_t i = 0; i < other->finding_count; i++) {
		const struct report_finding *its = &other->findings[i];

		if (strcmp(its->detector, finding->detector) == 0 &&
			its->path_len == finding->path_len &&
			memcmp(its->path, finding->path, its->path_len) == 0) {
			return false;
		}
	}
	return true;
}
