/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: a process takes a set of rights over files away from itself, and names the folders below which it keeps
 * some of them. Whatever is open already stays open and usable.
 *
 * Linux 5.13 has version 1 of it; each later version can hold more. Everything that the kernel at hand can hold is
 * held; what it does not know is left to the list of system calls. Debian 12's headers are older than its kernels,
 * so numbers and structures of later versions stand here, named as in <linux/landlock.h>.
 *
 * Not held by any version: asking whether a path exists and what stat(2) says of it; changing modes, owners, attributes
 * and times of what is there. All but times are therefore changed by descriptors only (sandbox_table.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox_config.h"
#include "sandbox_priv.h"
#include "util.h"

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP
#define LANDLOCK_ACCESS_NET_BIND_TCP (1ULL << 0)
#define LANDLOCK_ACCESS_NET_CONNECT_TCP (1ULL << 1)
#endif
#ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

/** struct landlock_ruleset_attr of version 6; older kernels take its beginning. */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

/** Rights over files of version 1: all that there are, up to making symbolic links. */
#define FILES_FIRST ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/** Rights that a rule for a file, not a folder, may name. */
#define FILE_RIGHTS \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
		LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | \
		LANDLOCK_ACCESS_FS_IOCTL_DEV)

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/** A file without a name asks for no more than reading and writing; files with one are kept by the list of calls. */
#define SPILL_RIGHTS \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

/** What a copy makes: neither devices nor sockets. */
#define WRITE_RIGHTS \
	(READ_RIGHTS | SPILL_RIGHTS | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
		LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
		LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
		LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)

/** What each version adds. */
static const struct {
	int version;
	/** Bytes of struct ruleset that it knows. */
	size_t size;
	struct ruleset adds;
} versions[] = {
	{1, sizeof(uint64_t), {.handled_access_fs = FILES_FIRST}},
	{2, sizeof(uint64_t), {.handled_access_fs = LANDLOCK_ACCESS_FS_REFER}},
	{3, sizeof(uint64_t), {.handled_access_fs = LANDLOCK_ACCESS_FS_TRUNCATE}},
	{4, 2 * sizeof(uint64_t),
		{.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP |
				LANDLOCK_ACCESS_NET_CONNECT_TCP}},
	{5, 2 * sizeof(uint64_t), {.handled_access_fs = LANDLOCK_ACCESS_FS_IOCTL_DEV}},
	{6, 3 * sizeof(uint64_t),
		{.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL}},
};

static int fail(struct peel_error *err)
{
	return peel_fail(err, PEEL_EIO, "cannot confine paths (Landlock): %s", strerror(errno));
}

/** Keep rights below some folders. */
static int keep_rights(int ruleset, uint64_t handled, uint64_t rights, const int *fds, size_t count,
	struct peel_error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct landlock_path_beneath_attr rule = {
			.allowed_access = rights & handled, .parent_fd = fds[i]};
		struct stat st;

		if (fstat(fds[i], &st) != 0) {
			return fail(err);
		}
		if (!S_ISDIR(st.st_mode)) {
			rule.allowed_access &= FILE_RIGHTS;
		}
		/* EBADFD: no file system holds it (a pipe), so that no path leads to it either. */
		if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) !=
				0 &&
			errno != EBADFD) {
			return fail(err);
		}
	}
	return 0;
}

static int confine(int ruleset, uint64_t handled, const struct peel_sandbox *keep,
	struct peel_error *err)
{
	int code = keep_rights(ruleset, handled, READ_RIGHTS, keep->readable, keep->readable_count,
		err);

	if (code == 0) {
		code = keep_rights(ruleset, handled, SPILL_RIGHTS, keep->spill, keep->spill_count,
			err);
	}
	if (code == 0) {
		code = keep_rights(ruleset, handled, WRITE_RIGHTS, keep->writable,
			keep->writable_count, err);
	}
	if (code == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
		code = fail(err);
	}
	return code;
}

int sandbox_paths_confine(const struct peel_sandbox *keep, struct peel_error *err)
{
	const long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION);
	cleanup_fd int ruleset = -1;
	struct ruleset wanted = {0};
	size_t size = 0;

#ifdef SANDBOX_INSTRUMENTED
	return 0;
#endif
	/* Not compiled in, switched off at boot, or denied by a container. */
	if (version < 1) {
		return 0;
	}
	for (size_t i = 0; i < countof(versions) && versions[i].version <= version; i++) {
		wanted.handled_access_fs |= versions[i].adds.handled_access_fs;
		wanted.handled_access_net |= versions[i].adds.handled_access_net;
		wanted.scoped |= versions[i].adds.scoped;
		size = versions[i].size;
	}
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &wanted, size, 0);
	if (ruleset < 0) {
		return fail(err);
	}
	return confine(ruleset, wanted.handled_access_fs, keep, err) < 0 ? PEEL_EIO : 1;
}
