/* SPDX-License-Identifier: Apache-2.0 */
#include "pkgdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>
#include <peel/query.h>

#include "util.h"

/* Links that choose one of several programs; no package lists them. */
#define ALTERNATIVES "/etc/alternatives/"

/* Folders of the root that may be links into /usr; packages may still name files by them. */
static const char *const merged_folders[] = {"bin", "lib", "lib32", "lib64", "libx32", "sbin"};

static int (*const databases[])(struct peel_index *index, const struct pkgdb_path *path,
	struct pkgdb_package *ret_package, struct peel_error *err) = {
	pkgdb_dpkg_owner,
	pkgdb_apk_owner,
};

bool pkgdb_path_is(const struct pkgdb_path *path, const char *bytes, size_t len)
{
	for (size_t i = 0; i < path->count; i++) {
		if (strlen(path->spellings[i]) == len &&
			memcmp(path->spellings[i], bytes, len) == 0) {
			return true;
		}
	}
	return false;
}

/* "/usr/lib/x" is "lib/x" too, where /lib leads to /usr/lib. @return the shorter one, or NULL. */
static const char *merged_spelling(struct peel_index *index, const char *path)
{
	static const char usr[] = "usr/";
	const char *rest = path + strlen(usr);

	if (strncmp(path, usr, strlen(usr)) != 0) {
		return NULL;
	}
	for (size_t i = 0; i < countof(merged_folders); i++) {
		const size_t len = strlen(merged_folders[i]);
		cleanup_free char *canonical = NULL;
		struct peel_node node;

		if (strncmp(rest, merged_folders[i], len) != 0 || rest[len] != '/') {
			continue;
		}
		if (peel_resolve(index, PEEL_VIEW_MERGED, 0, merged_folders[i], len, true, &node,
			    &canonical, NULL) == 0 &&
			strncmp(canonical + 1, path, strlen(usr) + len) == 0 &&
			strlen(canonical + 1) == strlen(usr) + len) {
			return rest;
		}
	}
	return NULL;
}

/* What an alternative leads to in the merged tree; NULL where a path is none. */
static int alternative_target(struct peel_index *index, const char *path, char **ret_target)
{
	cleanup_free char *link = NULL;
	struct peel_node node;
	size_t len;

	*ret_target = NULL;
	if (peel_resolve(index, PEEL_VIEW_MERGED, 0, path, strlen(path), false, &node, NULL, NULL) <
			0 ||
		!S_ISLNK(node.mode)) {
		return 0;
	}
	if (peel_readlink(index, node.ino, &link, &len, NULL) < 0 ||
		(strncmp(link, ALTERNATIVES, strlen(ALTERNATIVES)) != 0 &&
			strncmp(path, ALTERNATIVES, strlen(ALTERNATIVES)) != 0)) {
		return 0;
	}
	return peel_resolve(index, PEEL_VIEW_MERGED, 0, path, strlen(path), true, &node, ret_target,
		       NULL) == PEEL_ENOMEM
		? PEEL_ENOMEM
		: 0;
}

int pkgdb_unread(const struct pkgdb_path *path, const char *file, int code, struct peel_error *err)
{
	if (code == PEEL_ENOMEM) {
		return peel_fail(err, code, "out of memory");
	}
	if (code < 0 && code != PEEL_ENOENT && code != PEEL_ENOTDIR && code != PEEL_ELOOP) {
		snprintf(path->unread, PEEL_MESSAGE_SIZE, "the package database %s: %s", file,
			peel_strerror(code));
	}
	return 0;
}

/* Ask all databases for a path. @return 1 owned, 0 not, PEEL_ENOMEM. */
static int ask(struct peel_index *index, int view, const char *path,
	struct pkgdb_package *ret_package, char *unread, struct peel_error *err)
{
	struct pkgdb_path spelled = {
		.spellings = {path + (path[0] == '/')}, .count = 1, .view = view, .unread = unread};
	int r = 0;

	spelled.spellings[1] = merged_spelling(index, spelled.spellings[0]);
	spelled.count += spelled.spellings[1] != NULL;
	for (size_t i = 0; r == 0 && i < countof(databases); i++) {
		r = databases[i](index, &spelled, ret_package, err);
	}
	return r;
}

int pkgdb_owner(struct peel_index *index, int view, const char *path, char **ret_owner,
	char *ret_unread, struct peel_error *err)
{
	struct pkgdb_package package = {0};
	cleanup_free char *target = NULL;
	int r;

	*ret_unread = '\0';
	*ret_owner = NULL;
	r = ask(index, view, path, &package, ret_unread, err);
	if (r == 0) {
		r = alternative_target(index, path, &target);
		r = r < 0        ? peel_fail(err, r, "out of memory")
			: target ? ask(index, view, target, &package, ret_unread, err)
				 : 0;
	}
	if (r <= 0) {
		return r;
	}
	if (asprintf(ret_owner, "%s%s%s", package.name, package.version[0] ? " " : "",
		    package.version) < 0) {
		*ret_owner = NULL;
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	return 0;
}
