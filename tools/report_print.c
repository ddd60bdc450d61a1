/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report for people who read from the top: what the image ships, where it is, what is in vain, what to do
 * next. Text and
 * Markdown have the same sections and rows.
 */
#include <inttypes.h>
#include <string.h>

#include "report.h"

/* Characters of an instruction in a table. */
#define INSTRUCTION_MAX 60
#define CELL_SIZE 1024

struct printing {
	const struct report *report;
	enum sheet_format format;
	FILE *out;
	struct sheet sheet;
	bool failed;
};

static void heading(const struct printing *p, int level, const char *text)
{
	if (p->format == SHEET_MARKDOWN) {
		fprintf(p->out, "%.*s ", level, "####");
		sheet_markdown_text(p->out, text);
		fputs("\n\n", p->out);
	} else {
		fprintf(p->out, "%s\n%.*s\n", text, (int)format_width(text),
			level == 1
				? "================================================================================"
				: "--------------------------------------------------------------------------------");
	}
}

static void begin(struct printing *p, const struct column *columns, size_t count)
{
	p->failed = !sheet_begin(&p->sheet, p->out, p->format, columns, count) || p->failed;
}

static void row(struct printing *p, const char *const *cells)
{
	p->failed = p->failed || !sheet_row(&p->sheet, cells);
}

static void end(struct printing *p)
{
	sheet_end(&p->sheet);
	if (p->format == SHEET_TABLE) {
		putc('\n', p->out);
	}
}

static const char *escape(char *buf, const char *text, size_t len)
{
	return peel_text_escape_into(buf, CELL_SIZE, text, len);
}

static void show_instruction(char *buf, const struct report_image *image, int layer)
{
	cleanup_free char *shown = NULL;
	struct peel_layer_stat stat;

	buf[0] = '\0';
	if (layer >= 0 && peel_layer_stat(image->index, layer, &stat, NULL) == 0) {
		shown = format_instruction(stat.layer.instruction, INSTRUCTION_MAX);
	}
	snprintf(buf, CELL_SIZE, "%s", shown ? shown : "");
}

static const char *show_layer(char *buf, int layer)
{
	return layer < 0 ? "" : format_number(buf, (uint64_t)layer);
}

static void print_totals(struct printing *p, const struct report_image *image)
{
	static const struct column columns[] = {
		{"", false}, {"SIZE", true}, {"ALLOCATED", true}, {"FILES", true}};
	const struct peel_ledger *total = &image->waste->total;
	const struct {
		const char *name;
		uint64_t bytes, allocated, files;
	} lines[] = {
		{"shipped", total->bytes, total->allocated, total->files},
		{"visible", total->visible_bytes, total->visible_allocated, total->visible_files},
		{"wasted", total->bytes - total->visible_bytes,
			total->allocated - total->visible_allocated,
			total->files - total->visible_files},
	};
	char cells[3][FORMAT_SIZE];

	begin(p, columns, countof(columns));
	for (size_t i = 0; i < countof(lines); i++) {
		row(p,
			(const char *[]){lines[i].name, format_bytes(cells[0], lines[i].bytes),
				format_bytes(cells[1], lines[i].allocated),
				format_number(cells[2], lines[i].files)});
	}
	row(p,
		(const char *[]){"stored in the file",
			format_bytes(cells[0], stored_bytes(image->index)), "", ""});
	end(p);
}

static void print_layers(struct printing *p, const struct report_image *image)
{
	static const struct column columns[] = {{"LAYER", true}, {"SIZE", true}, {"WASTED", true},
		{"STORED", true}, {"FILES", true}, {"INSTRUCTION", false}};
	char cells[5][FORMAT_SIZE];
	char instruction[CELL_SIZE];

	heading(p, 2, "Layers");
	begin(p, columns, countof(columns));
	for (int i = 0; i < peel_layer_count(image->index); i++) {
		const struct peel_ledger *ledger = &image->waste->layers[i];
		struct peel_layer_stat stat;

		if (peel_layer_stat(image->index, i, &stat, NULL) < 0) {
			continue;
		}
		show_instruction(instruction, image, i);
		row(p,
			(const char *[]){format_number(cells[0], (uint64_t)i),
				format_bytes(cells[1], ledger->bytes),
				format_bytes(cells[2], peel_ledger_wasted(ledger)),
				format_bytes(cells[3], stat.layer.stored_size),
				format_number(cells[4], ledger->files), instruction});
	}
	end(p);
}

