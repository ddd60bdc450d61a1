/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls a caged process has, by groups; each group says what needs it. A call that stands nowhere gives
 * EPERM. A condition looks at a register alone, so that flags can be judged and paths cannot (Landlock does).
 *
 * With SANDBOX_INSTRUMENTS, what stands nowhere is allowed, and programs and processes with it; what ends the process
 * otherwise ends it still.
 *
 * Two of them are refused with ENOSYS, so that the older call is taken, whose flags are in a register: clone3,
 * openat2.
 */
#include "sandbox_table.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "sandbox_priv.h"
#include "util.h"

/** FUSE_DEV_IOC_CLONE of <linux/fuse.h>: a second queue of requests on a mount that is there. */
#define FUSE_CLONE _IOR(229, 0, uint32_t)

/** Bits of open's flags that say what it does to the file. Without its companion bit, O_TMPFILE is O_DIRECTORY's. */
#define TMPFILE_ONLY (O_TMPFILE & ~O_DIRECTORY)
#define OPEN_BITS (O_ACCMODE | O_CREAT | O_TRUNC | TMPFILE_ONLY)

/** A new thread shares memory, and makes no name space. */
#define NAME_SPACES \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
		CLONE_NEWPID | CLONE_NEWNET)
#define THREAD_BITS (CLONE_THREAD | CLONE_VM | CLONE_PTRACE | NAME_SPACES)

#ifdef PR_SET_VMA
#define NAME_MEMORY PR_SET_VMA
#else
#define NAME_MEMORY 0x53564d41
#endif

#define ALLOW(name) \
	{ \
		.call = SCMP_SYS(name), .action = SCMP_ACT_ALLOW \
	}
#define ALLOW_WITH(name, kept) \
	{ \
		.call = SCMP_SYS(name), .action = SCMP_ACT_ALLOW, .with = (kept) \
	}
#define ALLOW_IF(name, ...) \
	{ \
		.call = SCMP_SYS(name), .action = SCMP_ACT_ALLOW, .conditions = { __VA_ARGS__ } \
	}
#define ALLOW_WITH_IF(name, kept, ...) \
	{ \
		.call = SCMP_SYS(name), .action = SCMP_ACT_ALLOW, .with = (kept), .conditions = { \
			__VA_ARGS__ \
		} \
	}
#define KILL(name) \
	{ \
		.call = SCMP_SYS(name), .action = SCMP_ACT_KILL_PROCESS \
	}
#define KILL_WITHOUT(name, kept) \
	{ \
		.call = SCMP_SYS(name), .action = SCMP_ACT_KILL_PROCESS, .without = (kept) \
	}
#define KILL_WITHOUT_IF(name, kept, ...) \
	{ \
		.call = SCMP_SYS(name), .action = SCMP_ACT_KILL_PROCESS, .without = (kept), \
		.conditions = { \
			__VA_ARGS__ \
		} \
	}
#define MISSING(name, kept) \
	{ \
		.call = SCMP_SYS(name), .action = SCMP_ACT_ERRNO(ENOSYS), .without = (kept) \
	}

#define IS(number, wanted) \
	{ \
		.op = SCMP_CMP_EQ, .argument = (number), .value = (wanted) \
	}
#define BITS(number, among, wanted) \
	{ \
		.op = SCMP_CMP_MASKED_EQ, .argument = (number), .mask = (among), .value = (wanted) \
	}
#define OWN(number) \
	{ \
		.op = SCMP_CMP_EQ, .argument = (number), .own_process = true \
	}
#define OTHERS(number) \
	{ \
		.op = SCMP_CMP_NE, .argument = (number), .own_process = true \
	}

