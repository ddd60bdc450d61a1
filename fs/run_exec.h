/* SPDX-License-Identifier: Apache-2.0 */
/** Finding and becoming a command. */
#ifndef FS_RUN_EXEC_H
#define FS_RUN_EXEC_H

#include <peel/error.h>

/**
 * Become a command, with the image's root as working directory. Returns on failure only.
 * @param from the working directory before, absolute; NULL where it has no path.
 * @param ret_status for the shell.
 * @return PEEL_ENOENT, PEEL_EUSAGE (both have it; not executable), PEEL_ENOMEM.
 */
int run_exec(char *const *argv, const char *from, int *ret_status, struct peel_error *err);

#endif
