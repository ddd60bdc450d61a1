/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is mounted where, from /proc/self/mountinfo, and taking our own mount away again. No file
 * system is touched on the way, so that a dead mount cannot fail or hang us.
 */
#ifndef FS_MOUNTINFO_H
#define FS_MOUNTINFO_H

#include <stdbool.h>
#include <sys/types.h>

#include <peel/error.h>

/** File system type of our mounts. */
#define MOUNT_TYPE "fuse.peel"

/** Longest file system type kept. */
#define MOUNTINFO_TYPE_SIZE 32

/** The topmost mount on a path. */
struct mountinfo {
	dev_t dev;
	char type[MOUNTINFO_TYPE_SIZE];
};

/**
 * Find the topmost mount on exactly this path.
 * @param path absolute, without symlinks, "." or "..".
 * @return 1; 0 where nothing is mounted there; PEEL_EIO, PEEL_ENOMEM.
 */
int mountinfo_find(const char *path, struct mountinfo *ret_info, struct peel_error *err);

/**
 * Path of a mount point, absolute and without symlinks. The last component is not looked at, so a
 * dead mount does.
 * @param ret_path the caller frees.
 * @return 0; PEEL_ENOENT, PEEL_ENOTDIR, PEEL_EACCES, PEEL_ELOOP, PEEL_ENOMEM, PEEL_EIO.
 */
int mountinfo_resolve(const char *mount_point, char **ret_path, struct peel_error *err);

/**
 * Unmount by system call or, where that is not allowed, by fusermount3.
 * @param lazy detach now even where files are open.
 * @return 0; PEEL_EACCES, PEEL_EIO (busy; what fusermount3 said).
 */
int mountinfo_unmount(const char *path, bool lazy, struct peel_error *err);

/**
 * Detach the mount on path if it is still this one: another mount that came over it, or the one
 * below, is left alone.
 * @return 0 where it is gone, now or before; PEEL_EACCES, PEEL_EIO, PEEL_ENOMEM.
 */
int mountinfo_detach(const char *path, dev_t dev, struct peel_error *err);

/**
 * The same after the server has ended. A mount that answers is left alone: the kernel gives a device
 * number away again at once, so it may be somebody's next mount on the path.
 */
int mountinfo_detach_dead(const char *path, dev_t dev, struct peel_error *err);

/**
 * Have the kernel read further ahead within the files of a mount that answers: one request then brings
 * what took eight. Only root may say so; for others nothing changes.
 */
void mountinfo_read_ahead(dev_t dev);

#endif
