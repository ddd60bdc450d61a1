/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL from outside, over an index that may be from outside too.
 *
 * A connection of its own, read-only and defensive (store_open), and an authorizer that knows what
 * reading needs and refuses the rest: so a statement is judged when it is compiled, by what it
 * does, not by its text. VACUUM INTO is an ATTACH to it, a view of the index that calls a function
 * is that function. Sorting and temporary tables stay in memory, so memory is bounded twice:
 * SQLite's limits bound one value, and a look at the heap every few thousand instructions bounds
 * the sum. (SQLite's own heap limit is one for the whole process, and would hit other threads'
 * queries.)
 */
#include "query_priv.h"

#include <stdlib.h>
#include <string.h>

#include <peel/text.h>

#include "store_facts.h"
#include "util.h"

/* Bytes of one value or row, and of the SQL text. */
#define VALUE_MAX (64 << 20)
#define SQL_MAX (1 << 20)
/* Bytes that SQLite may have more than when the query started. */
#define HEAP_MAX (INT64_C(512) << 20)
/* Virtual instructions between two looks at the heap. */
#define HEAP_CHECK 5000

static const struct {
	int limit;
	int value;
} limits[] = {
	{SQLITE_LIMIT_LENGTH, VALUE_MAX},
	{SQLITE_LIMIT_SQL_LENGTH, SQL_MAX},
	{SQLITE_LIMIT_COLUMN, 500},
	{SQLITE_LIMIT_EXPR_DEPTH, 200},
	{SQLITE_LIMIT_COMPOUND_SELECT, 200},
	{SQLITE_LIMIT_VDBE_OP, 200000},
	{SQLITE_LIMIT_FUNCTION_ARG, 100},
	{SQLITE_LIMIT_ATTACHED, 0},
	{SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 4096},
	{SQLITE_LIMIT_VARIABLE_NUMBER, 100},
	{SQLITE_LIMIT_TRIGGER_DEPTH, 0},
	{SQLITE_LIMIT_WORKER_THREADS, 0},
};

/* Pragmas that only tell, sorted. Those with true take an argument. */
static const struct {
	const char *name;
	bool argument;
} pragmas[] = {
	{"application_id", false},
	{"collation_list", false},
	{"compile_options", false},
	{"database_list", false},
	{"encoding", false},
	{"foreign_key_list", true},
	{"function_list", false},
	{"index_info", true},
	{"index_list", true},
	{"index_xinfo", true},
	{"page_count", false},
	{"page_size", false},
	{"pragma_list", false},
	{"table_info", true},
	{"table_list", true},
	{"table_xinfo", true},
	{"user_version", false},
};

/* One run: what the heap was, whether it grew too much, whether something was refused. */
struct run {
	int64_t heap;
	bool over;
	bool denied;
};

static int judge_pragma(const char *name, const char *argument)
{
	for (size_t i = 0; i < countof(pragmas); i++) {
		if (sqlite3_stricmp(name, pragmas[i].name) == 0 &&
			(pragmas[i].argument || !argument)) {
			return SQLITE_OK;
		}
	}
	return SQLITE_DENY;
}

static int judge(void *arg, int action, const char *first, const char *second, const char *database,
	const char *inner)
{
	struct run *run = arg;
	int verdict = SQLITE_DENY;

	(void)database;
	(void)inner;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		verdict = SQLITE_OK;
		break;
	case SQLITE_FUNCTION:
		if (second && sqlite3_stricmp(second, "load_extension") != 0) {
			verdict = SQLITE_OK;
		}
		break;
	case SQLITE_PRAGMA:
		verdict = judge_pragma(first, second);
		break;
	case SQLITE_UPDATE:
		/*
		 * Said when SQLite declares the columns of json_each and its like. A real one is
		 * refused later.
		 */
		if (first && strcmp(first, "sqlite_master") == 0) {
			verdict = SQLITE_OK;
		}
		break;
	default:
		break;
	}
	run->denied = run->denied || verdict != SQLITE_OK;
	return verdict;
}

static int check_heap(void *arg)
{
	struct run *run = arg;

	run->over = sqlite3_memory_used() - run->heap > HEAP_MAX;
	return run->over;
}

static int code_of(int sqlite_code)
{
	switch (sqlite_code & 0xff) {
	case SQLITE_NOMEM:
		return PEEL_ENOMEM;
	case SQLITE_TOOBIG:
		return PEEL_ELIMIT;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return PEEL_EFORMAT;
	case SQLITE_IOERR:
		return PEEL_EIO;
	default:
		return PEEL_EUSAGE;
	}
}

