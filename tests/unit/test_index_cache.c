/* SPDX-License-Identifier: Apache-2.0 */
/** The cache folder: whose files are taken, how files are published, what a sweep removes. */
#include "peel_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index_cache.h"
#include "util.h"

struct folder {
	char path[64];
	int fd;
};

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	snprintf(folder->path, sizeof(folder->path), "/tmp/peel-test-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY);
	assert_true(folder->fd >= 0);
	*state = folder;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;
	char command[128];

	close(folder->fd);
	snprintf(command, sizeof(command), "rm -rf %s", folder->path);
	assert_int_equal(system(command), 0);
	free(folder);
	return 0;
}

static void write_file(struct folder *folder, const char *name, mode_t mode)
{
	int fd = openat(folder->fd, name, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static bool exists(struct folder *folder, const char *name)
{
	return faccessat(folder->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void only_own_unshared_regular_files_are_taken(void **state)
{
	struct folder *folder = *state;
	struct peel_error err = {0};
	int fd = -1;

	assert_failure(cache_find(folder->fd, "none", &fd, &err), PEEL_ENOENT, &err, "none");
	write_file(folder, "good", 0600);
	assert_good(cache_find(folder->fd, "good", &fd, &err), &err);
	close(fd);
	write_file(folder, "group", 0660);
	assert_failure(cache_find(folder->fd, "group", &fd, &err), PEEL_EACCES, &err,
		"others may write it");
	assert_int_equal(symlinkat("good", folder->fd, "link"), 0);
	assert_failure(cache_find(folder->fd, "link", &fd, &err), PEEL_EACCES, &err, "link");
	assert_int_equal(mkfifoat(folder->fd, "fifo", 0600), 0);
	assert_failure(cache_find(folder->fd, "fifo", &fd, &err), PEEL_EACCES, &err,
		"not a regular file");
	if (geteuid() == 0) {
		write_file(folder, "foreign", 0600);
		assert_int_equal(fchownat(folder->fd, "foreign", 65534, 65534, 0), 0);
		assert_failure(cache_find(folder->fd, "foreign", &fd, &err), PEEL_EACCES, &err,
			"another user");
	}
}

static void a_shared_cache_folder_is_not_used(void **state)
{
	struct folder *folder = *state;
	cleanup_free char *made = NULL;
	cleanup_free char *path = NULL;
	char below[96];
	int fd;

	snprintf(below, sizeof(below), "%s/new/peel", folder->path);
	fd = cache_open(below, &made, NULL);
	assert_true(fd >= 0);
	assert_string_equal(made, below);
	close(fd);
	assert_int_equal(chmod(below, 0777), 0);
	assert_int_equal(cache_open(below, &path, NULL), -1);
}

static int count_names(const struct folder *folder)
{
	cleanup_free struct cache_entry *entries = NULL;
	struct peel_error err = {0};
	int count = cache_list(folder->fd, &entries, &err);

	assert_good(count, &err);
	return count;
}

/** Publish text twice, so that the name is taken the second time; each time the new file is there whole. */
static void publish_twice(struct folder *folder,
	int (*make)(int folder, struct cache_temp *ret_temp, struct peel_error *err))
{
	static const char name[] = "0123456789012345678901234567890123456789.peel";

	for (size_t len = 5; len <= 6; len++) {
		struct cache_temp temp;
		struct peel_error err = {0};
		struct stat st;

		assert_good(make(folder->fd, &temp, &err), &err);
		assert_int_equal(write(temp.fd, "index2", len), len);
		assert_good(cache_publish(&temp, name, &err), &err);
		cache_temp_finish(&temp);
		assert_int_equal(fstatat(folder->fd, name, &st, 0), 0);
		assert_int_equal(st.st_size, len);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_int_equal(count_names(folder), 1);
	}
	assert_int_equal(unlinkat(folder->fd, name, 0), 0);
}

static void a_file_has_no_name_before_it_is_published(void **state)
{
	struct folder *folder = *state;
	struct cache_temp temp;
	struct peel_error err = {0};

	assert_good(cache_temp_make(folder->fd, &temp, &err), &err);
	assert_string_equal(temp.temp, "");
	assert_int_equal(count_names(folder), 0);
	cache_temp_finish(&temp);
	publish_twice(folder, cache_temp_make);
}

static void publishing_renames_whole_files(void **state)
{
	struct folder *folder = *state;
	struct cache_temp temp;
	struct peel_error err = {0};

	publish_twice(folder, cache_temp_named);
	/* What is not published leaves nothing. */
	assert_good(cache_temp_named(folder->fd, &temp, &err), &err);
	assert_true(exists(folder, temp.temp));
	{
		char name[CACHE_NAME_SIZE];

		memcpy(name, temp.temp, sizeof(name));
		cache_temp_finish(&temp);
		assert_false(exists(folder, name));
	}
}

static void a_sweep_spares_builders_that_live(void **state)
{
	struct folder *folder = *state;
	struct cache_temp temp;
	struct peel_error err = {0};

	assert_good(cache_temp_named(folder->fd, &temp, &err), &err);
	write_file(folder, ".building-0000000000000001", 0600);
	write_file(folder, "kept.peel", 0600);
	cache_sweep(folder->fd);
	assert_true(exists(folder, temp.temp));
	assert_false(exists(folder, ".building-0000000000000001"));
	assert_true(exists(folder, "kept.peel"));
	cache_temp_finish(&temp);
}

static void names_follow_identities(void **state)
{
	char one[CACHE_NAME_SIZE];
	char other[CACHE_NAME_SIZE];
	struct peel_error err = {0};

	(void)state;
	assert_good(cache_name("file 1", one, &err), &err);
	assert_good(cache_name("file 2", other, &err), &err);
	assert_string_not_equal(one, other);
	assert_int_equal(strlen(one), 45);
	assert_string_equal(one + 40, ".peel");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_own_unshared_regular_files_are_taken,
			make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_shared_cache_folder_is_not_used, make_folder,
			remove_folder),
		cmocka_unit_test_setup_teardown(a_file_has_no_name_before_it_is_published,
			make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(publishing_renames_whole_files, make_folder,
			remove_folder),
		cmocka_unit_test_setup_teardown(a_sweep_spares_builders_that_live, make_folder,
			remove_folder),
		cmocka_unit_test(names_follow_identities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
