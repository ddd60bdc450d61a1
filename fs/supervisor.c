/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     peel mount ──fork──► supervisor ──fork──► server (the FUSE session)
 *                              │                   │
 *                              └──── lifeline ─────┴──► guard (a shell)
 *
 * Whoever dies, somebody is left to unmount, and nobody answers for a mount that is not his:
 *
 *   umount by anyone      the server's session ends, it exits; the supervisor sees it and ends
 *   signal to supervisor  it passes it on; if the server does not end within two seconds, it is killed
 *   signal to server      it exits; the supervisor detaches the mount
 *   server killed         the supervisor detaches the mount
 *   supervisor killed     the kernel sends the server SIGTERM (PR_SET_PDEATHSIG)
 *   both ended            the lifeline ends without a word; the guard detaches the mount
 *
 * The server gives its rights up (session_begin), the one to unmount included, before it reads a byte of the index
 * or of the image. What it says is taken as hostile: that it serves, or a text why not. What is mounted the
 * supervisor sees itself.
 *
 * Every detaching looks up first whether the mount on the path still is ours. It is lazy: a program
 * that has a file open must not keep a dead mount alive.
 */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <peel/text.h>

#include "guard.h"
#include "loop.h"
#include "mountinfo.h"
#include "scope.h"
#include "session.h"

/** Seconds that a server gets to end after a signal. */
#define GRACE 2
/** statfs's f_type of a FUSE mount (FUSE_SUPER_MAGIC). */
#define FUSE_MAGIC 0x65735546

struct supervisor {
	struct peel_index *index;
	const char *path;
	const struct peel_mount_options *options;
	/** Signals of the caller, for the end. */
	sigset_t old_mask;
	struct sigaction old_child, old_pipe;
	/** Signals that are waited for. */
	sigset_t waited;
	/** -1: none. */
	pid_t server, guard;
	/** The server says here whether it has mounted. */
	int report_read, report_write;
	/** The guard reads here that all is well. */
	int lifeline_read, lifeline_write;
	/** The mount's device, once mounted. */
	dev_t dev;
	bool mounted;
};

/** Room for a message of the server once more, and for what escaping adds to the last piece of it. */
#define COMPLAINT_SIZE (PEEL_MESSAGE_SIZE + 16)

/*
 * fusermount3 mounts on after the server was killed. While it does, it holds the pipes too, so that
 * supervisor and guard see their end when there is no more to come.
 */
static void let_inherit(const struct supervisor *supervisor, bool inherit)
{
	fcntl(supervisor->report_write, F_SETFD, inherit ? 0 : FD_CLOEXEC);
	fcntl(supervisor->lifeline_write, F_SETFD, inherit ? 0 : FD_CLOEXEC);
}

/* Server: mount, give rights up, report, serve. Does not return. */
static void server_main(struct supervisor *supervisor, pid_t parent)
{
	struct peel_error report = {0};
	struct session *session = NULL;
	ssize_t written;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) {
		_exit(1);
	}
	/* Ending signals are blocked from here on: none may come between mount and report. */
	let_inherit(supervisor, true);
	r = session_mount(supervisor->index, supervisor->path, supervisor->options, &session,
		&report);
	let_inherit(supervisor, false);
	if (r == 0) {
		r = session_begin(session, &report);
	}
	written = write(supervisor->report_write, &report, sizeof(report));
	close(supervisor->report_write);
	if (r >= 0 && written == (ssize_t)sizeof(report) && session_serve(session) > 0) {
		/* Threads may be in the middle of a read; they end with the process. */
		_exit(0);
	}
	session_close(session);
	_exit(r < 0);
}

static int open_pipe(int *ret_read, int *ret_write, struct peel_error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		return peel_fail(err, PEEL_EIO, "pipe: %s", strerror(errno));
	}
	*ret_read = ends[0];
	*ret_write = ends[1];
	return 0;
}

