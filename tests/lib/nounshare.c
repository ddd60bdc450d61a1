/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nounshare COMMAND...: run a command where namespaces and mounts are forbidden, as Docker's
 * default seccomp profile forbids them to a container without CAP_SYS_ADMIN: EPERM, and ENOSYS for
 * clone3, so that the C library takes clone.
 *
 * The filter looks at the machine's own system calls only. A user who is not root gets
 * no_new_privs with it, because the kernel wants that: set-user-id programs then have no effect.
 * Status 125 where the filter is refused.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STATUS_REFUSED 125
/** Flags of clone that make a namespace. */
#define NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
		CLONE_NEWCGROUP)

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define ANSWER(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define FORBID(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), ANSWER(EPERM)

static struct sock_filter filter[] = {
	LOAD(nr),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone3, 0, 1),
	ANSWER(ENOSYS),
	FORBID(__NR_unshare),
	FORBID(__NR_setns),
	FORBID(__NR_mount),
	FORBID(__NR_umount2),
	FORBID(__NR_pivot_root),
	FORBID(__NR_open_tree),
	FORBID(__NR_move_mount),
	FORBID(__NR_fsopen),
	FORBID(__NR_fsmount),
	FORBID(__NR_fspick),
	FORBID(__NR_mount_setattr),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 3),
	LOAD(args[0]),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, 0, 1),
	ANSWER(EPERM),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

int main(int argc, char **argv)
{
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};

	if (argc < 2) {
		fputs("usage: nounshare COMMAND...\n", stderr);
		return STATUS_REFUSED;
	}
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 &&
		(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
			prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)) {
		fprintf(stderr, "nounshare: %s\n", strerror(errno));
		return STATUS_REFUSED;
	}
	execvp(argv[1], argv + 1);
	fprintf(stderr, "nounshare: %s: %s\n", argv[1], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
