/* SPDX-License-Identifier: Apache-2.0 */
/** The processes of a private mount. */
#ifndef FS_MEMBERS_H
#define FS_MEMBERS_H

#include <sys/types.h>

/** How a private mount is known. */
struct members {
	/** Its mount namespace, as /proc/PID/ns/mnt gives; -1: none. */
	int mount_namespace;
	/** Its root, a descriptor that keeps the device number from being given to another mount. */
	int root;
	/** Its device. */
	dev_t dev;
};

/** Number of members that live. */
int members_count(const struct members *members);

/**
 * Kill them, and what they start meanwhile, until none is found. Gives up on what does not die
 * within a few seconds.
 */
void members_kill(const struct members *members);

#endif
