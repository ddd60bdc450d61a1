/* SPDX-License-Identifier: Apache-2.0 */
/** The process that makes a private mount and becomes the command in it. */
#ifndef FS_RUN_CHILD_H
#define FS_RUN_CHILD_H

#include <signal.h>

#include <peel/mount.h>

/** What it needs; everything is borrowed. */
struct run_child {
	char *const *argv;
	const struct peel_run_options *options;
	const struct peel_mount_options *mount;
	/** Name of the mount. */
	const char *name;
	/** Its end of the channel, see run_channel.h. */
	int channel;
	/** The caller's process, and what it did with signals before. */
	pid_t parent;
	const sigset_t *mask;
	const struct sigaction *on_child;
};

/**
 * Be that process. Does not return: what fails goes through the channel.
 */
void run_child_main(const struct run_child *child) __attribute__((noreturn));

#endif