static void print_waste(struct printing *p, const struct report_image *image)
{
	static const struct column columns[] = {{"SIZE", true}, {"FILES", true}, {"CAUSE", false},
		{"SHIPPED BY", true}, {"HIDDEN BY", true}, {"INSTRUCTION", false}};
	const struct peel_waste *waste = image->waste;
	char cells[4][FORMAT_SIZE];
	char instruction[CELL_SIZE];

	if (waste->pair_count == 0) {
		return;
	}
	heading(p, 2, "Wasted");
	begin(p, columns, countof(columns));
	for (size_t i = 0; i < waste->pair_count && i < REPORT_ROWS_SHOWN; i++) {
		const struct peel_waste_pair *pair = &waste->pairs[i];

		show_instruction(instruction, image, pair->hidden_by);
		row(p,
			(const char *[]){format_bytes(cells[0], pair->bytes),
				format_number(cells[1], pair->files), peel_cause_name(pair->cause),
				show_layer(cells[2], pair->layer),
				show_layer(cells[3], pair->hidden_by), instruction});
	}
	end(p);
}

/* Numbers 1 to count by their bytes, most first. @return how many hold bytes. */
static size_t order_sums(const struct bucket_sum *sums, uint32_t count, uint32_t *order,
	size_t room)
{
	size_t n = 0;

	for (uint32_t i = 1; i <= count; i++) {
		size_t at = n;

		if (sums[i].bytes == 0) {
			continue;
		}
		while (at > 0 && sums[order[at - 1]].bytes < sums[i].bytes) {
			at--;
		}
		if (at == room) {
			continue;
		}
		n += n < room;
		memmove(order + at + 1, order + at, (n - at - 1) * sizeof(*order));
		order[at] = i;
	}
	return n;
}

static void print_categories(struct printing *p, const struct report_image *image)
{
	static const struct column columns[] = {
		{"SIZE", true}, {"FILES", true}, {"CATEGORY", false}};
	uint32_t order[REPORT_ROWS_SHOWN];
	size_t count = order_sums(image->categories, image->category_count, order, countof(order));
	char cells[2][FORMAT_SIZE];

	heading(p, 2, "Categories of what is visible");
	begin(p, columns, countof(columns));
	for (size_t i = 0; i < count; i++) {
		const struct bucket_sum *sum = &image->categories[order[i]];

		row(p,
			(const char *[]){format_bytes(cells[0], sum->bytes),
				format_number(cells[1], sum->files),
				peel_category_get(image->index, order[i])->title});
	}
	end(p);
}

static void print_packages(struct printing *p, const struct report_image *image)
{
	static const struct column columns[] = {
		{"SIZE", true}, {"FILES", true}, {"PACKAGE", false}, {"VERSION", false}};
	uint32_t order[REPORT_ROWS_SHOWN];
	size_t count = order_sums(image->packages, image->package_count, order, countof(order));
	char cells[2][FORMAT_SIZE];
	char name[CELL_SIZE];
	char version[CELL_SIZE];

	heading(p, 2, "Packages");
	begin(p, columns, countof(columns));
	for (size_t i = 0; i < count; i++) {
		const struct peel_package *package = peel_package_get(image->index, order[i]);
		const struct bucket_sum *sum = &image->packages[order[i]];

		row(p,
			(const char *[]){format_bytes(cells[0], sum->bytes),
				format_number(cells[1], sum->files),
				escape(name, package->name, strlen(package->name)),
				escape(version, package->version, strlen(package->version))});
	}
	row(p,
		(const char *[]){format_bytes(cells[0], image->packages[0].bytes),
			format_number(cells[1], image->packages[0].files), "(no package)", ""});
	for (size_t i = 0; i < image->unowned.count && i < REPORT_ROWS_SHOWN / 2; i++) {
		const struct bucket *bucket = &image->unowned.items[i];
		char folder[CELL_SIZE];

		snprintf(name, sizeof(name), "- %.*s", CELL_SIZE - 8,
			escape(folder, bucket->key, bucket->key_len));
		row(p,
			(const char *[]){format_bytes(cells[0], bucket->sums[0].bytes),
				format_number(cells[1], bucket->sums[0].files), name, ""});
	}
	end(p);
}

