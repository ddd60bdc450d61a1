/* SPDX-License-Identifier: Apache-2.0 */
/* peel sql: read-only SQL over the index, as a table, CSV, TSV or JSON. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "csv.h"
#include "format.h"
#include "json_writer.h"

/* Longest query on standard input, in bytes. */
#define QUERY_MAX (1u << 20)
/* Most columns of a result, as SQLite's own default limit. */
#define COLUMNS_MAX 2000

struct sql_values {
	bool facts;
};

static const struct opt sql_options[] = {
	{0, "facts", NULL, OPT_FLAG, offsetof(struct sql_values, facts),
		"gather facts about contents, and show them as facts.file, facts.elf, …"},
	{0},
};

/* One emission under way. */
struct sql_run {
	const char *format;
	FILE *out;
	struct json json;
	struct peel_index *index;
	struct table *table;
	/* Titles of the result that is being written; a change begins a new one. */
	char **names;
	struct column *columns;
	int count;
	bool failed;
};

static void free_names(struct sql_run *run)
{
	for (int i = 0; i < run->count; i++) {
		free(run->names[i]);
	}
	free(run->names);
	free(run->columns);
	run->names = NULL;
	run->columns = NULL;
	run->count = 0;
}

static bool same_names(const struct sql_run *run, int count, const char *const *names)
{
	if (!run->names || run->count != count) {
		return false;
	}
	for (int i = 0; i < count; i++) {
		if (strcmp(run->names[i], names[i]) != 0) {
			return false;
		}
	}
	return true;
}

static char *escape_name(const char *name)
{
	char *escaped = NULL;

	return peel_text_escape(name, strlen(name), &escaped) < 0 ? NULL : escaped;
}

/*
 * Text of a value for table, CSV and TSV: NULL is empty, bytes are escaped; for a spreadsheet so is the first sign of
 * what would be a formula. @return NULL without memory.
 */
static char *show_value(const struct peel_value *value, bool spreadsheet)
{
	cleanup_free char *escaped = NULL;
	char *text = NULL;

	switch (value->type) {
	case 'i':
		return asprintf(&text, "%" PRId64, value->integer) < 0 ? NULL : text;
	case 'r':
		return asprintf(&text, "%.15g", value->real) < 0 ? NULL : text;
	case 'n':
		return strdup("");
	default:
		break;
	}
	if (peel_text_escape(value->bytes, value->len, &escaped) < 0) {
		return NULL;
	}
	if (!spreadsheet || !csv_is_formula(escaped)) {
		text = escaped;
		escaped = NULL;
		return text;
	}
	return asprintf(&text, "\\x%02x%s", (unsigned char)*escaped, escaped + 1) < 0 ? NULL : text;
}

static void print_separated(struct sql_run *run, char *const *cells)
{
	bool csv = strcmp(run->format, "csv") == 0;

	for (int i = 0; i < run->count; i++) {
		if (i > 0) {
			putc(csv ? ',' : '\t', run->out);
		}
		if (csv) {
			csv_cell(run->out, cells[i]);
		} else {
			fputs(cells[i], run->out);
		}
	}
	fputs(csv ? "\r\n" : "\n", run->out);
}

/* Begin a result: titles for all but JSON, an empty line before every result but the first. */
static bool begin_result(struct sql_run *run, int count, const char *const *names,
	const struct peel_value *values)
{
	bool first = run->names == NULL;

	table_finish(run->table);
	run->table = NULL;
	free_names(run);
	run->names = calloc((size_t)count + 1, sizeof(*run->names));
	run->columns = calloc((size_t)count + 1, sizeof(*run->columns));
	if (!run->names || !run->columns) {
		return false;
	}
	for (int i = 0; i < count; i++) {
		run->names[i] = strdup(names[i]);
		run->count = i + 1;
		if (!run->names[i]) {
			return false;
		}
		run->columns[i] = (struct column){
			run->names[i], values[i].type == 'i' || values[i].type == 'r'};
	}
	if (!first) {
		fputs(strcmp(run->format, "csv") == 0 ? "\r\n" : "\n", run->out);
	}
	if (strcmp(run->format, "table") == 0) {
		run->table = table_new(run->out, run->columns, (size_t)count, true);
		return run->table != NULL;
	}
	print_separated(run, run->names);
	return true;
}

static bool print_cells(struct sql_run *run, int count, const struct peel_value *values)
{
	cleanup_free char **cells = calloc((size_t)count + 1, sizeof(*cells));
	bool fine = cells != NULL;

	for (int i = 0; fine && i < count; i++) {
		cells[i] = show_value(&values[i], !run->table);
		fine = cells[i] != NULL;
	}
	if (fine && run->table) {
		fine = table_row(run->table, (const char *const *)cells);
	} else if (fine) {
		print_separated(run, cells);
	}
	for (int i = 0; cells && i < count; i++) {
		free(cells[i]);
	}
	return fine;
}

