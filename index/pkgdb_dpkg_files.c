/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each package of dpkg owns. The status file says which packages are installed; a list beside it has the paths of
 * one, folders among them, as the package had them: through /lib where that is a link into /usr by now, and before a
 * diversion moved the file away. Names of lists have the architecture where two of a package may be installed.
 *
 * Images that were made smaller have lost their lists, often not their checksums: those name all files but the
 * configuration. Distroless images never had lists: status.d has a paragraph and checksums a package.
 *
 * A listed file that is not there is no damage: path-exclude leaves documentation out, images delete it.
 */
#include "pkgdb_dpkg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_control.h"
#include "pkgdb_gather.h"
#include "util.h"

#define SUFFIX "/var/lib/dpkg"

/* Most diversions that are heeded; Debian's own are some hundreds. */
#define DIVERSIONS_MAX 100000

/* A diversion: to is where other packages' file of that name is. */
struct diversion {
	char *from, *to, *package;
};

/* A database while it is read. */
struct dpkg {
	struct pkgdb_gather *g;
	struct pkgdb_root root;
	const char *path;
	size_t database;
	uint64_t folder;
	/* Folder info; 0: there is none. */
	uint64_t info;
	struct diversion *diversions;
	size_t count, room;
	/* Packages without any list, and the first of them. */
	size_t unlisted;
	char first_unlisted[PKGDB_NAME_MAX + 1];
};

static void dpkg_finish(struct dpkg *dpkg)
{
	for (size_t i = 0; i < dpkg->count; i++) {
		free(dpkg->diversions[i].from);
		free(dpkg->diversions[i].to);
		free(dpkg->diversions[i].package);
	}
	free(dpkg->diversions);
}

static int compare_diversions(const void *a, const void *b)
{
	return strcmp(((const struct diversion *)a)->from, ((const struct diversion *)b)->from);
}

/* Copy the next line. @return false at the end, and where memory is exhausted. */
static bool copy_line(struct pkgdb_text *text, char **ret_line)
{
	const char *line;
	size_t len;

	if (!pkgdb_line(text, &line, &len)) {
		return false;
	}
	*ret_line = strndup(line, len);
	return *ret_line != NULL;
}

/* Three lines each: from, to, the package that diverts (":" is the administrator). */
static int read_diversions(struct dpkg *dpkg)
{
	struct pkgdb_gather *g = dpkg->g;
	struct pkgdb_text *text = &g->text;
	struct peel_node node;
	int r = pkgdb_lookup(g, dpkg->folder, "diversions", strlen("diversions"), &node);

	r = r > 0 ? pkgdb_open(g->index, 0, NULL, node.ino, text, g->err) : r;
	while (r > 0 && dpkg->count < DIVERSIONS_MAX) {
		struct diversion *diversion;

		if (!grow_array(&dpkg->diversions, dpkg->count, &dpkg->room, sizeof(*diversion))) {
			return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
		}
		diversion = &dpkg->diversions[dpkg->count++];
		*diversion = (struct diversion){0};
		if (!copy_line(text, &diversion->from)) {
			dpkg->count--;
			break;
		}
		if (!copy_line(text, &diversion->to) || !copy_line(text, &diversion->package)) {
			free(diversion->from);
			free(diversion->to);
			dpkg->count--;
			r = pkgdb_problem_at(g, dpkg->database, "diversions", text->line,
				"not three lines a diversion");
			break;
		}
	}
	if (dpkg->count > 0) {
		qsort(dpkg->diversions, dpkg->count, sizeof(*dpkg->diversions), compare_diversions);
	}
	return r < 0 ? r : pkgdb_check_text(g, dpkg->database, "diversions", text);
}

/* Where a package's file of that name is; the package that diverts keeps the name for its own. */
static void divert(const struct dpkg *dpkg, const char *package, const char **path, size_t *len)
{
	char from[PEEL_PATH_MAX + 1];
	const struct diversion wanted = {.from = from};
	const struct diversion *found;

	if (dpkg->count == 0 || *len > PEEL_PATH_MAX) {
		return;
	}
	memcpy(from, *path, *len);
	from[*len] = '\0';
	found = bsearch(&wanted, dpkg->diversions, dpkg->count, sizeof(wanted), compare_diversions);
	if (found && strcmp(found->package, package) != 0) {
		*path = found->to;
		*len = strlen(found->to);
	}
}