static int start_server(struct supervisor *supervisor, struct peel_error *err)
{
	pid_t parent = getpid();
	int r = open_pipe(&supervisor->report_read, &supervisor->report_write, err);

	if (r < 0) {
		return r;
	}
	supervisor->server = fork();
	if (supervisor->server < 0) {
		return peel_fail(err, PEEL_EIO, "fork: %s", strerror(errno));
	}
	if (supervisor->server == 0) {
		close(supervisor->report_read);
		server_main(supervisor, parent);
	}
	close(supervisor->report_write);
	supervisor->report_write = -1;
	return 0;
}

/* The guard first: from the server's first step on, both may be killed. */
static int start(struct supervisor *supervisor, struct peel_error *err)
{
	int r = open_pipe(&supervisor->lifeline_read, &supervisor->lifeline_write, err);

	if (r == 0) {
		r = guard_start(supervisor->path, supervisor->lifeline_read, &supervisor->guard,
			err);
	}
	if (r == 0) {
		r = start_server(supervisor, err);
	}
	return r;
}

/*
 * A server that was killed or has failed may have mounted before it could say so. A mount of peel
 * on the path is its own: nothing is mounted over one.
 */
static void find_orphan(struct supervisor *supervisor)
{
	struct mountinfo info;

	if (mountinfo_find(supervisor->path, &info, NULL) > 0 &&
		strcmp(info.type, MOUNT_TYPE) == 0) {
		supervisor->dev = info.dev;
		supervisor->mounted = true;
	}
}

/* A message of the server, which may be anything: escaped where it is not yet. */
static int take_complaint(const struct peel_error *report, struct peel_error *err)
{
	char text[PEEL_MESSAGE_SIZE];
	char shown[COMPLAINT_SIZE] = "";
	size_t used = 0;
	char *rest = text;

	memcpy(text, report->message, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	while (rest && used < PEEL_MESSAGE_SIZE) {
		const char *piece = strsep(&rest, "\\");

		peel_text_escape_into(shown + used, sizeof(shown) - used - 1, piece, strlen(piece));
		used += strlen(shown + used);
		if (rest) {
			shown[used++] = '\\';
			shown[used] = '\0';
		}
	}
	return peel_fail(err,
		report->code < 0 && report->code >= PEEL_EINCOMPLETE ? report->code : PEEL_EIO,
		"%s", shown);
}

/* Wait until the server has mounted and answers. */
static int wait_ready(struct supervisor *supervisor, struct peel_error *err)
{
	struct peel_error report;
	struct mountinfo info;
	struct statfs stat;
	ssize_t got;
	int r;

	do {
		got = read(supervisor->report_read, &report, sizeof(report));
	} while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(report)) {
		return peel_fail(err, PEEL_EIO, "cannot mount: the server ended without a word");
	}
	if (report.code != 0) {
		return take_complaint(&report, err);
	}
	r = mountinfo_find(supervisor->path, &info, err);
	if (r < 0) {
		return r;
	}
	if (r == 0 || strcmp(info.type, MOUNT_TYPE) != 0) {
		return peel_fail(err, PEEL_EIO, "the mount was taken away at once");
	}
	supervisor->dev = info.dev;
	supervisor->mounted = true;
	guard_arm(supervisor->lifeline_write, info.dev);
	if (statfs(supervisor->path, &stat) != 0) {
		return peel_fail(err, PEEL_EIO, "the mount does not answer: %s", strerror(errno));
	}
	if (stat.f_type != FUSE_MAGIC) {
		return peel_fail(err, PEEL_EIO, "the mount was taken away at once");
	}
	return 0;
}

/*
 * Collect the server if it has ended. @return true where it is gone; *ret_status as waitpid gives
 * it.
 */
static bool reap_server(struct supervisor *supervisor, int *ret_status)
{
	pid_t pid = waitpid(supervisor->server, ret_status, WNOHANG);

	if (pid != supervisor->server && !(pid < 0 && errno == ECHILD)) {
		return false;
	}
	supervisor->server = -1;
	return true;
}

