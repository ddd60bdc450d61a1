/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     shell ──► peel ──► command ──► its children         one process group, one terminal
 *                 └────► server, guard                    sessions of their own
 *
 * Ctrl-C, Ctrl-\, Ctrl-Z and a hangup go to the group: the command decides what comes of them, and
 * peel follows it. So peel blocks all signals and takes them one by one. Those of the kernel's
 * terminal it drops; those of a process (kill, timeout, a shell that says fg) were meant for the
 * command, and it gets them. If the command stops, peel stops by the same signal, for the shell to
 * see; the signal that continues peel continues the command.
 */
#include "run_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <peel/mount.h>

#include "loop.h"
#include "scope.h"

#define NS_PER_S (1000 * 1000 * 1000)
/** How often one looks whether processes that the command has left are still there. */
#define LOOKS_PER_S 50

/* A blocked fault would be a silent death. */
static void all_signals(sigset_t *ret_set)
{
	static const int faults[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};

	sigfillset(ret_set);
	for (size_t i = 0; i < countof(faults); i++) {
		sigdelset(ret_set, faults[i]);
	}
}

void run_wait_begin(struct run_wait *wait)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};

	*wait = (struct run_wait){0};
	all_signals(&wait->waited);
	sigprocmask(SIG_BLOCK, &wait->waited, &wait->old_mask);
	/* Who ignores SIGCHLD has no children to wait for. */
	sigaction(SIGCHLD, &standard, &wait->old_child);
}

void run_wait_end(struct run_wait *wait)
{
	const struct timespec now = {0};

	while (sigtimedwait(&wait->waited, NULL, &now) > 0) {
	}
	sigaction(SIGCHLD, &wait->old_child, NULL);
	sigprocmask(SIG_SETMASK, &wait->old_mask, NULL);
}

/* Stop by a signal as the command did. The one that continues us stays pending and is passed on. */
static void stop_by(int number)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	struct sigaction before;
	sigset_t only;

	sigemptyset(&only);
	sigaddset(&only, number);
	sigaction(number, &standard, &before);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	sigprocmask(SIG_BLOCK, &only, NULL);
	sigaction(number, &before, NULL);
}

/*
 * Stop, and come back. A shell in our place has the terminal for a process group of its own; the
 * shell that runs us knows ours only, and continues that one. So we hand the terminal over, as the
 * shell would have if the command were its child.
 */
static void stop(pid_t command, int number)
{
	cleanup_fd int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	pid_t group = getpgid(command);
	bool in_front = terminal >= 0 && group > 0 && tcgetpgrp(terminal) == group;

	stop_by(number);
	if (in_front && group != getpgrp() && tcgetpgrp(terminal) == getpgrp()) {
		tcsetpgrp(terminal, group);
	}
}

static void note_command(struct run_wait *wait, int status)
{
	if (WIFSTOPPED(status)) {
		stop(wait->command, WSTOPSIG(status));
		return;
	}
	wait->ended = true;
	wait->command = 0;
	wait->status = WIFEXITED(status) ? WEXITSTATUS(status)
					 : PEEL_RUN_SIGNALED + WTERMSIG(status);
}

/* Collect every child that has something to say. */
static void reap(struct run_wait *wait)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid == wait->command) {
			note_command(wait, status);
		} else if (pid == wait->server && !WIFSTOPPED(status)) {
			wait->server = 0;
			wait->server_status = status;
			wait->broken = status != 0;
		} else if (pid == wait->guard && !WIFSTOPPED(status)) {
			wait->guard = 0;
		}
	}
}

/*
 * Whether the command should get a signal that has come to us. A timer that was set before peel was
 * run (alarm, then exec) was meant for it too.
 */
static bool is_for_command(const struct run_wait *wait, const siginfo_t *info)
{
	switch (info->si_signo) {
	case SIGALRM:
	case SIGVTALRM:
	case SIGPROF:
		return true;
	default:
		return (info->si_code == SI_USER || info->si_code == SI_QUEUE ||
			       info->si_code == SI_TKILL) &&
			info->si_pid != wait->command && info->si_pid != getpid();
	}
}

static void pass_on(const struct run_wait *wait, const siginfo_t *info)
{
	if (wait->command <= 0 || !is_for_command(wait, info)) {
		return;
	}
	if (info->si_code == SI_QUEUE) {
		sigqueue(wait->command, info->si_signo, info->si_value);
	} else {
		kill(wait->command, info->si_signo);
	}
}

static void take(struct run_wait *wait, const siginfo_t *info)
{
	if (info->si_signo == SIGCHLD) {
		reap(wait);
	} else {
		pass_on(wait, info);
	}
}

void run_wait_command(struct run_wait *wait)
{
	siginfo_t info;

	reap(wait);
	while (!wait->ended && !wait->broken) {
		if (sigwaitinfo(&wait->waited, &info) > 0) {
			take(wait, &info);
		}
	}
}

void run_wait_readable(struct run_wait *wait, int fd)
{
	cleanup_fd int signals = signalfd(-1, &wait->waited, SFD_CLOEXEC);
	struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	const struct timespec now = {0};

	while (signals >= 0 && poll(polled, countof(polled), -1) >= 0 && !polled[0].revents) {
		siginfo_t info;

		if (sigtimedwait(&wait->waited, &info, &now) > 0) {
			take(wait, &info);
		}
	}
}

void run_wait_others(struct run_wait *wait, const struct members *members, int seconds)
{
	const struct timespec rest = {.tv_nsec = NS_PER_S / LOOKS_PER_S};
	struct timespec now, end;
	sigset_t ending;

	loop_ending_signals(&ending);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	while (members_count(members) > 0) {
		int number = sigtimedwait(&wait->waited, NULL, &rest);

		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec ||
			(now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec) ||
			(number > 0 && sigismember(&ending, number) == 1)) {
			return;
		}
	}
}

static void end_child(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR) {
		}
	}
	*pid = 0;
}

void run_wait_finish(struct run_wait *wait)
{
	reap(wait);
	end_child(&wait->guard);
	end_child(&wait->server);
	end_child(&wait->command);
}
