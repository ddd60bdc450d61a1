/* SPDX-License-Identifier: Apache-2.0 */
/** A set of node numbers: an eighth of a byte for each where they come in a row, a hundred bytes at worst. */
#ifndef INODE_SET_H
#define INODE_SET_H

#include <stddef.h>
#include <stdint.h>

struct inode_page;

/** {0} is empty; release with inode_set_finish. */
struct inode_set {
	struct inode_page *pages;
	size_t count;
	size_t room;
};

/** Add a number. @return 1 where it is new, 0 where it was there, PEEL_ENOMEM. */
int inode_set_add(struct inode_set *set, uint64_t ino);
/** Free; {0} is fine. */
void inode_set_finish(struct inode_set *set);

#endif
