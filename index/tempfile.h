/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Files without a name, and reading and writing at an offset until all is done.
 */
#ifndef TEMPFILE_H
#define TEMPFILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct peel_error;

/**
 * An unlinked, private, read-write file in a folder; where the file system knows no files without a
 * name, its name is taken away at once.
 * @param folder descriptor, borrowed; or a broker (broker.h). @return a descriptor that the caller closes, or -1
 *   with errno.
 */
int tempfile_make(int folder);

/** The same with an error. @param what as tempfile_write. @return a descriptor; PEEL_EIO. */
int tempfile_new(int folder, const char *what, struct peel_error *err);

/**
 * pwrite(2) until all is written.
 * @return bytes written; less than len: errno says why (ENOSPC where nothing was written without a reason).
 */
size_t tempfile_put(int fd, const void *bytes, size_t len, uint64_t offset);

/** pread(2) until all is read. @return bytes read, less than len at the end of the file; -1 with errno. */
ssize_t tempfile_get(int fd, void *buf, size_t len, uint64_t offset);

/**
 * Write all, or fail.
 * @param what what the file is, for the message: "the spool file". @return 0; PEEL_EIO (disk full).
 */
int tempfile_write(int fd, const char *what, const void *bytes, size_t len, uint64_t offset,
	struct peel_error *err);

/** Read all, or fail. @return 0; PEEL_EIO, also where the file ends before. */
int tempfile_read(int fd, const char *what, void *buf, size_t len, uint64_t offset,
	struct peel_error *err);

#endif
