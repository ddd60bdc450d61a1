/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Formats of peel export. A format is a row with up to three calls: before the walk, for each step
 * of it, after it. They write to run->out, set run->status, and say what went wrong on stderr;
 * errors of run->out are looked for by the caller, after each step.
 */
#ifndef EXPORT_H
#define EXPORT_H

#include "cmd.h"
#include "links.h"
#include "walk.h"

/** One export. */
struct export_run {
	struct call *call;
	struct peel_index *index;
	int view;
	FILE *out;
	/** Whether files are hashed. */
	bool digest;
	/** False where a mark of the end would be a lie. */
	bool whole;
	/**
	 * Set before the end: the walk went through the whole tree, whatever could not be read of
	 * it.
	 */
	bool ended;
	/** Worst exit status so far. */
	int status;
	/** Bytes of files read so far, and of all, for the bar. */
	uint64_t done_bytes;
	uint64_t all_bytes;
	struct peel_index_options options;
	/** The format's own. */
	void *state;
};

/** A format. */
struct export_format {
	const char *name;
	/** Whether --digest is of use. */
	bool digest;
	/** Whether a terminal is no place for it. */
	bool binary;
	/**
	 * Begin; NULL: nothing to do. @return false where there is no way on; the message is out.
	 */
	bool (*begin)(struct export_run *run);
	/** Take one WALK_ENTRY or WALK_LEAVE; path is relative, empty for the root. */
	enum walk_next (*step)(struct export_run *run, const struct walk_step *step,
		const char *path, size_t len);
	/** End, also after a failure; NULL: nothing to do. */
	void (*end)(struct export_run *run);
};

extern const struct export_format export_csv;
extern const struct export_format export_jsonl;
extern const struct export_format export_mtree;
extern const struct export_format export_ncdu;
extern const struct export_format export_tar;

/** Say what went wrong with a path, which layer its data is in, and count it in the status. */
void export_complain(struct export_run *run, const char *path, size_t len,
	const struct peel_node *node, const struct peel_error *err);

/** Say that memory is exhausted. @return WALK_STOP. */
enum walk_next export_no_memory(struct export_run *run);

/** Move the bar by bytes that were read. */
void export_progress(struct export_run *run, uint64_t bytes);

/**
 * SHA-256 of a file where digests are wanted.
 * @param ret_hex the digest, "" where there is none: not wanted, no file, or unreadable, which is
 *   said.
 */
void export_digest(struct export_run *run, const struct walk_step *step,
	char ret_hex[PEEL_SHA256_SIZE]);

/** A letter for a type, as find's %y: f d l c b p. */
char export_type(const struct peel_node *node);

#endif
