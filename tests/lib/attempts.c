/* SPDX-License-Identifier: Apache-2.0 */
#include "attempts.h"

#include "peel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <peel/sandbox.h>

#include "util.h"

/** What an attempt gives that could not be made. */
#define UNMADE 250

/** Folders: r is readable, s for spills, w writable; beside them a file. All may be entered by everybody. */
static char top[64];
static int readable, spill, writable, image;

static const char *in_top(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static void make_file(const char *name)
{
	int fd = open(in_top(name), O_CREAT | O_RDWR, 0666);

	assert_int_equal(write(fd, "text", 4), 4);
	fchmod(fd, 0666);
	close(fd);
}

int attempts_setup(void **state)
{
	static const char *const folders[] = {"", "r", "r/sub", "s", "w"};

	(void)state;
	snprintf(top, sizeof(top), "/tmp/peel-test-XXXXXX");
	assert_non_null(mkdtemp(top));
	for (size_t i = 0; i < countof(folders); i++) {
		mkdir(in_top(folders[i]), 0777);
		chmod(in_top(folders[i]), 0777);
	}
	make_file("outside");
	make_file("spare");
	make_file("r/file");
	make_file("s/file");
	make_file("w/file");
	assert_int_equal(symlink("../outside", in_top("r/link")), 0);
	readable = open(in_top("r"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	spill = open(in_top("s"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	writable = open(in_top("w"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	image = open(in_top("outside"), O_RDONLY | O_CLOEXEC);
	return 0;
}

int attempts_teardown(void **state)
{
	char command[128];

	(void)state;
	close(readable);
	close(spill);
	close(writable);
	close(image);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

/* Attempts: 0, or errno. */

static int result(long r)
{
	return r < 0 ? errno : 0;
}

static int open_at(int folder, const char *path, int flags)
{
	return result(openat(folder, path, flags | O_CLOEXEC, 0600));
}

static int reads_passwd(void)
{
	return open_at(AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static int reads_inside(void)
{
	return open_at(readable, "file", O_RDONLY);
}

static int reads_below(void)
{
	return open_at(readable, "sub/../file", O_RDONLY);
}

static int reads_dotdot(void)
{
	return open_at(readable, "../outside", O_RDONLY);
}

static int reads_by_link(void)
{
	return open_at(readable, "link", O_RDONLY);
}

static int writes_inside(void)
{
	return open_at(readable, "file", O_WRONLY);
}

static int cuts_inside(void)
{
	return open_at(readable, "file", O_RDONLY | O_TRUNC);
}

static int opens_by_openat2(void)
{
	const uint64_t how[3] = {O_RDONLY, 0, 0};

	return result(syscall(SYS_openat2, readable, "file", how, sizeof(how)));
}

static int makes_nameless(void)
{
	int fd = openat(spill, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? errno
		      : result(pwrite(fd, "x", 1, 5) == 1 && ftruncate(fd, 3) == 0 ? 0 : -1);
}

static int names_nameless(void)
{
	int fd = openat(spill, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd < 0 ? 0 : result(linkat(AT_FDCWD, path, spill, "named", AT_SYMLINK_FOLLOW));
}

static int makes_named_spill(void)
{
	return open_at(spill, "named", O_CREAT | O_RDWR);
}

static int writes_named_spill(void)
{
	return open_at(spill, "file", O_RDWR);
}

static int makes_nameless_elsewhere(void)
{
	return open_at(readable, ".", O_TMPFILE | O_RDWR);
}

static int writes_a_copy(void)
{
	int fd = openat(writable, "new", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	bool good = fd >= 0 && fchmod(fd, 0640) == 0 && mkdirat(writable, "folder", 0700) == 0 &&
		renameat(writable, "new", writable, "folder/newer") == 0 &&
		symlinkat("x", writable, "symlink") == 0 &&
		linkat(writable, "folder/newer", writable, "hard", 0) == 0 &&
		mkfifoat(writable, "fifo", 0600) == 0 && unlinkat(writable, "fifo", 0) == 0 &&
		unlinkat(writable, "symlink", 0) == 0 && unlinkat(writable, "hard", 0) == 0 &&
		unlinkat(writable, "folder/newer", 0) == 0 &&
		unlinkat(writable, "folder", AT_REMOVEDIR) == 0;

	return good ? 0 : errno;
}

static int makes_outside(void)
{
	return open_at(writable, "../new", O_CREAT | O_EXCL | O_WRONLY);
}

static int removes_outside(void)
{
	return result(unlinkat(writable, "../spare", 0));
}

static int makes_a_device(void)
{
	return result(mknodat(writable, "null", S_IFCHR | 0600, 1 << 8 | 3));
}

static int gives_away(void)
{
	int fd = openat(writable, "file", O_RDONLY | O_CLOEXEC);

	return result(fd < 0 ? fd : fchown(fd, 1234, 1234));
}

static int removes(void)
{
	return result(unlinkat(spill, "file", 0));
}

static int makes_a_folder(void)
{
	return result(mkdirat(spill, "folder", 0700));
}

static int changes_the_image(void)
{
	return result(fchmod(image, 04777));
}

static int marks_the_image(void)
{
	return result(fsetxattr(image, "user.x", "x", 1, 0));
}

static int becomes_root(void)
{
	return result(syscall(SYS_setresuid, 0, 0, 0));
}

static int leaves_the_group(void)
{
	return result(setsid());
}

static int maps_code(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);

	return at == MAP_FAILED ? errno : 0;
}

static int makes_code(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? UNMADE : result(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

static int types_into_the_terminal(void)
{
	return result(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int signals_by_owner(void)
{
	return result(fcntl(STDIN_FILENO, F_SETOWN, getppid()));
}

static int limits_another(void)
{
	struct rlimit limit;

	return result(syscall(SYS_prlimit64, getppid(), RLIMIT_NOFILE, NULL, &limit));
}

static int makes_itself_traceable(void)
{
	return result(prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0));
}

static int shares_memory(void)
{
	return result(syscall(SYS_shmget, 0, 4096, 01600));
}

static int clones_by_three(void)
{
	return result(syscall(SYS_clone3, NULL, 0));
}

static void *answer(void *arg)
{
	return arg;
}

static int threads_and_memory(void)
{
	pthread_t thread;
	void *got = NULL;
	char *memory = malloc(1 << 20);
	struct timespec now;
	int r = memory ? pthread_create(&thread, NULL, answer, memory) : ENOMEM;

	r = r ? r : pthread_join(thread, &got);
	free(memory);
	return r ? r : result(got == memory && clock_gettime(CLOCK_REALTIME, &now) == 0 ? 0 : -1);
}

static int reads_what_is_open(void)
{
	char byte;

	return pread(image, &byte, 1, 0) == 1 && byte == 't' ? 0 : errno;
}

static int raises(void)
{
	signal(SIGUSR1, SIG_IGN);
	return result(raise(SIGUSR1));
}

/** What comes of an attempt in a child. */
static int in_child(int (*try)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		_exit(try());
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : UNMADE;
}

static int forks_and_waits(void)
{
	return in_child(reads_what_is_open);
}

static int lets_a_child_read(void)
{
	return in_child(reads_passwd);
}

static int enters_again(void)
{
	return peel_sandbox_enter(&(struct peel_sandbox){0}, NULL) >= 0 ? reads_passwd() : UNMADE;
}

/* Attempts that are one call. */

#define CALLS(name, ...) \
	static int name(void) \
	{ \
		return result(syscall(__VA_ARGS__)); \
	}

CALLS(changes_a_mode, SYS_fchmodat, writable, "../outside", 04777)
CALLS(changes_an_owner, SYS_fchownat, writable, "../outside", 1234, 1234, 0)
CALLS(marks_a_file, SYS_setxattr, in_top("outside"), "user.x", "x", 1, 0)
CALLS(cuts_a_spill, SYS_truncate, in_top("s/file"), 0)
CALLS(makes_a_socket, SYS_socket, AF_UNIX, SOCK_STREAM, 0)
CALLS(makes_a_pair, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, NULL)
CALLS(connects, SYS_connect, STDIN_FILENO, NULL, 0)
CALLS(starts_a_program, SYS_execve, "/bin/true", NULL, NULL)
CALLS(starts_a_process, SYS_clone, SIGCHLD, NULL, NULL, NULL, 0)
CALLS(traces, SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL)
CALLS(reads_memory, SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0)
CALLS(kills_its_parent, SYS_kill, getppid(), 0)
CALLS(kills_a_thread, SYS_tgkill, getppid(), getppid(), 0)
CALLS(kills_all, SYS_kill, -1, 0)
CALLS(opens_a_process, SYS_pidfd_open, getppid(), 0)
CALLS(unshares, SYS_unshare, CLONE_NEWUSER)
CALLS(enters_a_space, SYS_setns, STDIN_FILENO, 0)
CALLS(mounts, SYS_mount, "none", "/", "tmpfs", 0, NULL)
CALLS(changes_its_root, SYS_chroot, "/")
CALLS(loads_a_filter, SYS_bpf, 0, NULL, 0)
CALLS(loads_a_module, SYS_init_module, NULL, 0, "")
CALLS(makes_a_ring, SYS_io_uring_setup, 1, NULL)
CALLS(handles_faults, SYS_userfaultfd, 0)
CALLS(measures, SYS_perf_event_open, NULL, 0, 0, -1, 0)
CALLS(looks_for_keys, SYS_keyctl, 0, 0, 0, 0, 0)
CALLS(opens_by_handle, SYS_open_by_handle_at, AT_FDCWD, NULL, 0)
#ifdef __x86_64__
/* The numbers of x32 are those of 64 bits with a mark. */
CALLS(calls_as_x32, 0x40000000 + SYS_getpid)
#else
#define calls_as_x32 mounts
#endif

const struct attempt attempts[] = {
	{"reads what is open", reads_what_is_open, NOTHING, DONE},
	{"threads and memory", threads_and_memory, NOTHING, DONE},
	{"raises a signal", raises, NOTHING, DONE},
	{"enters again", enters_again, EVERYTHING, DENIED},
	{"reads /etc/passwd", reads_passwd, NOTHING, DENIED},
	{"reads below a folder", reads_inside, NOTHING, DENIED},
	{"makes a nameless file", makes_nameless, NOTHING, DENIED},
	{"makes a nameless file (readable)", makes_nameless_elsewhere, READABLE, DENIED},
	{"changes the image's mode", changes_the_image, NOTHING, DENIED},
	{"changes the image's attributes", marks_the_image, NOTHING, DENIED},
	{"becomes root", becomes_root, NOTHING, DENIED},
	{"leaves the process group", leaves_the_group, NOTHING, DENIED},
	{"maps code", maps_code, NOTHING, DENIED},
	{"makes code of data", makes_code, NOTHING, DENIED},
	{"types into the terminal", types_into_the_terminal, NOTHING, DENIED},
	{"sends signals by F_SETOWN", signals_by_owner, NOTHING, DENIED},
	{"asks for another's limits", limits_another, NOTHING, DENIED},
	{"becomes traceable", makes_itself_traceable, NOTHING, DENIED},
	{"shares memory", shares_memory, NOTHING, DENIED},
	{"clone3", clones_by_three, NOTHING, ABSENT},
	{"openat2", opens_by_openat2, READABLE, ABSENT},

	{"readable: reads", reads_inside, READABLE, DONE},
	{"readable: reads below", reads_below, READABLE, DONE},
	{"readable: by ..", reads_dotdot, READABLE, CONFINED},
	{"readable: by a link", reads_by_link, READABLE, CONFINED},
	{"readable: elsewhere", reads_passwd, READABLE, CONFINED},
	{"readable: writes", writes_inside, READABLE, DENIED},
	{"readable: truncates", cuts_inside, READABLE, DENIED},
	{"readable: removes", removes, READABLE, DENIED},

	{"spill: makes a nameless file", makes_nameless, SPILL, DONE},
	{"spill: gives it a name", names_nameless, SPILL, DENIED},
	{"spill: makes a file by name", makes_named_spill, SPILL, DENIED},
	{"spill: writes a file by name", writes_named_spill, SPILL, DENIED},
	{"spill: removes", removes, SPILL, DENIED},
	{"spill: makes a folder", makes_a_folder, SPILL, DENIED},
	{"spill: reads", reads_passwd, SPILL, DENIED},

	{"writable: a copy", writes_a_copy, WRITABLE, DONE},
	{"writable: a file outside", makes_outside, WRITABLE, CONFINED},
	{"writable: removes outside", removes_outside, WRITABLE, CONFINED},
	{"writable: a mode outside", changes_a_mode, EVERYTHING, DENIED},
	{"writable: an owner outside", changes_an_owner, EVERYTHING, DENIED},
	{"writable: an attribute outside", marks_a_file, EVERYTHING, DENIED},
	{"writable: writes a spill's neighbour", writes_named_spill, EVERYTHING, DENIED},
	{"writable: cuts a spill's neighbour", cuts_a_spill, EVERYTHING, DENIED},
	{"writable: openat2", opens_by_openat2, EVERYTHING, ABSENT},
	{"writable: a device", makes_a_device, WRITABLE, REFUSED},
	{"writable: gives a file away", gives_away, WRITABLE, DENIED},
	{"owners: gives a file away", gives_away, OWNERS, ROOT_ONLY},
	{"owners: a device", makes_a_device, OWNERS, REFUSED},
	{"owners: becomes root", becomes_root, OWNERS, DENIED},

	{"children: forks and waits", forks_and_waits, CHILDREN, DONE},
	{"children: a child reads", lets_a_child_read, CHILDREN, DENIED},
	{"children: signals others", kills_its_parent, CHILDREN, DENIED},
	{"children: starts a program", starts_a_program, CHILDREN, ENDED_BARE},

	{"starts a process (nothing)", starts_a_process, NOTHING, ENDED_BARE},
	{"starts a program", starts_a_program, EVERYTHING, ENDED_BARE},
	{"traces", traces, EVERYTHING, ENDED_BARE},
	{"makes a socket", makes_a_socket, EVERYTHING, ENDED},
	{"makes a socket pair", makes_a_pair, EVERYTHING, ENDED},
	{"connects", connects, EVERYTHING, ENDED},
	{"reads its parent's memory", reads_memory, EVERYTHING, ENDED},
	{"kills its parent", kills_its_parent, NOTHING, ENDED},
	{"kills its parent's thread", kills_a_thread, NOTHING, ENDED},
	{"kills all", kills_all, NOTHING, ENDED},
	{"opens a process", opens_a_process, EVERYTHING, ENDED},
	{"unshares", unshares, EVERYTHING, ENDED},
	{"enters a name space", enters_a_space, EVERYTHING, ENDED},
	{"mounts", mounts, EVERYTHING, ENDED},
	{"changes its root", changes_its_root, EVERYTHING, ENDED},
	{"bpf", loads_a_filter, EVERYTHING, ENDED},
	{"loads a module", loads_a_module, EVERYTHING, ENDED},
	{"io_uring", makes_a_ring, EVERYTHING, ENDED},
	{"userfaultfd", handles_faults, EVERYTHING, ENDED},
	{"perf events", measures, EVERYTHING, ENDED},
	{"keys", looks_for_keys, EVERYTHING, ENDED},
	{"opens by handle", opens_by_handle, EVERYTHING, ENDED},
	{"calls as x32", calls_as_x32, EVERYTHING, ENDED},
};

const size_t attempt_count = countof(attempts);

int attempts_enter(enum kept kept)
{
	const struct peel_sandbox keeps[] = {
		[NOTHING] = {0},
		[READABLE] = {.readable = &readable, .readable_count = 1},
		[SPILL] = {.spill = &spill, .spill_count = 1},
		[WRITABLE] = {.writable = &writable, .writable_count = 1},
		[OWNERS] = {.writable = &writable, .writable_count = 1, .owners = true},
		[CHILDREN] = {.children = true},
		[EVERYTHING] =
			{
				.readable = &readable,
				.readable_count = 1,
				.spill = &spill,
				.spill_count = 1,
				.writable = &writable,
				.writable_count = 1,
				.owners = true,
			},
	};

	return peel_sandbox_enter(&keeps[kept], NULL);
}
