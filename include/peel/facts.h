/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Facts about contents, and the ledger: every byte that an image ships, once.
 *
 * Facts (what a file really is, its hash, who owns it, its category) are gathered when an index is opened with
 * peel_index_options.facts: in the same pass where compressed layers are decoded, else on first need. They are kept
 * in a second file beside the index and cost nothing the next time. A compressed layer that another image of the cache
 * has, too, is not decoded for them: its facts say what is in it.
 *
 * The ledger is what every account of bytes is summed from (history, waste, packages, bloat, dup, diff,
 * report), so that all of them agree: shipped = visible + wasted, for each layer and in total.
 */
#ifndef PEEL_FACTS_H
#define PEEL_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/error.h>
#include <peel/index.h>
#include <peel/query.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Bytes of a fast content hash (XXH3-128): it selects, it proves nothing. */
#define PEEL_FAST_HASH_SIZE 16

/** Why bytes are shipped but not visible; numbers are those of the index's table reason. */
enum peel_cause {
	PEEL_CAUSE_NONE = 0,
	PEEL_CAUSE_OVERWRITTEN = 1,
	PEEL_CAUSE_IDENTICAL = 2,
	PEEL_CAUSE_METADATA = 3,
	PEEL_CAUSE_DELETED = 4,
	PEEL_CAUSE_DELETED_FOLDER = 5,
	PEEL_CAUSE_OPAQUE = 6,
	PEEL_CAUSE_REPLACED = 7,
	PEEL_CAUSE_DUPLICATE = 8,
	PEEL_CAUSE_UNREACHABLE = 9,
	PEEL_CAUSE_BROKEN_LINK = 10,
	PEEL_CAUSE_MARKER = 11,
};

/** Number of causes, PEEL_CAUSE_NONE included: size of a table by cause. */
#define PEEL_CAUSE_COUNT 12

/** Word for a cause: "overwritten", "identical", "metadata", "deleted", "deleted-with-folder", …; "" for none. */
const char *peel_cause_name(enum peel_cause cause);

/** How a package owns a path, strongest first. */
enum peel_claim {
	PEEL_CLAIM_NONE = 0,
	/** Its database lists the path (through usrmerge and diversions, too). */
	PEEL_CLAIM_LISTED = 1,
	/** The path lies in a folder that is the package's (npm, gem, conda's extracted cache). */
	PEEL_CLAIM_FOLDER = 2,
	/** Bytecode of a source that is the package's. */
	PEEL_CLAIM_BYTECODE = 3,
	/** An alternatives link, or what its maintainer scripts are known to make (ldconfig's cache, …). */
	PEEL_CLAIM_GENERATED = 4,
	/** The file says so itself (Go and Rust build information). */
	PEEL_CLAIM_EMBEDDED = 5,
};

/** Word for a claim: "listed", "folder", "bytecode", "generated", "embedded"; "" for none. */
const char *peel_claim_name(enum peel_claim claim);

/** A package as the merged tree's databases have it. Strings belong to the index, raw bytes, "" where unknown. */
struct peel_package {
	/** From 1, in order of db, name, version, arch. */
	uint32_t id;
	/** dpkg, status.d, apk, rpm, pip, egg, conda, npm, gem, go, cargo. */
	const char *db;
	const char *name, *version, *arch, *source;
	/** Canonical path of the file that says so. */
	const char *record;
	/** First layer whose database has it in this version. */
	int layer;
	/** Installed size as it claims itself, bytes; -1 unknown. */
	int64_t claimed;
};

/** Number of packages; package id (from 1 to that), NULL: no such. Belongs to the index. Need facts. */
uint32_t peel_package_count(const struct peel_index *index);
const struct peel_package *peel_package_get(const struct peel_index *index, uint32_t id);

/**
 * A database that was found; problem is "" or why it could not be read, with names of the image as they are:
 * answers about packages are then inconclusive.
 */
struct peel_package_db {
	const char *path, *db, *problem;
};

/** Databases: number, and database i from 0 (NULL past the end). Belong to the index. Need facts. */
uint32_t peel_package_db_count(const struct peel_index *index);
const struct peel_package_db *peel_package_db_get(const struct peel_index *index, uint32_t i);

