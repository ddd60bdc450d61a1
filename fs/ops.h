/* SPDX-License-Identifier: Apache-2.0 */
/** FUSE requests: each one is turned into a question to the view and its answer into a reply. */
#ifndef FS_OPS_H
#define FS_OPS_H

#include <stdatomic.h>
#include <stdbool.h>

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 312
#endif
#include <fuse_lowlevel.h>

#include "ahead.h"
#include "view.h"
#include "work.h"

/** The user data of a session. */
struct ops {
	struct view view;
	/** What the kernel offers, set by init. */
	bool no_open, no_opendir;
	/** Reads ahead for programs that read file after file. */
	struct ahead ahead;
	/** Takes what would hold up the thread that receives. */
	struct work work;
	/** Replies are made here by the thread that receives; grows to what the kernel asks for. */
	char *reply;
	size_t reply_size;
	/** One message about damage is enough: a walk over a changed image would give thousands. */
	atomic_bool warned;
};

/** The request handlers; the session's user data is a struct ops. One thread calls them. */
extern const struct fuse_lowlevel_ops ops_table;

#endif
