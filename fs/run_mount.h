/* SPDX-License-Identifier: Apache-2.0 */
/** A mount that the processes of one mount namespace see, and nobody else. */
#ifndef FS_RUN_MOUNT_H
#define FS_RUN_MOUNT_H

#include <stdbool.h>

#include <peel/mount.h>

/**
 * Leave the mount namespace, and, where that is not allowed, the user namespace too.
 * @param ret_user_namespace true: it has no ids yet, and the process every right in it.
 * @return 0; PEEL_EACCES, PEEL_EUNSUPPORTED.
 */
int run_mount_unshare(bool *ret_user_namespace, struct peel_error *err);

/**
 * Mount on a folder of this process's own mount namespace that is empty, so that nothing is hidden
 * and nothing is left behind. Whoever looks into it waits until somebody serves.
 * @param name the mount's in /proc/mounts.
 * @param user_namespace what run_mount_unshare gave.
 * @param ret_path where; a static string.
 * @return the FUSE device, the caller's; PEEL_EACCES, PEEL_EUNSUPPORTED, PEEL_EIO, PEEL_ENOMEM.
 */
int run_mount_attach(const char *name, const struct peel_mount_options *options,
	bool user_namespace, const char **ret_path, struct peel_error *err);

#endif
