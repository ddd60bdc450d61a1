/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The third process of a mount: it unmounts where supervisor and server were killed at the same
 * moment.
 *
 * It is a shell that reads from a pipe, the lifeline, of which supervisor and server hold the other
 * end: first the device number of the mount, then a word that says that all is well. The pipe's end
 * without that word is their death. The guard of a private mount gets no number, only the word.
 */
#ifndef FS_GUARD_H
#define FS_GUARD_H

#include <sys/types.h>

#include <peel/error.h>

#include "members.h"

/**
 * Start the guard of a mount point.
 * @param path absolute, without symlinks.
 * @param lifeline the end that the guard reads, still the caller's.
 * @return 0; PEEL_EIO (no shell), PEEL_ENOMEM.
 */
int guard_start(const char *path, int lifeline, pid_t *ret_pid, struct peel_error *err);

/**
 * Start a guard that, when the others have died, kills every process of a private mount.
 * @param members its descriptors are still the caller's.
 * @return as guard_start.
 */
int guard_start_members(const struct members *members, int lifeline, pid_t *ret_pid,
	struct peel_error *err);

/** Tell it what to guard. A guard that is gone is no failure. */
void guard_arm(int lifeline, dev_t dev);

/** Tell it that the mount is gone and nothing is left to do. */
void guard_dismiss(int lifeline);

#endif
