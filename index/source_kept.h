/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is kept of bytes that pass by once: some ranges of them, compactly, and afterwards a source
 * over all of them, whose reads fail where a range was not kept.
 *
 * Ranges are kept in memory while they are few, then in one file.
 */
#ifndef SOURCE_KEPT_H
#define SOURCE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kept;
struct peel_error;
struct source;

/** Most bytes kept in memory: the packed headers of about 100,000 files. */
#define KEPT_MEMORY (4u << 20)

/** Where to keep. */
struct kept_options {
	/** Bytes kept in memory before a file is made. */
	size_t memory;
	/** Most bytes that may be stored, in memory or in the file. */
	uint64_t limit;
	/**
	 * Make the file, once, when memory is used up. @return a descriptor that is taken over, or
	 * less than 0 with err set.
	 */
	int (*make_file)(void *arg, struct peel_error *err);
	void *arg;
};

/** Start at offset 0. @return 0; PEEL_ENOMEM. Free with kept_free, or hand over to kept_source. */
int kept_new(const struct kept_options *options, struct kept **ret_kept, struct peel_error *err);
/** Free; NULL is fine. */
void kept_free(struct kept *kept);

/**
 * Keep the next len bytes, packed: for headers, which are mostly alike and mostly zeros.
 * @return 0; PEEL_ELIMIT; PEEL_EIO (writing the file); PEEL_ENOMEM; what make_file gave.
 */
int kept_add(struct kept *kept, const void *bytes, size_t len, struct peel_error *err);
/** Keep the next len bytes as they are: for many of them, and for what does not pack. As kept_add. */
int kept_add_bulk(struct kept *kept, const void *bytes, size_t len, struct peel_error *err);
/** The next len bytes are not kept. @return 0; PEEL_ELIMIT (past INT64_MAX). */
int kept_pass(struct kept *kept, uint64_t len, struct peel_error *err);

/** Bytes that passed by: the offset of the next one. */
uint64_t kept_size(const struct kept *kept);
/** Bytes that were written to the file; 0: all is in memory. Exact after kept_source. */
uint64_t kept_written(const struct kept *kept);

/**
 * Nothing more comes: make a source of it, of size kept_size. A read that touches what was not kept
 * fails with PEEL_EIO, a code that no one takes for damage of the image.
 * @param kept taken over on success and then usable with kept_written and kept_missed alone, while
 *   the source lives.
 * @return 0; as kept_add.
 */
int kept_source(struct kept *kept, struct source **ret_source, struct peel_error *err);

/** True where source is one of these and a read failed because its bytes were not kept. */
bool source_kept_missed(const struct source *source);

static inline void cleanup_kept_(struct kept **kept)
{
	kept_free(*kept);
}

/** kept_free() at the end of the scope. */
#define cleanup_kept __attribute__((__cleanup__(cleanup_kept_)))

#endif
