/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who receives, and who works.
 *
 * Most requests are answered from a few rows, or from bytes that are in memory, in less time than
 * waking a thread takes. If several threads wait at the device, the kernel wakes another one for
 * each request, and a walk over a tree spends twice the time on that. But a read may have to decode
 * megabytes, and must not hold up the names.
 *
 * So one thread receives, and answers at once what is at hand: one thread, warm, as if there were
 * no other. A read that would wait it gives to a thread of its own kind (work.c).
 *
 * Rejected: libfuse's loop, where all threads receive (a first `find` over 136,000 files took three
 * times as long on two busy cores, with twice the processor time); its single-threaded one (reads
 * hold up everything); and letting whoever received a read work on it while another receives, which
 * wakes a thread for reads that take microseconds.
 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>

#include <peel/error.h>

#include "ops.h"

/** Wakes the main thread when the mount is gone. Nobody else has a use for it here. */
#define SIGNAL_GONE SIGUSR1

/* Receive until all is over. */
static void *receive(void *arg)
{
	struct loop *loop = arg;
	struct fuse_buf request = {0};
	int r = 1;

	while (r > 0) {
		r = fuse_session_receive_buf(loop->session, &request);
		if (r == -EINTR || r == -EAGAIN) {
			r = 1;
		} else if (r > 0) {
			fuse_session_process_buf(loop->session, &request);
		}
	}
	free(request.mem);
	atomic_store(&loop->gone, true);
	pthread_kill(loop->main, SIGNAL_GONE);
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

int loop_run(struct loop *loop, struct fuse_session *session, struct work *work)
{
	pthread_t receiver;
	sigset_t waited;
	int signal;

	loop->session = session;
	loop->main = pthread_self();
	loop_ending_signals(&waited);
	sigaddset(&waited, SIGNAL_GONE);
	pthread_sigmask(SIG_BLOCK, &waited, NULL);
	if (work_start(work) < 0) {
		return PEEL_ENOMEM;
	}
	if (pthread_create(&receiver, NULL, receive, loop) != 0) {
		work_finish(work);
		return PEEL_ENOMEM;
	}
	do {
		signal = sigwaitinfo(&waited, NULL);
	} while (signal < 0 || (signal == SIGNAL_GONE && !atomic_load(&loop->gone)));
	if (signal != SIGNAL_GONE) {
		return 1;
	}
	pthread_join(receiver, NULL);
	work_finish(work);
	return 0;
}
