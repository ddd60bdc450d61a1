/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report for people who read from the top: what the image ships, where it is, what is in vain, what to do
 * next. Text and Markdown have the same sections and rows; of long tables the first rows, and one for all others.
 */
#include <inttypes.h>
#include <string.h>

#include "report_print.h"

/* Characters of an instruction in a table. */
#define INSTRUCTION_MAX 60
/* Folders of what no package owns. */
#define FOLDERS_SHOWN (REPORT_ROWS_SHOWN / 2)

void printing_heading(const struct printing *p, int level, const char *text)
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

void printing_begin(struct printing *p, const struct column *columns, size_t count)
{
	p->failed = !sheet_begin(&p->sheet, p->out, p->format, columns, count) || p->failed;
}

void printing_row(struct printing *p, const char *const *cells)
{
	p->failed = p->failed || !sheet_row(&p->sheet, cells);
}

void printing_end(struct printing *p)
{
	sheet_end(&p->sheet);
	if (p->format == SHEET_TABLE) {
		putc('\n', p->out);
	}
}

static void print_text(const struct printing *p, const char *text)
{
	if (p->format == SHEET_MARKDOWN) {
		sheet_markdown_text(p->out, text);
	} else {
		fputs(text, p->out);
	}
}

void printing_line(const struct printing *p, const char *text)
{
	print_text(p, text);
	fputs("\n\n", p->out);
}

static void print_item(const struct printing *p, const char *text)
{
	fputs("- ", p->out);
	print_text(p, text);
	putc('\n', p->out);
}

const char *printing_others(char *buf, uint64_t count)
{
	snprintf(buf, CELL_SIZE, "(%" PRIu64 " other%s)", count, count == 1 ? "" : "s");
	return buf;
}

const char *printing_escape(char *buf, const char *text, size_t len)
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

const char *printing_layer(char *buf, int layer)
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

	printing_begin(p, columns, countof(columns));
	for (size_t i = 0; i < countof(lines); i++) {
		printing_row(p,
			(const char *[]){lines[i].name, format_bytes(cells[0], lines[i].bytes),
				format_bytes(cells[1], lines[i].allocated),
				format_number(cells[2], lines[i].files)});
	}
	printing_row(p,
		(const char *[]){"stored in the file",
			format_bytes(cells[0], stored_bytes(image->index)), "", ""});
	printing_end(p);
}

static void print_layers(struct printing *p, const struct report_image *image)
{
	static const struct column columns[] = {{"LAYER", true}, {"SIZE", true}, {"WASTED", true},
		{"STORED", true}, {"FILES", true}, {"INSTRUCTION", false}};
	char cells[5][FORMAT_SIZE];
	char instruction[CELL_SIZE];

	printing_heading(p, 2, "Layers");
	printing_begin(p, columns, countof(columns));
	for (int i = 0; i < peel_layer_count(image->index); i++) {
		const struct peel_ledger *ledger = &image->waste->layers[i];
		struct peel_layer_stat stat;

		if (peel_layer_stat(image->index, i, &stat, NULL) < 0) {
			continue;
		}
		show_instruction(instruction, image, i);
		printing_row(p,
			(const char *[]){format_number(cells[0], (uint64_t)i),
				format_bytes(cells[1], ledger->bytes),
				format_bytes(cells[2], peel_ledger_wasted(ledger)),
				format_bytes(cells[3], stat.layer.stored_size),
				format_number(cells[4], ledger->files), instruction});
	}
	printing_end(p);
}

