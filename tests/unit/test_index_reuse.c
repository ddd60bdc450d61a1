/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that another index knows: the same index comes out, whatever that one or the image says. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compress.h"
#include "layered.h"
#include "peel_test.h"
#include "util.h"

/** As the cache names an index. */
#define INDEX_NAME "0123456789012345678901234567890123456789.peel"

/** The index says when it was made; here that is always the same moment. */
time_t time(time_t *ret_now)
{
	if (ret_now) {
		*ret_now = 1700000000;
	}
	return 1700000000;
}

/** A cache folder with one index in it. */
struct cache {
	char path[32];
	int fd;
};

static struct cache make_cache(const struct built *index)
{
	struct cache cache = {.path = "test-cache-XXXXXX"};
	int fd;

	assert_non_null(mkdtemp(cache.path));
	cache.fd = open(cache.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(cache.fd >= 0);
	fd = openat(cache.fd, INDEX_NAME, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, index->bytes, index->len), index->len);
	close(fd);
	return cache;
}

static void remove_cache(struct cache *cache)
{
	unlinkat(cache->fd, INDEX_NAME, 0);
	close(cache->fd);
	rmdir(cache->path);
}

static void assert_same_built(const struct built *a, const struct built *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->bytes, b->bytes, a->len);
}

/** Run SQL over the index in the folder. */
static void change_index(struct cache *cache, const char *sql)
{
	char path[128];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/" INDEX_NAME, cache->path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void known_layers_give_the_same_index(void **state)
{
	struct imagemaker maker = {0};
	struct built index;
	struct cache cache;

	(void)state;
	layered_make(&maker, LAYERED_FIRST);
	index = layered_build(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN), 2, false, -1, NULL,
		NULL, 0);
	imagemaker_finish(&maker);
	cache = make_cache(&index);
	for (enum layered_variant variant = LAYERED_FIRST; variant <= LAYERED_LYING; variant++) {
		struct built alone;
		struct built helped;

		layered_make(&maker, variant);
		imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN);
		alone = layered_build(maker.path, 2, false, -1, NULL, NULL, 0);
		for (unsigned workers = 1; workers < 4; workers += 2) {
			helped = layered_build(maker.path, workers, false, cache.fd, NULL, NULL, 0);
			assert_same_built(&alone, &helped);
			free(helped.bytes);
		}
		helped = layered_build(maker.path, 2, true, cache.fd, NULL, NULL, 0);
		assert_true(helped.len > 0);
		free(helped.bytes);
		free(alone.bytes);
		imagemaker_finish(&maker);
	}
	remove_cache(&cache);
	free(index.bytes);
}

static void what_is_known_is_not_decoded(void **state)
{
	struct imagemaker maker = {0};
	struct built index;
	struct built helped;
	struct cache cache;

	(void)state;
	layered_make(&maker, LAYERED_FIRST);
	imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN);
	index = layered_build(maker.path, 2, false, -1, NULL, NULL, 0);
	cache = make_cache(&index);
	/* Only somebody who reads it back can know that. */
	change_index(&cache, "UPDATE entry SET mtime = 77777777 WHERE layer = 1");
	helped = layered_build(maker.path, 2, false, cache.fd, NULL, NULL, 0);
	remove_cache(&cache);
	free(index.bytes);
	index = helped;
	cache = make_cache(&index);
	change_index(&cache,
		"CREATE TEMP TABLE t (n INTEGER CHECK (n > 100));"
		"INSERT INTO t SELECT count(*) FROM entry WHERE mtime = 77777777 AND layer = 1");
	/* With everything hashed, it is decoded. */
	helped = layered_build(maker.path, 2, true, cache.fd, NULL, NULL, 0);
	remove_cache(&cache);
	free(index.bytes);
	cache = make_cache(&helped);
	change_index(&cache,
		"CREATE TEMP TABLE t (n INTEGER CHECK (n = 0));"
		"INSERT INTO t SELECT count(*) FROM entry WHERE mtime = 77777777");
	remove_cache(&cache);
	free(helped.bytes);
	imagemaker_finish(&maker);
}

static void damage_of_an_index_does_no_harm(void **state)
{
	static const char *const damages[] = {
		"DELETE FROM entry WHERE id % 7 = 3",
		"UPDATE entry SET dir = 999999",
		"UPDATE dir SET parent = id",
		"UPDATE entry SET name = zeroblob(20000)",
		"UPDATE entry SET hash = x'00'",
		"UPDATE entry SET type = 'x'",
		"UPDATE entry SET size = -1",
		"DELETE FROM point",
		"UPDATE point SET window_len = 99999999",
		"UPDATE layer SET blob = 77",
		"UPDATE layer SET tar_size = -5",
		"UPDATE layer SET first_id = 0, end_id = 99999999",
		"UPDATE image SET key = 'x' WHERE key = 'layer_findings'",
		"PRAGMA user_version = 77",
		"CREATE TABLE more (x)",
	};
	struct imagemaker maker = {0};
	struct built index;

	(void)state;
	layered_make(&maker, LAYERED_FIRST);
	imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN);
	index = layered_build(maker.path, 2, false, -1, NULL, NULL, 0);
	for (size_t i = 0; i < countof(damages); i++) {
		struct cache cache = make_cache(&index);
		struct built helped;

		change_index(&cache, damages[i]);
		helped = layered_build(maker.path, 2, false, cache.fd, NULL, NULL, 0);
		assert_same_built(&index, &helped);
		free(helped.bytes);
		remove_cache(&cache);
	}
	free(index.bytes);
	imagemaker_finish(&maker);
}

/** Bytes of the file itself. */
static void torn_index_does_no_harm(void **state)
{
	struct imagemaker maker = {0};
	struct built index;
	uint32_t random = 3;

	(void)state;
	layered_make(&maker, LAYERED_FIRST);
	imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN);
	index = layered_build(maker.path, 2, false, -1, NULL, NULL, 0);
	for (unsigned i = 0; i < 10; i++) {
		struct built torn = {.bytes = malloc(index.len), .len = index.len};
		struct built helped;
		struct cache cache;

		/* Whole pages of it were never written. */
		memcpy(torn.bytes, index.bytes, index.len);
		for (unsigned n = 0; n < 20; n++) {
			size_t page = 1 + test_random(&random, (uint32_t)(index.len / 8192) - 1);

			memset((char *)torn.bytes + page * 8192, 0, 8192);
		}
		cache = make_cache(&torn);
		helped = layered_build(maker.path, 2, false, cache.fd, NULL, NULL, 0);
		assert_int_equal(helped.len, index.len);
		free(helped.bytes);
		free(torn.bytes);
		remove_cache(&cache);
	}
	free(index.bytes);
	imagemaker_finish(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_layers_give_the_same_index),
		cmocka_unit_test(what_is_known_is_not_decoded),
		cmocka_unit_test(damage_of_an_index_does_no_harm),
		cmocka_unit_test(torn_index_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
