/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wheels: a folder NAME-VERSION.dist-info beside the modules holds METADATA, and RECORD with every file, relative to
 * the folder that both lie in. Any folder may be such a site: a virtual environment's, conda's, one that PYTHONPATH
 * names.
 *
 * INSTALLER says whose word RECORD is. What pip or its like has put there is pip's; what a distribution or conda has
 * packed holds a copy of the wheel's records, and its own database counts more. RECORD is missing where a distribution
 * took it out; then the modules that top_level.txt names are the package's, unless another package lists METADATA.
 */
#include "pkgdb_python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_walk.h"
#include "util.h"

#define SUFFIX ".dist-info"

/* Most modules of one package without a list. */
#define MODULES_MAX 1000

/* Programs that install for Python itself, by the first word of INSTALLER. */
static const char *const installers[] = {
	"pip", "uv", "poetry", "pdm", "hatch", "pipx", "flit", "installer", "easy_install"};

int pkgdb_python_head(struct pkgdb_gather *g, struct pkgdb_python *python,
	const struct pkgdb_entry *entry, uint64_t folder, const char *file, const char *suffix)
{
	const size_t stem = entry->name_len - strlen(suffix);
	struct peel_node node = entry->node;
	const char *dash;
	int r = folder ? pkgdb_lookup(g, folder, file, strlen(file), &node) : 1;

	python->site = entry->folder;
	python->head = (struct pkgdb_paragraph){.claimed = -1};
	python->record = 0;
	r = r > 0 ? pkgdb_open(g->index, 0, NULL, node.ino, &g->text, g->err) : r;
	if (r > 0) {
		python->record = node.ino;
		pkgdb_paragraph(&g->text, &python->head);
		r = pkgdb_check_text(g, python->database, entry->name, &g->text);
	}
	if (r < 0 || python->head.name[0]) {
		return r;
	}
	dash = memchr(entry->name, '-', stem);
	pkgdb_copy(python->head.name, entry->name, dash ? (size_t)(dash - entry->name) : stem);
	if (dash) {
		const size_t rest = stem - (size_t)(dash + 1 - entry->name);
		const char *end = memchr(dash + 1, '-', rest);

		pkgdb_copy(python->head.version, dash + 1, end ? (size_t)(end - dash - 1) : rest);
	}
	return 0;
}

int pkgdb_python_add(struct pkgdb_gather *g, struct pkgdb_python *python, const char *db,
	const char *path, enum pkgdb_rank rank)
{
	const struct pkgdb_record record = {
		.db = db,
		.name = python->head.name,
		.version = python->head.version,
		.record = path,
		.layer = -1,
		.claimed = -1,
	};

	return pkgdb_add(g, python->database, &record, rank, false, &python->ticket);
}

/* Note a module by its name: a folder, or a file of source. */
static int note_module(struct pkgdb_gather *g, const struct pkgdb_python *python, const char *name,
	size_t len)
{
	char file[PKGDB_NAME_MAX + sizeof(".py")];
	struct peel_node node;
	int r;

	if (len == 0 || len > PKGDB_NAME_MAX || memchr(name, '/', len)) {
		return 0;
	}
	r = pkgdb_lookup(g, python->site, name, len, &node);
	if (r == 0 || !S_ISDIR(node.mode)) {
		snprintf(file, sizeof(file), "%.*s.py", (int)len, name);
		r = r < 0 ? r : pkgdb_lookup(g, python->site, file, strlen(file), &node);
		r = r > 0 && !S_ISREG(node.mode) ? 0 : r;
	}
	return r > 0 ? pkgdb_late(g, node.ino, python->record, python->ticket) : r;
}

/* Modules are named as packages are, with "_" for what no name in Python may hold. */
static int note_namesake(struct pkgdb_gather *g, const struct pkgdb_python *python)
{
	char name[PKGDB_NAME_MAX + 1];

	strcpy(name, python->head.name);
	for (char *at = name; *at; at++) {
		*at = *at == '-' || *at == '.' ? '_' : *at;
	}
	return note_module(g, python, name, strlen(name));
}

int pkgdb_python_modules(struct pkgdb_gather *g, const struct pkgdb_python *python, uint64_t info)
{
	struct peel_node node;
	const char *line;
	size_t len;
	int count = 0;
	int r = info ? pkgdb_lookup(g, info, "top_level.txt", strlen("top_level.txt"), &node) : 0;

	r = r > 0 ? pkgdb_open(g->index, 0, NULL, node.ino, &g->text, g->err) : r;
	if (r <= 0) {
		return r < 0 ? r : note_namesake(g, python);
	}
	r = 0;
	while (r == 0 && count++ < MODULES_MAX && pkgdb_line(&g->text, &line, &len)) {
		len -= len > 0 && line[len - 1] == '\r';
		r = note_module(g, python, line, len);
	}
	return r;
}

