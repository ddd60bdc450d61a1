/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where rpm's databases lie, and which format one has: /var/lib/rpm by old custom, /usr/lib/sysimage/rpm, and
 * /usr/share/rpm where the system is an image itself. One of SQLite or ndb has replaced an old one of Berkeley DB that
 * may have been left beside it; that one alone is what cannot be read.
 */
#include "pkgdb_rpm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "util.h"

/* Columns of a distroless Mariner's list. */
#define COLUMNS 10
#define COLUMN_NAME 0
#define COLUMN_VERSION 1
#define COLUMN_SIZE 6
#define COLUMN_ARCH 7
#define COLUMN_SOURCE 9

/* Magic numbers at the begin of a file, and of Berkeley DB's hash at offset 12, in either byte order. */
#define SQLITE_MAGIC "SQLite format 3"
#define NDB_MAGIC "RpmP"
#define BDB_OFFSET 12

static const char *const suffixes[] = {
	"/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm", "/var/lib/rpmmanifest"};

static int read_manifest(struct pkgdb_text *text, pkgdb_seen_fn *seen, void *arg,
	const char **ret_what);

/* What a file is. */
enum format {
	FORMAT_UNKNOWN,
	FORMAT_SQLITE,
	FORMAT_NDB,
	FORMAT_BDB,
};

static enum format find_format(struct peel_index *index, uint64_t ino)
{
	char head[16] = "";
	const ssize_t len = peel_read(index, ino, 0, head, sizeof(head), NULL);

	if (len != sizeof(head)) {
		return FORMAT_UNKNOWN;
	}
	if (memcmp(head, SQLITE_MAGIC, sizeof(SQLITE_MAGIC)) == 0) {
		return FORMAT_SQLITE;
	}
	if (memcmp(head, NDB_MAGIC, strlen(NDB_MAGIC)) == 0) {
		return FORMAT_NDB;
	}
	return memcmp(head + BDB_OFFSET, "\x61\x15\x06\x00", 4) == 0 ||
			memcmp(head + BDB_OFFSET, "\x00\x06\x15\x61", 4) == 0
		? FORMAT_BDB
		: FORMAT_UNKNOWN;
}

static pkgdb_blobs_fn *reader_of(enum format format)
{
	return format == FORMAT_SQLITE ? pkgdb_rpm_sqlite
		: format == FORMAT_NDB ? pkgdb_rpm_ndb
				       : NULL;
}

/* A database while it is read. */
struct rpm {
	struct pkgdb_gather *g;
	struct pkgdb_root root;
	/* Of the file, which is the database. */
	const char *path;
	size_t database;
	uint32_t ticket;
	int packages;
};

static int take_path(void *arg, const char *path, size_t len)
{
	const struct rpm *rpm = arg;

	return pkgdb_claim_path(rpm->g, rpm->database, &rpm->root, rpm->root.ino, path, len,
		rpm->ticket);
}

static int damaged(const struct rpm *rpm)
{
	return pkgdb_problem(rpm->g, rpm->database, "package %d: its header is damaged",
		rpm->packages);
}

static int take_blob(void *arg, const void *bytes, size_t len)
{
	struct rpm *rpm = arg;
	struct pkgdb_rpm_header header;
	struct pkgdb_record record;
	int r;

	rpm->packages++;
	if (!pkgdb_rpm_header_read(bytes, len, &header)) {
		return damaged(rpm);
	}
	record = pkgdb_rpm_record(&header, rpm->path);
	r = pkgdb_add(rpm->g, rpm->database, &record, PKGDB_RANK_SYSTEM, rpm->root.path[0] != '\0',
		&rpm->ticket);
	r = r < 0 ? r : pkgdb_rpm_header_paths(&header, take_path, rpm);
	return r == PEEL_EFORMAT && (!rpm->g->err || rpm->g->err->code == 0) ? damaged(rpm) : r;
}

