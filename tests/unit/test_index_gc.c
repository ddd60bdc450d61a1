/* SPDX-License-Identifier: Apache-2.0 */
/** The cache as a whole: order, limit, what is removed and what is spared, and each allocation failing. */
#include "peel_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peel/index.h>

#include "fault.h"
#include "image_priv.h"
#include "index_cache.h"
#include "store_place.h"
#include "tarmaker.h"
#include "util.h"

/** Allocations that are let fail one by one, then one of a few: a connection makes thousands. */
#define EACH 300
#define STRIDE 37
#define TURNS_MAX 100000

/** A folder with an image, its cache, and the one index in it. */
struct lab {
	char top[64];
	char image[96];
	char cache[96];
	int folder;
	char name[CACHE_NAME_SIZE];
};

static int make_lab(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	struct tarmaker tar = {0};
	int fd;

	snprintf(lab->top, sizeof(lab->top), "/tmp/peel-test-XXXXXX");
	assert_non_null(mkdtemp(lab->top));
	snprintf(lab->image, sizeof(lab->image), "%s/image.tar", lab->top);
	snprintf(lab->cache, sizeof(lab->cache), "%s/cache", lab->top);
	tarmaker_add(&tar, &(struct tar_member){.path = "f", .data = "hello", .data_len = 5});
	tarmaker_end(&tar);
	fd = open(lab->image, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, tar.bytes, tar.len), tar.len);
	close(fd);
	tarmaker_finish(&tar);
	/* A younger file is not trusted to be the one that was indexed. */
	usleep(2100000);
	*state = lab;
	return 0;
}

static int remove_lab(void **state)
{
	struct lab *lab = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", lab->top);
	assert_int_equal(system(command), 0);
	free(lab);
	return 0;
}

static void build(const struct lab *lab, uint64_t limit)
{
	const struct peel_index_options options = {.cache_dir = lab->cache, .cache_limit = limit};
	struct peel_index *index = NULL;
	struct peel_error err = {0};

	assert_good(peel_index_open(lab->image, &options, &index, &err), &err);
	peel_index_close(index);
}

/** A fresh cache with the image's index. */
static int fill(void **state)
{
	struct lab *lab = *state;
	struct cache_entry *entries = NULL;
	char *path = NULL;

	build(lab, 0);
	lab->folder = cache_open(lab->cache, &path, NULL);
	assert_true(lab->folder >= 0);
	free(path);
	assert_int_equal(cache_list(lab->folder, &entries, NULL), 1);
	memcpy(lab->name, entries[0].name, sizeof(lab->name));
	free(entries);
	return 0;
}

static int empty(void **state)
{
	struct lab *lab = *state;
	char command[128];

	close(lab->folder);
	snprintf(command, sizeof(command), "rm -rf %s", lab->cache);
	assert_int_equal(system(command), 0);
	return 0;
}

