/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who receives, and who works.
 *
 * Most requests are answered from a few rows, in less time than waking a thread takes. If several
 * threads wait at the device, the kernel wakes another one for each request, and a walk over a tree
 * spends twice the time on that. But a read may have to decode megabytes, and must not hold up the
 * names.
 *
 * So one thread, the leader, receives. What is quick it answers itself and receives on: one thread,
 * warm, as if there were no other. At a read it lets go of the device before it works, and another
 * thread leads. The lock is that: who holds it, leads.
 *
 * Rejected: libfuse's loop, where all threads receive (a first `find` over 136,000 files took three
 * times as long on two busy cores, with twice the processor time), and its single-threaded one
 * (reads hold up everything).
 */
#include "loop.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdlib.h>

#include <peel/error.h>

#include "ops.h"

/** Threads: as many reads may decode or wait for the disk at once. */
#define WORKERS 4
/** Wakes the main thread when the mount is gone. Nobody else has a use for it here. */
#define SIGNAL_GONE SIGUSR1

static bool is_slow(const struct fuse_buf *request)
{
	const struct fuse_in_header *header = request->mem;

	return request->size >= sizeof(*header) && header->opcode == FUSE_READ;
}

/*
 * Lead until a slow request comes; it is then in request, and somebody else leads. @return false
 * where all is over.
 */
static bool lead(struct loop *loop, struct fuse_buf *request)
{
	pthread_mutex_lock(&loop->lead);
	while (!atomic_load(&loop->gone)) {
		int r = fuse_session_receive_buf(loop->session, request);

		if (r == -EINTR || r == -EAGAIN) {
			continue;
		}
		if (r <= 0) {
			atomic_store(&loop->gone, true);
			pthread_kill(loop->main, SIGNAL_GONE);
			break;
		}
		if (is_slow(request)) {
			pthread_mutex_unlock(&loop->lead);
			return true;
		}
		fuse_session_process_buf(loop->session, request);
	}
	pthread_mutex_unlock(&loop->lead);
	return false;
}

static void *work(void *arg)
{
	struct loop *loop = arg;
	struct fuse_buf request = {0};

	while (lead(loop, &request)) {
		fuse_session_process_buf(loop->session, &request);
	}
	free(request.mem);
	return NULL;
}

void loop_ending_signals(sigset_t *ret_set)
{
	static const int optional[] = {SIGHUP, SIGINT};

	sigemptyset(ret_set);
	sigaddset(ret_set, SIGTERM);
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		struct sigaction current;

		if (sigaction(optional[i], NULL, &current) == 0 && current.sa_handler != SIG_IGN) {
			sigaddset(ret_set, optional[i]);
		}
	}
}

int loop_run(struct loop *loop, struct fuse_session *session)
{
	pthread_t threads[WORKERS];
	int started = 0;
	sigset_t waited;
	int signal;

	loop->session = session;
	loop->main = pthread_self();
	pthread_mutex_init(&loop->lead, NULL);
	loop_ending_signals(&waited);
	sigaddset(&waited, SIGNAL_GONE);
	pthread_sigmask(SIG_BLOCK, &waited, NULL);
	while (started < WORKERS && pthread_create(&threads[started], NULL, work, loop) == 0) {
		started++;
	}
	if (started == 0) {
		return PEEL_ENOMEM;
	}
	do {
		signal = sigwaitinfo(&waited, NULL);
	} while (signal < 0 || (signal == SIGNAL_GONE && !atomic_load(&loop->gone)));
	if (signal != SIGNAL_GONE) {
		return 1;
	}
	for (int i = 0; i < started; i++) {
		pthread_join(threads[i], NULL);
	}
	return 0;
}
