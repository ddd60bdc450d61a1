/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the merge must know of each entry, in the order in which it reads them: by folder, name, type, id. Within a
 * budget of memory; sorted runs beyond it go to an unlinked file.
 */
#ifndef TREE_SORT_H
#define TREE_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peel_error;
struct tree_sort;

/** Least memory of the rows, bytes: some 120,000 of them. */
#define TREE_SORT_BUDGET (8u << 20)

/** Values of sort_row.content and meta that are no fingerprint. */
enum sort_content {
	/** Not known: never equal to another. */
	SORT_CONTENT_UNKNOWN = 0,
	/** That of the entry that a hard link is bound to. */
	SORT_CONTENT_ELSEWHERE = 1,
	/** Fingerprints start here. */
	SORT_CONTENT_FIRST = 2,
};

/** One entry. */
struct sort_row {
	uint64_t id;
	/** As entry.size. */
	uint64_t size;
	/** As entry.dir. */
	uint32_t dir;
	/** Fingerprint of the content, unforeseeable: the same of two of one type and size, the same content. */
	uint64_t content;
	/** The same of the metadata: mode, owner, time, xattrs. Never SORT_CONTENT_ELSEWHERE. */
	uint64_t meta;
	/** At most 65,535 bytes. Given out, it is valid until the next call. */
	uint16_t name_len;
	char type;
	/** Its blocks are in table extra. */
	bool sparse;
	/** Its row is not among those of store_rows.h. */
	bool aside;
	const char *name;
};

/**
 * @param budget bytes of memory. @param folder of the unlinked file, borrowed; -1: all stays in memory.
 * @return 0; PEEL_ENOMEM.
 */
int tree_sort_new(size_t budget, int folder, struct tree_sort **ret_sort, struct peel_error *err);
/** Free; NULL is fine. */
void tree_sort_free(struct tree_sort *sort);

/** From now on keep so many bytes in memory. */
void tree_sort_set_budget(struct tree_sort *sort, size_t budget);

/** Add a row, in any order; ids differ. @return 0; PEEL_ENOMEM, PEEL_EIO (disk full). */
int tree_sort_add(struct tree_sort *sort, const struct sort_row *row, struct peel_error *err);
/** All rows are there. @return as tree_sort_add. */
int tree_sort_finish(struct tree_sort *sort, struct peel_error *err);
/** The next row in order. @return 1, 0 at the end; PEEL_EIO, PEEL_ENOMEM. */
int tree_sort_next(struct tree_sort *sort, struct sort_row *ret_row, struct peel_error *err);
/** Back to the first row, after tree_sort_finish. @return as tree_sort_next. */
int tree_sort_rewind(struct tree_sort *sort, struct peel_error *err);

#endif
