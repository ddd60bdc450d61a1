/* SPDX-License-Identifier: Apache-2.0 */
/** Which ids a new user namespace knows. */
#ifndef FS_IDMAP_H
#define FS_IDMAP_H

#include <stdbool.h>
#include <sys/types.h>

#include <peel/error.h>

/** Longest remark of idmap_write. */
#define IDMAP_REMARK_SIZE 256

/**
 * Give the user namespace of a child its ids: the caller's own stay what they are, and the image's
 * get subordinate ids of the caller where he has some.
 * @param child a process that has just made the namespace, and waits.
 * @param ret_remark IDMAP_REMARK_SIZE bytes: why owners will not be shown true; "" where they will.
 * @return 0; PEEL_EACCES, PEEL_EIO.
 */
int idmap_write(pid_t child, char *ret_remark, struct peel_error *err);

#endif
