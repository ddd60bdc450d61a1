/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as rows: a table for a terminal, Markdown, comma-separated values. */
#include "detect.h"

#include <inttypes.h>
#include <string.h>

#include "cmd.h"
#include "format.h"

/* Names and pieces of evidence of a row in tables, and bytes of their text. */
#define NAMES_SHOWN 3
#define EVIDENCE_SHOWN 2
#define EVIDENCE_SIZE 160
#define TEXT_SIZE 4096
/* Characters of an instruction in a table. */
#define INSTRUCTION_MAX 50

static const struct column columns[] = {{"DETECTOR", false}, {"TIER", false}, {"PATH", false},
	{"WHAT", false}, {"VERDICT", false}, {"LAYER", false}, {"PACKAGE", false},
	{"EVIDENCE", false}, {"INSTRUCTION", false}};
static const struct column csv_columns[] = {{"DETECTOR", false}, {"TIER", false}, {"RULE", false},
	{"PATH", false}, {"WHAT", false}, {"VISIBLE", false}, {"SHIPPED", false}, {"LAYER", true},
	{"HIDDEN BY", true}, {"CAUSE", false}, {"BYTES", true}, {"PACKAGE", false},
	{"EVIDENCE", false}, {"INSTRUCTION", false}, {"PLATFORM", false}};

const char *detect_layer(char *buf, size_t size, int layer, int hidden_by, enum peel_cause cause)
{
	*buf = '\0';
	if (layer >= 0 && hidden_by >= 0) {
		snprintf(buf, size, "%d, %s by %d", layer, peel_cause_name(cause), hidden_by);
	} else if (layer >= 0) {
		snprintf(buf, size, "%d", layer);
	}
	return buf;
}

const char *detect_evidence(char *buf, size_t size, const struct peel_evidence *evidence,
	size_t count, size_t max)
{
	size_t used = 0;

	*buf = '\0';
	for (size_t i = 0; i < count && i < max && used + 32 < size; i++) {
		char text[EVIDENCE_SIZE];

		peel_text_escape_into(text, sizeof(text), evidence[i].text,
			strlen(evidence[i].text));
		used += (size_t)snprintf(buf + used, size - used, "%s%s %s", used ? ", " : "",
			evidence[i].type, text);
		if (evidence[i].offset >= 0 && used < size) {
			used += (size_t)snprintf(buf + used, size - used, " at %" PRId64,
				evidence[i].offset);
		}
	}
	return buf;
}

