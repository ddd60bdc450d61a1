/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The mount: an index served through FUSE, read-only. Implemented in fs/, not in libpeel.
 */
#ifndef PEEL_MOUNT_H
#define PEEL_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include <peel/error.h>
#include <peel/index.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** What the mount shows and how. {0} is valid: the merged root, links made safe. */
struct peel_mount_options {
	/** One folder a layer beside "merged". */
	bool layers;
	/** Symlinks as stored. */
	bool raw_symlinks;
	/** user.peel.* xattrs on regular files and folders. */
	bool provenance;
	/** Every user may look; implies default_permissions. */
	bool allow_other;
	bool default_permissions;
	/** Stay in front. */
	bool foreground;
	/** FUSE requests on stderr; implies foreground. */
	bool debug;
	/** Show every owner as this one; UINT32_MAX: as stored. */
	uint32_t uid, gid;
	/** Name shown in /proc/mounts; NULL: the reference. */
	const char *fsname;
	/** Further options for the kernel's mount, separated by commas; NULL: none. */
	const char *kernel_options;
};

/**
 * Mount an index on a folder. Returns when the mount is ready (a supervisor and a server stay behind),
 * or, with foreground, when it is unmounted.
 * @param index passes to the server process; the caller's handle must not be used afterwards,
 *   but is still closed by it.
 * @return 0; PEEL_EUSAGE (mount point not an empty folder, dead mount), PEEL_EACCES, PEEL_EIO
 *   (no /dev/fuse, no fusermount3).
 */
int peel_mount(struct peel_index *index, const char *mount_point, const struct peel_mount_options *options,
	struct peel_error *err);

/**
 * Unmount a folder that peel mounted, by umount2 or fusermount3.
 * @param lazy detach at once even where files are open.
 * @return 0; PEEL_ENOENT (not a mount of peel), PEEL_EIO (busy), PEEL_EACCES.
 */
int peel_unmount(const char *mount_point, bool lazy, struct peel_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
