/* SPDX-License-Identifier: Apache-2.0 */
/** From the list of system calls to a filter, by libseccomp: while peel is built (sandbox_make.c) and tested. */
#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

#include <stdint.h>

/**
 * Write a filter as instructions of the kernel's machine.
 * @param arch an audit architecture, 0: this machine's. @param kept bits of enum sandbox_kept.
 * @param fd takes struct sock_filter, one after another. @return 0, or an errno less than 0.
 */
int sandbox_filter_write(uint32_t arch, unsigned kept, int fd);

#endif
