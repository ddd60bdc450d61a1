/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cage of a process that reads what strangers wrote.
 *
 * Suppose that a parser has a hole and the image's bytes run. What can they reach? Three walls stand around them, each
 * of which holds where another has a gap:
 *
 *   system calls   (seccomp, sandbox_calls.c)  what can be asked of the kernel at all: a list, by number and, where the
 *                  answer is in a register, by argument. It cannot look at paths: they are in memory.
 *   paths          (Landlock, sandbox_paths.c) which files can be reached by a name. It knows nothing of anything else.
 *   capabilities   (sandbox_rights.c)          root is nobody special. User ids are kept: what the process opens
 *                  it opens as the user who called.
 *
 * What goes in stays in: no_new_privs, so that no program gives rights back; the walls hold for threads and children;
 * and none of the three can be taken down again. Entering twice builds a second cage within the first.
 *
 * Order: capabilities first (giving up the bounding set needs one), then paths, then calls, whose list need not
 * hold what the others needed.
 *
 * Chosen: the process keeps its user, its name spaces and its root folder. Rejected: a user name space with an
 * empty root (switched off on many machines, and in most containers, where peel runs in CI); a chroot as root
 * (needs root; Landlock is better); RLIMIT_NPROC (it counts all threads of the user on the machine, so that a limit
 * that binds us is hit by the user's browser); RLIMIT_NOFILE and RLIMIT_FSIZE (the limits of limits.h say which
 * input was too much, a signal would not). RLIMIT_CORE is 0: what a crash leaves would be a file, written by the
 * kernel.
 *
 * Instruments: a sanitizer's runtime and a coverage counter work in the process that they look at, and need what
 * the cage denies: files under /proc and in the build folder, a tracing child for the leak check, a program that
 * names addresses. Builds with b_sanitize or b_coverage (SANDBOX_INSTRUMENTED) therefore have a wider list, and no
 * wall around paths; nobody ships them, and tests skip there what they do not hold. valgrind is noticed at run
 * time, by its own question (where its header was there at build time), since its translations are memory that is
 * written and executed: under it, only capabilities are given up, and the answer says so.
 */
#include <peel/sandbox.h>

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "sandbox_config.h"
#include "sandbox_priv.h"

#ifdef HAVE_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

unsigned sandbox_kept(const struct peel_sandbox *keep)
{
#ifdef SANDBOX_INSTRUMENTED
	const unsigned instruments = SANDBOX_INSTRUMENTS;
#else
	const unsigned instruments = 0;
#endif

	return instruments | (keep->readable_count ? SANDBOX_READABLE : 0) |
		(keep->spill_count ? SANDBOX_SPILL : 0) |
		(keep->writable_count ? SANDBOX_WRITABLE : 0) |
		(keep->owners ? SANDBOX_OWNERS : 0) | (keep->children ? SANDBOX_CHILDREN : 0);
}

/** What cannot be told later cannot be asked for either. */
static int check_seccomp(struct peel_error *err)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0
		? 0
		: peel_fail(err, PEEL_EUNSUPPORTED,
			  "this kernel cannot confine a process (seccomp): %s", strerror(errno));
}

static int give_up_files(struct peel_error *err)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return peel_fail(err, PEEL_EIO, "cannot give up rights: %s", strerror(errno));
	}
	return 0;
}

int peel_sandbox_enter(const struct peel_sandbox *keep, struct peel_error *err)
{
	const bool bare = RUNNING_ON_VALGRIND != 0;
	int paths = 0;
	int code = check_seccomp(err);

	if (code == 0) {
		code = give_up_files(err);
	}
	if (code == 0) {
		code = sandbox_rights_drop(keep->owners, err);
	}
	if (code == 0 && !bare) {
		code = paths = sandbox_paths_confine(keep, err);
	}
	if (code >= 0 && !bare) {
		code = sandbox_calls_confine(sandbox_kept(keep), err);
	}
	if (code < 0) {
		return code;
	}
	return (bare ? 0 : PEEL_SANDBOX_CALLS) | (paths > 0 ? PEEL_SANDBOX_PATHS : 0) |
		(keep->owners ? 0 : PEEL_SANDBOX_CAPABILITIES);
}
