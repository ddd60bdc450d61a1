/* SPDX-License-Identifier: Apache-2.0 */
/** What du adds up, and how it shows it. */
#ifndef DU_H
#define DU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block_size.h"
#include "exclude.h"
#include "inode_set.h"

struct peel_index;

/** Which symlinks are followed. */
enum du_follow {
	DU_FOLLOW_NONE,
	DU_FOLLOW_OPERANDS,
	DU_FOLLOW_ALL,
};

/** What was asked for. */
struct du_options {
	bool all;
	bool apparent;
	bool count_links;
	bool inodes;
	bool null;
	bool separate;
	bool time;
	enum du_follow follow;
	/** Deepest level shown, the operand being 0. */
	uint64_t max_depth;
	/** Only what has at least so much is shown, or where negative at most so much. */
	uint64_t threshold;
	bool threshold_negative;
	struct block_size block_size;
	/** A format of strftime, with %N for nanoseconds. */
	const char *time_format;
	struct exclude exclude;
};

/** A sum. */
struct du_sum {
	/** Bytes, UINT64_MAX where they do not fit. */
	uint64_t bytes;
	uint64_t inodes;
	/** The latest time of all; valid where inodes is not 0. */
	int64_t sec;
	uint32_t nsec;
};

/** A folder being added up; what is in it, and what is further below. */
struct du_level {
	struct du_sum entries;
	struct du_sum folders;
};

/** One run of du. */
struct du {
	const struct du_options *options;
	struct peel_index *index;
	int view;
	/** Every node counts once, not only those with several names: operands or links may lead to one twice. */
	bool each_once;
	/** Names are escaped: they go to a terminal. */
	bool escape;
	struct inode_set seen;
	/** Level i belongs to the folder at depth i - 1. */
	struct du_level *levels;
	size_t level_room;
	struct du_sum total;
	int status;
};

/** Add up and print what is at a path; failures are said and go to du->status. */
void du_operand(struct du *du, const char *path);
/** Print a sum as a line. */
void du_print(const struct du *du, const struct du_sum *sum, const char *name, size_t name_len);
/** Free what the run holds. */
void du_finish(struct du *du);

#endif
