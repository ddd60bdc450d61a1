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
	/** The server gives its rights up before it reads a byte of the image or answers a request (sandbox.h). */
	bool sandbox;
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
 * and SIGHUP to either unmount and end it. The supervisor believes nothing that the server says.
 * Without foreground, the server leaves the session and the folder, and descriptors without
 * close-on-exec are closed in it.
 *
 * The server is a fork of the caller and uses its handle, descriptors included: an index that is
 * unlinked or that was read from standard input cannot be opened a second time. So the caller must
 * have no other thread, no call under way, and with foreground may not use the handle afterwards.
 * @param index still closed by the caller.
 * @return 0; PEEL_ENOENT, PEEL_ENOTDIR (mount point), PEEL_EUSAGE (mount point not empty, or a dead
 *   mount), PEEL_EUNSUPPORTED (no /dev/fuse), PEEL_EACCES, PEEL_EIO (no fusermount3; the message
 *   says what it said), PEEL_ENOMEM.
 */
int peel_mount(struct peel_index *index, const char *mount_point,
	const struct peel_mount_options *options, struct peel_error *err);

/** Statuses of peel_run where no command ended, as of env(1), timeout(1) and others. */
enum peel_run_status {
	/** There is no mount, or it broke. */
	PEEL_RUN_FAILED = 125,
	/** The command is there and cannot be executed. */
	PEEL_RUN_NOT_EXECUTABLE = 126,
	PEEL_RUN_NOT_FOUND = 127,
	/** Ended by signal n: this and n. */
	PEEL_RUN_SIGNALED = 128,
};

/** How a command is run. {0} is valid. */
struct peel_run_options {
	/** NULL: as {0}. Foreground has no meaning. */
	const struct peel_mount_options *mount;
	/** Standard input of the command is /dev/null, because the image came from there. */
	bool no_input;
	/** Told, before the command starts, what it will not see as it is; NULL: nobody. */
	void (*remark)(void *arg, const char *text);
	void *remark_arg;
};

/**
 * Mount an index where nobody else sees it, run a command in it, and take it away again.
 *
 * The mount is in a mount namespace of the command's own; where the caller may not make one, in a
 * user namespace too, in which the caller's ids are what they are. The command has the mount's root
 * as working directory, and its path in $PEEL_ROOT; all else is the caller's: terminal, process
 * group, environment, descriptors, handling of signals, and rights, which are never more. A name
 * without a slash is looked up in $PATH (its absolute parts), one with a slash in the image and then
 * in the caller's working directory; where both have one that differ, it is refused.
 *
 * A signal that a process sends to the caller is passed on. When the command stops, so does the
 * caller. Processes that the command leaves have two seconds to end, then they are killed. They are
 * also killed when the caller or the server is.
 *
 * For a program that does nothing else: no other thread, no call under way, the index may not be
 * used afterwards, standard input and output are /dev/null then, and descriptors without
 * close-on-exec are closed.
 * @param argv the command, ends with NULL; not empty.
 * @param ret_status what to exit with: the command's status, or PEEL_RUN_SIGNALED and its signal;
 *   or an enum peel_run_status.
 * @return 0; PEEL_EACCES (no right to namespaces or mounts) and PEEL_EUNSUPPORTED (no FUSE here),
 *   before anything was run; PEEL_ENOENT and PEEL_EUSAGE (the command); PEEL_EIO (what a mount needs
 *   has failed, or the server died), PEEL_ENOMEM, PEEL_EINTERNAL.
 */
int peel_run(struct peel_index *index, char *const argv[], const struct peel_run_options *options,
	int *ret_status, struct peel_error *err);

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
