/* SPDX-License-Identifier: Apache-2.0 */
/** The processes of a private mount. */
#ifndef FS_MEMBERS_H
#define FS_MEMBERS_H

#include <sys/types.h>

/** Whom to look for. */
struct members {
	/** The mount namespace, as /proc/PID/ns/mnt gives; -1: none. */
	int mount_namespace;
	/** Children of this process belong to them wherever they are; 0: none. */
	pid_t parent;
	/** Children that do not; 0: none. */
	pid_t spared[2];
};

/** Number of members that live, at most INT_MAX. */
int members_count(const struct members *members);

/**
 * Kill them, and what they start meanwhile, until none is found. Gives up on what does not die
 * within a few seconds. Children of the caller are left to be waited for.
 */
void members_kill(const struct members *members);

#endif
