/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A builder without rights.
 *
 *     parent                                child
 *       files without a name, folders ──────► fork, cage (sandbox.c), then the first byte of the image
 *       answers                      ◄──────► questions: "a file for a spill", "that blob"
 *       callback                     ◄─────── progress
 *       the end                      ◄─────── code, message, six numbers
 *       SIGKILL, waitpid
 *       opens what was written as hostile input, checks it, gives it a name
 *
 * The child is no other program: fork keeps what was loaded, so that starting it costs a copy of page tables, and
 * no file has to be found. It stands in the parent's process group, so that Ctrl-C and Ctrl-Z mean both; and it
 * dies with its parent (PR_SET_PDEATHSIG), so that kill -9 leaves nobody behind. Its files have no names, so that
 * nothing else is left either.
 *
 * Once the child has told the end it is ended in any case, before anything that it wrote is looked at: nobody is there
 * any more who could change it.
 *
 * What it writes to is what it was given. Of all that the parent had open, what can be written is closed, and what the
 * parent itself was handed; standard streams are /dev/null: what a stranger's bytes make of this process can draw on no
 * terminal.
 *
 * Rejected: a helper program (has to be found, and opened by the cage's child as somebody), a thread (shares
 * memory with who is to check it), keeping O_RDONLY folders under Landlock (not on every kernel; and root without
 * capabilities cannot read what is another user's, which the parent can).
 */
#include "index_child.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <peel/sandbox.h>

#include "index_serve.h"
#include "sandbox_config.h"
#include "sandbox_priv.h"
#include "util.h"

/** Looks at a child that closed its sockets, and the nap between two, nanoseconds: two seconds in all. */
#define END_TRIES 2000
#define END_NAP_NS 1000000

/** A run, on both sides. */
struct running {
	const struct child_world *world;
	/** The parent's and the child's. */
	int ends[SERVE_ENDS], others[SERVE_ENDS];
	pid_t pid;
};

static void running_finish(struct running *running)
{
	for (int i = 0; i < SERVE_ENDS; i++) {
		if (running->ends[i] >= 0) {
			close(running->ends[i]);
		}
		if (running->others[i] >= 0) {
			close(running->others[i]);
		}
	}
}

/* The child's side. */

/** The parent's handlers are about what the parent does; what it ignores stays ignored (nohup). */
static void reset_signals(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP};
	const struct sigaction standard = {.sa_handler = SIG_DFL};
	struct sigaction now;

	for (size_t i = 0; i < countof(signals); i++) {
		if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) {
			sigaction(signals[i], &standard, NULL);
		}
	}
}

static void leave_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
#ifdef SANDBOX_INSTRUMENTED
	/* A sanitizer's report. */
	const int last = STDOUT_FILENO;
#else
	const int last = STDERR_FILENO;
#endif

	null = null >= 0 ? null : memfd_create("null", MFD_CLOEXEC);
	for (int fd = STDIN_FILENO; fd <= last; fd++) {
		if (null < 0 || dup2(null, fd) < 0) {
			close(fd);
		}
	}
	if (null > STDERR_FILENO) {
		close(null);
	}
}

static bool is_kept(const struct running *running, int fd)
{
	for (int i = 0; i < SERVE_ENDS; i++) {
		if (fd == running->others[i]) {
			return true;
		}
	}
	for (size_t i = 0; i < running->world->written_count; i++) {
		if (fd == running->world->written[i]) {
			return true;
		}
	}
	return false;
}

/** What can be written, and what the parent itself was only handed. */
static bool is_left(const void *arg, int fd)
{
	const struct running *running = arg;
	const int flags = fcntl(fd, F_GETFL);
	const bool writable = flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY;

	return !is_kept(running, fd) && (writable || sandbox_files_inherited(NULL, fd));
}

static int enter_cage(struct peel_error *err)
{
	static const struct peel_sandbox nothing = {0};
	int held = peel_sandbox_enter(&nothing, err);

	return held >= 0 ? 0
			 : peel_fail(err, held,
				   "the process that reads the image cannot give its rights up: %s"
				   " (--no-sandbox does without)",
				   err->message);
}

static _Noreturn void be_child(struct running *running, pid_t parent, child_fn *run, void *arg)
{
	struct peel_error err = {0};
	struct child child = {
		.broker = running->others[SERVE_MAIN],
		.spool = running->others[SERVE_SPOOL],
	};
	int code;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(EXIT_FAILURE);
	}
	reset_signals();
	for (int i = 0; i < SERVE_ENDS; i++) {
		close(steal_fd(&running->ends[i]));
	}
	leave_streams();
	sandbox_files_leave(is_left, running);
	code = enter_cage(&err);
	if (code == 0) {
		code = run(&child, arg, &err);
	}
	code = code < 0 ? code : 0;
	_exit(broker_tell(child.broker, BROKER_DONE, code, child.values, err.message)
			? EXIT_SUCCESS
			: EXIT_FAILURE);
}

