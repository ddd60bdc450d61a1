/* SPDX-License-Identifier: Apache-2.0 */
/** The capabilities of a process: a user namespace gives all of them, and a command must not. */
#ifndef FS_RUN_RIGHTS_H
#define FS_RUN_RIGHTS_H

#include <stdint.h>

#include <linux/capability.h>

#include <peel/error.h>

/** What a process may do, as it was. */
struct run_rights {
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	/** Bit n: capability n is in the bounding set. */
	uint64_t bounding;
	int securebits;
};

/** Note the rights of this process. @return 0, PEEL_EIO. */
int run_rights_note(struct run_rights *ret_rights, struct peel_error *err);

/**
 * Give up, in a user namespace, what was not there before it. What is left counts in the namespace
 * only, and so is less than it was. The ambient set is empty there.
 * @return 0, PEEL_EIO.
 */
int run_rights_restore(const struct run_rights *rights, struct peel_error *err);

#endif