static int take_row(void *arg, int count, const char *const *names, const struct peel_value *values)
{
	struct sql_run *run = arg;
	cleanup_free const char **titles = calloc((size_t)count + 1, sizeof(*titles));
	bool fine = titles && count <= COLUMNS_MAX;

	/* Titles are the asker's own words, but may quote anything. */
	for (int i = 0; fine && i < count; i++) {
		titles[i] = escape_name(names[i]);
		fine = titles[i] != NULL;
	}
	if (fine && !same_names(run, count, titles)) {
		fine = begin_result(run, count, titles, values);
	}
	fine = fine && print_cells(run, count, values);
	for (int i = 0; titles && i < count; i++) {
		free((char *)titles[i]);
	}
	run->failed = !fine;
	return fine ? 0 : 1;
}

/*
 * A title that came before in the row gets its column's number, so that no object has a key twice.
 */
static const char *unique_key(char *buf, size_t size, const char *const *names, int i)
{
	for (int before = 0; before < i; before++) {
		if (strcmp(names[before], names[i]) == 0) {
			snprintf(buf, size, "%.80s:%d", names[i], i);
			return buf;
		}
	}
	snprintf(buf, size, "%.100s", names[i]);
	return buf;
}

/*
 * The document begins with its first row: an error before that leaves nothing that looks like an
 * answer.
 */
static void begin_rows(struct sql_run *run)
{
	if (run->json.depth == 0) {
		json_document(&run->json, "sql", run->index);
		json_array(&run->json, "rows");
	}
}

static int take_json_row(void *arg, int count, const char *const *names,
	const struct peel_value *values)
{
	struct sql_run *run = arg;

	begin_rows(run);
	json_object(&run->json, NULL);
	for (int i = 0; i < count; i++) {
		char key[128];

		unique_key(key, sizeof(key), names, i);
		switch (values[i].type) {
		case 'i':
			json_integer(&run->json, key, values[i].integer);
			break;
		case 'r':
			json_real(&run->json, key, values[i].real);
			break;
		case 'n':
			json_null(&run->json, key);
			break;
		default:
			json_bytes(&run->json, key, values[i].bytes, values[i].len);
		}
	}
	json_close(&run->json);
	return 0;
}

static int emit_sql(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	bool as_json = strcmp(format, "json") == 0;
	struct sql_run run = {.format = format, .out = out, .json = {.out = out}, .index = index};
	struct peel_error err = {0};
	int r;

	(void)call;
	r = peel_sql(index, arg, as_json ? take_json_row : take_row, &run, &err);
	table_finish(run.table);
	free_names(&run);
	/* After an error the document stays open: nobody takes it for an answer. */
	if (as_json && r >= 0) {
		begin_rows(&run);
		json_close(&run.json);
		json_close(&run.json);
	}
	if (run.failed) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	return r < 0 ? complain_error(&err) : STATUS_OK;
}

/* The query from standard input. @return NULL with the message out. */
static char *read_query(void)
{
	cleanup_free char *text = malloc(QUERY_MAX + 1);
	size_t len;
	char *query;

	if (!text) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return NULL;
	}
	len = fread(text, 1, QUERY_MAX + 1, stdin);
	if (ferror(stdin)) {
		complain("standard input: %s", strerror(errno));
		return NULL;
	}
	if (len > QUERY_MAX || memchr(text, 0, len)) {
		complain("standard input: %s",
			len > QUERY_MAX ? "the query is longer than 1 MiB"
					: "the query holds a NUL");
		return NULL;
	}
	text[len] = 0;
	query = strdup(text);
	if (!query) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
	}
	return query;
}

static int run_sql(struct call *call)
{
	bool from_stdin = call->argc < 2 || strcmp(call->argv[1], "-") == 0;
	cleanup_index struct peel_index *index = NULL;
	cleanup_free char *query = NULL;
	const struct sql_values *values = call->values;
	int status;

	call->wants_facts = values->facts;
	if (from_stdin && peel_reference_is_stdin(call->argv[0])) {
		return complain_usage(call,
			"the image and the query cannot both be standard input");
	}
	query = from_stdin ? read_query() : strdup(call->argv[1]);
	if (!query) {
		return STATUS_ERROR;
	}
	status = open_for_reading(call, &index);
	if (status != STATUS_OK) {
		return status;
	}
	status = emit_all(call, index, emit_sql, query);
	return status == STATUS_ERROR ? status : reading_status(index, status);
}

const struct verb cmd_sql = {
	.name = "sql",
	.operands = "IMAGE [QUERY]",
	.summary = "ask the index in read-only SQL",
	.details =
		"QUERY is read from standard input where it is missing or '-'. Start with the views tree, entries,\n"
		"hidden, layers and findings: SELECT path, size FROM tree ORDER BY size DESC LIMIT 10\n",
	.options = sql_options,
	.values_size = sizeof(struct sql_values),
	.image = true,
	.headers_only = true,
	.formats = "table csv tsv json",
	.min_operands = 1,
	.max_operands = 2,
	.run = run_sql,
};