static void add_file(const struct lab *lab, const char *name, off_t size, time_t used)
{
	const struct timespec times[] = {{.tv_sec = used}, {.tv_sec = used}};
	int fd = openat(lab->folder, name, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static bool exists(const struct lab *lab, const char *name)
{
	return faccessat(lab->folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/** Names of 40 digits; the last one tells them apart. */
static const char *index_name(char *buf, int number)
{
	snprintf(buf, CACHE_NAME_SIZE, "%040d.peel", number);
	return buf;
}

static void the_least_recently_used_go_first(void **state)
{
	struct lab *lab = *state;
	struct cache_entry *entries = NULL;
	char name[CACHE_NAME_SIZE];

	for (int i = 1; i <= 5; i++) {
		add_file(lab, index_name(name, i), 1000, 1000 + (i * 2) % 5);
	}
	add_file(lab, "0000000000000000000000000000000000000001.PEEL", 1000, 1);
	add_file(lab, "notes", 1000, 1);
	assert_int_equal(cache_list(lab->folder, &entries, NULL), 6);
	assert_string_equal(entries[0].name, index_name(name, 5));
	assert_string_equal(entries[1].name, index_name(name, 3));
	assert_string_equal(entries[5].name, lab->name);
	/* The lab's own index was used last. */
	cache_trim(lab->folder, (uint64_t)entries[5].st.st_size + 2500, index_name(name, 3));
	assert_false(exists(lab, index_name(name, 5)));
	assert_true(exists(lab, index_name(name, 3)));
	assert_false(exists(lab, index_name(name, 1)));
	assert_false(exists(lab, index_name(name, 4)));
	assert_true(exists(lab, index_name(name, 2)));
	assert_true(exists(lab, lab->name));
	assert_true(exists(lab, "notes"));
	free(entries);
}

static void what_was_judged_is_what_is_removed(void **state)
{
	struct lab *lab = *state;
	struct cache_entry *entries = NULL;

	assert_int_equal(cache_list(lab->folder, &entries, NULL), 1);
	/* A builder publishes another one meanwhile. */
	add_file(lab, "new", 10, 1);
	assert_int_equal(renameat(lab->folder, "new", lab->folder, lab->name), 0);
	assert_int_equal(cache_remove(lab->folder, &entries[0], NULL), 0);
	assert_true(exists(lab, lab->name));
	free(entries);
	assert_int_equal(cache_list(lab->folder, &entries, NULL), 1);
	assert_int_equal(cache_remove(lab->folder, &entries[0], NULL), 1);
	assert_false(exists(lab, lab->name));
	free(entries);
}

static void use_is_noted(void **state)
{
	struct lab *lab = *state;
	const struct timespec old[] = {{.tv_sec = 5}, {.tv_sec = 5}};
	struct stat st;

	assert_int_equal(utimensat(lab->folder, lab->name, old, 0), 0);
	build(lab, 0);
	assert_int_equal(fstatat(lab->folder, lab->name, &st, 0), 0);
	assert_true(st.st_mtim.tv_sec > 1000000);
}

static void a_limit_holds_at_once(void **state)
{
	struct lab *lab = *state;
	const struct peel_index_options options = {
		.cache_dir = lab->cache, .cache_limit = 100, .rebuild = true};
	struct peel_index *index = NULL;
	struct peel_error err = {0};

	assert_good(peel_index_open(lab->image, &options, &index, &err), &err);
	assert_string_equal(peel_index_path(index), "");
	assert_non_null(strstr(peel_index_unkept_reason(index), "limit of 100"));
	peel_index_close(index);
}

static int count_state(void *arg, const struct peel_cache_file *file)
{
	int *counts = arg;

	assert_true((size_t)file->state <= PEEL_CACHE_LEFTOVER);
	counts[file->state]++;
	return 0;
}

static void failed_allocations_remove_nothing(void **state)
{
	struct lab *lab = *state;
	const struct peel_cache_gc_options options = {.cache_dir = lab->cache};
	struct peel_error err = {0};
	bool hit = true;

	if (!fault_alloc_works()) {
		skip();
	}
	for (unsigned n = 1; hit; n += n < EACH ? 1 : STRIDE) {
		int counts[PEEL_CACHE_LEFTOVER + 1] = {0};
		int r;

		assert_true(n < TURNS_MAX);
		fault_alloc(n);
		r = peel_cache_gc(&options, &err);
		hit = fault_alloc_hit();
		assert_true(r == 0 || r == PEEL_ENOMEM || r == PEEL_EACCES || r == PEEL_EIO);
		assert_true(exists(lab, lab->name));
		fault_alloc(n);
		r = peel_cache_list(lab->cache, count_state, counts, &err);
		hit |= fault_alloc_hit();
		if (r == 0) {
			assert_int_equal(counts[PEEL_CACHE_CURRENT], 1);
		}
	}
}

static void a_file_moves_to_the_next_place(void **state)
{
	static const char text[] = "what is written so far";
	struct lab *lab = *state;
	int fd = openat(lab->folder, "full", O_CREAT | O_RDWR, 0600);
	char got[sizeof(text)];
	struct stat before;
	struct stat after;
	int place = 0;
	int moves = 0;

	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	assert_int_equal(fstat(fd, &before), 0);
	while (store_place_move(fd, -1, &place)) {
		assert_int_equal(pread(fd, got, sizeof(got), 0), sizeof(text));
		assert_memory_equal(got, text, sizeof(text));
		assert_int_equal(fstat(fd, &after), 0);
		assert_int_not_equal(after.st_dev, before.st_dev);
		assert_int_equal(after.st_nlink, 0);
		before = after;
		moves++;
	}
	/* Memory at least, and each place once. */
	assert_in_range(moves, 1, STORE_PLACES);
	assert_int_equal(place, STORE_PLACES);
	close(fd);
}

static void a_location_is_found_from_anywhere(void **state)
{
	struct lab *lab = *state;
	cleanup_free char *identity = NULL;
	cleanup_free char *location = NULL;
	char reference[160];
	char wanted[160];
	struct peel_error err = {0};
	uint64_t age;

	snprintf(reference, sizeof(reference), "docker-archive:%s/../%s/image.tar:a:b", lab->top,
		strrchr(lab->top, '/') + 1);
	snprintf(wanted, sizeof(wanted), "docker-archive:%s:a:b", lab->image);
	assert_good(image_location(reference, &location, &err), &err);
	assert_string_equal(location, wanted);
	assert_good(image_identity(lab->image, NULL, &identity, &age, &err), &err);
	assert_int_equal(image_compare(location, identity, &err), 0);
	assert_int_equal(image_compare(location, "1:2:3 kind=0", &err), 1);
	assert_int_equal(image_compare("/no/such/image", identity, &err), PEEL_ENOENT);
	assert_int_equal(image_compare("/dev/null", identity, &err), PEEL_EUNSUPPORTED);
	assert_int_equal(image_compare("image.tar", identity, &err), PEEL_EIO);
	assert_int_equal(image_compare("-", identity, &err), PEEL_EIO);
	assert_int_equal(image_compare("oci:", identity, &err), PEEL_EUSAGE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_least_recently_used_go_first, fill, empty),
		cmocka_unit_test_setup_teardown(what_was_judged_is_what_is_removed, fill, empty),
		cmocka_unit_test_setup_teardown(use_is_noted, fill, empty),
		cmocka_unit_test_setup_teardown(a_limit_holds_at_once, fill, empty),
		cmocka_unit_test_setup_teardown(failed_allocations_remove_nothing, fill, empty),
		cmocka_unit_test_setup_teardown(a_file_moves_to_the_next_place, fill, empty),
		cmocka_unit_test_setup_teardown(a_location_is_found_from_anywhere, fill, empty),
	};

	return cmocka_run_group_tests(tests, make_lab, remove_lab);
}
