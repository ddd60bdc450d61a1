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

struct peel_mount_text;

/** What the mount shows and how. {0} is valid: the merged root, links made safe, owners as stored. */
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
	/** Further options for the kernel's mount ("noexec,context=…"), separated by commas; NULL: none. */
	const char *kernel_options;
	/** Strings that peel_mount_parse made; free them with peel_mount_options_clear. */
	struct peel_mount_text *texts;
};

/**
 * Read a `-o` string as mount(8), fstab and `peel mount` give it: options separated by commas, "\," is a comma in
 * a value. What the mount is anyway or what only concerns mount(8) (ro, rw, dev, nosuid, auto, user, _netdev, x-…) is
 * accepted and ignored. May be called again for a further string: later options win.
 * @param options receives the options of the mount, added to what it holds.
 * @param index_options receives platform=, index=, cache_dir=, spool_dir=, no_cache, allow_missing, strict, verify; its
 *   strings belong to options.
 * @return 0; PEEL_EUSAGE (unknown option, missing or bad value); PEEL_ENOMEM. On failure the rest is not read; options
 *   must still be cleared.
 */
int peel_mount_parse(const char *text, struct peel_mount_options *options,
	struct peel_index_options *index_options, struct peel_error *err);

/** Free the strings that peel_mount_parse made; the options are then {0}. */
void peel_mount_options_clear(struct peel_mount_options *options);

/**
 * Mount an index on an empty folder. Returns when the mount answers, or, with foreground, when it is unmounted.
 *
 * Two processes stay behind: a server, and a small supervisor that keeps the rights to unmount. A third, a shell that
 * waits for the end of both, unmounts where both were killed. SIGTERM, SIGINT and SIGHUP to either unmount and end it.
 * Without foreground, the server leaves the session and the folder, and descriptors without close-on-exec are closed
 * in it.
 *
 * The server is a fork of the caller and uses its handle, descriptors included: an index that is unlinked or that was
 * read from standard input cannot be opened a second time. So the caller must have no other thread, no call
 * under way, and with foreground may not use the handle afterwards.
 * @param index still closed by the caller.
 * @return 0; PEEL_ENOENT, PEEL_ENOTDIR (mount point), PEEL_EUSAGE (mount point not empty, or a dead mount),
 *   PEEL_EACCES, PEEL_EIO (no /dev/fuse, no fusermount3; the message says what it said), PEEL_ENOMEM.
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
