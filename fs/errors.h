/* SPDX-License-Identifier: Apache-2.0 */
/** Codes of peel as errno values: the one place where they are turned. */
#ifndef FS_ERRORS_H
#define FS_ERRORS_H

/**
 * The errno value (positive) for an enum peel_code; EIO for one that is not known, 0 for 0 and
 * more.
 */
int errors_to_errno(int code);

/** The enum peel_code that fits an errno value of a system call; PEEL_EIO for one that has none. */
int errors_from_errno(int number);

#endif
