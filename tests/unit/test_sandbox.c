/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The cage from within: a child enters it and tries one thing (attempts.h). Each attempt is made as root, where the
 * test is root, and as a user, with Landlock and on a kernel that has none (a filter says so).
 */
#include "peel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peel/sandbox.h>

#include "attempts.h"
#include "sandbox_filter.h"
#include "sandbox_priv.h"
#include "util.h"

/** A user that owns nothing. */
#define NOBODY 65534
/** Filters have no more instructions. */
#define INSTRUCTIONS_MAX 4096
/**
 * What the child exits with where it could not go into the cage, or where the cage has no list of calls (valgrind).
 */
#define UNCAGED 251
#define UNLISTED 252
#define UNCONFINED 253

/** A sanitizer's or a coverage counter's build, where much is allowed (sandbox.c). */
static bool is_instrumented(void)
{
	return sandbox_kept(&(struct peel_sandbox){0}) & SANDBOX_INSTRUMENTS;
}

/** Say that there is no Landlock. */
static bool hide_landlock(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool good = filter &&
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset),
			0) == 0 &&
		seccomp_load(filter) == 0;

	seccomp_release(filter);
	return good;
}

static bool has_landlock(void)
{
	return !is_instrumented() && syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
}

/** Who tries, and where. */
struct setting {
	bool user;
	bool landlock;
};

static _Noreturn void be_child(const struct attempt *attempt, const struct setting *setting)
{
	int held;

	if ((setting->user && geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0) ||
		(!setting->landlock && !hide_landlock())) {
		_exit(UNCAGED);
	}
	held = attempts_enter(attempt->kept);
	if (held < 0) {
		_exit(UNCAGED);
	}
	if (!(held & PEEL_SANDBOX_CALLS)) {
		_exit(UNLISTED);
	}
	if (!(held & PEEL_SANDBOX_PATHS) != !setting->landlock) {
		_exit(UNCONFINED);
	}
	_exit(attempt->try());
}

/** The exit status that is wanted; where the outcome is another, less than 0; SIGSYS is 1000. */
static bool is_wanted(const struct attempt *attempt, const struct setting *setting, int got)
{
	const bool root = geteuid() == 0 && !setting->user;

	switch (attempt->outcome) {
	case DONE:
		return got == 0;
	case DENIED:
		return got == EPERM || is_instrumented();
	case ABSENT:
		return got == ENOSYS || (is_instrumented() && got != 1000);
	case CONFINED:
		return setting->landlock ? got == EACCES || got == EXDEV : got == 0;
	case ENDED:
		return got == 1000;
	case ENDED_BARE:
		return got == 1000 || is_instrumented();
	case ROOT_ONLY:
		return got == (root ? 0 : EPERM);
	case REFUSED:
		return got == EPERM || got == EACCES;
	}
	return false;
}

static void try_all(const struct setting *setting)
{
	int status = 0;

	for (size_t i = 0; i < attempt_count; i++) {
		const struct attempt *attempt = &attempts[i];
		pid_t pid = fork();
		int got;

		if (pid == 0) {
			be_child(attempt, setting);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		got = WIFEXITED(status)              ? WEXITSTATUS(status)
			: WTERMSIG(status) == SIGSYS ? 1000
						     : 2000 + WTERMSIG(status);
		if (got == UNLISTED) {
			print_message("no list of calls under valgrind\n");
			skip();
		}
		if (!is_wanted(attempt, setting, got)) {
			fail_msg("%s (%s, %s Landlock): %d", attempt->name,
				setting->user ? "user" : "as is",
				setting->landlock ? "with" : "without", got);
		}
	}
}

static void with_landlock(void **state)
{
	(void)state;
	if (!has_landlock()) {
		print_message("no Landlock here\n");
		skip();
	}
	try_all(&(struct setting){.landlock = true});
}

static void with_landlock_as_a_user(void **state)
{
	(void)state;
	if (!has_landlock()) {
		skip();
	}
	try_all(&(struct setting){.landlock = true, .user = true});
}

static void without_landlock(void **state)
{
	(void)state;
	try_all(&(struct setting){0});
}

static void without_landlock_as_a_user(void **state)
{
	(void)state;
	try_all(&(struct setting){.user = true});
}

/** In a child: are all capabilities gone, and the ways back? */
static _Noreturn void look_at_rights(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
	const bool root = geteuid() == 0;
	int held = attempts_enter(NOTHING);
	uint32_t left = 0;

	if (held < 0 || !(held & PEEL_SANDBOX_CAPABILITIES) ||
		syscall(SYS_capget, &header, sets) != 0) {
		_exit(1);
	}
	for (size_t i = 0; i < countof(sets); i++) {
		left |= sets[i].effective | sets[i].permitted | sets[i].inheritable;
	}
	for (int i = 0; root && i < 64; i++) {
		left |= prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1;
	}
	_exit(left != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
}

static void no_capability_is_left(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		look_at_rights();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void *open_when_told(void *arg)
{
	const int *pipe_ends = arg;
	char byte;
	int fd = read(pipe_ends[0], &byte, 1) == 1 ? open("/etc/passwd", O_RDONLY) : -1;

	return (void *)(intptr_t)(fd < 0 ? errno : 0);
}

/** The list of calls holds for threads that are there already. */
static void a_thread_is_held_too(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		pthread_t thread;
		void *got = NULL;
		int ends[2];
		int held = -1;

		if (pipe(ends) == 0 && pthread_create(&thread, NULL, open_when_told, ends) == 0) {
			held = attempts_enter(NOTHING);
			if (write(ends[1], "x", 1) == 1) {
				pthread_join(thread, &got);
			}
		}
		_exit(held < 0                                 ? UNCAGED
				: !(held & PEEL_SANDBOX_CALLS) ? EPERM
							       : (int)(intptr_t)got);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), is_instrumented() ? 0 : EPERM);
}

/** A filter for a machine, of whatever is kept: it is made, fits, and begins by asking for that machine. */
static void every_filter_can_be_made(void **state)
{
	static const uint32_t machines[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64};

	(void)state;
	/* libseccomp asks the kernel for some of it, and valgrind knows no such call. */
	if (syscall(SYS_seccomp, 0, 1, NULL) < 0 && errno == ENOSYS) {
		skip();
	}
	for (size_t m = 0; m < countof(machines); m++) {
		for (unsigned kept = 0; kept < 2 * SANDBOX_INSTRUMENTS; kept++) {
			struct sock_filter first[2];
			int fd = memfd_create("filter", MFD_CLOEXEC);
			struct stat st;

			assert_int_equal(sandbox_filter_write(machines[m], kept, fd), 0);
			assert_int_equal(fstat(fd, &st), 0);
			assert_in_range(st.st_size / sizeof(*first), 20, INSTRUCTIONS_MAX);
			assert_int_equal(pread(fd, first, sizeof(first), 0), sizeof(first));
			assert_int_equal(first[1].k, machines[m]);
			close(fd);
		}
	}
}

#define caged_test(name) cmocka_unit_test_setup_teardown(name, attempts_setup, attempts_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		caged_test(with_landlock),
		caged_test(with_landlock_as_a_user),
		caged_test(without_landlock),
		caged_test(without_landlock_as_a_user),
		caged_test(no_capability_is_left),
		caged_test(a_thread_is_held_too),
		caged_test(every_filter_can_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
