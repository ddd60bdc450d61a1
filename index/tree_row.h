/* SPDX-License-Identifier: Apache-2.0 */
/** A row of table entry in the making, and writing it. */
#ifndef TREE_ROW_H
#define TREE_ROW_H

#include "scan.h"
#include "tree_priv.h"

/** A row in the making. */
struct tree_row {
	const struct scan_entry *entry;
	/** Of its content, or NULL. */
	const void *hash;
	/** Its anomalies are known. */
	bool told;
	uint64_t id;
	uint32_t dir;
	const char *name;
	size_t name_len;
	char type;
	uint32_t flags;
	uint32_t self;
	uint64_t allocated;
	/** It is too long to be among those of store_rows.h. */
	bool aside;
	/** The path is not plainly dir/name. */
	bool odd_path;
	/** Path as cleaned. */
	const char *path;
	size_t path_len;
};

/**
 * Write the row and what stands in side tables. Sets allocated and flags. @return 0, or less than
 * 0.
 */
int tree_row_insert(struct tree *tree, struct tree_row *row, struct peel_error *err);

#endif
