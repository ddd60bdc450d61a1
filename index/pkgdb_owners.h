/* SPDX-License-Identifier: Apache-2.0 */
/**
 * All package databases of the merged tree, and which package owns which file.
 *
 * Order of strength: a path that a database lists; a folder that is a package's; bytecode of an owned source; what an
 * alternative or a maintainer script is known to make; what the file says of itself.
 *
 * Where two packages list the same file with equal strength: the system's (dpkg, apk, rpm) before what pip put there,
 * before conda's, before any other; then the first by db, name, version, arch. dpkg, apk and rpm themselves take a
 * path off the list of the package that lost it, so that with them this is the last that was installed, or files that
 * several packages share on purpose.
 *
 * Databases of root filesystems that lie inside the image (/opt/rootfs/var/lib/dpkg) are read too: their packages own
 * files below that root, and record says where they come from.
 */
#ifndef PKGDB_OWNERS_H
#define PKGDB_OWNERS_H

#include <stdbool.h>
#include <stdint.h>

#include <peel/facts.h>

struct peel_error;
struct peel_index;

/** Most packages of an image, and paths that databases list; beyond them a database has a problem ("limit"). */
#define PKGDB_PACKAGES_MAX 200000
#define PKGDB_PATHS_MAX 20000000

/** A package as a database has it; raw bytes, NUL-terminated, "" unknown; valid during the call. */
struct pkgdb_record {
	const char *db, *name, *version, *arch, *source;
	/** Canonical path of the file that says so. */
	const char *record;
	/** First layer whose database has it in this version; -1 not known. */
	int layer;
	int64_t claimed;
};

/** What struct pkgdb_sink.same may answer. */
#define PKGDB_UNKNOWN 2

/** Takes what is found. All return 0, or less than 0 to stop. */
struct pkgdb_sink {
	/** A database, whether it can be read ("") or not (why, with image bytes as they are). */
	int (*database)(void *arg, const char *path, const char *db, const char *problem,
		struct peel_error *err);
	/** A package; packages come with ids from 1 in order of db, name, version, arch. */
	int (*package)(void *arg, uint32_t id, const struct pkgdb_record *record,
		struct peel_error *err);
	/** The owner of a file: its number in the merged view, at most once each, after all packages. */
	int (*owner)(void *arg, uint64_t ino, uint32_t package, enum peel_claim claim,
		struct peel_error *err);
	/** Gives the programs that were made by Go or Rust, one a call: 1, 0 at the end. NULL: none are known. */
	int (*program)(void *arg, uint64_t *ret_ino, unsigned *ret_elf_flags,
		struct peel_error *err);
	/**
	 * Are the contents of two files, by their numbers in whatever view, known to be the same? 1; 0 they are
	 * known to differ; PKGDB_UNKNOWN. NULL: of no files.
	 */
	int (*same)(void *arg, uint64_t a, uint64_t b, struct peel_error *err);
	void *arg;
};

/**
 * Read all databases. Damaged databases are no failure.
 * @return 0; PEEL_ENOMEM, PEEL_EINTERNAL, PEEL_ECHANGED (the image file), PEEL_EFORMAT (the index itself is damaged),
 *   what the sink returned.
 */
int pkgdb_owners(struct peel_index *index, const struct pkgdb_sink *sink, struct peel_error *err);

#endif
