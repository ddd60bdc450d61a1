/* SPDX-License-Identifier: Apache-2.0 */
/** What Python's wheels and eggs have in common. */
#ifndef PKGDB_PYTHON_H
#define PKGDB_PYTHON_H

#include "pkgdb_control.h"
#include "pkgdb_gather.h"

/** A package of Python while its record is read. */
struct pkgdb_python {
	/** Folder that its modules lie in, and the database that it is. */
	uint64_t site;
	size_t database;
	struct pkgdb_paragraph head;
	/** Number of the file with name and version; 0: there is none. */
	uint64_t record;
	uint32_t ticket;
};

/**
 * Read name and version out of a file of a folder; where that is not there or names nothing, out of the folder's name.
 * @param folder of the file; 0: entry is the file itself. @param suffix of the entry's name.
 * @return 0, or less than 0.
 */
int pkgdb_python_head(struct pkgdb_gather *g, struct pkgdb_python *python,
	const struct pkgdb_entry *entry, uint64_t folder, const char *file, const char *suffix);

/** Add the package. @param path canonical, of the file that says so. @return 0, or less than 0. */
int pkgdb_python_add(struct pkgdb_gather *g, struct pkgdb_python *python, const char *db,
	const char *path, enum pkgdb_rank rank);

/**
 * Note the modules of a package that has no list of files: those that top_level.txt names, or the one of its own name.
 * @param info folder with top_level.txt, 0: none. @return 0, or less than 0.
 */
int pkgdb_python_modules(struct pkgdb_gather *g, const struct pkgdb_python *python, uint64_t info);

#endif
