/* SPDX-License-Identifier: Apache-2.0 */
/* The differences for people: text and Markdown. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "diff.h"
#include "format.h"
#include "sheet.h"

#define NAME_MAX_SHOWN 512

/* Where rows go. */
struct printing {
	const struct diff_run *run;
	enum sheet_format format;
	struct sheet sheet;
	FILE *out;
};

static const struct column path_columns[] = {
	{"", false}, {"CHANGE", true}, {"WHAT", false}, {"PATH", false}};
static const struct column sum_columns[] = {{"CHANGE", true}, {"A", true}, {"B", true},
	{"FILES A", true}, {"FILES B", true}, {"", false}};
static const struct column total_columns[] = {
	{"", false}, {"A", true}, {"B", true}, {"CHANGE", true}};

static bool open_sheet(struct printing *p, const struct column *columns, size_t count)
{
	return sheet_begin(&p->sheet, p->out, p->format, columns, count);
}

static void close_sheet(struct printing *p)
{
	sheet_end(&p->sheet);
	if (p->format == SHEET_TABLE) {
		putc('\n', p->out);
	}
}

static const char *sign(const struct diff_row *row)
{
	unsigned differs = row->difference->differs;

	return differs & PEEL_DIFFERS_ADDED ? "+" : differs & PEEL_DIFFERS_REMOVED ? "-" : "~";
}

static void show_path(char *buf, size_t size, const struct diff_row *row)
{
	const struct peel_difference *difference = row->difference;
	const struct peel_node *node = difference->b.node ? difference->b.node : difference->a.node;
	size_t used;

	peel_text_escape_into(buf, size - 64, difference->path, difference->path_len);
	used = strlen(buf);
	if (S_ISDIR(node->mode) && strcmp(buf, "/") != 0) {
		buf[used++] = '/';
		buf[used] = '\0';
	}
	if (row->paths > 1) {
		snprintf(buf + used, size - used, " (%" PRIu64 " paths)", row->paths);
	}
}

static bool print_path(void *arg, const struct diff_row *row)
{
	struct printing *p = arg;
	char change[FORMAT_SIZE];
	char words[DIFF_WORDS_SIZE];
	char path[4 * NAME_MAX_SHOWN];
	const char *cells[] = {sign(row), diff_change(change, row->a_bytes, row->b_bytes),
		diff_words(words, sizeof(words), row->difference->differs, " "), path};

	show_path(path, sizeof(path), row);
	return sheet_row(&p->sheet, cells);
}

static bool print_ignored(void *arg, const struct diff_row *row)
{
	(void)arg;
	(void)row;
	return true;
}

void diff_layer_name(char *buf, size_t size, const struct diff_run *run,
	const struct bucket *bucket)
{
	bool in_a = bucket->key[0] == 'a';
	int layer = (int)strtol(bucket->key + 1, NULL, 10);
	int partner = in_a ? peel_diff_shared_layer(run->a, run->b, layer) : -1;
	cleanup_free char *instruction = NULL;
	struct peel_layer_stat stat;

	if (peel_layer_stat(in_a ? run->a : run->b, layer, &stat, NULL) == 0) {
		instruction = format_instruction(stat.layer.instruction, 60);
	}
	if (partner >= 0) {
		snprintf(buf, size, "layer %d of A is %d of B  %s", layer, partner,
			instruction ? instruction : "");
	} else {
		snprintf(buf, size, "layer %d of %c  %s", layer, in_a ? 'A' : 'B',
			instruction ? instruction : "");
	}
}

/* What a bucket stands for. */
static void show_key(char *buf, size_t size, const struct diff_run *run,
	const struct bucket *bucket)
{
	if (run->by == DIFF_BY_LAYER) {
		diff_layer_name(buf, size, run, bucket);
	} else {
		peel_text_escape_into(buf, size, bucket->key, bucket->key_len);
	}
}

static bool print_bucket(struct printing *p, const struct bucket *bucket)
{
	char cells[5][FORMAT_SIZE];
	char key[2 * NAME_MAX_SHOWN];
	const struct bucket_sum *a = &bucket->sums[0];
	const struct bucket_sum *b = &bucket->sums[1];
	const char *row[] = {diff_change(cells[0], a->bytes, b->bytes),
		format_bytes(cells[1], a->bytes), format_bytes(cells[2], b->bytes),
		format_number(cells[3], a->files), format_number(cells[4], b->files), key};

	show_key(key, sizeof(key), p->run, bucket);
	return sheet_row(&p->sheet, row);
}

