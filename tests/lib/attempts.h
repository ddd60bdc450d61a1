/* SPDX-License-Identifier: Apache-2.0 */
/** What a caged process may try, and what has to come of it. */
#ifndef ATTEMPTS_H
#define ATTEMPTS_H

#include <stddef.h>

/** What the child keeps. */
enum kept { NOTHING, READABLE, SPILL, WRITABLE, OWNERS, CHILDREN, EVERYTHING };

/** How an attempt ends. */
enum outcome {
	/** It is done. */
	DONE,
	/** EPERM, from the list of calls. */
	DENIED,
	/** ENOSYS. */
	ABSENT,
	/** EACCES or EXDEV, from Landlock, and done without it. */
	CONFINED,
	/** SIGSYS. */
	ENDED,
	/** SIGSYS, but not in builds with instruments, which need it themselves. */
	ENDED_BARE,
	/** Done as root, EPERM as a user. */
	ROOT_ONLY,
	/** EPERM or EACCES, from whichever is first. */
	REFUSED,
};

/** One thing that is tried. */
struct attempt {
	const char *name;
	/** @return 0 where it is done, or errno. */
	int (*try)(void);
	enum kept kept;
	enum outcome outcome;
};

/** All of them. */
extern const struct attempt attempts[];
/** How many there are. */
extern const size_t attempt_count;

/** Make the folders that are kept, and files in them and beside them; for cmocka. */
int attempts_setup(void **state);
/** Remove them. */
int attempts_teardown(void **state);

/** Enter the cage. @return as peel_sandbox_enter. */
int attempts_enter(enum kept kept);

#endif