/* A journal or WAL that holds anything would change what the database says. */
static int check_beside(struct rpm *rpm, uint64_t folder, const char *name)
{
	static const char *const ends[] = {"-wal", "-journal"};
	struct peel_node node;

	for (size_t i = 0; i < countof(ends); i++) {
		char beside[64];
		int r;

		snprintf(beside, sizeof(beside), "%s%s", name, ends[i]);
		r = pkgdb_lookup(rpm->g, folder, beside, strlen(beside), &node);
		if (r > 0 && S_ISREG(node.mode) && node.size > 0) {
			r = pkgdb_problem(rpm->g, rpm->database,
				"%s: %llu bytes of changes that are not in the database yet",
				beside, (unsigned long long)node.size);
		}
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int read_database(struct rpm *rpm, uint64_t folder, const char *name,
	const struct peel_node *node)
{
	const enum format format = find_format(rpm->g->index, node->ino);
	pkgdb_blobs_fn *reader = reader_of(format);
	const char *what = NULL;
	int r;

	if (!reader) {
		return pkgdb_problem(rpm->g, rpm->database, "%s",
			format == FORMAT_BDB ? "a Berkeley DB, which peel does not read"
					     : "no database of rpm's that peel knows");
	}
	r = check_beside(rpm, folder, name);
	r = r < 0 ? r : reader(rpm->g->index, node->ino, node->size, take_blob, rpm, &what);
	if (r == PEEL_ENOMEM) {
		return peel_fail(rpm->g->err, r, "out of memory");
	}
	if (r != 0 || !what) {
		return r;
	}
	return rpm->packages
		? pkgdb_problem(rpm->g, rpm->database, "after package %d: %s", rpm->packages, what)
		: pkgdb_problem(rpm->g, rpm->database, "%s", what);
}

static int add_listed(void *arg, const struct pkgdb_record *listed)
{
	struct rpm *rpm = arg;
	struct pkgdb_record record = *listed;

	record.record = rpm->path;
	return pkgdb_add(rpm->g, rpm->database, &record, PKGDB_RANK_SYSTEM,
		rpm->root.path[0] != '\0', &rpm->ticket);
}

static int read_list(struct rpm *rpm, const char *name, const struct peel_node *node)
{
	struct pkgdb_gather *g = rpm->g;
	const char *what = NULL;
	int r = pkgdb_open(g->index, 0, NULL, node->ino, &g->text, g->err);

	r = r <= 0 ? r : read_manifest(&g->text, add_listed, rpm, &what);
	if (r == 0 && what) {
		r = pkgdb_problem_at(g, rpm->database, name, g->text.line, what);
	}
	r = r < 0 ? r : pkgdb_check_text(g, rpm->database, name, &g->text);
	return r < 0 ? r
		     : pkgdb_problem(g, rpm->database,
			       "no lists of files: which package owns a file is not known");
}

/* Files that may be a database, the one in use first. */
static const struct {
	const char *name;
	bool manifest;
} files[] = {
	{"rpmdb.sqlite", false},
	{"Packages.db", false},
	{"Packages", false},
	{"container-manifest-2", true},
};

static int read_file(struct rpm *rpm, uint64_t folder, size_t i, const struct peel_node *node)
{
	cleanup_free char *path = NULL;
	int r = pkgdb_canonical(rpm->g, folder, files[i].name, &path);

	rpm->path = path;
	r = r < 0 ? r : pkgdb_found(rpm->g, path, "rpm", &rpm->database);
	if (r < 0) {
		return r;
	}
	return files[i].manifest ? read_list(rpm, files[i].name, node)
				 : read_database(rpm, folder, files[i].name, node);
}

int pkgdb_rpm_folder(struct pkgdb_gather *g, const char *path, uint64_t folder)
{
	struct rpm rpm = {.g = g};
	cleanup_free char *root = NULL;
	size_t len = strlen(path);
	int r = 0;

	for (size_t i = 0; i < countof(suffixes) && len == strlen(path); i++) {
		const size_t suffix = strlen(suffixes[i]);

		if (len >= suffix && strcmp(path + len - suffix, suffixes[i]) == 0) {
			len -= suffix;
		}
	}
	if (len == strlen(path)) {
		return 0;
	}
	r = pkgdb_set_root(g, path, len, &rpm.root, &root);
	for (size_t i = 0; r > 0 && i < countof(files); i++) {
		struct peel_node node;

		r = pkgdb_lookup(g, folder, files[i].name, strlen(files[i].name), &node);
		if (r > 0 && S_ISREG(node.mode)) {
			return read_file(&rpm, folder, i, &node);
		}
		r = r < 0 ? r : 1;
	}
	return r < 0 ? r : 0;
}

/* Cut a line into its columns, each at PKGDB_NAME_MAX. @return false where it has another number of them. */
static bool cut_columns(char *line, const char *columns[COLUMNS])
{
	int count = 0;

	for (char *at = line; at; count++) {
		char *tab = strchr(at, '\t');

		if (count == COLUMNS) {
			return false;
		}
		columns[count] = at;
		if (tab) {
			*tab++ = '\0';
		}
		if (strlen(at) > PKGDB_NAME_MAX) {
			at[PKGDB_NAME_MAX] = '\0';
		}
		at = tab;
	}
	return count == COLUMNS;
}

/* Lines of name, version-release, times, vendor, epoch, size, arch, number of the epoch, source. */
static int read_manifest(struct pkgdb_text *text, pkgdb_seen_fn *seen, void *arg,
	const char **ret_what)
{
	const char *columns[COLUMNS];
	const char *line;
	size_t len;
	int r = 0;

	while (r == 0 && pkgdb_line(text, &line, &len)) {
		cleanup_free char *copy = strndup(line, len);

		if (!copy) {
			return PEEL_ENOMEM;
		}
		if (!cut_columns(copy, columns) || !columns[COLUMN_NAME][0]) {
			*ret_what = "not ten columns";
			return 0;
		}
		r = seen(arg,
			&(struct pkgdb_record){
				.db = "rpm",
				.name = columns[COLUMN_NAME],
				.version = columns[COLUMN_VERSION],
				.arch = columns[COLUMN_ARCH],
				.source = columns[COLUMN_SOURCE],
				.record = "",
				.layer = -1,
				.claimed = pkgdb_number(columns[COLUMN_SIZE],
					strlen(columns[COLUMN_SIZE])),
			});
	}
	return r;
}

/* Tells of a header what is told of other databases' packages. */
struct seen {
	pkgdb_seen_fn *each;
	void *arg;
};

static int see_blob(void *arg, const void *bytes, size_t len)
{
	const struct seen *seen = arg;
	struct pkgdb_rpm_header header;
	struct pkgdb_record record;

	if (!pkgdb_rpm_header_read(bytes, len, &header)) {
		return 0;
	}
	record = pkgdb_rpm_record(&header, "");
	return seen->each(seen->arg, &record);
}

int pkgdb_rpm_each(struct pkgdb_text *text, pkgdb_seen_fn *each, void *arg)
{
	pkgdb_blobs_fn *reader = reader_of(find_format(text->index, text->ino));
	struct seen seen = {each, arg};
	const char *what;

	return reader ? reader(text->index, text->ino, text->size, see_blob, &seen, &what)
		      : read_manifest(text, each, arg, &what);
}
