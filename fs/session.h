/* SPDX-License-Identifier: Apache-2.0 */
/** The serving process: a FUSE session from mount to unmount. */
#ifndef FS_SESSION_H
#define FS_SESSION_H

#include <peel/mount.h>

struct session;

/**
 * Open /dev/fuse.
 * @return the descriptor, the caller's; PEEL_EUNSUPPORTED (no such device), PEEL_EACCES, PEEL_EIO.
 */
int session_open_device(struct peel_error *err);

/** Name of the mount in /proc/mounts; borrowed. */
const char *session_name(const struct peel_index *index, const struct peel_mount_options *options);

/**
 * Mount. The process should be the one that serves, and its standard streams those it keeps: what
 * fusermount3 says goes to the error, not to them.
 * @param mount_point absolute, without symlinks; or "/dev/fd/N", a device that is mounted already
 *   and is the session's from then on.
 * @return 0 and *ret_session; PEEL_EACCES, PEEL_EIO (what the kernel or fusermount3 said),
 *   PEEL_ENOMEM, PEEL_EINTERNAL.
 */
int session_mount(struct peel_index *index, const char *mount_point,
	const struct peel_mount_options *options, struct session **ret_session,
	struct peel_error *err);

/**
 * Give up all rights but to answer, where the options want that, and begin with the index. In the process that
 * serves, while it has one thread. @return 0; PEEL_EUNSUPPORTED (no seccomp), PEEL_EIO, PEEL_ENOMEM, PEEL_EFORMAT.
 */
int session_begin(struct session *session, struct peel_error *err);

/**
 * Answer requests until the mount is gone or a signal comes, after session_begin. @return as loop_run: after a
 * signal, do not close.
 */
int session_serve(struct session *session);

/**
 * Close the device and free everything; what is still mounted is dead from here on. NULL is fine.
 */
void session_close(struct session *session);

#endif
