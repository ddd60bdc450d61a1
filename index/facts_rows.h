/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Facts read back, a file at a time in order of entries, visible or not: what detectors run over. Of the index
 * (path, layer, what hides it) the ledger tells (peel_pieces, PEEL_BY_ENTRY comes in the same order).
 */
#ifndef FACTS_ROWS_H
#define FACTS_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/facts.h>

#include "facts_look.h"

struct facts_rows;
struct peel_error;
struct peel_index;

/** A marker in the file; of a member of an archive its name is "member!marker". */
struct facts_row_marker {
	const char *name;
	uint64_t offset;
};

struct facts_row_symbol {
	const char *name;
	bool defined;
};

struct facts_row_member {
	const char *name;
	size_t name_len;
	uint64_t stored, size;
	/** 0: not looked into. */
	enum peel_kind kind;
};

struct facts_row_gpu {
	const char *arch;
	uint64_t bytes;
};

/** A table file's looked. */
enum facts_looked {
	FACTS_LOOKED_HEAD = 0,
	FACTS_LOOKED_INTO = 1,
	FACTS_LOOKED_FAILED = 2,
};

/** One file. Strings are NUL-terminated; all is valid until the next call. */
struct facts_row {
	uint64_t entry;
	enum peel_kind kind;
	enum facts_looked looked;
	/** PEEL_FAST_HASH_SIZE bytes, NULL: not computed. */
	const void *hash;
	/** 0: none; and the cause as contents decide it, 0: the index's own holds. */
	uint32_t package, category;
	enum peel_claim claim;
	enum peel_cause cause;
	/** NULL: no ELF file. */
	const struct facts_elf *elf;
	const struct facts_row_marker *markers;
	size_t marker_count;
	const char *const *needs;
	size_t need_count;
	const struct facts_row_symbol *symbols;
	size_t symbol_count;
	const struct facts_row_gpu *gpus;
	size_t gpu_count;
	/**
	 * True where it is an archive: whether it was listed (1 whole, 2 in part, 0 not), and what bundle it
	 * is.
	 */
	bool archive;
	int listed;
	enum facts_bundle bundle;
	uint64_t bundle_offset;
	const struct facts_row_member *members;
	size_t member_count;
	/** First line of a script, without its newline; NULL: none. May hold NUL. */
	const char *line;
	size_t line_len;
};

/** Begin. @return 0; PEEL_EUSAGE (an index without facts), PEEL_ENOMEM, PEEL_EFORMAT. Free with facts_rows_free. */
int facts_rows_new(struct peel_index *index, struct facts_rows **ret_rows, struct peel_error *err);
/**
 * The same of ELF files alone, with what tables elf and gpu say: some thousands in place of all files. @return
 * as that.
 */
int facts_rows_new_programs(struct peel_index *index, struct facts_rows **ret_rows,
	struct peel_error *err);
/** The same of archives alone that were listed in part, without what stands beside them. @return as that. */
int facts_rows_new_partial(struct peel_index *index, struct facts_rows **ret_rows,
	struct peel_error *err);
/**
 * What stands beside the files, for those who have the ledger's pieces at hand, which tell all that table file
 * does: rows of files from the entry from on, before end, gone to by facts_rows_beside alone. @return as that.
 */
int facts_rows_new_beside(struct peel_index *index, uint64_t from, uint64_t end,
	struct facts_rows **ret_rows, struct peel_error *err);
/**
 * What belongs to a file, the next or one after it; not back. Of ret_row only entry and what other tables than file
 * say is set. @return 0; PEEL_EFORMAT, PEEL_EIO, PEEL_ENOMEM.
 */
int facts_rows_beside(struct facts_rows *rows, uint64_t entry, struct facts_row *ret_row,
	struct peel_error *err);
/** Free; NULL is fine. */
void facts_rows_free(struct facts_rows *rows);
/** The next file. @return 1; 0 at the end; PEEL_EFORMAT, PEEL_EIO, PEEL_ENOMEM. */
int facts_rows_next(struct facts_rows *rows, struct facts_row *ret_row, struct peel_error *err);
/** Go on to a file whose entry is this or the first after it; not back. @return as facts_rows_next. */
int facts_rows_seek(struct facts_rows *rows, uint64_t entry, struct facts_row *ret_row,
	struct peel_error *err);

/**
 * Digest of the markers and symbols that an index's facts were gathered by; "" without facts. Belongs to the
 * index.
 */
const char *facts_wanted_digest(const struct peel_index *index);

#endif