static void print_other_pairs(struct printing *p, const struct peel_waste *waste)
{
	struct bucket_sum sum = {0};
	char cells[2][FORMAT_SIZE];
	char others[CELL_SIZE];

	if (waste->pair_count <= REPORT_ROWS_SHOWN) {
		return;
	}
	for (size_t i = REPORT_ROWS_SHOWN; i < waste->pair_count; i++) {
		sum.bytes += waste->pairs[i].bytes;
		sum.files += waste->pairs[i].files;
	}
	printing_row(p,
		(const char *[]){format_bytes(cells[0], sum.bytes),
			format_number(cells[1], sum.files),
			printing_others(others, waste->pair_count - REPORT_ROWS_SHOWN), "", "",
			""});
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
	printing_heading(p, 2, "Wasted");
	printing_begin(p, columns, countof(columns));
	for (size_t i = 0; i < waste->pair_count && i < REPORT_ROWS_SHOWN; i++) {
		const struct peel_waste_pair *pair = &waste->pairs[i];

		show_instruction(instruction, image, pair->hidden_by);
		printing_row(p,
			(const char *[]){format_bytes(cells[0], pair->bytes),
				format_number(cells[1], pair->files), peel_cause_name(pair->cause),
				printing_layer(cells[2], pair->layer),
				printing_layer(cells[3], pair->hidden_by), instruction});
	}
	print_other_pairs(p, waste);
	printing_end(p);
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

/* A row for the sums that hold bytes and are not among the first. */
static void print_other_sums(struct printing *p, const struct bucket_sum *sums, uint32_t count,
	const uint32_t *order, size_t shown)
{
	struct bucket_sum rest = {0};
	size_t others = 0;
	char cells[2][FORMAT_SIZE];
	char text[CELL_SIZE];

	for (uint32_t i = 1; i <= count; i++) {
		others += sums[i].bytes > 0;
		rest.bytes += sums[i].bytes;
		rest.files += sums[i].bytes > 0 ? sums[i].files : 0;
	}
	for (size_t i = 0; i < shown; i++) {
		rest.bytes -= sums[order[i]].bytes;
		rest.files -= sums[order[i]].files;
	}
	if (others > shown) {
		printing_row(p,
			(const char *[]){format_bytes(cells[0], rest.bytes),
				format_number(cells[1], rest.files),
				printing_others(text, others - shown), ""});
	}
}

static void print_categories(struct printing *p, const struct report_image *image)
{
	static const struct column columns[] = {
		{"SIZE", true}, {"FILES", true}, {"CATEGORY", false}};
	uint32_t order[REPORT_ROWS_SHOWN];
	size_t count = order_sums(image->categories, image->category_count, order, countof(order));
	char cells[2][FORMAT_SIZE];

	printing_heading(p, 2, "Categories of what is visible");
	printing_begin(p, columns, countof(columns));
	for (size_t i = 0; i < count; i++) {
		const struct bucket_sum *sum = &image->categories[order[i]];

		printing_row(p,
			(const char *[]){format_bytes(cells[0], sum->bytes),
				format_number(cells[1], sum->files),
				peel_category_get(image->index, order[i])->title});
	}
	print_other_sums(p, image->categories, image->category_count, order, count);
	printing_end(p);
}

static void print_other_folders(struct printing *p, const struct report_image *image)
{
	struct bucket_sum rest = {0};
	char cells[2][FORMAT_SIZE];
	char others[CELL_SIZE];
	char name[CELL_SIZE + 2];

	if (image->unowned.count <= FOLDERS_SHOWN) {
		return;
	}
	for (size_t i = FOLDERS_SHOWN; i < image->unowned.count; i++) {
		rest.bytes += image->unowned.items[i].sums[0].bytes;
		rest.files += image->unowned.items[i].sums[0].files;
	}
	snprintf(name, sizeof(name), "- %s",
		printing_others(others, image->unowned.count - FOLDERS_SHOWN));
	printing_row(p,
		(const char *[]){format_bytes(cells[0], rest.bytes),
			format_number(cells[1], rest.files), name, ""});
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

	printing_heading(p, 2, "Packages");
	printing_begin(p, columns, countof(columns));
	for (size_t i = 0; i < count; i++) {
		const struct peel_package *package = peel_package_get(image->index, order[i]);
		const struct bucket_sum *sum = &image->packages[order[i]];

		printing_row(p,
			(const char *[]){format_bytes(cells[0], sum->bytes),
				format_number(cells[1], sum->files),
				printing_escape(name, package->name, strlen(package->name)),
				printing_escape(version, package->version,
					strlen(package->version))});
	}
	print_other_sums(p, image->packages, image->package_count, order, count);
	printing_row(p,
		(const char *[]){format_bytes(cells[0], image->packages[0].bytes),
			format_number(cells[1], image->packages[0].files), "(no package)", ""});
	for (size_t i = 0; i < image->unowned.count && i < FOLDERS_SHOWN; i++) {
		const struct bucket *bucket = &image->unowned.items[i];
		char folder[CELL_SIZE];

		snprintf(name, sizeof(name), "- %.*s", CELL_SIZE - 8,
			printing_escape(folder, bucket->key, bucket->key_len));
		printing_row(p,
			(const char *[]){format_bytes(cells[0], bucket->sums[0].bytes),
				format_number(cells[1], bucket->sums[0].files), name, ""});
	}
	print_other_folders(p, image);
	printing_end(p);
}

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
	printing_row(p,
		(const char *[]){detector, format_number(cells[0], visible.files),
			format_bytes(cells[1], visible.bytes),
			format_number(cells[2], at - first - visible.files),
			printing_escape(path, example->path, example->path_len)});
	return at;
}

static void print_findings(struct printing *p, const struct report_image *image)
{
	static const struct column columns[] = {{"TOOL", false}, {"VISIBLE", true}, {"SIZE", true},
		{"SHIPPED ONLY", true}, {"AS", false}};

	if (image->finding_count == 0) {
		return;
	}
	printing_heading(p, 2, "Tools and secrets");
	printing_begin(p, columns, countof(columns));
	for (size_t i = 0; i < image->finding_count;) {
		i = print_tool(p, image, i);
	}
	printing_end(p);
}

static void print_advice(struct printing *p, const struct report_image *image)
{
	if (image->advice.count > 0) {
		printing_heading(p, 2, "What to do next");
		advice_print(&image->advice, REPORT_ROWS_SHOWN, p->format, p->out);
	}
}

/* What could not be read; of very much only the first. */
static void print_reasons(const struct printing *p, const char *reasons)
{
	uint64_t count = 0;
	const char *line;
	int len;

	if (!reasons) {
		return;
	}
	printing_line(p,
		"Not all of this image could be read, so nothing here proves that something is missing:");
	while ((line = format_next_line(&reasons, &len))) {
		cleanup_free char *text = NULL;

		if (++count <= REPORT_ROWS_SHOWN) {
			text = format_text("%.*s", len, line);
			print_item(p, text);
		}
	}
	if (count > REPORT_ROWS_SHOWN) {
		char others[CELL_SIZE];

		print_item(p, printing_others(others, count - REPORT_ROWS_SHOWN));
	}
	putc('\n', p->out);
}

static void print_image(struct printing *p, const struct report_image *image, const char *title)
{
	char name[CELL_SIZE];
	char line[2 * CELL_SIZE];

	snprintf(line, sizeof(line), "%s%s", title,
		printing_escape(name, image->name, strlen(image->name)));
	printing_heading(p, 1, line);
	print_reasons(p, image->reasons);
	print_totals(p, image);
	print_layers(p, image);
	print_waste(p, image);
	print_categories(p, image);
	print_packages(p, image);
	print_findings(p, image);
	print_advice(p, image);
}

int report_print(const struct report *report, enum sheet_format format, FILE *out)
{
	static const char *const titles[] = {"A: ", "B: "};
	struct printing p = {.report = report, .format = format, .out = out};

	if (report->count == 2) {
		report_print_pair(&p);
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