/* Claim what a list names. @param prefix bytes of a line before the path. */
static int read_list(struct dpkg *dpkg, uint64_t ino, const char *name, size_t prefix,
	const char *package, uint32_t ticket)
{
	struct pkgdb_gather *g = dpkg->g;
	struct pkgdb_text *text = &g->beside;
	const char *line;
	size_t len;
	int r = pkgdb_open(g->index, 0, NULL, ino, text, g->err);

	if (r <= 0) {
		return r < 0 ? r : pkgdb_problem_at(g, dpkg->database, name, 0, "not a file");
	}
	r = 0;
	while (r == 0 && pkgdb_line(text, &line, &len)) {
		if (len <= prefix || (prefix && memchr(line, ' ', prefix) != line + prefix - 2)) {
			r = len == 0 ? 0
				     : pkgdb_problem_at(g, dpkg->database, name, text->line,
					       "not a checksum and a path");
			continue;
		}
		line += prefix;
		len -= prefix;
		if (prefix == 0) {
			divert(dpkg, package, &line, &len);
		} else if (len > 2 && memcmp(line, "./", 2) == 0) {
			line += 2;
			len -= 2;
		}
		r = pkgdb_claim_path(g, dpkg->database, &dpkg->root, dpkg->root.ino, line, len,
			ticket);
	}
	return r < 0 ? r : pkgdb_check_text(g, dpkg->database, name, text);
}

/* Names that a package's list may have, the best first. */
static const struct {
	const char *suffix;
	size_t prefix;
	bool with_arch;
} list_names[] = {
	{".list", 0, true},
	{".list", 0, false},
	{".md5sums", PKGDB_MD5_PREFIX, true},
	{".md5sums", PKGDB_MD5_PREFIX, false},
};

static int claim_files(struct dpkg *dpkg, const struct pkgdb_paragraph *paragraph, uint32_t ticket)
{
	for (size_t i = 0; dpkg->info && i < countof(list_names); i++) {
		char name[3 * PKGDB_NAME_MAX];
		struct peel_node node;
		int r;

		snprintf(name, sizeof(name), "info/%s%s%s%s", paragraph->name,
			list_names[i].with_arch ? ":" : "",
			list_names[i].with_arch ? paragraph->arch : "", list_names[i].suffix);
		r = pkgdb_lookup(dpkg->g, dpkg->info, name + strlen("info/"),
			strlen(name) - strlen("info/"), &node);
		if (r != 0) {
			return r < 0 ? r
				     : read_list(dpkg, node.ino, name, list_names[i].prefix,
					       paragraph->name, ticket);
		}
	}
	if (dpkg->unlisted++ == 0) {
		pkgdb_copy(dpkg->first_unlisted, paragraph->name, strlen(paragraph->name));
	}
	return 0;
}

static struct pkgdb_record record_of(const struct pkgdb_paragraph *paragraph, const char *db,
	const char *record)
{
	return (struct pkgdb_record){
		.db = db,
		.name = paragraph->name,
		.version = paragraph->version,
		.arch = paragraph->arch,
		.source = paragraph->source,
		.record = record,
		.layer = -1,
		.claimed = paragraph->claimed,
	};
}

static int read_status(struct dpkg *dpkg, uint64_t ino)
{
	struct pkgdb_gather *g = dpkg->g;
	cleanup_free char *path = NULL;
	struct pkgdb_paragraph paragraph;
	struct pkgdb_record record;
	uint32_t ticket;
	int r = pkgdb_open(g->index, 0, NULL, ino, &g->text, g->err);

	if (r > 0 && asprintf(&path, "%s/status", dpkg->path) < 0) {
		path = NULL;
		return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
	}
	while (r > 0 && pkgdb_paragraph(&g->text, &paragraph)) {
		if (paragraph.bad_line || !paragraph.name[0] || !paragraph.has_status) {
			r = pkgdb_problem_at(g, dpkg->database, "status",
				paragraph.bad_line ? paragraph.bad_line : paragraph.line,
				paragraph.bad_line ? "neither a field nor its continuation"
						   : "a paragraph without Package or Status");
		}
		record = record_of(&paragraph, "dpkg", path);
		if (r >= 0 && paragraph.name[0] && paragraph.installed) {
			r = pkgdb_add(g, dpkg->database, &record, PKGDB_RANK_SYSTEM,
				dpkg->root.path[0] != '\0', &ticket);
			r = r == 0 ? claim_files(dpkg, &paragraph, ticket) : r;
		}
		r = r < 0 ? r : 1;
	}
	return r < 0 ? r : pkgdb_check_text(g, dpkg->database, "status", &g->text);
}