/* The first field of a line of comma-separated values, in place. @param ret_rest what follows its comma. */
static size_t first_field(char *line, size_t len, size_t *ret_rest)
{
	size_t out = 0;
	size_t i = 1;

	if (len == 0 || line[0] != '"') {
		const char *comma = memchr(line, ',', len);

		out = comma ? (size_t)(comma - line) : len;
		*ret_rest = comma ? out + 1 : len;
		return out;
	}
	for (; i < len && (line[i] != '"' || (i + 1 < len && line[i + 1] == '"')); i++) {
		i += line[i] == '"';
		line[out++] = line[i];
	}
	*ret_rest = min_u64(len, i + 2);
	return out;
}

/* Claim every path of RECORD. @param ret_claimed sum of the sizes it gives. */
static int read_record(struct pkgdb_gather *g, const struct pkgdb_python *python, const char *name,
	int64_t *ret_claimed)
{
	const struct pkgdb_root root = {.ino = peel_root(PEEL_VIEW_MERGED), .path = ""};
	struct pkgdb_text *text = &g->text;
	uint64_t sum = 0;
	const char *line;
	size_t len;
	int r = 0;

	while (r == 0 && pkgdb_line(text, &line, &len)) {
		size_t rest;
		size_t path_len;
		const char *comma;

		len -= len > 0 && line[len - 1] == '\r';
		if (len == 0) {
			continue;
		}
		/* The line lies in the window, which is ours. */
		path_len = first_field((char *)line, len, &rest);
		comma = memchr(line + rest, ',', len - rest);
		if (!comma || path_len == 0) {
			r = pkgdb_problem_at(g, python->database, name, text->line,
				"not a path, a hash and a size");
			continue;
		}
		if (comma + 1 < line + len) {
			const int64_t size = pkgdb_number(comma + 1,
				(size_t)(line + len - comma - 1));

			if (size > 0 && !checked_add(sum, (uint64_t)size, &sum)) {
				sum = UINT64_MAX;
			}
		}
		r = pkgdb_claim_path(g, python->database, &root, python->site, line, path_len,
			python->ticket);
	}
	*ret_claimed = sum <= INT64_MAX ? (int64_t)sum : -1;
	return r < 0 ? r : pkgdb_check_text(g, python->database, name, text);
}

/* Whose word RECORD is. */
static int find_rank(struct pkgdb_gather *g, uint64_t folder, enum pkgdb_rank *ret_rank)
{
	struct peel_node node;
	const char *line;
	size_t len;
	int r = pkgdb_lookup(g, folder, "INSTALLER", strlen("INSTALLER"), &node);

	*ret_rank = PKGDB_RANK_OTHER;
	r = r > 0 ? pkgdb_open(g->index, 0, NULL, node.ino, &g->text, g->err) : r;
	if (r <= 0 || !pkgdb_line(&g->text, &line, &len)) {
		return r < 0 ? r : 0;
	}
	for (size_t i = 0; i < countof(installers); i++) {
		const size_t word = strlen(installers[i]);

		if (len >= word && memcmp(line, installers[i], word) == 0 &&
			(len == word || line[word] == ' ' || line[word] == '\r')) {
			*ret_rank = PKGDB_RANK_PIP;
		}
	}
	return 0;
}

/* The files of a package that was added. */
static int claim_files(struct pkgdb_gather *g, const struct pkgdb_python *python,
	const struct pkgdb_entry *entry)
{
	char name[PEEL_NAME_MAX + sizeof("/RECORD")];
	struct peel_node node;
	int r = pkgdb_claim_folder(g, entry->node.ino, python->ticket);

	r = r < 0 ? r : pkgdb_lookup(g, entry->node.ino, "RECORD", strlen("RECORD"), &node);
	if (r > 0) {
		r = pkgdb_open(g->index, 0, NULL, node.ino, &g->text, g->err);
	}
	if (r <= 0) {
		return r < 0 ? r : pkgdb_python_modules(g, python, entry->node.ino);
	}
	snprintf(name, sizeof(name), "%s/RECORD", entry->name);
	return read_record(g, python, name,
		&pkgdb_roster_row(&g->roster, python->ticket)->record.claimed);
}

int pkgdb_python_folder(struct pkgdb_gather *g, const struct pkgdb_entry *entry)
{
	struct pkgdb_python python = {0};
	cleanup_free char *site = NULL;
	cleanup_free char *path = NULL;
	enum pkgdb_rank rank;
	int r = pkgdb_canonical(g, entry->folder, NULL, &site);

	r = r < 0 ? r : pkgdb_found(g, site, "pip", &python.database);
	r = r < 0 ? r : find_rank(g, entry->node.ino, &rank);
	r = r < 0 ? r : pkgdb_python_head(g, &python, entry, entry->node.ino, "METADATA", SUFFIX);
	r = r < 0 ? r
		  : pkgdb_canonical(g, entry->node.ino, python.record ? "METADATA" : NULL, &path);
	r = r < 0 ? r : pkgdb_python_add(g, &python, "pip", path, rank);
	return r < 0 || !python.ticket ? r : claim_files(g, &python, entry);
}
