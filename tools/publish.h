/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A file that appears under its name when it is whole: written beside it, then renamed over it.
 * What is no regular file (a pipe, a device) is written to as it is.
 *
 * Only publish_open needs a right to the folder: a process that gives its rights up afterwards can still commit
 * and drop.
 */
#ifndef PUBLISH_H
#define PUBLISH_H

#include <stdio.h>

/** A file on its way. */
struct publish {
	/** Where to write. */
	FILE *out;
	/** The name, links on the way to it resolved; NULL: written in place. */
	char *path;
	/**
	 * Its name until then; NULL: it has none, and nothing is left of it if the process is
	 * killed.
	 */
	char *temporary;
	/** The process that gives it its name, by a socket; -1: none. */
	int namer;
};

/**
 * Begin, in a process that has one thread. @return 0, or -1 with errno set; then nothing is left behind, and
 * publish_drop is not needed.
 */
int publish_open(struct publish *publish, const char *path);

/** Write out what is buffered, and give the file its name. @return as publish_open. */
int publish_commit(struct publish *publish);

/** Take the file away where it was not committed. */
void publish_drop(struct publish *publish);

#endif