int child_progress(void *arg, const char *what, uint64_t done_bytes, uint64_t total_bytes)
{
	const struct child *child = arg;
	const uint64_t values[BROKER_VALUES] = {done_bytes, total_bytes};

	return !broker_tell(child->broker, BROKER_PROGRESS, 0, values, what);
}

void child_tell_file(struct child *child, size_t first_value, int fd)
{
	struct stat st = {0};

	if (fstat(fd, &st) == 0) {
		child->values[first_value] = st.st_dev;
		child->values[first_value + 1] = st.st_ino;
	}
}

/* The parent's side. */

static bool is_file(const struct child_result *result, size_t first_value, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == result->values[first_value] &&
		st.st_ino == result->values[first_value + 1];
}

int child_told_file(const struct child_result *result, size_t first_value, int given)
{
	if (is_file(result, first_value, given)) {
		return given;
	}
	for (size_t i = 0; i < result->place_count; i++) {
		if (is_file(result, first_value, result->places[i])) {
			return result->places[i];
		}
	}
	return -1;
}

void child_result_finish(struct child_result *result)
{
	for (size_t i = 0; i < result->place_count; i++) {
		close(result->places[i]);
	}
	result->place_count = 0;
}

/** See the child end. @param patient it is ending already. @return its status, -1 where nobody knows. */
static int wait_child(pid_t pid, bool patient)
{
	static const struct timespec nap = {.tv_nsec = END_NAP_NS};
	int status = -1;
	pid_t ended = 0;

	for (int i = 0; patient && ended == 0 && i < END_TRIES; i++) {
		ended = waitpid(pid, &status, WNOHANG);
		if (ended == 0) {
			nanosleep(&nap, NULL);
		}
	}
	if (ended == 0) {
		kill(pid, SIGKILL);
		while ((ended = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {
		}
	}
	return ended == pid ? status : -1;
}

/** Say how a child ended that told nothing. */
static int explain(int status, struct peel_error *err)
{
	const int number = status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	const char *name = number ? sigdescr_np(number) : NULL;
	char text[64];

	if (number == 0) {
		return peel_fail(err, PEEL_EINTERNAL,
			"the process that reads the image ended early");
	}
	if (number == SIGINT || number == SIGTERM || number == SIGHUP) {
		return peel_fail(err, PEEL_ECANCELED, "interrupted");
	}
	snprintf(text, sizeof(text), "%s", name ? name : "unknown");
	text[0] = (char)tolower((unsigned char)text[0]);
	return peel_fail(err, PEEL_EINTERNAL,
		"the process that reads the image was ended by signal %d (%s%s)", number, text,
		number == SIGKILL ? "; was memory short?" : "");
}

static int start(struct running *running, child_fn *run, void *arg, struct peel_error *err)
{
	const pid_t parent = getpid();

	for (int i = 0; i < SERVE_ENDS; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
			return peel_fail(err, PEEL_EIO, "cannot make a socket: %s",
				strerror(errno));
		}
		running->ends[i] = pair[0];
		running->others[i] = pair[1];
	}
	running->pid = fork();
	if (running->pid < 0) {
		return peel_fail(err, PEEL_EIO, "cannot start the process that reads the image: %s",
			strerror(errno));
	}
	if (running->pid == 0) {
		be_child(running, parent, run, arg);
	}
	for (int i = 0; i < SERVE_ENDS; i++) {
		close(steal_fd(&running->others[i]));
	}
	return 0;
}

int child_run(const struct child_world *world, child_fn *run, void *arg,
	struct child_result *ret_result, struct peel_error *err)
{
	cleanup(running_finish) struct running running = {
		.world = world, .ends = {-1, -1}, .others = {-1, -1}};
	struct peel_error told = {0};
	enum served served;
	int status;
	int code = start(&running, run, arg, err);

	*ret_result = (struct child_result){0};
	if (code < 0) {
		return code;
	}
	served = serve_child(world, running.ends, ret_result, &told);
	status = wait_child(running.pid, served == SERVED_GONE);
	if (served == SERVED_GONE) {
		return explain(status, err);
	}
	return told.code < 0 ? peel_fail(err, told.code, "%s", told.message) : 0;
}
