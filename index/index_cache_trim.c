/* SPDX-License-Identifier: Apache-2.0 */
/** What is in the cache folder, by last use; what killed builders left; the oldest out. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "index_cache.h"
#include "util.h"

/** Hexadecimal digits of an index's name, and what follows them. */
#define NAME_DIGITS 40
#define NAME_END ".peel"
/** Seconds after which a temporary file is left over where files cannot be locked: a build takes minutes. */
#define LEFTOVER_AGE (24 * 60 * 60)

static bool is_index_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == NAME_DIGITS &&
		strcmp(name + NAME_DIGITS, NAME_END) == 0;
}

/** Digits of the digest in a facts file's name, and what follows them. */
#define FACTS_DIGITS 12
#define FACTS_END ".facts"

static bool is_facts_name(const char *name)
{
	const char *digest = name + NAME_DIGITS + 1;

	return strspn(name, "0123456789abcdef") == NAME_DIGITS && name[NAME_DIGITS] == '-' &&
		strspn(digest, "0123456789abcdef") == FACTS_DIGITS &&
		strcmp(digest + FACTS_DIGITS, FACTS_END) == 0;
}

void cache_facts_name(const char *index_name, const char *digest, char *name)
{
	snprintf(name, CACHE_NAME_SIZE, "%.*s-%.*s" FACTS_END, NAME_DIGITS, index_name,
		FACTS_DIGITS, digest);
}

void cache_index_name(const char *facts, char *name)
{
	snprintf(name, CACHE_NAME_SIZE, "%.*s" NAME_END, NAME_DIGITS, facts);
}

bool cache_same_image(const char *name, const char *other)
{
	return strncmp(name, other, NAME_DIGITS) == 0;
}

static bool is_temp_name(const char *name)
{
	return strncmp(name, CACHE_TEMP_PREFIX, strlen(CACHE_TEMP_PREFIX)) == 0 &&
		strlen(name) < CACHE_NAME_SIZE;
}

static int compare_use(const void *a, const void *b)
{
	const struct cache_entry *one = a;
	const struct cache_entry *other = b;
	const struct timespec *left = &one->st.st_mtim;
	const struct timespec *right = &other->st.st_mtim;

	if (left->tv_sec != right->tv_sec) {
		return left->tv_sec < right->tv_sec ? -1 : 1;
	}
	if (left->tv_nsec != right->tv_nsec) {
		return left->tv_nsec < right->tv_nsec ? -1 : 1;
	}
	return strcmp(one->name, other->name);
}

/* One name of the folder. @return 1 it was added, 0 it is none of ours or gone; PEEL_EIO, PEEL_ENOMEM. */
static int add_entry(int folder, const char *name, struct cache_entry **entries, size_t count,
	size_t *room, struct peel_error *err)
{
	bool temporary = is_temp_name(name);
	bool facts = is_facts_name(name);
	struct cache_entry *entry;
	struct stat st;

	if (!temporary && !facts && !is_index_name(name)) {
		return 0;
	}
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return errno == ENOENT
			? 0
			: peel_fail(err, PEEL_EIO, "cannot read the cache folder: %s",
				  strerror(errno));
	}
	if (S_ISDIR(st.st_mode)) {
		return 0;
	}
	if (!grow_array(entries, count, room, sizeof(*entry))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	entry = &(*entries)[count];
	*entry = (struct cache_entry){.temporary = temporary, .facts = facts, .st = st};
	memcpy(entry->name, name, strlen(name) + 1);
	return 1;
}

static void close_folder(DIR **dir)
{
	if (*dir) {
		closedir(*dir);
	}
}

int cache_list(int folder, struct cache_entry **ret_entries, struct peel_error *err)
{
	cleanup_free struct cache_entry *entries = NULL;
	cleanup_fd int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup(close_folder) DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *dirent;
	size_t count = 0;
	size_t room = 0;

	if (!dir) {
		return peel_fail(err, PEEL_EIO, "cannot read the cache folder: %s",
			strerror(errno));
	}
	copy = -1;
	errno = 0;
	while (count < CACHE_FILES_MAX && (dirent = readdir(dir))) {
		int r = add_entry(folder, dirent->d_name, &entries, count, &room, err);

		if (r < 0) {
			return r;
		}
		count += (size_t)r;
		errno = 0;
	}
	if (!dirent && errno) {
		return peel_fail(err, PEEL_EIO, "cannot read the cache folder: %s",
			strerror(errno));
	}
	if (count > 0) {
		qsort(entries, count, sizeof(*entries), compare_use);
	}
	*ret_entries = steal_pointer(&entries);
	return (int)count;
}

/** Is a file so old that no builder has it, where no lock can tell? */
static bool is_abandoned(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && time(NULL) - st.st_mtim.tv_sec > LEFTOVER_AGE;
}

int cache_take_leftover(int folder, const char *name)
{
	cleanup_fd int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0) {
		return -1;
	}
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EINTR) {
			return errno != EWOULDBLOCK && is_abandoned(fd) ? steal_fd(&fd) : -1;
		}
	}
	return steal_fd(&fd);
}

void cache_sweep(int folder)
{
	cleanup_free struct cache_entry *entries = NULL;
	int count = cache_list(folder, &entries, NULL);

	for (int i = 0; i < count; i++) {
		cleanup_fd int held = entries[i].temporary
			? cache_take_leftover(folder, entries[i].name)
			: -1;

		if (held >= 0) {
			cache_remove(folder, &entries[i], NULL);
		}
	}
}

/** Remove a file, and the facts of an index. @return their bytes. */
static uint64_t remove_entry(int folder, struct cache_entry *entries, int count, int which)
{
	uint64_t removed = 0;

	for (int i = 0; i < count; i++) {
		struct cache_entry *entry = &entries[i];
		bool goes = i == which ||
			(entry->facts && !entries[which].facts &&
				cache_same_image(entry->name, entries[which].name));

		if (goes && !entry->gone) {
			entry->gone = true;
			removed += (uint64_t)entry->st.st_size;
			cache_remove(folder, entry, NULL);
		}
	}
	return removed;
}

void cache_trim(int folder, uint64_t limit, const char *spared)
{
	cleanup_free struct cache_entry *entries = NULL;
	int count = cache_list(folder, &entries, NULL);
	uint64_t total = 0;

	for (int i = 0; i < count; i++) {
		total += entries[i].temporary ? 0 : (uint64_t)entries[i].st.st_size;
	}
	for (int i = 0; i < count && total > limit; i++) {
		if (!entries[i].temporary && !entries[i].gone &&
			!(spared && cache_same_image(entries[i].name, spared))) {
			total -= remove_entry(folder, entries, count, i);
		}
	}
}

uint64_t cache_limit(uint64_t option)
{
	return option ? option : PEEL_CACHE_LIMIT_DEFAULT;
}