/* A paragraph of status.d; md5sums beside it are its list. */
static int take_status_d(struct pkgdb_gather *g, void *arg, const struct pkgdb_entry *entry)
{
	struct dpkg *dpkg = arg;
	cleanup_free char *path = NULL;
	char name[PEEL_NAME_MAX + sizeof("status.d/.md5sums")];
	struct pkgdb_paragraph paragraph;
	struct pkgdb_record record;
	struct peel_node sums;
	uint32_t ticket;
	int r;

	if (!S_ISREG(entry->node.mode) || pkgdb_ends(entry->name, entry->name_len, ".md5sums")) {
		return 0;
	}
	snprintf(name, sizeof(name), "status.d/%s", entry->name);
	r = pkgdb_open(g->index, 0, NULL, entry->node.ino, &g->text, g->err);
	if (r <= 0) {
		return r;
	}
	if (!pkgdb_paragraph(&g->text, &paragraph) || !paragraph.name[0] || paragraph.bad_line) {
		return g->text.code < 0
			? pkgdb_check_text(g, dpkg->database, name, &g->text)
			: pkgdb_problem_at(g, dpkg->database, name, 0, "no paragraph of a package");
	}
	if (paragraph.has_status && !paragraph.installed) {
		return 0;
	}
	if (asprintf(&path, "%s/%s", dpkg->path, name) < 0) {
		path = NULL;
		return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
	}
	record = record_of(&paragraph, "status.d", path);
	r = pkgdb_add(g, dpkg->database, &record, PKGDB_RANK_SYSTEM, dpkg->root.path[0] != '\0',
		&ticket);
	strcat(name, ".md5sums");
	r = r < 0 ? r
		  : pkgdb_lookup(g, entry->folder, name + strlen("status.d/"),
			    strlen(name) - strlen("status.d/"), &sums);
	return r > 0 ? read_list(dpkg, sums.ino, name, PKGDB_MD5_PREFIX, "", ticket) : r;
}

static int read_status_d(struct dpkg *dpkg, uint64_t folder)
{
	cleanup_free char *path = NULL;
	int r;

	if (asprintf(&path, "%s/status.d", dpkg->path) < 0) {
		path = NULL;
		return peel_fail(dpkg->g->err, PEEL_ENOMEM, "out of memory");
	}
	r = pkgdb_found(dpkg->g, path, "status.d", &dpkg->database);
	return r < 0 ? r : pkgdb_list(dpkg->g, folder, dpkg->folder, take_status_d, dpkg);
}

/* status and info/: what dpkg itself keeps. @param has_status_d whether there is another form, too. */
static int read_packages(struct dpkg *dpkg, bool has_status_d)
{
	struct pkgdb_gather *g = dpkg->g;
	struct peel_node node;
	int has_status;
	int r = pkgdb_lookup(g, dpkg->folder, "info", strlen("info"), &node);

	dpkg->info = r > 0 && S_ISDIR(node.mode) ? node.ino : 0;
	has_status = r < 0 ? r : pkgdb_lookup(g, dpkg->folder, "status", strlen("status"), &node);
	if (has_status < 0 || (has_status == 0 && (!dpkg->info || has_status_d))) {
		return has_status;
	}
	r = pkgdb_found(g, dpkg->path, "dpkg", &dpkg->database);
	if (r == 0 && (!has_status || !S_ISREG(node.mode))) {
		return pkgdb_problem(g, dpkg->database,
			"status: not there; which packages are installed is not known");
	}
	r = r == 0 ? read_diversions(dpkg) : r;
	r = r == 0 ? read_status(dpkg, node.ino) : r;
	if (r == 0 && dpkg->unlisted > 0) {
		return pkgdb_problem(g, dpkg->database,
			"info: no list of files for %zu packages, %s the first", dpkg->unlisted,
			dpkg->first_unlisted);
	}
	return r;
}

int pkgdb_dpkg_folder(struct pkgdb_gather *g, const char *path, uint64_t folder)
{
	cleanup(dpkg_finish) struct dpkg dpkg = {.g = g, .path = path, .folder = folder};
	cleanup_free char *root = NULL;
	struct peel_node status_d;
	int has_status_d;
	int r;

	if (strlen(path) < strlen(SUFFIX) ||
		strcmp(path + strlen(path) - strlen(SUFFIX), SUFFIX) != 0) {
		return 0;
	}
	r = pkgdb_set_root(g, path, strlen(path) - strlen(SUFFIX), &dpkg.root, &root);
	if (r <= 0) {
		return r;
	}
	has_status_d = pkgdb_lookup(g, folder, "status.d", strlen("status.d"), &status_d);
	if (has_status_d < 0) {
		return has_status_d;
	}
	if (has_status_d > 0 && S_ISDIR(status_d.mode)) {
		r = read_status_d(&dpkg, status_d.ino);
	}
	return r < 0 ? r : read_packages(&dpkg, has_status_d > 0);
}

int pkgdb_dpkg_each(struct pkgdb_text *text, pkgdb_seen_fn *seen, void *arg)
{
	struct pkgdb_paragraph paragraph;
	int r = 0;

	while (r == 0 && pkgdb_paragraph(text, &paragraph)) {
		const struct pkgdb_record record = record_of(&paragraph, "dpkg", "");

		r = paragraph.installed ? seen(arg, &record) : 0;
	}
	return r;
}