const struct sandbox_rule sandbox_rules[] = {
	/* Reading and writing what is open: images, indexes, spools, streams, pipes, the mount's device. */
	ALLOW(close),
	ALLOW(close_range),
	ALLOW(copy_file_range),
	ALLOW(fadvise64),
	ALLOW(fallocate),
	ALLOW(fdatasync),
	ALLOW(fsync),
	ALLOW(ftruncate),
	ALLOW(lseek),
	ALLOW(pread64),
	ALLOW(preadv),
	ALLOW(preadv2),
	ALLOW(pwrite64),
	ALLOW(pwritev),
	ALLOW(pwritev2),
	ALLOW(read),
	ALLOW(readahead),
	ALLOW(readv),
	ALLOW(sendfile),
	ALLOW(splice),
	ALLOW(sync_file_range),
	ALLOW(tee),
	ALLOW(vmsplice),
	ALLOW(write),
	ALLOW(writev),

	/* Asking about what is open. That a path is there, and its numbers, is all that names tell here: no wall of the
	 * kernel's holds that, and libc asks about descriptors by the same calls. */
	ALLOW(fgetxattr),
	ALLOW(flistxattr),
	ALLOW(flock),
	ALLOW(fstat),
	ALLOW(fstatfs),
	ALLOW(getdents64),
	ALLOW(newfstatat),
	ALLOW(statx),

	/* New descriptors that lead nowhere else; messages on a socket that is open, with descriptors from whoever
	 * holds its other end. */
	ALLOW(dup),
	ALLOW(dup2),
	ALLOW(dup3),
	ALLOW(epoll_create1),
	ALLOW(epoll_ctl),
	ALLOW(epoll_pwait),
	ALLOW(epoll_wait),
	ALLOW(eventfd2),
	ALLOW(memfd_create),
	ALLOW(pipe),
	ALLOW(pipe2),
	ALLOW(poll),
	ALLOW(ppoll),
	ALLOW(pselect6),
	ALLOW(recvmsg),
	ALLOW(select),
	ALLOW(signalfd4),
	ALLOW(timerfd_create),
	ALLOW(timerfd_gettime),
	ALLOW(timerfd_settime),

	/* Not F_SETOWN and F_SETSIG, by which the kernel sends signals to others, nor leases. */
	ALLOW_IF(fcntl, IS(1, F_DUPFD)),
	ALLOW_IF(fcntl, IS(1, F_DUPFD_CLOEXEC)),
	ALLOW_IF(fcntl, IS(1, F_GETFD)),
	ALLOW_IF(fcntl, IS(1, F_SETFD)),
	ALLOW_IF(fcntl, IS(1, F_GETFL)),
	ALLOW_IF(fcntl, IS(1, F_SETFL)),
	ALLOW_IF(fcntl, IS(1, F_GETLK)),
	ALLOW_IF(fcntl, IS(1, F_SETLK)),
	ALLOW_IF(fcntl, IS(1, F_SETLKW)),
	ALLOW_IF(fcntl, IS(1, F_OFD_GETLK)),
	ALLOW_IF(fcntl, IS(1, F_OFD_SETLK)),
	ALLOW_IF(fcntl, IS(1, F_OFD_SETLKW)),
	ALLOW_IF(fcntl, IS(1, F_GETPIPE_SZ)),
	ALLOW_IF(fcntl, IS(1, F_SETPIPE_SZ)),
	ALLOW_IF(fcntl, IS(1, F_GET_SEALS)),
	ALLOW_IF(fcntl, IS(1, F_ADD_SEALS)),

	/* Whether a stream is a terminal and how wide, bytes in a pipe, the size of a disk that is the image, a
	 * mount's second queue. Not TIOCSTI, which types into the terminal. */
	ALLOW_IF(ioctl, IS(1, BLKGETSIZE64)),
	ALLOW_IF(ioctl, IS(1, FIONREAD)),
	ALLOW_IF(ioctl, IS(1, FUSE_CLONE)),
	ALLOW_IF(ioctl, IS(1, TCGETS)),
	ALLOW_IF(ioctl, IS(1, TIOCGWINSZ)),
	ALLOW_WITH_IF(ioctl, SANDBOX_WRITABLE, IS(1, FICLONE)),
	ALLOW_WITH_IF(ioctl, SANDBOX_WRITABLE, IS(1, FICLONERANGE)),

	/* Memory, never to be executed: what is loaded is loaded. */
	ALLOW(brk),
	ALLOW(madvise),
	ALLOW(membarrier),
	ALLOW_IF(mmap, BITS(2, PROT_EXEC, 0)),
	ALLOW_IF(mprotect, BITS(2, PROT_EXEC, 0)),
	ALLOW(mremap),
	ALLOW(msync),
	ALLOW(munmap),

	/* Threads of this process. */
	ALLOW_IF(clone, BITS(0, THREAD_BITS, CLONE_THREAD | CLONE_VM)),
	MISSING(clone3, 0),
	ALLOW(exit),
	ALLOW(futex),
	ALLOW(get_robust_list),
	ALLOW(rseq),
	ALLOW(sched_getaffinity),
	ALLOW(sched_yield),
	ALLOW(set_robust_list),
	ALLOW(set_tid_address),

	/* Signals: to oneself (abort, raise), and taking those that come. */
	ALLOW(alarm),
	ALLOW(exit_group),
	ALLOW(getitimer),
	ALLOW_IF(kill, OWN(0)),
	ALLOW(pause),
	ALLOW(restart_syscall),
	ALLOW(rt_sigaction),
	ALLOW(rt_sigpending),
	ALLOW(rt_sigprocmask),
	ALLOW(rt_sigreturn),
	ALLOW(rt_sigsuspend),
	ALLOW(rt_sigtimedwait),
	ALLOW(setitimer),
	ALLOW(sigaltstack),
	ALLOW_IF(tgkill, OWN(0)),

	/* Time, chance, and who one is. */
	ALLOW(capget),
	ALLOW(clock_getres),
	ALLOW(clock_gettime),
	ALLOW(clock_nanosleep),
	ALLOW(getcpu),
	ALLOW(getegid),
	ALLOW(geteuid),
	ALLOW(getgid),
	ALLOW(getgroups),
	ALLOW(getpgid),
	ALLOW(getpgrp),
	ALLOW(getpid),
	ALLOW(getppid),
	ALLOW(getrandom),
	ALLOW(getresgid),
	ALLOW(getresuid),
	ALLOW(getrlimit),
	ALLOW(getrusage),
	ALLOW(gettid),
	ALLOW(gettimeofday),
	ALLOW(getuid),
	ALLOW(nanosleep),
	ALLOW_IF(prlimit64, IS(0, 0)),
	ALLOW(sysinfo),
	ALLOW(time),
	ALLOW(times),
	ALLOW(umask),
	ALLOW(uname),

	/* Giving up more. */
	ALLOW(capset),
	ALLOW(landlock_add_rule),
	ALLOW(landlock_create_ruleset),
	ALLOW(landlock_restrict_self),
	ALLOW_IF(prctl, IS(0, PR_CAPBSET_DROP)),
	ALLOW_IF(prctl, IS(0, PR_CAPBSET_READ)),
	ALLOW_IF(prctl, IS(0, PR_CAP_AMBIENT), IS(1, PR_CAP_AMBIENT_CLEAR_ALL)),
	ALLOW_IF(prctl, IS(0, PR_GET_NAME)),
	ALLOW_IF(prctl, IS(0, PR_GET_NO_NEW_PRIVS)),
	ALLOW_IF(prctl, IS(0, PR_GET_SECCOMP)),
	ALLOW_IF(prctl, IS(0, PR_GET_SECUREBITS)),
	ALLOW_IF(prctl, IS(0, NAME_MEMORY)),
	ALLOW_IF(prctl, IS(0, PR_SET_NAME)),
	ALLOW_IF(prctl, IS(0, PR_SET_NO_NEW_PRIVS)),
	ALLOW_IF(prctl, IS(0, PR_SET_SECCOMP)),
	ALLOW_IF(prctl, IS(0, PR_SET_SECUREBITS)),
	ALLOW(seccomp),
	ALLOW(setrlimit),

	/* Reading files by name, below the folders that were named. */
	ALLOW_WITH(access, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(chdir, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(faccessat, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(faccessat2, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(fchdir, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(getcwd, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(getxattr, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(lgetxattr, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(listxattr, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(llistxattr, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(lstat, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(readlink, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(readlinkat, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(stat, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH(statfs, SANDBOX_READABLE | SANDBOX_WRITABLE),
	ALLOW_WITH_IF(open, SANDBOX_READABLE | SANDBOX_WRITABLE, BITS(1, OPEN_BITS, O_RDONLY)),
	ALLOW_WITH_IF(openat, SANDBOX_READABLE | SANDBOX_WRITABLE, BITS(2, OPEN_BITS, O_RDONLY)),
	/* Its flags are in memory. */
	MISSING(openat2, 0),

	/* Files without a name: there is no linkat but for a copy, so that they never get one. */
	ALLOW_WITH_IF(open, SANDBOX_SPILL | SANDBOX_WRITABLE,
		BITS(1, O_TMPFILE | O_CREAT, O_TMPFILE)),
	ALLOW_WITH_IF(openat, SANDBOX_SPILL | SANDBOX_WRITABLE,
		BITS(2, O_TMPFILE | O_CREAT, O_TMPFILE)),

	/* A copy: files, folders, links and what they are like. What has a name already is replaced and never
	 * opened for writing: Landlock cannot tell a folder for spools, which may be the cache, from the files in it.
	 * Nor does it hold changes by name of modes, owners and attributes, so they are made by descriptors, which it
	 * let through; a symlink, which has none, is made by its owner (setfsuid). Times remain. Device files need a
	 * capability. */
	ALLOW_WITH_IF(open, SANDBOX_WRITABLE, BITS(1, O_CREAT | O_EXCL, O_CREAT | O_EXCL)),
	ALLOW_WITH_IF(openat, SANDBOX_WRITABLE, BITS(2, O_CREAT | O_EXCL, O_CREAT | O_EXCL)),
	ALLOW_WITH(fchmod, SANDBOX_WRITABLE),
	ALLOW_WITH(fchown, SANDBOX_WRITABLE),
	ALLOW_WITH(fsetxattr, SANDBOX_WRITABLE),
	ALLOW_WITH(link, SANDBOX_WRITABLE),
	ALLOW_WITH(linkat, SANDBOX_WRITABLE),
	ALLOW_WITH(mkdir, SANDBOX_WRITABLE),
	ALLOW_WITH(mkdirat, SANDBOX_WRITABLE),
	ALLOW_WITH(mknod, SANDBOX_WRITABLE),
	ALLOW_WITH(mknodat, SANDBOX_WRITABLE),
	ALLOW_WITH(rename, SANDBOX_WRITABLE),
	ALLOW_WITH(renameat, SANDBOX_WRITABLE),
	ALLOW_WITH(renameat2, SANDBOX_WRITABLE),
	ALLOW_WITH(rmdir, SANDBOX_WRITABLE),
	ALLOW_WITH(setfsgid, SANDBOX_WRITABLE),
	ALLOW_WITH(setfsuid, SANDBOX_WRITABLE),
	ALLOW_WITH(symlink, SANDBOX_WRITABLE),
	ALLOW_WITH(symlinkat, SANDBOX_WRITABLE),
	ALLOW_WITH(unlink, SANDBOX_WRITABLE),
	ALLOW_WITH(unlinkat, SANDBOX_WRITABLE),
	ALLOW_WITH(utimensat, SANDBOX_WRITABLE),

	/* Children of the own program. What a child sends to itself is then EPERM: its id is not known yet. */
	ALLOW_WITH_IF(clone, SANDBOX_CHILDREN,
		BITS(0, CLONE_THREAD | CLONE_PTRACE | NAME_SPACES, 0)),
	ALLOW_WITH(fork, SANDBOX_CHILDREN),
	ALLOW_WITH(vfork, SANDBOX_CHILDREN),
	ALLOW_WITH(wait4, SANDBOX_CHILDREN),
	ALLOW_WITH(waitid, SANDBOX_CHILDREN),

	/* Nobody asks for these by mistake. Programs and processes: */
	KILL_WITHOUT_IF(clone, SANDBOX_CHILDREN | SANDBOX_INSTRUMENTS, BITS(0, CLONE_THREAD, 0)),
	KILL_WITHOUT(fork, SANDBOX_CHILDREN | SANDBOX_INSTRUMENTS),
	KILL_WITHOUT(vfork, SANDBOX_CHILDREN | SANDBOX_INSTRUMENTS),
	KILL_WITHOUT(execve, SANDBOX_INSTRUMENTS),
	KILL_WITHOUT(execveat, SANDBOX_INSTRUMENTS),
	KILL_WITHOUT_IF(kill, SANDBOX_CHILDREN, OTHERS(0)),
	KILL_WITHOUT_IF(tgkill, SANDBOX_CHILDREN, OTHERS(0)),
	KILL(tkill),
	KILL(rt_sigqueueinfo),
	KILL(rt_tgsigqueueinfo),
	/* other processes' memory and descriptors: */
	KILL(kcmp),
	KILL(pidfd_getfd),
	KILL(pidfd_open),
	KILL(pidfd_send_signal),
	KILL(process_madvise),
	KILL(process_mrelease),
	KILL(process_vm_readv),
	KILL(process_vm_writev),
	KILL_WITHOUT(ptrace, SANDBOX_INSTRUMENTS),
	/* sockets: */
	KILL(accept),
	KILL(accept4),
	KILL(bind),
	KILL(connect),
	KILL(listen),
	KILL(socket),
	KILL(socketpair),
	/* mounts, name spaces, roots: */
	KILL(chroot),
	KILL(fsconfig),
	KILL(fsmount),
	KILL(fsopen),
	KILL(fspick),
	KILL(mount),
	KILL(mount_setattr),
	KILL(move_mount),
	KILL(open_tree),
	KILL(pivot_root),
	KILL(setns),
	KILL(umount2),
	KILL(unshare),
	/* the machine: */
	KILL(acct),
	KILL(delete_module),
	KILL(finit_module),
	KILL(init_module),
	KILL(ioperm),
	KILL(iopl),
	KILL(kexec_file_load),
	KILL(kexec_load),
	KILL(open_by_handle_at),
	KILL(quotactl),
	KILL(reboot),
	KILL(swapoff),
	KILL(swapon),
	/* parts of the kernel with a long history of holes: */
	KILL(add_key),
	KILL(bpf),
	KILL(io_uring_enter),
	KILL(io_uring_register),
	KILL(io_uring_setup),
	KILL(keyctl),
	KILL(modify_ldt),
	KILL(perf_event_open),
	KILL(request_key),
	KILL(userfaultfd),
};

const size_t sandbox_rule_count = countof(sandbox_rules);
