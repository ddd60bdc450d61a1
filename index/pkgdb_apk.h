/* SPDX-License-Identifier: Apache-2.0 */
/** apk's database, for both questions: who owns one path (pkgdb.h), and what each package owns. */
#ifndef PKGDB_APK_H
#define PKGDB_APK_H

#include "pkgdb_control.h"
#include "pkgdb_dpkg.h"

/** What a reader came to. */
enum pkgdb_apk_event {
	PKGDB_APK_END,
	/** A file: folder and name. */
	PKGDB_APK_FILE,
	/** A package's paragraph ends here. */
	PKGDB_APK_PACKAGE,
	/** A line that is no field, or of a kind that apk says must be understood, and is not. */
	PKGDB_APK_DAMAGE,
};

/** A package's paragraph while it is read. {.text = …} begins. */
struct pkgdb_apk {
	struct pkgdb_text *text;
	/** Of the package; origin as in its line o. claimed -1: not said. */
	char name[PKGDB_NAME_MAX + 1];
	char version[PKGDB_NAME_MAX + 1];
	char arch[PKGDB_NAME_MAX + 1];
	char origin[PKGDB_NAME_MAX + 1];
	int64_t claimed;
	/** Path of the last file, without a slash before it; valid until the next event. */
	char path[2 * (4u << 10)];
	size_t folder_len, path_len;
	/** A paragraph has begun. */
	bool open;
};

/** Read on. @return the next event. */
enum pkgdb_apk_event pkgdb_apk_next(struct pkgdb_apk *apk);

/** A database in a folder "…/lib/apk/db" of the merged tree. @return as g's. */
int pkgdb_apk_folder(struct pkgdb_gather *g, const char *path, uint64_t folder);

/** The packages of a database that is open. @return 0, or what the callback returned. */
int pkgdb_apk_each(struct pkgdb_text *text, pkgdb_seen_fn *seen, void *arg);

#endif
