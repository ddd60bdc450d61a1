/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into peel: calls of one family fail on purpose, from the n-th on, once, a few times or for ever; and all
 * are counted.
 *
 *	PEEL_FAULT="FAMILY N ERROR TIMES"   FAMILY from the table below; N counts from 1; ERROR an errno, or 0: the call
 *	                                    is short, half of what was asked for; TIMES 0: all from N on
 *	PEEL_FAULT_STATE=FILE               a file of a page: the counts of all processes together, and the hits
 *
 * The counts stand in a file that is mapped, so that children which were forked, and those that gave up their right to
 * open files, count on. Only a program by the name of peel is touched; a shell or fusermount3 that it starts is not.
 *
 * What this does not see: system calls that the C library makes by itself (stdio, thread stacks). run.py lets standard
 * output fail by /dev/full, and holds the counts against strace's.
 */
/* Each function stands here under its own name: none of those that headers put in its place. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ways.h"

/** What a call that is short fails with. */
#define SHORT 0
/** Everything below is found by its name, whatever the headers make of it. */
#define EXPORT __attribute__((visibility("default")))

enum family {
	ALLOC,
	MAP,
	READ,
	WRITE,
	SYNC,
	LINK,
	RENAME,
	OPEN,
	TMPFILE,
	STAT,
	LOCK,
	THREAD,
	FORK,
	RANDOM,
	DUP,
	UNLINK,
	FAMILIES,
};

static const char *const family_names[FAMILIES] = {"alloc", "mmap", "read", "write", "sync", "link",
	"rename", "open", "tmpfile", "stat", "lock", "thread", "fork", "random", "dup", "unlink"};

/** The file of PEEL_FAULT_STATE: run.py reads it as sixteen counts and the hits. */
struct state {
	_Atomic uint64_t calls[FAMILIES];
	_Atomic uint64_t hits;
};

static struct state *state;
static int family = -1;
static int error;
static uint64_t first, times;

/** Which family a name stands for, -1: none. */
static int find_family(const char *name)
{
	for (int i = 0; i < FAMILIES; i++) {
		if (strcmp(family_names[i], name) == 0) {
			return i;
		}
	}
	return -1;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("PEEL_FAULT_STATE");
	const char *wanted = getenv("PEEL_FAULT");
	unsigned long long n = 0, count = 0;
	char name[16] = "";
	void *page;
	int fd;

	if (!path || strcmp(program_invocation_short_name, "peel") != 0) {
		return;
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	page = fd < 0 ? MAP_FAILED
		      : mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		_exit(99);
	}
	close(fd);
	if (wanted && sscanf(wanted, "%15s %llu %d %llu", name, &n, &error, &count) == 4) {
		first = n;
		times = count;
		family = find_family(name);
	}
	state = page;
}

/** Count a call. @return true where it is to fail; errno is set then. */
static bool fails(enum family of)
{
	uint64_t n;

	if (!state) {
		return false;
	}
	n = atomic_fetch_add(&state->calls[of], 1) + 1;
	ways_keep(of == ALLOC ? n : 0);
	if ((int)of != family || n < first || (times && n >= first + times)) {
		return false;
	}
	atomic_fetch_add(&state->hits, 1);
	errno = error;
	return true;
}

/** The C library's own function of a name. */
static void *find_real(_Atomic(void *) *kept, const char *name)
{
	void *function = atomic_load(kept);

	if (!function) {
		function = dlsym(RTLD_NEXT, name);
		atomic_store(kept, function);
	}
	return function;
}

/** Begin a function in front of the C library's, which REAL is. */
#define WRAP(type, name, parameters) \
	static _Atomic(void *) kept_##name; \
	EXPORT type name parameters; \
	EXPORT type name parameters

