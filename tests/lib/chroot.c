/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a program: goes to the root that $PEEL_CHROOT names before main runs, so that the machine's own
 * find, du and grep work in a tree that has no program and no library.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void enter_root(void)
{
	const char *root = getenv("PEEL_CHROOT");

	if (root && (chroot(root) != 0 || chdir("/") != 0)) {
		perror(root);
		_exit(126);
	}
}