/* Ask the server to end and see that it does. */
static void stop_server(struct supervisor *supervisor)
{
	struct timespec now, end;
	int status;

	if (supervisor->server <= 0) {
		return;
	}
	kill(supervisor->server, SIGTERM);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += GRACE;
	while (!reap_server(supervisor, &status)) {
		struct timespec rest = {.tv_nsec = 100 * 1000 * 1000};

		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec ||
			(now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec)) {
			kill(supervisor->server, SIGKILL);
			waitpid(supervisor->server, &status, 0);
			supervisor->server = -1;
			return;
		}
		sigtimedwait(&supervisor->waited, NULL, &rest);
	}
}

/*
 * Until the mount ends. @return 0, or PEEL_EIO where the server died of something else than an
 * unmount.
 */
static int watch(struct supervisor *supervisor, struct peel_error *err)
{
	int status = 0;

	for (;;) {
		int signal = sigwaitinfo(&supervisor->waited, NULL);

		if (reap_server(supervisor, &status)) {
			break;
		}
		if (signal > 0 && signal != SIGCHLD) {
			stop_server(supervisor);
			return 0;
		}
	}
	if (WIFSIGNALED(status)) {
		return peel_fail(err, PEEL_EIO, "the server was killed by signal %d",
			WTERMSIG(status));
	}
	return 0;
}

/* Block what is waited for before there is a child to miss. */
static void take_signals(struct supervisor *supervisor)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	struct sigaction ignored = {.sa_handler = SIG_IGN};

	loop_ending_signals(&supervisor->waited);
	sigaddset(&supervisor->waited, SIGCHLD);
	sigprocmask(SIG_BLOCK, &supervisor->waited, &supervisor->old_mask);
	sigaction(SIGCHLD, &standard, &supervisor->old_child);
	sigaction(SIGPIPE, &ignored, &supervisor->old_pipe);
}

static void give_signals_back(struct supervisor *supervisor)
{
	struct timespec now = {0};

	/*
	 * The end of guard or server is no news for the caller, nor is the signal that ended the
	 * mount.
	 */
	while (sigtimedwait(&supervisor->waited, NULL, &now) > 0) {
	}
	sigaction(SIGCHLD, &supervisor->old_child, NULL);
	sigaction(SIGPIPE, &supervisor->old_pipe, NULL);
	sigprocmask(SIG_SETMASK, &supervisor->old_mask, NULL);
}

static void close_end(int fd)
{
	if (fd >= 0) {
		close(fd);
	}
}

/* Nothing stays: no server, no mount, no guard. */
static void finish(struct supervisor *supervisor)
{
	stop_server(supervisor);
	if (!supervisor->mounted) {
		find_orphan(supervisor);
	}
	if (!supervisor->mounted ||
		mountinfo_detach_dead(supervisor->path, supervisor->dev, NULL) == 0) {
		guard_dismiss(supervisor->lifeline_write);
	}
	close_end(supervisor->report_read);
	close_end(supervisor->report_write);
	close_end(supervisor->lifeline_read);
	close_end(supervisor->lifeline_write);
	if (supervisor->guard > 0) {
		waitpid(supervisor->guard, NULL, 0);
	}
}

int supervisor_run(struct peel_index *index, const char *path,
	const struct peel_mount_options *options, supervisor_ready_fn *ready, void *ready_arg,
	struct peel_error *err)
{
	struct peel_error result = {0};
	struct supervisor supervisor = {
		.index = index,
		.path = path,
		.options = options,
		.server = -1,
		.guard = -1,
		.report_read = -1,
		.report_write = -1,
		.lifeline_read = -1,
		.lifeline_write = -1,
	};
	int r;

	take_signals(&supervisor);
	r = start(&supervisor, &result);
	if (r == 0) {
		r = wait_ready(&supervisor, &result);
	}
	if (r < 0) {
		/* Clean up first: who is told of the failure may look at once. */
		finish(&supervisor);
	}
	ready(ready_arg, &result);
	if (r == 0) {
		mountinfo_read_ahead(supervisor.dev);
		r = watch(&supervisor, &result);
		finish(&supervisor);
	}
	give_signals_back(&supervisor);
	return r < 0 ? peel_fail(err, r, "%s", result.message) : 0;
}
