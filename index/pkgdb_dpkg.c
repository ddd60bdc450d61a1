/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dpkg keeps one list of paths a package (info/PACKAGE.list, info/PACKAGE:ARCH.list) and one file
 * with what is installed (status). Distroless images have status.d/PACKAGE and
 * status.d/PACKAGE.md5sums instead. There is no index from paths to packages, so all lists are read
 * until one has the path; dpkg -S does the same.
 */
#include "pkgdb.h"

#include <stdint.h>
#include <string.h>

#include <peel/error.h>
#include <peel/query.h>

#include "pkgdb_dpkg.h"
#include "util.h"

#define INFO "/var/lib/dpkg/info"
#define STATUS "/var/lib/dpkg/status"
#define STATUS_D "/var/lib/dpkg/status.d"

/* The search through the lists of a folder. */
struct search {
	struct peel_index *index;
	const struct pkgdb_path *path;
	const char *folder;
	const char *suffix;
	/* Bytes of a line before the path. */
	size_t prefix;
	int lists;
	struct pkgdb_text text;
	bool found;
	char name[PEEL_NAME_MAX + 1];
	int code;
	struct peel_error *err;
};

static bool list_has(struct search *search, struct pkgdb_text *text)
{
	const char *line;
	size_t len;

	while (pkgdb_line(text, &line, &len)) {
		if (len > search->prefix &&
			pkgdb_path_is(search->path, line + search->prefix, len - search->prefix)) {
			return true;
		}
	}
	return false;
}

static int take_list(void *arg, const struct peel_dirent *entry)
{
	struct search *search = arg;
	const size_t suffix_len = strlen(search->suffix);
	size_t len = entry->name_len;

	if (len <= suffix_len ||
		memcmp((const char *)entry->name + len - suffix_len, search->suffix, suffix_len) !=
			0) {
		return 0;
	}
	if (++search->lists > PKGDB_LISTS_MAX) {
		pkgdb_unread(search->path, search->folder, PEEL_ELIMIT, NULL);
		return 1;
	}
	search->code = pkgdb_open(search->index, search->path->view, NULL, entry->node.ino,
		&search->text, search->err);
	if (search->code > 0 && list_has(search, &search->text)) {
		memcpy(search->name, entry->name, len - suffix_len);
		search->name[len - suffix_len] = '\0';
		search->found = true;
	} else if (search->code >= 0) {
		search->code = pkgdb_unread(search->path, search->folder, search->text.code,
			search->err);
	}
	return search->code < 0 || search->found;
}

/* Look through the lists of a folder. @return 1 found, 0 not, PEEL_ENOMEM. */
static int search_folder(struct search *search, const char *folder)
{
	struct peel_node node;
	int r = peel_resolve(search->index, search->path->view, 0, folder, strlen(folder), true,
		&node, NULL, NULL);

	search->folder = folder;
	r = r < 0 ? r : peel_list(search->index, node.ino, 0, take_list, search, NULL);
	if (r < 0) {
		return pkgdb_unread(search->path, folder, r, search->err);
	}
	return search->code < 0 ? search->code : search->found;
}

/* The version of a package by the name of its list, "NAME" or "NAME:ARCH". */
static int find_version(struct search *search, struct pkgdb_package *package)
{
	const char *colon = strchr(search->name, ':');
	struct pkgdb_paragraph paragraph;
	int r;

	pkgdb_copy(package->name, search->name,
		colon ? (size_t)(colon - search->name) : strlen(search->name));
	r = pkgdb_open(search->index, search->path->view, STATUS, 0, &search->text, search->err);
	while (r > 0 && pkgdb_paragraph(&search->text, &paragraph)) {
		if (strcmp(paragraph.name, package->name) == 0 && paragraph.installed &&
			(!colon || strcmp(paragraph.arch, colon + 1) == 0)) {
			strcpy(package->version, paragraph.version);
			return 1;
		}
	}
	r = r < 0 ? r : pkgdb_unread(search->path, STATUS, search->text.code, search->err);
	return r < 0 ? r : 1;
}

/* The same for the form that distroless images have: a file with one paragraph beside the list. */
static int find_distroless(struct search *search, struct pkgdb_package *package)
{
	char path[sizeof(STATUS_D) + PEEL_NAME_MAX + 2] = STATUS_D "/";
	struct pkgdb_paragraph paragraph;
	int r;

	strcat(path, search->name);
	pkgdb_copy(package->name, search->name, strlen(search->name));
	r = pkgdb_open(search->index, search->path->view, path, 0, &search->text, search->err);
	if (r > 0 && pkgdb_paragraph(&search->text, &paragraph) && paragraph.name[0]) {
		strcpy(package->name, paragraph.name);
		strcpy(package->version, paragraph.version);
	}
	r = r < 0 ? r : pkgdb_unread(search->path, path, search->text.code, search->err);
	return r < 0 ? r : 1;
}

static void search_finish(struct search *search)
{
	pkgdb_text_finish(&search->text);
}

/* Lists of dpkg have a slash before the path, those of checksums a checksum. */
int pkgdb_dpkg_owner(struct peel_index *index, const struct pkgdb_path *path,
	struct pkgdb_package *ret_package, struct peel_error *err)
{
	cleanup(search_finish) struct search lists = {
		.index = index, .path = path, .suffix = ".list", .prefix = 1, .err = err};
	cleanup(search_finish) struct search sums = {.index = index,
		.path = path,
		.suffix = ".md5sums",
		.prefix = PKGDB_MD5_PREFIX,
		.err = err};
	int r = search_folder(&lists, INFO);

	if (r > 0) {
		return find_version(&lists, ret_package);
	}
	r = r == 0 ? search_folder(&sums, STATUS_D) : r;
	return r > 0 ? find_distroless(&sums, ret_package) : r;
}
