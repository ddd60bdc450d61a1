/* SPDX-License-Identifier: Apache-2.0 */
/** Waiting for a command as if it ran in the caller's place: signals, stops, its status. */
#ifndef FS_RUN_WAIT_H
#define FS_RUN_WAIT_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "members.h"

/** Signals and children of a waiting process. */
struct run_wait {
	/** Before run_wait_begin. */
	sigset_t old_mask;
	struct sigaction old_child;
	/** What is waited for: all that can be. */
	sigset_t waited;
	/** 0: not started, or gone. */
	pid_t command, server, guard;
	/** The command has ended, with this status for the shell. */
	bool ended;
	int status;
	/** The server has ended otherwise than by the mount's end, with what waitpid gave. */
	bool broken;
	int server_status;
};

/** Block every signal, so that none ends this process and none is lost. */
void run_wait_begin(struct run_wait *wait);

/** Give the signals back; those that came meanwhile are forgotten. */
void run_wait_end(struct run_wait *wait);

/**
 * Until the command has ended or the server is dead: pass on what other processes send, stop when
 * the command stops.
 *
 * What the terminal sends goes to its whole foreground process group, and so to the command too; it
 * is not passed on a second time.
 */
void run_wait_command(struct run_wait *wait);

/** Until a descriptor can be read or is at its end: the same. */
void run_wait_readable(struct run_wait *wait, int fd);

/**
 * After the command: until no process of its mount is left, the time is up, or a signal wants it to
 * end.
 */
void run_wait_others(struct run_wait *wait, const struct members *members, int seconds);

/** Kill server, guard and a command that is left, and collect them. */
void run_wait_finish(struct run_wait *wait);

#endif
