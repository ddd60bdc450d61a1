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
 * A walk (find, du) is one program that asks, waits, and asks again: a folder after the other, each
 * answered in a few microseconds. To fall asleep and be woken between two of these takes longer than
 * both do their work, so during a walk the thread looks for the next request for a moment before it
 * sleeps, and lets go of the processor at each look. Not between reads: there the programs that copy
 * need the processor.
 *
 * Rejected: libfuse's loop, where all threads receive (a first `find` over 136,000 files took three
 * times as long on two busy cores, with twice the processor time); its single-threaded one (reads
 * hold up everything); and letting whoever received a read work on it while another receives, which
 * wakes a thread for reads that take microseconds.
 */
#include "loop.h"

#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <peel/error.h>

#include "ops.h"

/** Wakes the main thread when the mount is gone. Nobody else has a use for it here. */
#define SIGNAL_GONE SIGUSR1

/** Requests without a read among them that make a walk. */
#define WALK_REQUESTS 8
/** Nanoseconds to look for the next request during a walk: what a program takes for a large folder. */
#define LOOK_NS 60000

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Look for the next request, for a moment. */
static void look(struct loop *loop)
{
	struct pollfd device = {.fd = fuse_session_fd(loop->session), .events = POLLIN};
	const int64_t end = now_ns() + LOOK_NS;

	while (poll(&device, 1, 0) == 0 && now_ns() < end) {
		sched_yield();
	}
}

static bool is_read(const struct fuse_buf *request)
{
	const struct fuse_in_header *header = request->mem;

	return request->size >= sizeof(*header) && header->opcode == FUSE_READ;
}

/* Receive until all is over. */
static void *receive(void *arg)
{
	struct loop *loop = arg;
	struct fuse_buf request = {0};
	const bool may_look = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	unsigned names = 0;
	int r = 1;

	while (r > 0) {
		if (may_look && names >= WALK_REQUESTS) {
			look(loop);
		}
		r = fuse_session_receive_buf(loop->session, &request);
		if (r == -EINTR || r == -EAGAIN) {
			r = 1;
		} else if (r > 0) {
			names = is_read(&request) || ahead_active(loop->ahead) ? 0 : names + 1;
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

int loop_run(struct loop *loop, struct fuse_session *session, struct work *work,
	struct ahead *ahead)
{
	pthread_t receiver;
	sigset_t waited;
	int signal;

	loop->session = session;
	loop->ahead = ahead;
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
