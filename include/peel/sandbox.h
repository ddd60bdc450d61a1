/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Giving rights up: what a process that reads untrusted bytes keeps is what it needs for that, for good.
 *
 * Everything is named by descriptors that are open already. What the kernel cannot hold (Landlock is not there or is
 * switched off) is told, and the rest holds all the same.
 */
#ifndef PEEL_SANDBOX_H
#define PEEL_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include <peel/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Which rights could be given up; bits of peel_sandbox_enter's answer. */
enum peel_sandbox_held {
	/**
	 * System calls are on a list: no program, no process, no network, no other process's memory, no mount, no
	 * module.
	 */
	PEEL_SANDBOX_CALLS = 1,
	/** Paths can be reached only below the folders that were named. Needs Landlock. */
	PEEL_SANDBOX_PATHS = 2,
	/** No capability is left, and none can come back. */
	PEEL_SANDBOX_CAPABILITIES = 4,
};

/** What is kept. {0} keeps reading and writing of descriptors, memory, threads, time, and the end of the process. */
struct peel_sandbox {
	/** Folders or files that may still be opened for reading, with all below. Borrowed. */
	const int *readable;
	size_t readable_count;
	/** Folders in which files without a name (O_TMPFILE) may still be made: spools. They can never get a name. */
	const int *spill;
	size_t spill_count;
	/**
	 * Folders in which, and below which, files may still be made, renamed and removed: what a copy writes. What is
	 * there is not opened for writing; attributes are changed by descriptors, but times of any file by its name.
	 */
	const int *writable;
	size_t writable_count;
	/** Keep changing owners of files in writable folders where the process may: cp as root. */
	bool owners;
	/** Keep starting children of the own program (fork, wait), which have no more than their parent. */
	bool children;
};

/**
 * Give up everything else in this process, its threads of now and later, and its children. May be called again to give
 * up more. Call it before a second thread is there: Landlock holds for the calling thread and those that it starts.
 * @return bits of enum peel_sandbox_held that hold from now on; PEEL_EUNSUPPORTED (this kernel has no seccomp:
 *   nothing was given up), PEEL_EIO, PEEL_ENOMEM (what was given up until then stays given up).
 */
int peel_sandbox_enter(const struct peel_sandbox *keep, struct peel_error *err);

/**
 * Close the descriptors above standard error that a program would inherit (no FD_CLOEXEC): what whoever started this
 * process left open, and nothing that the library opens. The cage takes no descriptor away.
 */
void peel_sandbox_close_inherited(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
