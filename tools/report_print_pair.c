/* SPDX-License-Identifier: Apache-2.0 */
/* Of two images: what changed, by everything that bytes belong to. */
#include <string.h>

#include "report_print.h"

static void print_finding(struct printing *p, const struct report_finding *finding,
	const char *side)
{
	char cells[2][FORMAT_SIZE];
	char path[CELL_SIZE];

	printing_row(p,
		(const char *[]){side, finding->detector, format_bytes(cells[0], finding->bytes),
			printing_layer(cells[1], finding->layer),
			finding->visible ? "runtime-visible" : "shipped",
			printing_escape(path, finding->path, finding->path_len)});
}

static const struct column finding_columns[] = {{"", false}, {"TOOL", false}, {"SIZE", true},
	{"LAYER", true}, {"VERDICT", false}, {"PATH", false}};

static void print_changes(struct printing *p, const char *title, const char *what,
	const struct buckets *buckets)
{
	const struct column columns[] = {{"CHANGE", true}, {"A", true}, {"B", true}, {what, false}};
	uint64_t rest[2] = {0};
	char cells[3][FORMAT_SIZE];
	char key[CELL_SIZE];

	printing_heading(p, 2, title);
	printing_begin(p, columns, countof(columns));
	for (size_t i = 0; i < buckets->count; i++) {
		const struct bucket *bucket = &buckets->items[i];
		uint64_t a = bucket->sums[0].bytes;
		uint64_t b = bucket->sums[1].bytes;

		if (i >= REPORT_ROWS_SHOWN) {
			rest[0] += a;
			rest[1] += b;
		} else if (a != b) {
			printing_row(p,
				(const char *[]){diff_change(cells[0], a, b),
					format_bytes(cells[1], a), format_bytes(cells[2], b),
					printing_escape(key, bucket->key, bucket->key_len)});
		}
	}
	if (rest[0] > 0 || rest[1] > 0) {
		printing_row(p,
			(const char *[]){diff_change(cells[0], rest[0], rest[1]),
				format_bytes(cells[1], rest[0]), format_bytes(cells[2], rest[1]),
				"(all others)"});
	}
	printing_end(p);
}

static void print_sizes(struct printing *p)
{
	static const struct column columns[] = {
		{"", false}, {"A", true}, {"B", true}, {"CHANGE", true}};
	const struct report_image *a = &p->report->images[0];
	const struct report_image *b = &p->report->images[1];
	const struct {
		const char *name;
		uint64_t a, b;
	} lines[] = {
		{"shipped", a->waste->total.bytes, b->waste->total.bytes},
		{"visible", a->waste->total.visible_bytes, b->waste->total.visible_bytes},
		{"wasted", peel_ledger_wasted(&a->waste->total),
			peel_ledger_wasted(&b->waste->total)},
		{"allocated", a->waste->total.allocated, b->waste->total.allocated},
		{"stored in the file", stored_bytes(a->index), stored_bytes(b->index)},
	};
	char cells[3][FORMAT_SIZE];

	printing_begin(p, columns, countof(columns));
	for (size_t i = 0; i < countof(lines); i++) {
		printing_row(p,
			(const char *[]){lines[i].name, format_bytes(cells[0], lines[i].a),
				format_bytes(cells[1], lines[i].b),
				diff_change(cells[2], lines[i].a, lines[i].b)});
	}
	printing_row(p,
		(const char *[]){"layers",
			format_number(cells[0], (uint64_t)peel_layer_count(a->index)),
			format_number(cells[1], (uint64_t)peel_layer_count(b->index)), ""});
	printing_row(p,
		(const char *[]){"layers that both have",
			format_number(cells[0], (uint64_t)p->report->diff.totals.shared_layers),
			format_number(cells[1], (uint64_t)p->report->diff.totals.shared_layers),
			""});
	printing_end(p);
}

static void print_alone(struct printing *p)
{
	bool any = false;

	for (int side = 0; side < 2; side++) {
		const struct report_image *image = &p->report->images[side];
		size_t shown = 0;

		for (size_t i = 0; i < image->finding_count; i++) {
			if (!report_alone(&p->report->images[!side], &image->findings[i]) ||
				shown++ >= REPORT_ROWS_SHOWN) {
				continue;
			}
			if (!any) {
				printing_heading(p, 2,
					"Tools and secrets that one image alone has");
				printing_begin(p, finding_columns, countof(finding_columns));
			}
			any = true;
			print_finding(p, &image->findings[i], side ? "B" : "A");
		}
		if (shown > REPORT_ROWS_SHOWN) {
			char others[CELL_SIZE];

			printing_row(p,
				(const char *[]){side ? "B" : "A", "", "", "", "",
					printing_others(others, shown - REPORT_ROWS_SHOWN)});
		}
	}
	if (any) {
		printing_end(p);
	}
}

static void print_other_paths(struct printing *p)
{
	const struct report *report = p->report;
	uint64_t others = report->changes_left_out;
	uint64_t sums[2] = {0};
	char change[FORMAT_SIZE];
	char text[CELL_SIZE];

	for (size_t i = REPORT_ROWS_SHOWN; i < report->change_count; i++) {
		others++;
		sums[0] += report->changes[i].a_bytes;
		sums[1] += report->changes[i].b_bytes;
	}
	if (others > 0) {
		printing_row(p,
			/* Of more than were kept the bytes are not known here. */
			(const char *[]){report->changes_left_out
					? ""
					: diff_change(change, sums[0], sums[1]),
				"", "", printing_others(text, others)});
	}
}

static void print_paths(struct printing *p)
{
	static const struct column columns[] = {
		{"CHANGE", true}, {"WHAT", false}, {"PATHS", true}, {"PATH", false}};
	char cells[2][FORMAT_SIZE];
	char words[DIFF_WORDS_SIZE];
	char path[CELL_SIZE];

	printing_heading(p, 2, "Largest changes");
	printing_line(p, "Times of files are left aside; peel diff has them.");
	printing_begin(p, columns, countof(columns));
	for (size_t i = 0; i < p->report->change_count && i < REPORT_ROWS_SHOWN; i++) {
		const struct report_change *change = &p->report->changes[i];

		printing_row(p,
			(const char *[]){diff_change(cells[0], change->a_bytes, change->b_bytes),
				diff_words(words, sizeof(words), change->differs, " "),
				format_number(cells[1], change->paths),
				printing_escape(path, change->path, change->path_len)});
	}
	print_other_paths(p);
	printing_end(p);
}

void report_print_pair(struct printing *p)
{
	char names[2][CELL_SIZE];
	char line[3 * CELL_SIZE];

	for (int i = 0; i < 2; i++) {
		printing_escape(names[i], p->report->images[i].name,
			strlen(p->report->images[i].name));
	}
	snprintf(line, sizeof(line), "A: %s, B: %s", names[0], names[1]);
	printing_heading(p, 1, line);
	print_sizes(p);
	print_changes(p, "What changed, by category", "CATEGORY", &p->report->by_category);
	print_changes(p, "By package", "PACKAGE", &p->report->by_package);
	print_changes(p, "By folder", "FOLDER", &p->report->by_folder);
	print_paths(p);
	print_alone(p);
}
