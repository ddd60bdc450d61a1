/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the readers of package databases share while all of them are read: the packages, who claims which file, and
 * what is wrong with a database. A reader is called with a folder or a file that the walk over the merged tree came
 * by; what is damaged is a problem of its database, never a failure.
 *
 * All functions that can fail return 0; PEEL_ENOMEM, PEEL_EINTERNAL, PEEL_ECHANGED, PEEL_EFORMAT (the index itself is
 * damaged), with g->err set.
 */
#ifndef PKGDB_GATHER_H
#define PKGDB_GATHER_H

#include <peel/query.h>

#include "pkgdb_claims.h"
#include "pkgdb_roster.h"
#include "pkgdb_text.h"

/** Most databases, and longest text about what is wrong with one. */
#define PKGDB_DATABASES_MAX 100000
#define PKGDB_PROBLEM_MAX 255

/** A database as it was found. */
struct pkgdb_database {
	const char *path;
	const char *db;
	/** "": none. */
	const char *problem;
};

struct pkgdb_finder;

/** A file of bytecode, and the source that it was made of. */
struct pkgdb_pair {
	uint64_t made, source;
};

/** A folder whose files are a package's if nobody lists the file that says so. */
struct pkgdb_late {
	uint64_t folder, record;
	uint32_t ticket;
};

/** A folder of conda's cache, and its index.json, which lies in its folder info. */
struct pkgdb_cached {
	uint64_t pkgs, folder, info, index;
	/** Of the folder. */
	const char *name;
};

/** The state of pkgdb_owners. */
struct pkgdb_gather {
	struct peel_index *index;
	const struct pkgdb_sink *sink;
	struct peel_error *err;
	struct pkgdb_roster roster;
	/** Of files, and of folders whose files are a package's. */
	struct pkgdb_claims files, folders;
	/** Programs made by Go and Rust that the walk has not come by yet; package is a set of enum facts_elf_flag. */
	struct pkgdb_claims programs;
	struct pkgdb_finder *finder;
	struct pkgdb_database *databases;
	size_t database_count, database_room;
	struct pkgdb_pair *pairs;
	size_t pair_count, pair_room;
	struct pkgdb_late *lates;
	size_t late_count, late_room;
	struct pkgdb_cached *cached;
	size_t cached_count, cached_room;
	/** Paths that were listed until now. */
	uint64_t paths;
	/** Windows that readers use in turn: of a database, and of what lies beside it. */
	struct pkgdb_text text, beside;
};

/** A root filesystem, the image's own or one that lies in it. */
struct pkgdb_root {
	uint64_t ino;
	/** Canonical, "" for the image's own. */
	const char *path;
};

/** An entry of a folder, and the folder. */
struct pkgdb_entry {
	uint64_t folder;
	/** Of the folder; the root's is itself. */
	uint64_t parent;
	struct peel_node node;
	size_t name_len;
	char name[PEEL_NAME_MAX + 1];
};

/**
 * A database was found; the same path again is the same, or is told once in the end.
 * @param path canonical. @param ret_number for the calls below.
 */
int pkgdb_found(struct pkgdb_gather *g, const char *path, const char *db, size_t *ret_number);

/** Say what is wrong with a database, in printf's form; image bytes in it are raw. What is said first stays. */
int pkgdb_problem(struct pkgdb_gather *g, size_t database, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** The same about a file of it that was being read: "NAME:LINE: what". */
int pkgdb_problem_at(struct pkgdb_gather *g, size_t database, const char *name, unsigned long line,
	const char *what);

/** The same where reading a file ended early; nothing where it did not. */
int pkgdb_check_text(struct pkgdb_gather *g, size_t database, const char *name,
	const struct pkgdb_text *text);

/** Add a package. @param ret_ticket 0 where there are too many: a problem of the database. */
int pkgdb_add(struct pkgdb_gather *g, size_t database, const struct pkgdb_record *record,
	enum pkgdb_rank rank, bool inner, uint32_t *ret_ticket);

/** Claim a node for a package; the stronger claim stays, of two equal ones that of pkgdb_roster_before. */
int pkgdb_claim(struct pkgdb_gather *g, uint64_t ino, uint32_t ticket, enum peel_claim how);

/** All files below a folder are a package's, but for nested packages; the walk claims them when it comes by. */
int pkgdb_claim_folder(struct pkgdb_gather *g, uint64_t folder, uint32_t ticket);

/**
 * Claim a path that a package lists; what is no regular file, or not there, is claimed by nobody.
 * @param base folder that relative paths begin at; absolute ones begin at the root.
 */
int pkgdb_claim_path(struct pkgdb_gather *g, size_t database, const struct pkgdb_root *root,
	uint64_t base, const char *path, size_t len, uint32_t ticket);

/** Note a folder for pkgdb_claim_lates. @param record file that says that the folder is the package's. */
int pkgdb_late(struct pkgdb_gather *g, uint64_t folder, uint64_t record, uint32_t ticket);

/**
 * The root filesystem at the first bytes of a canonical path, none: the image's own.
 * @param ret_path what ret_root borrows, the caller frees. @return 1; 0 there is no such folder; or less than 0.
 */
int pkgdb_set_root(struct pkgdb_gather *g, const char *path, size_t len,
	struct pkgdb_root *ret_root, char **ret_path);

/** Claim all regular files below a folder. */
int pkgdb_claim_tree(struct pkgdb_gather *g, uint64_t folder, uint32_t ticket, enum peel_claim how);

/** Look up a name in a folder. @return 1 and the node, 0 there is none, or less than 0. */
int pkgdb_lookup(struct pkgdb_gather *g, uint64_t folder, const char *name, size_t len,
	struct peel_node *ret_node);

/** Resolve a path from a folder, links followed. @return as pkgdb_lookup. */
int pkgdb_resolve(struct pkgdb_gather *g, uint64_t base, const char *path, size_t len,
	struct peel_node *ret_node);

/** Canonical path of a folder, with a NUL; the caller frees. @param name appended after a slash, NULL: nothing. */
int pkgdb_canonical(struct pkgdb_gather *g, uint64_t folder, const char *name, char **ret_path);

/** Take an entry; nonzero stops. */
typedef int pkgdb_entry_fn(struct pkgdb_gather *g, void *arg, const struct pkgdb_entry *entry);

/**
 * List a folder, a batch of names at a time: the callback may ask any question, and may list folders itself.
 * @param parent of the folder, handed on. @return 0, or what the callback returned.
 */
int pkgdb_list(struct pkgdb_gather *g, uint64_t folder, uint64_t parent, pkgdb_entry_fn *each,
	void *arg);

/** True where a name has this end, and something before it. */
bool pkgdb_ends(const char *name, size_t len, const char *end);

#endif
