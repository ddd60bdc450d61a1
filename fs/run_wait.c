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
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <peel/mount.h>

#include "scope.h"

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

/* Collect every child that has something to say; orphans of the command are ours too. */
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

void run_wait_command(struct run_wait *wait)
{
	while (!wait->ended && !wait->broken) {
		siginfo_t info;
		int number = sigwaitinfo(&wait->waited, &info);

		if (number == SIGCHLD) {
			reap(wait);
		} else if (number > 0) {
			pass_on(wait, &info);
		}
	}
}

bool run_wait_child(struct run_wait *wait, int seconds)
{
	const struct timespec most = {.tv_sec = seconds};
	int number = sigtimedwait(&wait->waited, NULL, &most);

	reap(wait);
	return number == SIGCHLD || (number < 0 && errno == EINTR);
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
	reap(wait);
}
