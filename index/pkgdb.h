/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Package databases of an image: which package a path belongs to. Databases are read where the
 * merged tree has them (dpkg and its distroless form, apk), each time anew: one path is asked for,
 * not all.
 *
 * A database is the image's own word. One that is missing or damaged owns nothing; of one that cannot be read that is
 * not known.
 */
#ifndef PKGDB_H
#define PKGDB_H

#include <stdbool.h>
#include <stddef.h>

#include "pkgdb_control.h"

struct peel_error;
struct peel_index;

/** Most file lists of a database. */
#define PKGDB_LISTS_MAX 100000
/** Ways to spell a path: its own, and one through /bin or the like. */
#define PKGDB_SPELLINGS 2

/** A path as databases may spell it, without the slash before it. */
struct pkgdb_path {
	const char *spellings[PKGDB_SPELLINGS];
	size_t count;
	/** Where databases are looked for: PEEL_VIEW_MERGED or a layer. */
	int view;
	/** PEEL_MESSAGE_SIZE bytes for why a database could not be read; "": none was met. */
	char *unread;
};

/** A package's name and version; "" where not known. */
struct pkgdb_package {
	char name[PKGDB_NAME_MAX + 1];
	char version[PKGDB_NAME_MAX + 1];
};

/**
 * The package that owns a path; of an alternative, that owns what it leads to.
 * @param view whose databases are asked. @param path canonical, "/usr/bin/git".
 * @param ret_owner "git 1:2.39.5-0", NUL-terminated, image bytes, the caller frees; NULL where no package owns it.
 * @param ret_unread PEEL_MESSAGE_SIZE bytes: why the owner, or its version, may be another; "" where it is certain.
 * @return 0; PEEL_ENOMEM.
 */
int pkgdb_owner(struct peel_index *index, int view, const char *path, char **ret_owner,
	char *ret_unread, struct peel_error *err);

/** One kind of database. @return 1 owned, 0 not, PEEL_ENOMEM. */
int pkgdb_dpkg_owner(struct peel_index *index, const struct pkgdb_path *path,
	struct pkgdb_package *ret_package, struct peel_error *err);
/** @return as pkgdb_dpkg_owner. */
int pkgdb_apk_owner(struct peel_index *index, const struct pkgdb_path *path,
	struct pkgdb_package *ret_package, struct peel_error *err);

/**
 * Note that a file of a database, or a folder of such, could not be read.
 * @return 0; code where it is PEEL_ENOMEM, which ends the search.
 */
int pkgdb_unread(const struct pkgdb_path *path, const char *file, int code, struct peel_error *err);

/** True where len bytes are one of the path's spellings. */
bool pkgdb_path_is(const struct pkgdb_path *path, const char *bytes, size_t len);

#endif
