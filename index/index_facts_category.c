/* SPDX-License-Identifier: Apache-2.0 */
/** Which category each visible file is in, by rules that were handed down (facts_rules.h). */
#include <stdlib.h>
#include <string.h>

#include "facts_look.h"
#include "facts_rules.h"
#include "index_facts.h"
#include "index_facts_table.h"
#include "query_priv.h"
#include "store.h"
#include "util.h"

/** Sorting under way. */
struct sorting {
	struct facts_writing *writing;
	struct query q;
	/** Path of the folder of the last file, and which that was; 0: none. */
	uint64_t dir;
	size_t dir_len;
	char path[PEEL_PATH_MAX + PEEL_NAME_MAX + 2];
	struct facts_elf elf;
	struct peel_package package;
};

/** Columns of a visible file's row. */
enum column {
	COLUMN_ENTRY,
	COLUMN_SIZE,
	COLUMN_DIR,
	COLUMN_NAME,
	COLUMN_KIND,
	COLUMN_HEAD,
	COLUMN_DB,
	COLUMN_PACKAGE,
	COLUMN_ELF,
	COLUMN_MACHINE,
	COLUMN_TYPE,
	COLUMN_FLAGS,
	COLUMN_DEBUG,
	COLUMN_STRIP,
	COLUMN_SONAME,
	COLUMN_INTERP,
};

static int write_rules(struct facts_writing *writing, struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO category (id, name, title, parent) VALUES (?1, ?2, ?3, ?4)";
	const struct facts_rules *rules = writing->rules;
	const uint32_t count = rules->category_count ? rules->category_count(rules->arg) : 0;
	int code = 0;

	for (uint32_t id = 1; code == 0 && id <= count; id++) {
		const struct peel_category *category = rules->category_get(rules->arg, id);
		sqlite3_stmt *stmt;

		code = store_get(writing->store, sql, &stmt, err);
		if (code == 0) {
			sqlite3_bind_int64(stmt, 1, id);
			store_bind_text(stmt, 2, category->name);
			store_bind_text(stmt, 3, category->title);
			store_bind_text(stmt, 4, category->group);
			code = store_run(writing->store, stmt, err);
		}
	}
	return code;
}

/** Have the file's path. @return its length, 0 where it is too long to be sorted by it, or less than 0. */
static int make_path(struct sorting *sorting, sqlite3_stmt *row)
{
	const uint64_t dir = (uint64_t)sqlite3_column_int64(row, COLUMN_DIR);
	const void *name = sqlite3_column_blob(row, COLUMN_NAME);
	const size_t name_len = (size_t)sqlite3_column_bytes(row, COLUMN_NAME);

	if (dir != sorting->dir) {
		int code;

		sorting->dir = 0;
		code = query_dir_path(&sorting->q, dir, sorting->path, &sorting->dir_len);
		if (code < 0) {
			return code == PEEL_ELIMIT ? 0 : code;
		}
		sorting->dir = dir;
	}
	if (name_len > PEEL_NAME_MAX) {
		return 0;
	}
	sorting->path[sorting->dir_len] = '/';
	memcpy(sorting->path + sorting->dir_len + 1, name ? name : "", name_len);
	sorting->path[sorting->dir_len + 1 + name_len] = '\0';
	return (int)(sorting->dir_len + 1 + name_len);
}

static void copy_text(char *to, size_t room, sqlite3_stmt *row, int column)
{
	const size_t len = min_u64((uint64_t)sqlite3_column_bytes(row, column), room - 1);

	memcpy(to, store_text(row, column), len);
	to[len] = '\0';
}

