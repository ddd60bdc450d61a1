/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The processes behind a mount: a server, the supervisor that keeps the rights to unmount, and the
 * guard.
 */
#ifndef FS_SUPERVISOR_H
#define FS_SUPERVISOR_H

#include <peel/mount.h>

/** Told once, when the mount answers (code 0) or has failed. */
typedef void supervisor_ready_fn(void *arg, const struct peel_error *result);

/**
 * Be the supervisor of a mount: start guard and server, wait for the end of the mount, leave
 * nothing behind. The calling process must have one thread; its signal mask and handlers are as
 * before when it returns.
 * @param path mount point, absolute, without symlinks.
 * @return 0 after an unmount or a signal; PEEL_EIO where the server died or the mount failed,
 *   session_mount's codes.
 */
int supervisor_run(struct peel_index *index, const char *path,
	const struct peel_mount_options *options, supervisor_ready_fn *ready, void *ready_arg,
	struct peel_error *err);

#endif