/** Another name of a function. */
#define ALIAS(type, name, parameters, target) \
	EXPORT type name parameters __attribute__((alias(#target)))

#define REAL(name, type, ...) ((type(*)(__VA_ARGS__))find_real(&kept_##name, #name))

/* Memory. The C library's names for programs that put theirs in front. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

EXPORT void *malloc(size_t size)
{
	return fails(ALLOC) ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
	return fails(ALLOC) ? NULL : __libc_calloc(count, size);
}

EXPORT void *realloc(void *block, size_t size)
{
	return fails(ALLOC) ? NULL : __libc_realloc(block, size);
}

EXPORT void *reallocarray(void *block, size_t count, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(count, size, &bytes) ? NULL : realloc(block, bytes);
}

EXPORT void *memalign(size_t alignment, size_t size)
{
	return fails(ALLOC) ? NULL : __libc_memalign(alignment, size);
}

ALIAS(void *, aligned_alloc, (size_t alignment, size_t size), memalign);

EXPORT int posix_memalign(void **ret_block, size_t alignment, size_t size)
{
	void *block = memalign(alignment, size);

	if (!block) {
		return ENOMEM;
	}
	*ret_block = block;
	return 0;
}

WRAP(void *, mmap, (void *at, size_t len, int protection, int flags, int fd, off_t offset))
{
	return fails(MAP) ? MAP_FAILED
			  : REAL(mmap, void *, void *, size_t, int, int, int, off_t)(at, len,
				    protection, flags, fd, offset);
}

ALIAS(void *, mmap64, (void *at, size_t len, int protection, int flags, int fd, off_t offset),
	mmap);

/* Reading and writing: a call that is short does half of it. */

/** Length of a call that is short. */
static size_t half(size_t len)
{
	return len > 1 ? len / 2 : len;
}

static struct stat look_at(int fd)
{
	struct stat st = {0};

	(void)syscall(SYS_fstat, fd, &st);
	return st;
}

/** A message on a socket is whole or is not sent; only files are read and written in part. */
static bool is_file(int fd)
{
	return S_ISREG(look_at(fd).st_mode);
}

/** True for the device of a mount: what fails there is the kernel's to say, an answer it never saw is waited for. */
static bool is_fuse(int fd)
{
	return look_at(fd).st_rdev == makedev(10, 229);
}

/** True where the call fails; one that is short goes on with a smaller length. @param fd -1: no file. */
static bool transfer_fails(enum family of, int fd, size_t *len)
{
	if (is_fuse(fd) || !fails(of)) {
		return false;
	}
	if (error != SHORT) {
		return true;
	}
	*len = is_file(fd) ? half(*len) : *len;
	return false;
}

WRAP(ssize_t, read, (int fd, void *buf, size_t len))
{
	return transfer_fails(READ, fd, &len)
		? -1
		: REAL(read, ssize_t, int, void *, size_t)(fd, buf, len);
}

EXPORT ssize_t __read_chk(int fd, void *buf, size_t len, size_t room);
EXPORT ssize_t __read_chk(int fd, void *buf, size_t len, size_t room)
{
	return len > room ? (abort(), -1) : read(fd, buf, len);
}

WRAP(ssize_t, pread64, (int fd, void *buf, size_t len, off_t offset))
{
	return transfer_fails(READ, fd, &len)
		? -1
		: REAL(pread64, ssize_t, int, void *, size_t, off_t)(fd, buf, len, offset);
}

EXPORT ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t offset, size_t room);
EXPORT ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t offset, size_t room)
{
	return len > room ? (abort(), -1) : pread64(fd, buf, len, offset);
}

WRAP(ssize_t, preadv64v2, (int fd, const struct iovec *pieces, int count, off_t offset, int flags))
{
	return fails(READ) && error != SHORT
		? -1
		: REAL(preadv64v2, ssize_t, int, const struct iovec *, int, off_t, int)(fd, pieces,
			  count, offset, flags);
}

WRAP(ssize_t, write, (int fd, const void *bytes, size_t len))
{
	return transfer_fails(WRITE, fd, &len)
		? -1
		: REAL(write, ssize_t, int, const void *, size_t)(fd, bytes, len);
}

WRAP(ssize_t, pwrite64, (int fd, const void *bytes, size_t len, off_t offset))
{
	return transfer_fails(WRITE, fd, &len)
		? -1
		: REAL(pwrite64, ssize_t, int, const void *, size_t, off_t)(fd, bytes, len, offset);
}

WRAP(ssize_t, writev, (int fd, const struct iovec *pieces, int count))
{
	return !is_fuse(fd) && fails(WRITE) && error != SHORT
		? -1
		: REAL(writev, ssize_t, int, const struct iovec *, int)(fd, pieces,
			  error == SHORT && count > 1 && is_file(fd) ? 1 : count);
}

WRAP(int, ftruncate64, (int fd, off_t size))
{
	return fails(WRITE) && error != SHORT ? -1 : REAL(ftruncate64, int, int, off_t)(fd, size);
}

WRAP(int, fallocate64, (int fd, int mode, off_t offset, off_t len))
{
	return fails(WRITE) && error != SHORT
		? -1
		: REAL(fallocate64, int, int, int, off_t, off_t)(fd, mode, offset, len);
}

/* Files and names. */

WRAP(int, fsync, (int fd))
{
	return fails(SYNC) ? -1 : REAL(fsync, int, int)(fd);
}

WRAP(int, fdatasync, (int fd))
{
	return fails(SYNC) ? -1 : REAL(fdatasync, int, int)(fd);
}

WRAP(int, linkat, (int from, const char *old, int to, const char *name, int flags))
{
	return fails(LINK) ? -1
			   : REAL(linkat, int, int, const char *, int, const char *, int)(from, old,
				     to, name, flags);
}

WRAP(int, renameat, (int from, const char *old, int to, const char *name))
{
	return fails(RENAME)
		? -1
		: REAL(renameat, int, int, const char *, int, const char *)(from, old, to, name);
}

WRAP(int, unlinkat, (int folder, const char *name, int flags))
{
	return fails(UNLINK) ? -1
			     : REAL(unlinkat, int, int, const char *, int)(folder, name, flags);
}

/** The mode of a call that may make a file. */
#define TAKE_MODE(flags, mode) \
	do { \
		va_list rest; \
		va_start(rest, flags); \
		mode = (flags) & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
		va_end(rest); \
	} while (0)

WRAP(int, openat64, (int folder, const char *name, int flags, ...))
{
	bool nameless = (flags & O_TMPFILE) == O_TMPFILE;
	mode_t mode;

	TAKE_MODE(flags, mode);
	if ((nameless && fails(TMPFILE)) || fails(OPEN)) {
		return -1;
	}
	return REAL(openat64, int, int, const char *, int, ...)(folder, name, flags, mode);
}

WRAP(int, open64, (const char *name, int flags, ...))
{
	mode_t mode;

	TAKE_MODE(flags, mode);
	return fails(OPEN) ? -1 : REAL(open64, int, const char *, int, ...)(name, flags, mode);
}

EXPORT int __openat64_2(int folder, const char *name, int flags);
EXPORT int __openat64_2(int folder, const char *name, int flags)
{
	return openat64(folder, name, flags);
}

EXPORT int __open64_2(const char *name, int flags);
EXPORT int __open64_2(const char *name, int flags)
{
	return open64(name, flags);
}

ALIAS(int, openat, (int folder, const char *name, int flags, ...), openat64);
ALIAS(int, open, (const char *name, int flags, ...), open64);
ALIAS(int, __openat_2, (int folder, const char *name, int flags), __openat64_2);
ALIAS(int, __open_2, (const char *name, int flags), __open64_2);

WRAP(int, pipe2, (int fds[2], int flags))
{
	return fails(DUP) ? -1 : REAL(pipe2, int, int *, int)(fds, flags);
}

WRAP(int, memfd_create, (const char *name, unsigned flags))
{
	return fails(OPEN) ? -1 : REAL(memfd_create, int, const char *, unsigned)(name, flags);
}

WRAP(int, dup3, (int from, int to, int flags))
{
	return fails(DUP) ? -1 : REAL(dup3, int, int, int, int)(from, to, flags);
}

WRAP(int, fcntl64, (int fd, int command, ...))
{
	va_list rest;
	void *argument;

	va_start(rest, command);
	argument = va_arg(rest, void *);
	va_end(rest);
	return command == F_DUPFD_CLOEXEC && fails(DUP)
		? -1
		: REAL(fcntl64, int, int, int, ...)(fd, command, argument);
}

ALIAS(int, fcntl, (int fd, int command, ...), fcntl64);

WRAP(int, fstat64, (int fd, struct stat64 *ret_stat))
{
	return fails(STAT) ? -1 : REAL(fstat64, int, int, struct stat64 *)(fd, ret_stat);
}

WRAP(int, stat64, (const char *name, struct stat64 *ret_stat))
{
	return fails(STAT) ? -1 : REAL(stat64, int, const char *, struct stat64 *)(name, ret_stat);
}

WRAP(int, fstatat64, (int folder, const char *name, struct stat64 *ret_stat, int flags))
{
	return fails(STAT) ? -1
			   : REAL(fstatat64, int, int, const char *, struct stat64 *, int)(folder,
				     name, ret_stat, flags);
}

WRAP(int, flock, (int fd, int operation))
{
	return fails(LOCK) ? -1 : REAL(flock, int, int, int)(fd, operation);
}

WRAP(ssize_t, getrandom, (void *buf, size_t len, unsigned flags))
{
	return transfer_fails(RANDOM, -1, &len)
		? -1
		: REAL(getrandom, ssize_t, void *, size_t, unsigned)(buf, len, flags);
}

/* Threads and processes. */

WRAP(int, pthread_create,
	(pthread_t * ret_thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg))
{
	return fails(THREAD) ? error
			     : REAL(pthread_create, int, pthread_t *, const pthread_attr_t *,
				       void *(*)(void *), void *)(ret_thread, attributes, run, arg);
}

WRAP(int, posix_spawn,
	(pid_t * ret_pid, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]))
{
	return fails(FORK)
		? error
		: REAL(posix_spawn, int, pid_t *, const char *, const posix_spawn_file_actions_t *,
			  const posix_spawnattr_t *, char *const *,
			  char *const *)(ret_pid, path, actions, attributes, argv, environment);
}

WRAP(int, posix_spawnp,
	(pid_t * ret_pid, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]))
{
	return fails(FORK)
		? error
		: REAL(posix_spawnp, int, pid_t *, const char *, const posix_spawn_file_actions_t *,
			  const posix_spawnattr_t *, char *const *,
			  char *const *)(ret_pid, path, actions, attributes, argv, environment);
}

WRAP(pid_t, fork, (void))
{
	return fails(FORK) ? -1 : REAL(fork, pid_t, void)();
}