static void print_finding(struct printing *p, const struct report_finding *finding,
	const char *side)
{
	char cells[2][FORMAT_SIZE];
	char path[CELL_SIZE];

	row(p,
		(const char *[]){side, finding->detector, format_bytes(cells[0], finding->bytes),
			show_layer(cells[1], finding->layer),
			finding->visible ? "runtime-visible" : "shipped",
			escape(path, finding->path, finding->path_len)});
}

static const struct column finding_columns[] = {{"", false}, {"TOOL", false}, {"SIZE", true},
	{"LAYER", true}, {"VERDICT", false}, {"PATH", false}};

/* A row a detector: findings come in order of detectors. @return the first finding of the next one. */
static size_t print_tool(struct printing *p, const struct report_image *image, size_t first)
{
	const char *detector = image->findings[first].detector;
	const struct report_finding *example = NULL;
	struct bucket_sum visible = {0};
	size_t at = first;
	char cells[3][FORMAT_SIZE];
	char path[CELL_SIZE];

	for (; at < image->finding_count && strcmp(image->findings[at].detector, detector) == 0;
		at++) {
		const struct report_finding *finding = &image->findings[at];

		example = !example || (finding->visible && !example->visible) ? finding : example;
		visible.files += finding->visible;
		visible.bytes += finding->visible ? finding->bytes : 0;
	}
	row(p,
		(const char *[]){detector, format_number(cells[0], visible.files),
			format_bytes(cells[1], visible.bytes),
			format_number(cells[2], at - first - visible.files),
			escape(path, example->path, example->path_len)});
	return at;
}

static void print_findings(struct printing *p, const struct report_image *image)
{
	static const struct column columns[] = {{"TOOL", false}, {"VISIBLE", true}, {"SIZE", true},
		{"SHIPPED ONLY", true}, {"AS", false}};

	if (image->finding_count == 0) {
		return;
	}
	heading(p, 2, "Tools and secrets");
	begin(p, columns, countof(columns));
	for (size_t i = 0; i < image->finding_count;) {
		i = print_tool(p, image, i);
	}
	end(p);
}

static void print_text(const struct printing *p, const char *text)
{
	if (p->format == SHEET_MARKDOWN) {
		sheet_markdown_text(p->out, text);
	} else {
		fputs(text, p->out);
	}
}

static void print_advice(struct printing *p, const struct report_image *image)
{
	if (image->advice.count > 0) {
		heading(p, 2, "What to do next");
		advice_print(&image->advice, REPORT_ROWS_SHOWN, p->format, p->out);
	}
}

static void print_image(struct printing *p, const struct report_image *image, const char *title)
{
	char name[CELL_SIZE];
	char line[2 * CELL_SIZE];

	snprintf(line, sizeof(line), "%s%s", title, escape(name, image->name, strlen(image->name)));
	heading(p, 1, line);
	if (image->reasons) {
		print_text(p,
			"Not all of this image could be read: nothing here proves that something is missing.");
		fputs("\n\n", p->out);
	}
	print_totals(p, image);
	print_layers(p, image);
	print_waste(p, image);
	print_categories(p, image);
	print_packages(p, image);
	print_findings(p, image);
	print_advice(p, image);
}

