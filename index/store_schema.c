/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is an index's schema ours? SQLite keeps the text of every CREATE statement as it was written, from
 * the name on, without "IF NOT EXISTS" and without the semicolon. So each row of sqlite_schema must
 * be one of the statements of our own text, each of them once.
 *
 * Rejected: making our schema in a database in memory and comparing the two. SQLite has to parse it
 * all for that, which was a quarter of the time that a command takes to start.
 */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "schema_indexes_sql.h"
#include "schema_sql.h"
#include "store.h"
#include "store_priv.h"
#include "util.h"

/** Most statements that make something; a unit test fails where the schema has more. */
#define STATEMENTS_MAX 64

static const char create[] = "CREATE ";
static const char unless[] = "IF NOT EXISTS ";

/** A statement that makes a table, view or index, in the two parts that SQLite puts together. */
struct made {
	/** From CREATE up to the name. */
	const char *head;
	size_t head_len;
	/** From the name up to the semicolon. */
	const char *tail;
	size_t tail_len;
	bool seen;
};

struct schema {
	size_t count;
	struct made made[STATEMENTS_MAX];
};

static const char *skip_word(const char *text)
{
	return text + strcspn(text, " ") + 1;
}

/** Take a statement apart. @return where the text goes on. */
static const char *take_statement(const char *text, struct made *ret_made)
{
	const char *name = skip_word(text);
	const char *end = strstr(text, ";\n");

	if (strncmp(name, "UNIQUE ", 7) == 0) {
		name = skip_word(name);
	}
	name = skip_word(name);
	ret_made->head = text;
	ret_made->head_len = (size_t)(name - text);
	if (strncmp(name, unless, strlen(unless)) == 0) {
		name += strlen(unless);
	}
	ret_made->tail = name;
	ret_made->tail_len = (size_t)(end - name);
	return end;
}

/** Add the statements of a text that make something: each begins a line. */
static void take_text(struct schema *schema, const char *text)
{
	const char *line = text;

	while (line && schema->count < STATEMENTS_MAX) {
		if (strncmp(line, create, strlen(create)) == 0) {
			line = take_statement(line, &schema->made[schema->count++]);
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
}

static bool is_made_by(const struct made *made, const char *sql, size_t len)
{
	return len == made->head_len + made->tail_len &&
		memcmp(sql, made->head, made->head_len) == 0 &&
		memcmp(sql + made->head_len, made->tail, made->tail_len) == 0;
}

/** True where the text holds a name at a place, as a word. */
static bool names(const char *text, const char *name)
{
	size_t len = strlen(name);

	return len > 0 && strncmp(text, name, len) == 0 && (text[len] == ' ' || text[len] == '\n');
}

/** True where the row says of itself what its statement says: type, name, and table it belongs to. */
static bool is_consistent(const struct made *made, const char *type, const char *name,
	const char *table)
{
	const bool index = strcmp(type, "index") == 0;
	const char *kind = made->head + strlen(create);

	if (strncmp(kind, "UNIQUE ", 7) == 0) {
		kind = skip_word(kind);
	}
	if (strncasecmp(kind, type, strlen(type)) != 0 || kind[strlen(type)] != ' ' ||
		!names(made->tail, name)) {
		return false;
	}
	if (!index) {
		return strcmp(table, name) == 0;
	}
	/* name ON table (columns) */
	return names(skip_word(skip_word(made->tail)), table);
}

/** The statement that a row of sqlite_schema is; NULL: none of ours, or for the second time. */
static struct made *find_made(struct schema *schema, sqlite3_stmt *row)
{
	const char *sql = store_text(row, 3);
	const size_t len = (size_t)sqlite3_column_bytes(row, 3);

	for (size_t i = 0; i < schema->count; i++) {
		struct made *made = &schema->made[i];

		if (is_made_by(made, sql, len)) {
			return !made->seen &&
					is_consistent(made, store_text(row, 0), store_text(row, 1),
						store_text(row, 2))
				? made
				: NULL;
		}
	}
	return NULL;
}

int store_compare_schema(struct store *store, const char *sql, const char *const *texts,
	size_t count, struct peel_error *err)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	struct schema schema = {0};
	size_t seen = 0;
	int code = store_get(store, sql, &stmt, err);

	for (size_t i = 0; i < count; i++) {
		take_text(&schema, texts[i]);
	}
	while (code == 0 && (code = store_step(store, stmt, err)) > 0) {
		struct made *made = find_made(&schema, stmt);

		if (!made) {
			break;
		}
		made->seen = true;
		seen++;
		code = 0;
	}
	if (code < 0) {
		return code;
	}
	return code > 0 || seen != schema.count
		? peel_fail(err, PEEL_EFORMAT, "the index has a schema that is not ours")
		: 0;
}

int store_check_schema(struct store *store, struct peel_error *err)
{
	static const char *const texts[] = {schema_sql, schema_indexes_sql};

	return store_compare_schema(store, "SELECT type, name, tbl_name, sql FROM sqlite_schema",
		texts, countof(texts), err);
}
