/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Names beside those of the ledger: of files with hard links, of symlinks and of folders, with canonical paths.
 */
#ifndef QUERY_NAMES_H
#define QUERY_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peel_error;
struct peel_index;

/** A symlink or a folder of the merged tree; valid during the callback. */
struct query_named {
	/** Node number, and row of table entry. */
	uint64_t ino;
	/** 'l' or 'd'. */
	char type;
	uint32_t mode;
	int layer;
	/** Canonical, raw bytes, NUL-terminated. */
	const char *path;
	size_t path_len;
	/** Of a symlink: its target as stored, not terminated. */
	const char *target;
	size_t target_len;
};

/** Take one; nonzero stops. */
typedef int query_named_fn(void *arg, const struct query_named *named);

/**
 * All symlinks, or all folders that a layer has an entry for, of the merged tree, in order of entries.
 * @param type 'l' or 'd'. @return 0, 1 stopped; PEEL_EFORMAT, PEEL_ELIMIT (a path too long), PEEL_ENOMEM.
 */
int query_named(struct peel_index *index, char type, query_named_fn *each, void *arg,
	struct peel_error *err);

/** Take a name's canonical path, NUL-terminated; nonzero stops. */
typedef int query_path_fn(void *arg, const char *path, size_t len);

/** Names of files, one file after another: keeps a connection and paths of folders. */
struct query_names;

/** Begin. @return 0; PEEL_ENOMEM, PEEL_EFORMAT, PEEL_EIO. Free with query_names_free. */
int query_names_new(struct peel_index *index, struct query_names **ret_names,
	struct peel_error *err);
/** Free; NULL is fine. */
void query_names_free(struct query_names *names);
/**
 * The names of the file whose data an entry holds, in order of entries.
 * @param visible the names that the merged tree shows; else all that layers have.
 * @return as query_named.
 */
int query_names_each(struct query_names *names, uint64_t entry, bool visible, query_path_fn *each,
	void *arg, struct peel_error *err);

/** The layer that an entry is of. @param ret_layer -1: no such entry. @return 0, or less than 0: err is set. */
int query_names_layer(struct query_names *names, uint64_t entry, int *ret_layer,
	struct peel_error *err);

/** Take an xattr of a file, entry that holds the data ascending; nonzero stops. */
typedef int query_xattr_fn(void *arg, uint64_t entry, const char *name);

/** Names of all xattrs of all files, hidden ones too. @return as query_named. */
int query_xattrs(struct peel_index *index, query_xattr_fn *each, void *arg, struct peel_error *err);

#endif
