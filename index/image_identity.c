/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index may be used again for a file that is still the same file: device, inode, size, times.
 * For a layout that is said of every file that could be read, blobs by the target that a link has;
 * the lines are hashed, because a folder may hold ten thousand blobs. What was asked for
 * (transport, selector, platform, number of several) is part of the identity: it chooses.
 */
#include "image_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Most blobs of a layout that are looked at; a larger folder has no identity. */
#define BLOBS_MAX 100000

struct identity {
	struct digest *digest;
	/* Youngest time seen. */
	struct timespec youngest;
};

static void note_time(struct identity *identity, const struct timespec *time)
{
	if (time->tv_sec > identity->youngest.tv_sec ||
		(time->tv_sec == identity->youngest.tv_sec &&
			time->tv_nsec > identity->youngest.tv_nsec)) {
		identity->youngest = *time;
	}
}

static int print_stat(char *line, size_t size, const struct stat *st)
{
	return snprintf(line, size, "%llx:%llx:%lld:%lld.%09ld:%lld.%09ld",
		(unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
		(long long)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		(long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static void add_stat(struct identity *identity, const char *name, const struct stat *st)
{
	char line[256];
	int len = print_stat(line, sizeof(line), st);

	digest_update(identity->digest, name, strlen(name) + 1);
	digest_update(identity->digest, line, (size_t)len);
	note_time(identity, &st->st_mtim);
	note_time(identity, &st->st_ctim);
}

/* A file of the layout; one that cannot be found is told apart from one that can. */
static int add_file(struct identity *identity, int folder, const char *name, struct peel_error *err)
{
	cleanup_free char *path = NULL;
	struct stat st = {0};
	int r;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		add_stat(identity, name, &st);
	}
	if (!S_ISLNK(st.st_mode)) {
		return 0;
	}
	r = layout_resolve(folder, name, &path, NULL);
	if (r == PEEL_ENOMEM) {
		return peel_fail(err, r, "out of memory");
	}
	if (r == 0 && fstatat(folder, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		add_stat(identity, path, &st);
	}
	return 0;
}

/* The names in a folder, sorted; none where it cannot be read. @return how many, or less than 0. */
static int list_folder(int folder, const char *name, struct dirent ***ret_names,
	struct peel_error *err)
{
	int count = scandirat(folder, name, ret_names, NULL, alphasort);

	if (count < 0 && errno != ENOENT && errno != ENOTDIR) {
		return peel_fail(err, errno == ENOMEM ? PEEL_ENOMEM : PEEL_EIO,
			"cannot list %s: %s", name, strerror(errno));
	}
	return count < 0 ? 0 : count;
}

static void free_names(struct dirent **names, int count)
{
	for (int i = 0; i < count; i++) {
		free(names[i]);
	}
	free(names);
}

/* The files of blobs/ALGORITHM, or of the folders of blobs/ where deeper. */
static int add_folder(struct identity *identity, int folder, const char *name, bool deeper,
	struct peel_error *err)
{
	struct dirent **names = NULL;
	int count = list_folder(folder, name, &names, err);
	int r = count < 0           ? count
		: count > BLOBS_MAX ? peel_fail(err, PEEL_ELIMIT, "%s holds too many files", name)
				    : 0;

	for (int i = 0; i < count && r == 0; i++) {
		cleanup_free char *path = NULL;

		if (names[i]->d_name[0] == '.') {
			continue;
		}
		if (asprintf(&path, "%s/%s", name, names[i]->d_name) < 0) {
			path = NULL;
			r = peel_fail(err, PEEL_ENOMEM, "out of memory");
		} else if (deeper) {
			r = add_folder(identity, folder, path, false, err);
		} else {
			r = add_file(identity, folder, path, err);
		}
	}
	free_names(names, count < 0 ? 0 : count);
	return r;
}

static int add_layout(struct identity *identity, int folder, struct peel_error *err)
{
	int r = add_file(identity, folder, "index.json", err);

	r = r < 0 ? r : add_file(identity, folder, "oci-layout", err);
	return r < 0 ? r : add_folder(identity, folder, "blobs", true, err);
}

static uint64_t age_of(const struct timespec *time)
{
	struct timespec now;
	int64_t age;

	clock_gettime(CLOCK_REALTIME, &now);
	if (__builtin_mul_overflow((int64_t)now.tv_sec - (int64_t)time->tv_sec, (int64_t)1000000000,
		    &age)) {
		return now.tv_sec > time->tv_sec ? UINT64_MAX : 0;
	}
	age += now.tv_nsec - time->tv_nsec;
	return age > 0 ? (uint64_t)age : 0;
}

/* @param opened what the path led to, -1: open it. */
static int identify(const struct image_reference *reference,
	const struct peel_image_options *options, int opened, char **ret_text,
	struct identity *identity, struct peel_error *err)
{
	cleanup_fd int fd = opened >= 0
		? fcntl(opened, F_DUPFD_CLOEXEC, 3)
		: open(reference->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char shown[IMAGE_SHOWN];
	char hash[DIGEST_TEXT_SIZE] = "";
	char line[256];
	char number[32] = "";
	struct stat st;
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return peel_fail(err,
			errno == ENOENT || errno == ENOTDIR ? PEEL_ENOENT
				: errno == EACCES           ? PEEL_EACCES
							    : PEEL_EIO,
			"%s: %s", image_shown(shown, reference->path), strerror(errno));
	}
	if (S_ISDIR(st.st_mode)) {
		r = add_layout(identity, fd, err);
		digest_text(identity->digest, hash);
		snprintf(line, sizeof(line), "%llx:%llx", (unsigned long long)st.st_dev,
			(unsigned long long)st.st_ino);
	} else {
		print_stat(line, sizeof(line), &st);
		note_time(identity, &st.st_mtim);
		note_time(identity, &st.st_ctim);
	}
	if (r < 0) {
		return peel_wrap(err, "%s", image_shown(shown, reference->path));
	}
	if (options && options->nth > 0) {
		snprintf(number, sizeof(number), "number=%u ", options->nth);
	}
	if (asprintf(ret_text, "%s %s kind=%d position=%d platform=%s %stag=%s", line, hash,
		    (int)reference->kind, reference->position,
		    options && options->platform ? options->platform : "", number,
		    reference->tag ? reference->tag : "") < 0) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	return 0;
}

int image_identity(const char *reference, const struct peel_image_options *options, char **ret_text,
	uint64_t *ret_age_ns, struct peel_error *err)
{
	return image_identity_of(reference, options, -1, ret_text, ret_age_ns, err);
}

int image_identity_of(const char *reference, const struct peel_image_options *options, int opened,
	char **ret_text, uint64_t *ret_age_ns, struct peel_error *err)
{
	struct image_reference parsed;
	struct identity identity = {0};
	char *text = NULL;
	int r = image_reference_parse(reference, &parsed, err);

	if (r < 0) {
		return r;
	}
	if (parsed.standard_input) {
		r = peel_fail(err, PEEL_EUSAGE, "standard input has no identity");
	}
	r = r < 0 ? r : digest_new("", &identity.digest, err);
	r = r < 0 ? r : identify(&parsed, options, opened, &text, &identity, err);
	digest_free(identity.digest);
	image_reference_finish(&parsed);
	if (r < 0) {
		return r;
	}
	*ret_text = text;
	*ret_age_ns = age_of(&identity.youngest);
	return 0;
}