/** A category of bytes, in the order of the rules. Strings belong to the index. */
struct peel_category {
	/** From 1. */
	uint32_t id;
	/** "pip-cache", "pip cache", group "caches". */
	const char *name, *title, *group;
};

/** Categories: number; category id, NULL: no such. Need facts. */
uint32_t peel_category_count(const struct peel_index *index);
const struct peel_category *peel_category_get(const struct peel_index *index, uint32_t id);

/** True where the index was opened with facts and has them. */
bool peel_has_facts(const struct peel_index *index);
/** Why the facts are not all (a file that could not be read, a limit), one line a reason; "" where they are. */
const char *peel_facts_incomplete_reasons(const struct peel_index *index);

/**
 * One file's data: a regular file of one layer that holds its own bytes. Pointers are valid during the callback.
 * Names that are hard links to it are not pieces of their own.
 */
struct peel_piece {
	/**
	 * Node number: in the merged view where visible, else in its layer's view. peel_read takes it;
	 * peel_node_get finds
	 * none where its own layer hides the file (a duplicate, something unreachable).
	 */
	uint64_t ino;
	/** Row of table entry. */
	uint64_t entry;
	/** Layer that ships it, from 0. */
	int layer;
	/**
	 * Canonical path, raw bytes, NUL-terminated: where it is visible, the first name that shows it (its own
	 * before a hard link's); else where its layer had it.
	 */
	const char *path;
	size_t path_len;
	uint64_t bytes;
	uint64_t allocated;
	/** Any name of it is in the merged tree. */
	bool visible;
	/**
	 * Where not: the layer that hid it (the last of its names; maybe its own layer), -1 none did, and why.
	 * Without facts a plain layer's file is PEEL_CAUSE_OVERWRITTEN where contents would have to be compared.
	 */
	int hidden_by;
	enum peel_cause cause;
	/** Metadata that the merged tree shows, or its layer had; mode with S_IFREG, names of the same view. */
	uint32_t mode, uid, gid, nlink;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	/** The rest needs facts; kind 0, hash NULL, package and category 0 without. */
	enum peel_kind kind;
	/** PEEL_FAST_HASH_SIZE bytes, NULL: not computed (a plain layer, and no other file has its size). */
	const void *hash;
	/** Package that owns it (of a hidden one: that owns its path), 0 none; and how. */
	uint32_t package;
	enum peel_claim claim;
	/** Of a visible one; 0: not visible. */
	uint32_t category;
};

/** Take a piece; nonzero stops. */
typedef int peel_piece_fn(void *arg, const struct peel_piece *piece);

/** Order of the ledger. */
enum peel_piece_order {
	/** By layer and place in its tar: cheapest. */
	PEEL_BY_ENTRY,
	/** By path, bytes compared as numbers (a slash too), and then by the layer that has it there. */
	PEEL_BY_PATH,
};

/**
 * The whole ledger of an image, or what is visible of it.
 * @param visible_only leave out what is not visible.
 * @return 0 at the end, 1 where the callback stopped it; PEEL_EFORMAT, PEEL_ELIMIT (a path of PEEL_PATH_MAX
 * bytes or
 *   more), PEEL_ENOMEM, PEEL_EINTERNAL. Memory is bounded whatever the image has.
 */
int peel_pieces(struct peel_index *index, enum peel_piece_order order, bool visible_only,
	peel_piece_fn *each, void *arg, struct peel_error *err);

/** What the ledger comes to, for one layer or all: invariant bytes = visible + sum of wasted. */
struct peel_ledger {
	uint64_t files, bytes, allocated;
	uint64_t visible_files, visible_bytes, visible_allocated;
	/** By enum peel_cause; member 0 is not used. */
	uint64_t wasted_files[PEEL_CAUSE_COUNT], wasted_bytes[PEEL_CAUSE_COUNT],
		wasted_allocated[PEEL_CAUSE_COUNT];
};

/** Add a piece to a ledger. */
void peel_ledger_add(struct peel_ledger *ledger, const struct peel_piece *piece);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
