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

/**
 * What the mount shows and how. {0} is valid: the merged root, links made safe, owners as stored.
 */
struct peel_mount_options {
	/** One folder a layer ("NN-<first 12 digits of its digest>", from 00) beside "merged". */
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
	/** Show every owner as uid, every group as gid. */
	bool force_uid, force_gid;
	uint32_t uid, gid;
	/** Name shown in /proc/mounts; NULL: the reference. */
	const char *fsname;
	/**
	 * Further options for the kernel's mount ("noexec,context=…"), separated by commas; NULL:
	 * none.
	 */
	const char *kernel_options;
};

/**
 * Mount an index on an empty folder. Returns when the mount answers, or, with foreground, when it
 * is unmounted.
 *
 * Two processes stay behind: a server, and a small supervisor that keeps the rights to unmount. A
 * third, a shell that waits for the end of both, unmounts where both were killed. SIGTERM, SIGINT
 * and SIGHUP to either unmount and end it. Without foreground, the server leaves the session and
 * the folder, and descriptors without close-on-exec are closed in it.
 *
 * The server is a fork of the caller and uses its handle, descriptors included: an index that is
 * unlinked or that was read from standard input cannot be opened a second time. So the caller must
 * have no other thread, no call under way, and with foreground may not use the handle afterwards.
 * @param index still closed by the caller.
 * @return 0; PEEL_ENOENT, PEEL_ENOTDIR (mount point), PEEL_EUSAGE (mount point not empty, or a dead
 *   mount), PEEL_EACCES, PEEL_EIO (no /dev/fuse, no fusermount3; the message says what it said),
 *   PEEL_ENOMEM.
 */
int peel_mount(struct peel_index *index, const char *mount_point,
	const struct peel_mount_options *options, struct peel_error *err);

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
