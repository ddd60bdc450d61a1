/* SPDX-License-Identifier: Apache-2.0 */
/** Mode, owner, time and xattrs of an image's file on one of this machine. */
#ifndef PUT_META_H
#define PUT_META_H

#include <stdbool.h>
#include <sys/types.h>

#include <peel/query.h>

/** What is carried over. */
struct put_rules {
	/** Whole mode, time, and as root the owner. */
	bool preserve;
	/** xattrs too, as far as the system allows. */
	bool xattrs;
	/** The process may give files away. */
	bool root;
	/** Bits that new files shall not have; the process' own umask is 0. */
	mode_t mask;
};

/** Mode that a new file or folder gets where its owner is not the image's. */
mode_t put_mode(const struct put_rules *rules, const struct peel_node *node);

/**
 * Set what the rules say on something new, or on a folder once it is filled.
 * @param fd may be O_PATH for what is neither file nor folder.
 * @return 0, or the errno of what failed; all that could be set is set.
 */
int put_meta(int fd, struct peel_index *index, const struct peel_node *node,
	const struct put_rules *rules);

#endif
