/* SPDX-License-Identifier: Apache-2.0 */
/**
 * rpm's databases: SQLite's (rpmdb.sqlite), ndb (Packages.db), and the list that a distroless Mariner has. Berkeley
 * DB's (Packages) is named and not read.
 */
#ifndef PKGDB_RPM_H
#define PKGDB_RPM_H

#include <stddef.h>
#include <stdint.h>

#include "pkgdb_control.h"
#include "pkgdb_dpkg.h"
#include "pkgdb_gather.h"

/** Largest header of a package, bytes; a kernel with all its modules has some 2 MiB. */
#define PKGDB_RPM_HEADER_MAX (64u << 20)

/** Databases in a folder "…/var/lib/rpm" or the like of the merged tree. @return as g's. */
int pkgdb_rpm_folder(struct pkgdb_gather *g, const char *path, uint64_t folder);

/** The packages of a database that is open, whatever its format. @return 0, or what the callback returned. */
int pkgdb_rpm_each(struct pkgdb_text *text, pkgdb_seen_fn *seen, void *arg);

/** Take the header of a package; nonzero stops. */
typedef int pkgdb_blob_fn(void *arg, const void *bytes, size_t len);

/** A reader of one format. @param ret_what what is wrong, a static text. @return 0 (also where *ret_what is set),
 *  PEEL_ENOMEM, or what the callback returned. */
typedef int pkgdb_blobs_fn(struct peel_index *index, uint64_t ino, uint64_t size,
	pkgdb_blob_fn *each, void *arg, const char **ret_what);

/** Headers in a database of SQLite. */
pkgdb_blobs_fn pkgdb_rpm_sqlite;
/** Headers in an ndb. */
pkgdb_blobs_fn pkgdb_rpm_ndb;

/** A header that was taken apart; pointers lead into it. */
struct pkgdb_rpm_header {
	const char *name, *version, *release, *arch, *source;
	/** "" or "EPOCH:", and version-release. */
	char evr[PKGDB_NAME_MAX + 1];
	int64_t claimed;
	/** Arrays of files: so many names, each with the number of its folder, mode and state. NULL: there is none. */
	uint32_t file_count, folder_count;
	const char *names, *folders;
	const uint8_t *folder_numbers, *modes, *states;
	/** Behind the last byte. */
	const char *end;
};

/** Take a header apart. @return true; false where it lies about itself. */
bool pkgdb_rpm_header_read(const void *bytes, size_t len, struct pkgdb_rpm_header *ret_header);

/** Take a path of a package, not NUL-terminated; nonzero stops. */
typedef int pkgdb_rpm_path_fn(void *arg, const char *path, size_t len);

/**
 * Paths of the regular files that a package has installed: not those that another package took over, or that were left
 * out. @return 0; PEEL_EFORMAT (it lies about its files), PEEL_ENOMEM, or what the callback returned.
 */
int pkgdb_rpm_header_paths(const struct pkgdb_rpm_header *header, pkgdb_rpm_path_fn *each,
	void *arg);

/** What a package of rpm is in a table of packages. @param path of the database. */
struct pkgdb_record pkgdb_rpm_record(const struct pkgdb_rpm_header *header, const char *path);

#endif
