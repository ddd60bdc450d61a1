/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the process that becomes a command and its caller say to each other before that:
 *
 *     child                              caller
 *     has made its namespace     ──►     gives it ids
 *                                ◄──     go on
 *     has mounted; descriptors   ──►     starts server and guard
 *                                ◄──     go on
 *     becomes the command        ──►     end of the channel
 *
 * An error instead of a message ends it.
 */
#ifndef FS_RUN_CHANNEL_H
#define FS_RUN_CHANNEL_H

#include <stdbool.h>
#include <sys/types.h>

#include <peel/error.h>

/** Descriptors that come with the second message. */
struct run_descriptors {
	/** /dev/fuse, mounted; the mount namespace; the mount's root (O_PATH). */
	int device, mount_namespace, root;
};

/** Where the child is. */
struct run_message {
	/** The namespace is a user namespace too, and has no ids yet. */
	bool user_namespace;
	/** Device of the mount, with the second message. */
	dev_t dev;
	/** Status for the shell where err is set. */
	int status;
	struct peel_error err;
};

/** Make both ends, close-on-exec. @return 0, PEEL_EIO. */
int run_channel_open(int *ret_caller, int *ret_child, struct peel_error *err);

/** Child: say where it is. @param fds NULL: none. @return false where the caller is gone. */
bool run_channel_say(int channel, const struct run_message *message,
	const struct run_descriptors *fds);

/** Child: wait for the word to go on. @return false where the caller is gone. */
bool run_channel_wait(int channel);

/**
 * Caller: wait for the next message.
 * @param ret_fds NULL where none are due; else the caller closes them.
 * @return 1; 0 at the end: the child runs the command, or is dead; less than 0 where the child
 *   failed, with its status for the shell in *ret_message.
 */
int run_channel_hear(int channel, struct run_message *ret_message, struct run_descriptors *ret_fds,
	struct peel_error *err);

/** Caller: let the child go on. A child that is dead is found out later. */
void run_channel_go(int channel);

#endif
