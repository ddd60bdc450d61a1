/* SPDX-License-Identifier: Apache-2.0 */
/** The threads that answer requests. */
#ifndef FS_LOOP_H
#define FS_LOOP_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

struct ahead;
struct fuse_session;
struct work;

/** The thread that receives. {0} before loop_run. */
struct loop {
	struct fuse_session *session;
	struct ahead *ahead;
	pthread_t main;
	/** The mount is gone. */
	atomic_bool gone;
};

/** The signals that end a mount: TERM, and INT and HUP unless the process ignores them (nohup). */
void loop_ending_signals(sigset_t *ret_set);

/**
 * Answer requests until the mount is gone or an ending signal comes. Ending signals stay blocked
 * afterwards.
 *
 * Where a signal ended it, threads may still be at work, and neither session nor loop may be freed:
 * detach the mount and leave the process.
 * @param work started here, and finished where the mount is gone.
 * @return 0 where the mount is gone; 1 where a signal came; PEEL_ENOMEM where no thread could be
 *   started.
 */
int loop_run(struct loop *loop, struct fuse_session *session, struct work *work,
	struct ahead *ahead);

#endif