static bool print_small(struct printing *p, const struct diff_small *small)
{
	char change[FORMAT_SIZE];
	char text[128];
	const char *cells[] = {"", diff_change(change, small->a_bytes, small->b_bytes), "", text};

	if (small->paths == 0) {
		return true;
	}
	snprintf(text, sizeof(text), "(%" PRIu64 " paths with smaller changes)", small->paths);
	return sheet_row(&p->sheet, cells);
}

static void print_omitted(const struct printing *p, uint64_t omitted)
{
	if (omitted) {
		fprintf(p->out, "%" PRIu64 " more rows are not shown.\n\n", omitted);
	}
}

static int print_paths(struct diff_run *run, struct printing *p, struct peel_error *err)
{
	struct diff_small small;
	bool fine = open_sheet(p, path_columns, countof(path_columns));
	int code = !fine ? peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM))
			 : diff_each_row(run, print_path, p, &small, err);

	fine = code == 0 && print_small(p, &small);
	close_sheet(p);
	if (code == 0) {
		print_omitted(p, small.omitted);
	}
	return code == 0 && !fine ? peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM))
				  : code;
}

static int print_buckets(struct diff_run *run, struct printing *p, struct peel_error *err)
{
	struct buckets buckets = {0};
	struct diff_small small;
	bool fine = true;
	int code = diff_each_row(run, print_ignored, NULL, &small, err);

	if (code == 0) {
		code = diff_sum(run, &buckets, err);
	}
	if (code == 0) {
		fine = open_sheet(p, sum_columns, countof(sum_columns));
		for (size_t i = 0; fine && i < buckets.count && !(run->top && i >= run->top); i++) {
			fine = print_bucket(p, &buckets.items[i]);
		}
		close_sheet(p);
		print_omitted(p,
			run->top && buckets.count > run->top ? buckets.count - run->top : 0);
	}
	buckets_finish(&buckets);
	return fine ? code : peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM));
}

static bool print_total(struct printing *p, const char *name, uint64_t a, uint64_t b)
{
	char cells[3][FORMAT_SIZE];
	const char *row[] = {name, format_bytes(cells[0], a), format_bytes(cells[1], b),
		diff_change(cells[2], a, b)};

	return sheet_row(&p->sheet, row);
}

static bool print_totals(struct diff_run *run, struct printing *p)
{
	const struct peel_ledger *a = &run->totals.a;
	const struct peel_ledger *b = &run->totals.b;
	bool fine = open_sheet(p, total_columns, countof(total_columns)) &&
		print_total(p, "shipped (apparent)", a->bytes, b->bytes) &&
		print_total(p, "visible", a->visible_bytes, b->visible_bytes) &&
		print_total(p, "wasted", a->bytes - a->visible_bytes,
			b->bytes - b->visible_bytes) &&
		print_total(p, "stored layers", stored_bytes(run->a), stored_bytes(run->b));

	close_sheet(p);
	return fine;
}

static void print_counts(const struct diff_run *run, FILE *out)
{
	char shared[FORMAT_SIZE];
	const char *separator = "";

	fprintf(out, "%d and %d layers, %d of them the same (%s).\n", peel_layer_count(run->a),
		peel_layer_count(run->b), run->totals.shared_layers,
		format_bytes(shared, run->totals.shared_bytes));
	for (unsigned i = 0; i < PEEL_DIFFERS_COUNT; i++) {
		if (run->totals.by_bit[i]) {
			fprintf(out, "%s%" PRIu64 " %s", separator, run->totals.by_bit[i],
				peel_differs_name(1u << i));
			separator = ", ";
		}
	}
	fprintf(out, "%s%" PRIu64 " the same.\n", separator, run->totals.same);
}

static int print_document(struct diff_run *run, struct printing *p)
{
	struct peel_error err = {0};
	struct diff_small small;
	int code;

	if (run->stat) {
		code = diff_each_row(run, print_ignored, NULL, &small, &err);
	} else if (run->by == DIFF_BY_PATH) {
		code = print_paths(run, p, &err);
	} else {
		code = print_buckets(run, p, &err);
	}
	if (code < 0) {
		return complain_error(&err);
	}
	if (!print_totals(run, p)) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	print_counts(run, p->out);
	return run->totals.differing ? STATUS_NO : STATUS_OK;
}

int diff_print_text(struct diff_run *run, FILE *out)
{
	return print_document(run,
		&(struct printing){.run = run, .out = out, .format = SHEET_TABLE});
}

int diff_print_markdown(struct diff_run *run, FILE *out)
{
	return print_document(run,
		&(struct printing){.run = run, .out = out, .format = SHEET_MARKDOWN});
}