char *detect_names(const char *const *paths, size_t count, size_t max)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = peel_text_stream(&text, &size);

	if (!out) {
		return NULL;
	}
	for (size_t i = 0; i < count && i < max; i++) {
		fputs(i > 0 ? " = " : "", out);
		peel_text_print(out, paths[i], strlen(paths[i]));
	}
	if (count > max) {
		fprintf(out, " and %zu more", count - max);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* "dpkg: python3.11-minimal 3.11.2-6", escaped. */
static const char *format_package(char *buf, size_t size, const struct peel_package *package)
{
	char name[PEEL_MESSAGE_SIZE];
	char version[PEEL_MESSAGE_SIZE];

	*buf = '\0';
	if (package) {
		peel_text_escape_into(name, sizeof(name), package->name, strlen(package->name));
		peel_text_escape_into(version, sizeof(version), package->version,
			strlen(package->version));
		snprintf(buf, size, "%s%s%s", name, *version ? " " : "", version);
	}
	return buf;
}

static const char *verdict(const struct peel_detection *found)
{
	return found->visible ? "runtime-visible" : "shipped";
}

static bool write_row(struct detect_run *run, const struct peel_detection *found)
{
	cleanup_free char *names = detect_names(found->paths, found->path_count, NAMES_SHOWN);
	cleanup_free char *instruction = format_instruction(found->instruction, INSTRUCTION_MAX);
	char title[PEEL_MESSAGE_SIZE];
	char layer[FORMAT_SIZE];
	char package[2 * PEEL_MESSAGE_SIZE];
	char evidence[TEXT_SIZE];
	const char *cells[] = {found->detector, peel_tier_name(found->tier), names,
		peel_text_escape_into(title, sizeof(title), found->title, strlen(found->title)),
		verdict(found),
		detect_layer(layer, sizeof(layer), found->layer, found->hidden_by, found->cause),
		format_package(package, sizeof(package), found->package),
		detect_evidence(evidence, sizeof(evidence), found->evidence, found->evidence_count,
			EVIDENCE_SHOWN),
		instruction};

	return names && instruction && sheet_row(&run->sheet, cells);
}

/* A row a name, so that a cell is a path. */
static bool write_csv_row(struct detect_run *run, const struct peel_detection *found,
	const char *path)
{
	cleanup_free char *name = NULL;
	cleanup_free char *instruction = NULL;
	const char *platform = peel_image_value(run->image->index, "platform");
	char title[PEEL_MESSAGE_SIZE];
	char shown[PEEL_MESSAGE_SIZE];
	char numbers[3][FORMAT_SIZE] = {"", "", ""};
	char package[2 * PEEL_MESSAGE_SIZE];
	char evidence[TEXT_SIZE];
	const char *cells[] = {found->detector, peel_tier_name(found->tier), found->rule, NULL,
		peel_text_escape_into(title, sizeof(title), found->title, strlen(found->title)),
		found->visible ? "1" : "0", found->shipped ? "1" : "0", numbers[0], numbers[1],
		peel_cause_name(found->cause), numbers[2],
		format_package(package, sizeof(package), found->package),
		detect_evidence(evidence, sizeof(evidence), found->evidence, found->evidence_count,
			SIZE_MAX),
		NULL, peel_text_escape_into(shown, sizeof(shown), platform, strlen(platform))};

	if (peel_text_escape(path, strlen(path), &name) < 0 ||
		peel_text_escape(found->instruction, strlen(found->instruction), &instruction) <
			0) {
		return false;
	}
	cells[3] = name;
	cells[countof(cells) - 2] = instruction;
	if (found->layer >= 0) {
		format_number(numbers[0], (uint64_t)found->layer);
	}
	if (found->hidden_by >= 0) {
		format_number(numbers[1], (uint64_t)found->hidden_by);
	}
	format_number(numbers[2], found->bytes);
	return sheet_row(&run->sheet, cells);
}

static int take_csv(struct detect_run *run, const struct peel_detection *found)
{
	bool fine = true;

	for (size_t i = 0; fine && i < found->path_count; i++) {
		fine = write_csv_row(run, found, found->paths[i]);
	}
	return !fine;
}

static int take_row(struct detect_run *run, const struct peel_detection *found)
{
	if (run->detector != found->detector || run->tier != found->tier) {
		run->detector = found->detector;
		run->tier = found->tier;
		run->rows = 0;
	}
	run->count++;
	run->visible += found->visible;
	run->tiers_count[found->tier]++;
	if (run->top && run->rows++ >= run->top) {
		run->omitted++;
		return 0;
	}
	return !write_row(run, found);
}

void detect_begin(struct detect_run *run, const char *format)
{
	run->format = sheet_format(format);
	run->is_json = strcmp(format, "json") == 0;
	if (run->is_json) {
		run->take = detect_json_take;
		detect_json_begin(run);
		return;
	}
	run->take = run->format == SHEET_CSV ? take_csv : take_row;
}

void detect_end(struct detect_run *run)
{
	if (run->is_json) {
		detect_json_end(run);
	}
}

/* Which of several images it is. */
static void print_platform(const struct detect_run *run)
{
	struct peel_index *indexes[DETECT_IMAGES_MAX];
	cleanup_free char *platform = NULL;

	for (size_t i = 0; i < run->image_count; i++) {
		indexes[i] = run->images[i].index;
	}
	platform = run->image->index
		? image_label(indexes, run->image_count, (size_t)(run->image - run->images))
		: format_text("%s", "");
	fputs(run->image > run->images ? "\n" : "", run->out);
	fputs(run->format == SHEET_MARKDOWN ? "### " : "", run->out);
	fputs(*platform ? "" : "unknown platform", run->out);
	peel_text_print(run->out, platform, strlen(platform));
	fputs(run->format == SHEET_MARKDOWN ? "\n\n" : "\n", run->out);
}

/* CSV has one line of titles, whatever follows. */
bool detect_begin_image(struct detect_run *run)
{
	run->detector = NULL;
	run->count = run->omitted = run->visible = 0;
	memset(run->tiers_count, 0, sizeof(run->tiers_count));
	run->fatal = 0;
	if (run->is_json) {
		detect_json_begin_image(run);
		return true;
	}
	if (run->format == SHEET_CSV) {
		return run->image > run->images ||
			sheet_begin(&run->sheet, run->out, run->format, csv_columns,
				countof(csv_columns));
	}
	if (run->values->all_platforms) {
		print_platform(run);
	}
	return sheet_begin(&run->sheet, run->out, run->format, columns, countof(columns));
}

static void print_sums(const struct detect_run *run)
{
	if (run->omitted) {
		fprintf(run->out, "and %" PRIu64 " more: --top 0 shows all\n", run->omitted);
	}
	fprintf(run->out, "%" PRIu64 " found, %" PRIu64 " of them runtime-visible:", run->count,
		run->visible);
	for (int tier = PEEL_TIER_INTERPRETER; tier <= PEEL_TIER_DECLARED; tier++) {
		fprintf(run->out, "%s %s %" PRIu64, tier == PEEL_TIER_INTERPRETER ? "" : ",",
			peel_tier_name((enum peel_tier)tier), run->tiers_count[tier]);
	}
	putc('\n', run->out);
	if (!run->image->index || run->image->reasons) {
		fputs("not conclusive: part of the image could not be seen\n", run->out);
	}
}

void detect_end_image(struct detect_run *run)
{
	if (run->is_json) {
		detect_json_end_image(run);
		return;
	}
	if (run->format != SHEET_CSV) {
		sheet_end(&run->sheet);
		print_sums(run);
	}
}

void complain_detect_reasons(const struct call *call, struct peel_index *index, const char *reasons)
{
	const char *known = peel_index_incomplete_reasons(index);
	char shown[PEEL_MESSAGE_SIZE];
	const char *line;
	int len = 0;

	peel_text_escape_into(shown, sizeof(shown), call->argv[0], strlen(call->argv[0]));
	/* The index's own come first, and are out. */
	if (reasons && strncmp(reasons, known, strlen(known)) == 0) {
		reasons += strlen(known) + (reasons[strlen(known)] == '\n');
	}
	while ((line = format_next_line(&reasons, &len))) {
		complain("%s: %.*s", shown, len, line);
	}
}
