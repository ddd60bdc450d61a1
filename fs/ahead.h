/* SPDX-License-Identifier: Apache-2.0 */
/** Reading ahead across files: a program that reads file after file finds the next ones in the page cache. */
#ifndef FS_AHEAD_H
#define FS_AHEAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuse_session;
struct view;

/** Files remembered in the order of their listing, a power of two. */
#define AHEAD_FILES 32768
/** Larger files are not read ahead: the kernel does that within a file. */
#define AHEAD_SIZE_MAX (256 * 1024)
/** Most files read ahead at once. */
#define AHEAD_WINDOW_MAX 64

/** A regular file that was listed, empty ones left out. */
struct ahead_file {
	uint64_t ino;
	/** Bytes. */
	uint64_t size;
	/** The first of its listing. */
	bool first;
	/** It was read, or read ahead. */
	bool done;
};

/** {0} before ahead_start. Places count the files listed; a file is at its place modulo AHEAD_FILES. */
struct ahead {
	const struct view *view;
	struct fuse_session *session;
	pthread_mutex_t lock;
	/** There is something to read, or all is over. */
	pthread_cond_t wanted;
	pthread_t thread;
	bool started, over;
	/** Next place to give out, and the first one of the last listing. */
	uint64_t listed, listing;
	/** What to read ahead: from the first place on, up to the second. */
	uint64_t from, to;
	/** Windows since a read was in order. */
	unsigned unseen;
	/** A file among these that is left out, for the read of it to be seen. */
	uint64_t marker;
	/** Reads in a row that were in order. */
	unsigned in_order;
	/** Files to read ahead at the next occasion. */
	unsigned window;
	struct ahead_file files[AHEAD_FILES];
	/** Last place of a file by its inode number modulo AHEAD_FILES. */
	uint64_t places[AHEAD_FILES];
};

/** Start the thread. Without it (where none could be started) nothing is read ahead. */
void ahead_start(struct ahead *ahead, const struct view *view, struct fuse_session *session);

/** End the thread. */
void ahead_finish(struct ahead *ahead);

/** A listing shows a regular file. @param first the first one of this listing. */
void ahead_listed(struct ahead *ahead, uint64_t ino, uint64_t size, bool first);

/**
 * The end of a folder was asked for: the kernel has taken what the listing showed, and whoever reads in
 * order will read that. Before, it would not take bytes for it.
 */
void ahead_ended(struct ahead *ahead);

/** The kernel reads a file, from its start on or further. */
void ahead_read(struct ahead *ahead, uint64_t ino);

#endif