static void fill_elf(struct sorting *sorting, sqlite3_stmt *row, struct category_file *file)
{
	struct facts_elf *elf = &sorting->elf;

	if (sqlite3_column_type(row, COLUMN_ELF) == SQLITE_NULL) {
		return;
	}
	*elf = (struct facts_elf){
		.bits = sqlite3_column_int(row, COLUMN_ELF),
		.machine = (unsigned)sqlite3_column_int64(row, COLUMN_MACHINE),
		.type = (unsigned)sqlite3_column_int64(row, COLUMN_TYPE),
		.flags = (unsigned)sqlite3_column_int64(row, COLUMN_FLAGS),
		.debug_bytes = (uint64_t)sqlite3_column_int64(row, COLUMN_DEBUG),
		.strip_bytes = (uint64_t)sqlite3_column_int64(row, COLUMN_STRIP),
	};
	copy_text(elf->soname, sizeof(elf->soname), row, COLUMN_SONAME);
	copy_text(elf->interp, sizeof(elf->interp), row, COLUMN_INTERP);
	file->elf = elf;
}

static int sort_file(struct sorting *sorting, sqlite3_stmt *row)
{
	const struct facts_rules *rules = sorting->writing->rules;
	struct category_file file = {
		.path = sorting->path,
		.bytes = (uint64_t)sqlite3_column_int64(row, COLUMN_SIZE),
		.kind = (enum peel_kind)sqlite3_column_int(row, COLUMN_KIND),
		.head = sqlite3_column_blob(row, COLUMN_HEAD),
		.head_len = (size_t)sqlite3_column_bytes(row, COLUMN_HEAD),
	};
	int len = make_path(sorting, row);
	uint32_t category;

	if (len < 0) {
		return len;
	}
	if (len == 0) {
		/* Too deep for any path: what it is decides alone. */
		sorting->path[0] = '\0';
		sorting->dir = 0;
	}
	file.path_len = (size_t)len;
	fill_elf(sorting, row, &file);
	if (sqlite3_column_type(row, COLUMN_PACKAGE) != SQLITE_NULL) {
		sorting->package = (struct peel_package){
			.db = store_text(row, COLUMN_DB),
			.name = store_text(row, COLUMN_PACKAGE),
			.version = "",
			.arch = "",
			.source = "",
			.record = "",
		};
		file.package = &sorting->package;
	}
	category = rules->category_of(rules->arg, &file);
	return category == 0 ? 0
			     : facts_table_sort(sorting->writing->table,
				       (uint64_t)sqlite3_column_int64(row, COLUMN_ENTRY), category,
				       sorting->q.err);
}

int facts_write_categories(struct facts_writing *writing, struct peel_error *err)
{
	/* A file's own name if it is visible, else the first visible hard link to it. */
	static const char sql[] =
		"SELECT e.id, e.size, n.dir, n.name, f.kind, f.head, p.db, p.name, elf.bits, elf.machine, elf.type,"
		" elf.flags, elf.debug_bytes, elf.strip_bytes, elf.soname, elf.interp"
		" FROM file f JOIN idx.entry e ON e.id = f.entry"
		" JOIN idx.entry n ON n.id = CASE WHEN e.why IS NULL AND NOT e.flags & 32 THEN e.id ELSE"
		"  (SELECT min(l.id) FROM idx.entry l WHERE l.inode = e.id AND l.type = 'h' AND l.why IS NULL"
		"   AND NOT l.flags & 32) END"
		" LEFT JOIN package p ON p.id = f.package LEFT JOIN elf ON elf.entry = e.id ORDER BY f.entry";
	cleanup_free struct sorting *sorting = calloc(1, sizeof(*sorting));
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = sorting ? write_rules(writing, err) : peel_fail(err, PEEL_ENOMEM, "no memory");

	if (code < 0 || !writing->rules->category_of) {
		return code;
	}
	sorting->writing = writing;
	code = query_begin(&sorting->q, writing->index, err);
	if (code == 0) {
		code = store_get(writing->store, sql, &stmt, err);
	}
	while (code == 0 && (code = store_step(writing->store, stmt, err)) > 0) {
		code = sort_file(sorting, stmt);
	}
	query_end_(&sorting->q);
	return code < 0 ? code : facts_table_pass(writing->table, err);
}
