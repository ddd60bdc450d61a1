/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls on a list: sandbox_table.c, made into filters by libseccomp, which knows the numbers of every
 * architecture.
 *
 * What is not on the list gives EPERM: a library that asks for a comfort goes on without it. What no honest code
 * path of peel or of its libraries asks for ends the process (SIGSYS): there, somebody else is at work. Another
 * architecture's calls (32-bit, x32) end it too.
 *
 * Cost: making a filter takes libseccomp six tenths of a millisecond, a tenth of a mount with an index at hand.
 * There are sixteen that differ, so they are made while peel is built, and loading one takes the kernel 70
 * microseconds. Only the process's own id has to be put in. Later, most calls on the list are allowed whatever
 * their arguments, which the kernel remembers by number (since 5.11); the others are found in a tree.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox_calls.h"
#include "sandbox_filters.h"
#include "util.h"

_Static_assert(countof(filters) == SANDBOX_FILTERS, "a filter for each number");

/** The filter with the own id in it; the caller frees. */
static struct sock_filter *own_filter(const struct sock_fprog *filter)
{
	struct sock_filter *own = malloc(filter->len * sizeof(*own));

	for (unsigned i = 0; own && i < filter->len; i++) {
		own[i] = filter->filter[i];
		if (BPF_CLASS(own[i].code) == BPF_JMP && own[i].k == SANDBOX_OWN) {
			own[i].k = (uint32_t)getpid();
		}
	}
	return own;
}

int sandbox_calls_confine(unsigned kept, struct peel_error *err)
{
	const struct sock_fprog *filter = &filters[sandbox_filter_of(kept)];
	cleanup_free struct sock_filter *own = own_filter(filter);
	const struct sock_fprog program = {filter->len, own};
	long r;

	if (!own) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	/* For all threads: the number of one that has other filters is the answer where that cannot be. */
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
	if (r < 0 && (errno == ENOSYS || errno == EINVAL)) {
		return peel_fail(err, PEEL_EUNSUPPORTED,
			"this kernel cannot confine a process (seccomp)");
	}
	return r == 0 ? 0
		      : peel_fail(err, PEEL_EIO, "cannot confine system calls: %s",
				r < 0 ? strerror(errno) : "a thread has other limits already");
}