static int sql_fail(sqlite3 *db, const struct run *run, struct peel_error *err)
{
	const char *message = sqlite3_errmsg(db);
	char shown[PEEL_MESSAGE_SIZE / 2];

	if (run->over) {
		return peel_fail(err, PEEL_ELIMIT, "SQL: more than %d MiB of memory",
			(int)(HEAP_MAX >> 20));
	}
	if (run->denied) {
		return peel_fail(err, PEEL_EUSAGE, "SQL: not allowed: the index is read-only");
	}
	peel_text_escape_into(shown, sizeof(shown), message, strlen(message));
	return peel_fail(err, code_of(sqlite3_errcode(db)), "SQL: %s", shown);
}

/* The columns of one statement. */
struct columns {
	const char **names;
	struct peel_value *values;
};

static void columns_finish(struct columns *columns)
{
	free(columns->names);
	free(columns->values);
}

static void read_value(sqlite3_stmt *stmt, int column, struct peel_value *value)
{
	static const char letters[] = {[SQLITE_INTEGER] = 'i',
		[SQLITE_FLOAT] = 'r',
		[SQLITE_TEXT] = 't',
		[SQLITE_BLOB] = 'b',
		[SQLITE_NULL] = 'n'};

	*value = (struct peel_value){.type = letters[sqlite3_column_type(stmt, column)]};
	switch (value->type) {
	case 'i':
		value->integer = sqlite3_column_int64(stmt, column);
		break;
	case 'r':
		value->real = sqlite3_column_double(stmt, column);
		break;
	case 't':
		value->bytes = sqlite3_column_text(stmt, column);
		value->len = (size_t)sqlite3_column_bytes(stmt, column);
		break;
	case 'b':
		value->bytes = sqlite3_column_blob(stmt, column);
		value->len = (size_t)sqlite3_column_bytes(stmt, column);
		break;
	default:
		break;
	}
	if (!value->bytes && (value->type == 't' || value->type == 'b')) {
		value->bytes = "";
	}
}

/* Run one compiled statement. @return 0, 1 where the callback stopped it, or less than 0. */
static int run_statement(sqlite3 *db, sqlite3_stmt *stmt, const struct run *run, peel_row_fn *each,
	void *arg, struct peel_error *err)
{
	const int count = sqlite3_column_count(stmt);
	cleanup(columns_finish) struct columns columns = {0};
	int r;

	columns.names = calloc((size_t)count + 1, sizeof(*columns.names));
	columns.values = calloc((size_t)count + 1, sizeof(*columns.values));
	if (!columns.names || !columns.values) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	for (int i = 0; i < count; i++) {
		const char *name = sqlite3_column_name(stmt, i);

		columns.names[i] = name ? name : "";
	}
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		for (int i = 0; i < count; i++) {
			read_value(stmt, i, &columns.values[i]);
		}
		if (each(arg, count, columns.names, columns.values)) {
			return 1;
		}
	}
	return r == SQLITE_DONE ? 0 : sql_fail(db, run, err);
}

static void cleanup_statement(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
}

static void cleanup_store(struct store **store)
{
	store_close(*store);
}

static int run_all(sqlite3 *db, const char *sql, const struct run *run, peel_row_fn *each,
	void *arg, struct peel_error *err)
{
	int r = 0;

	while (r == 0 && *sql) {
		cleanup(cleanup_statement) sqlite3_stmt *stmt = NULL;

		if (sqlite3_prepare_v2(db, sql, -1, &stmt, &sql) != SQLITE_OK) {
			return sql_fail(db, run, err);
		}
		/* No statement: blanks or a comment. */
		if (stmt) {
			r = run_statement(db, stmt, run, each, arg, err);
		}
	}
	return r;
}

int peel_sql(struct peel_index *index, const char *sql, peel_row_fn *each, void *arg,
	struct peel_error *err)
{
	struct run run = {.heap = sqlite3_memory_used()};
	cleanup(cleanup_store) struct store *store = NULL;
	sqlite3 *db;
	int r;

	if (strlen(sql) > SQL_MAX) {
		return peel_fail(err, PEEL_EUSAGE, "SQL: a text over %d bytes", SQL_MAX);
	}
	r = store_open_with_facts(index->fd, index->facts.fd, &store, err);
	if (r < 0) {
		return r;
	}
	db = store_db(store);
	for (size_t i = 0; i < countof(limits); i++) {
		sqlite3_limit(db, limits[i].limit, limits[i].value);
	}
	sqlite3_set_authorizer(db, judge, &run);
	sqlite3_progress_handler(db, HEAP_CHECK, check_heap, &run);
	return run_all(db, sql, &run, each, arg, err);
}