static void print_changes(struct printing *p, const char *title, const char *what,
	const struct buckets *buckets)
{
	const struct column columns[] = {{"CHANGE", true}, {"A", true}, {"B", true}, {what, false}};
	uint64_t rest[2] = {0};
	char cells[3][FORMAT_SIZE];
	char key[CELL_SIZE];

	heading(p, 2, title);
	begin(p, columns, countof(columns));
	for (size_t i = 0; i < buckets->count; i++) {
		const struct bucket *bucket = &buckets->items[i];
		uint64_t a = bucket->sums[0].bytes;
		uint64_t b = bucket->sums[1].bytes;

		if (i >= REPORT_ROWS_SHOWN) {
			rest[0] += a;
			rest[1] += b;
		} else if (a != b) {
			row(p,
				(const char *[]){diff_change(cells[0], a, b),
					format_bytes(cells[1], a), format_bytes(cells[2], b),
					escape(key, bucket->key, bucket->key_len)});
		}
	}
	if (rest[0] > 0 || rest[1] > 0) {
		row(p,
			(const char *[]){diff_change(cells[0], rest[0], rest[1]),
				format_bytes(cells[1], rest[0]), format_bytes(cells[2], rest[1]),
				"(all others)"});
	}
	end(p);
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

	begin(p, columns, countof(columns));
	for (size_t i = 0; i < countof(lines); i++) {
		row(p,
			(const char *[]){lines[i].name, format_bytes(cells[0], lines[i].a),
				format_bytes(cells[1], lines[i].b),
				diff_change(cells[2], lines[i].a, lines[i].b)});
	}
	row(p,
		(const char *[]){"layers",
			format_number(cells[0], (uint64_t)peel_layer_count(a->index)),
			format_number(cells[1], (uint64_t)peel_layer_count(b->index)), ""});
	row(p,
		(const char *[]){"layers that both have",
			format_number(cells[0], (uint64_t)p->report->diff.totals.shared_layers),
			format_number(cells[1], (uint64_t)p->report->diff.totals.shared_layers),
			""});
	end(p);
}

static void print_alone(struct printing *p)
{
	bool any = false;

	for (int side = 0; side < 2; side++) {
		const struct report_image *image = &p->report->images[side];
		size_t shown = 0;

		for (size_t i = 0; i < image->finding_count && shown < REPORT_ROWS_SHOWN; i++) {
			if (!report_alone(&p->report->images[!side], &image->findings[i])) {
				continue;
			}
			if (!any) {
				heading(p, 2, "Tools and secrets that one image alone has");
				begin(p, finding_columns, countof(finding_columns));
			}
			any = true;
			shown++;
			print_finding(p, &image->findings[i], side ? "B" : "A");
		}
	}
	if (any) {
		end(p);
	}
}

static void print_paths(struct printing *p)
{
	static const struct column columns[] = {
		{"CHANGE", true}, {"WHAT", false}, {"PATHS", true}, {"PATH", false}};
	char cells[2][FORMAT_SIZE];
	char words[DIFF_WORDS_SIZE];
	char path[CELL_SIZE];

	heading(p, 2, "Largest changes");
	begin(p, columns, countof(columns));
	for (size_t i = 0; i < p->report->change_count && i < REPORT_ROWS_SHOWN; i++) {
		const struct report_change *change = &p->report->changes[i];

		row(p,
			(const char *[]){diff_change(cells[0], change->a_bytes, change->b_bytes),
				diff_words(words, sizeof(words), change->differs, " "),
				format_number(cells[1], change->paths),
				escape(path, change->path, change->path_len)});
	}
	end(p);
}

static void print_pair(struct printing *p)
{
	char names[2][CELL_SIZE];
	char line[3 * CELL_SIZE];

	for (int i = 0; i < 2; i++) {
		escape(names[i], p->report->images[i].name, strlen(p->report->images[i].name));
	}
	snprintf(line, sizeof(line), "A: %s, B: %s", names[0], names[1]);
	heading(p, 1, line);
	print_sizes(p);
	print_changes(p, "What changed, by category", "CATEGORY", &p->report->by_category);
	print_changes(p, "By package", "PACKAGE", &p->report->by_package);
	print_changes(p, "By folder", "FOLDER", &p->report->by_folder);
	print_paths(p);
	print_alone(p);
}

int report_print(const struct report *report, enum sheet_format format, FILE *out)
{
	static const char *const titles[] = {"A: ", "B: "};
	struct printing p = {.report = report, .format = format, .out = out};

	if (report->count == 2) {
		print_pair(&p);
	}
	for (int i = 0; i < report->count; i++) {
		print_image(&p, &report->images[i], report->count == 2 ? titles[i] : "");
	}
	if (p.failed) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	return STATUS_OK;
}
