/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Everything readable is a source: random access bytes behind one vtable.
 *
 * A file, a slice of another source, memory, a decoded (gzip, zstd) source, and what was kept of a
 * pipe are the kinds; tests add a faulty one. Sources are counted: a wrapping source grabs what it
 * wraps, so the order of dropping does not matter. Reading is safe from several threads. No source
 * maps a file: a truncated image must fail a read, not kill the process.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct peel_error;
struct source;

/** Size of a source whose size is not known before it has been decoded. */
#define SOURCE_SIZE_UNKNOWN UINT64_MAX

struct source_ops {
	/**
	 * Read up to len bytes at offset: as many as there are, short only at the end, 0 at or past
	 * it.
	 * @return bytes read, or less than 0.
	 */
	ssize_t (*read_at)(struct source *source, uint64_t offset, void *buf, size_t len,
		struct peel_error *err);
	/** Free the source's own parts; called once, on the last drop. */
	void (*close)(struct source *source);
	/** See source_read_now; NULL: never at hand. */
	int (*read_now)(struct source *source, uint64_t offset, void *buf, size_t len,
		struct peel_error *err);
	/** See source_reach. NULL: all of it can be read. */
	uint64_t (*reach)(struct source *source, uint64_t offset);
};

/** First member of every kind. */
struct source {
	const struct source_ops *ops;
	/** Size in bytes, or SOURCE_SIZE_UNKNOWN. */
	uint64_t size;
	atomic_uint references;
};

/** Set up the base of a new source with one reference. */
void source_init(struct source *source, const struct source_ops *ops, uint64_t size);
/** One more reference; returns source. */
struct source *source_grab(struct source *source);
/** One reference less; closes at none. NULL is fine. */
void source_drop(struct source *source);

/** Read; see source_ops.read_at. */
ssize_t source_read_at(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err);

/**
 * Bytes from offset on that can be read in one piece, for who reads ahead of what he was asked for:
 * of standard input some ranges may not have been kept. @return UINT64_MAX where nothing is missing.
 */
uint64_t source_reach(struct source *source, uint64_t offset);

/**
 * Read exactly len bytes. @return 0; PEEL_ETRUNCATED where the source ends before; else as read_at.
 */
int source_read_exact(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err);

/**
 * Read exactly len bytes if that waits for nothing: not for a disk, a decoder or another reader.
 * @return 1; 0 where they are not at hand (buf may have been written to); else as read_at.
 */
int source_read_now(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err);

/**
 * A regular file (or block device) by descriptor. Each read is followed by fstat: where device,
 * inode, size, mtime or ctime differ from those at opening the read fails with PEEL_ECHANGED.
 * @param fd taken over on success; on failure still the caller's.
 * @return 0; PEEL_EIO, PEEL_EUSAGE (a folder, a pipe), PEEL_ENOMEM.
 */
int source_open_fd(int fd, struct source **ret_source, struct peel_error *err);

/**
 * len bytes of inner from offset on; grabs inner. Where inner ends before, the slice's size is what
 * is there (compare it with len to see that).
 * @return 0; PEEL_ENOMEM; PEEL_EUSAGE (overflow).
 */
int source_new_slice(struct source *inner, uint64_t offset, uint64_t len,
	struct source **ret_source, struct peel_error *err);

/** Memory that the caller keeps alive, or (copy) a copy of it. @return 0; PEEL_ENOMEM. */
int source_new_memory(const void *bytes, size_t len, int copy, struct source **ret_source,
	struct peel_error *err);

static inline void cleanup_source_(struct source **source)
{
	source_drop(*source);
}

#define cleanup_source __attribute__((__cleanup__(cleanup_source_)))

struct stat;

/** Is a file what it was: device, inode, size, and both times to the nanosecond? */
bool source_same_file(const struct stat *a, const struct stat *b);

#endif
