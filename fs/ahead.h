/* SPDX-License-Identifier: Apache-2.0 */
/** Reading ahead across files: a program that reads file after file finds the next ones in the page cache. */
#ifndef FS_AHEAD_H
#define FS_AHEAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuse_req;
struct fuse_session;
struct view;

/** Buffers for the kernel begin at a page: it copies page by page, and would look up two for each. */
#define REPLY_ALIGN 4096
/** Files remembered in the order of their listing, a power of two. */
#define AHEAD_FILES 32768
/** Bytes of a file that are read ahead in any case, and stored at once. */
#define AHEAD_HEAD (256 * 1024)
/** Bytes of a file that are read ahead where the program reads such files to their end. */
#define AHEAD_DEEP (4 * 1024 * 1024)
/** Most files read ahead at once, and about as many bytes. */
#define AHEAD_WINDOW_MAX 512
#define AHEAD_WINDOW_BYTES (4 * 1024 * 1024)

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

/** Bytes to store. */
struct ahead_piece {
	uint64_t ino, offset;
	size_t len;
};

/** {0} before ahead_start. Places count the files listed; a file is at its place modulo AHEAD_FILES. */
struct ahead {
	const struct view *view;
	struct fuse_session *session;
	pthread_mutex_t lock;
	/** There is something to read, or all is over. */
	pthread_cond_t wanted;
	/** A file was not at hand: the second thread is to decode those that follow; or all is over. */
	pthread_cond_t behind;
	pthread_t thread, decoding_thread;
	bool started, decodes, over;
	/** The thread waits for something to do. */
	bool resting;
	/** Of the thread alone: AHEAD_HEAD bytes. */
	char *buf;
	/** The end of a folder was asked for; answered when the files before a place are stored. NULL: none. */
	struct fuse_req *held;
	uint64_t held_to;
	/** Next place to give out, and the first one of a listing whose end was not asked for yet. */
	uint64_t listed, listing;
	/** What to read ahead: from the first place on, up to the second. */
	uint64_t from, to;
	/** Of the file at the first place: bytes stored, and how many to store; 0: not begun. */
	uint64_t stored, reach;
	/** What the second thread has come to: a place, and bytes of the file there. It is wanted now. */
	uint64_t decoded, decoded_bytes;
	bool slow;
	/** Large files are read beyond their head. */
	bool deep;
	/** Large files since one of which no more than the head was stored, to see that; its place. */
	unsigned large;
	uint64_t large_probe;
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
 * @return true where the request will be answered here, with nothing, once the first files are stored.
 */
bool ahead_ended(struct ahead *ahead, struct fuse_req *req);

/** True while files are read ahead. */
bool ahead_active(struct ahead *ahead);

/** The kernel reads a file, from an offset on. */
void ahead_read(struct ahead *ahead, uint64_t ino, uint64_t offset);

#endif
