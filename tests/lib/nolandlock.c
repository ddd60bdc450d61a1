/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nolandlock COMMAND...: run a command as on a kernel that has no Landlock: its three calls give ENOSYS.
 * nolandlock -s COMMAND...: as on one that has no seccomp: prctl(PR_GET_SECCOMP) gives EINVAL.
 *
 * As nounshare: this machine's own calls only, no_new_privs for who is not root, and status 125 where it is refused.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STATUS_REFUSED 125

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define ANSWER(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define MISSING(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), ANSWER(ENOSYS)
#define ALLOWED BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static struct sock_filter no_landlock[] = {
	LOAD(nr),
	MISSING(__NR_landlock_create_ruleset),
	MISSING(__NR_landlock_add_rule),
	MISSING(__NR_landlock_restrict_self),
	ALLOWED,
};

static struct sock_filter no_seccomp[] = {
	LOAD(nr),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_prctl, 0, 3),
	LOAD(args[0]),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_GET_SECCOMP, 0, 1),
	ANSWER(EINVAL),
	ALLOWED,
};

int main(int argc, char **argv)
{
	const int seccomp = argc > 1 && strcmp(argv[1], "-s") == 0;
	const struct sock_fprog program = seccomp
		? (struct sock_fprog){sizeof(no_seccomp) / sizeof(no_seccomp[0]), no_seccomp}
		: (struct sock_fprog){sizeof(no_landlock) / sizeof(no_landlock[0]), no_landlock};
	char **command = argv + 1 + seccomp;

	if (argc < 2 + seccomp) {
		fputs("usage: nolandlock [-s] COMMAND...\n", stderr);
		return STATUS_REFUSED;
	}
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 &&
		(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
			prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)) {
		fprintf(stderr, "nolandlock: %s\n", strerror(errno));
		return STATUS_REFUSED;
	}
	execvp(command[0], command);
	fprintf(stderr, "nolandlock: %s: %s\n", command[0], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
