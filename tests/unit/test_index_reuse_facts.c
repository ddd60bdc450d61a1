/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of layers that another image has, too: the same as if they had been gathered, from nowhere else where they are
 * at hand, and gathered where anything of them is doubtful.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peel/index.h>
#include <peel/query.h>

#include "facts_place.h"
#include "layered.h"
#include "peel_test.h"
#include "compress.h"
#include "util.h"

/** Layers of LAYERED_REBUILT that LAYERED_FIRST has, too, and that are compressed, whole and not small; bits. */
#define SHARED (1 << 1 | 1 << 2 | 1 << 3 | 1 << 4)

/** Made once: a file that is younger than two seconds has no facts that are kept. */
static struct imagemaker makers[LAYERED_LYING + 1];
/** Index and facts of the first one; these, and an index of the rebuilt one. */
static struct place first, both;
/** Name of the first one's index. */
static char first_name[64];
/** What an image's facts are without any help. */
static char *alone[countof(makers)];

/** Make the image's index, without a look at others. */
static void make_index(const struct place *place)
{
	const struct peel_index_options options = {
		.cache_dir = place->folder, .allow_missing = true, .rebuild = true};
	struct peel_index *index = NULL;
	struct peel_error err = {0};

	assert_good(peel_index_open(place->image, &options, &index, &err), &err);
	peel_index_close(index);
}

static void make_both(void)
{
	char path[400];

	both = place_copy(&first);
	assert_true(place_find(&both, ".peel", path, sizeof(path)));
	snprintf(first_name, sizeof(first_name), "%s", strrchr(path, '/') + 1);
	both.image = makers[LAYERED_REBUILT].path;
	make_index(&both);
}

static int make_images(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(makers); i++) {
		layered_make(&makers[i], (enum layered_variant)i);
		imagemaker_write_tar(&makers[i], IMAGEMAKER_PLAIN);
	}
	usleep(2100000);
	for (size_t i = 0; i < countof(makers); i++) {
		struct place place = place_make(makers[i].path);

		alone[i] = place_dump(&place);
		if (i == LAYERED_FIRST) {
			first = place;
		} else {
			place_finish(&place);
		}
	}
	make_both();
	return 0;
}

static int remove_images(void **state)
{
	(void)state;
	place_finish(&first);
	place_finish(&both);
	for (size_t i = 0; i < countof(makers); i++) {
		free(alone[i]);
		imagemaker_finish(&makers[i]);
	}
	return 0;
}

/** A folder with the index and the facts of the first image, opened for another. */
static struct place make_helped(enum layered_variant variant)
{
	struct place place = place_copy(&first);

	place.image = makers[variant].path;
	return place;
}

static void assert_dump(const struct place *place, const char *expected)
{
	cleanup_free char *text = place_dump(place);

	assert_string_equal(text, expected);
}

static void known_layers_give_the_same_facts(void **state)
{
	(void)state;
	for (size_t i = 1; i < countof(makers); i++) {
		for (int sandbox = 0; sandbox < 2; sandbox++) {
			struct place place = make_helped((enum layered_variant)i);

			place.sandbox = sandbox;
			assert_dump(&place, alone[i]);
			place_finish(&place);
		}
	}
}

static void facts_alone_are_the_same(void **state)
{
	struct place place = place_copy(&both);

	(void)state;
	assert_dump(&place, alone[LAYERED_REBUILT]);
	place_finish(&place);
}

static void an_index_without_facts_helps_as_before(void **state)
{
	struct place place = make_helped(LAYERED_REBUILT);

	(void)state;
	place_remove_files(&place, ".facts");
	assert_dump(&place, alone[LAYERED_REBUILT]);
	place_finish(&place);
}

/** Another kind for every text: only who reads the other image's facts can know that. */
#define DYE "UPDATE file SET kind = 4 WHERE kind = 2"

static int take_number(void *arg, int count, const char *const *names,
	const struct peel_value *values)
{
	(void)count;
	(void)names;
	*(int64_t *)arg = values[0].integer;
	return 0;
}

/** Layers whose facts came from where DYE was, a set of bits. */
static int64_t dyed_layers(struct peel_index *index)
{
	static const char sql[] =
		"SELECT coalesce(sum(1 << layer), 0) FROM (SELECT DISTINCT layer FROM entry JOIN facts.file f"
		" ON f.entry = entry.id WHERE f.kind = 4)";
	struct peel_error err = {0};
	int64_t layers = -1;

	assert_good(peel_sql(index, sql, take_number, &layers, &err), &err);
	peel_index_close(index);
	return layers;
}

static void what_is_known_is_not_decoded(void **state)
{
	(void)state;
	for (int way = 0; way < 4; way++) {
		struct place place = way & 1 ? place_copy(&both) : make_helped(LAYERED_REBUILT);

		place.sandbox = way & 2;
		place_change(&place, ".facts", DYE);
		assert_int_equal(dyed_layers(place_open(&place)), SHARED);
		place_finish(&place);
	}
}

/** Bytes that this process has read with system calls; 0: nobody counts here. */
static uint64_t count_read(void)
{
	unsigned long long count = 0;
	FILE *file = fopen("/proc/self/io", "re");

	if (file) {
		if (fscanf(file, "rchar: %llu", &count) != 1) {
			count = 0;
		}
		fclose(file);
	}
	return count;
}

/** The same of gathering facts of an image whose index is at hand. @param ret_stored size of the shared layers. */
static uint64_t count_gathering(const struct place *place, uint64_t *ret_stored)
{
	const uint64_t before = count_read();
	struct peel_index *index = place_open(place);
	const uint64_t count = count_read() - before;
	struct peel_layer_stat stat;
	struct peel_error err = {0};

	*ret_stored = 0;
	for (int i = 0; i < 8; i++) {
		assert_good(peel_layer_stat(index, i, &stat, &err), &err);
		*ret_stored += SHARED & 1 << i ? stat.layer.stored_size : 0;
	}
	peel_index_close(index);
	return count;
}

static void what_is_known_is_not_read(void **state)
{
	struct place place = place_copy(&both);
	uint64_t stored = 0;
	uint64_t helped = count_gathering(&place, &stored);
	uint64_t without;

	(void)state;
	place_remove_files(&place, ".facts");
	without = count_gathering(&place, &stored);
	place_finish(&place);
	if (without == 0) {
		skip();
	}
	/* Instead of the layers two files of the cache are read, which are small. */
	assert_true(stored > 1000000);
	assert_true(helped + stored / 2 < without);
}

static void facts_are_not_believed_where_the_index_is_not(void **state)
{
	struct place place = make_helped(LAYERED_REBUILT);
	char named[64];
	struct peel_index_options all[] = {
		{.rebuild = true},
		{.no_cache = true},
		{.verify = true},
		/* It could be a stranger's. */
		{.index_file = named},
	};
	struct peel_index *index = NULL;
	struct peel_error err = {0};

	(void)state;
	snprintf(named, sizeof(named), "%s/named", place.folder);
	place_change(&place, ".facts", DYE);
	for (size_t i = 0; i < countof(all); i++) {
		all[i].cache_dir = place.folder;
		all[i].allow_missing = true;
		if (all[i].index_file) {
			assert_good(peel_index_open(place.image, &all[i], &index, &err), &err);
			peel_index_close(index);
		}
		all[i].facts = true;
		assert_good(peel_index_open(place.image, &all[i], &index, &err), &err);
		assert_int_equal(dyed_layers(index), 0);
	}
	place_finish(&place);
}

/** Sealed anew after each, so that it is the rows that have to be doubted. */
static void what_does_not_fit_is_gathered(void **state)
{
	static const struct {
		const char *file;
		const char *sql;
	} damages[] = {
		{".facts", "DELETE FROM file WHERE entry = 2000"},
		{".facts", "DELETE FROM file WHERE entry % 7 = 3"},
		{".facts", "UPDATE file SET entry = -entry"},
		{".facts", "UPDATE file SET entry = entry + 100000"},
		{".facts",
			"INSERT OR IGNORE INTO file (entry, kind, looked) SELECT entry + 1, 2, 0 FROM file"},
		{".facts", "UPDATE file SET looked = 2 WHERE entry % 500 = 0"},
		{".facts", "UPDATE file SET looked = 7"},
		{".facts", "UPDATE file SET kind = 9999 WHERE entry % 500 = 0"},
		{".facts", "UPDATE file SET kind = 3 WHERE kind = 2"},
		{".facts", "UPDATE file SET hash = zeroblob(16) WHERE entry % 500 = 0"},
		{".facts", "UPDATE file SET hash = x'00'"},
		{".facts", "UPDATE file SET head = zeroblob(33)"},
		{".facts", "INSERT INTO marker SELECT entry, 'nobody.asked', 5 FROM file"},
		{".facts", "INSERT INTO marker SELECT entry, 'm!nobody.asked', 5 FROM file"},
		{".facts", "UPDATE about SET value = 'x' WHERE key = 'stamp'"},
		{".facts", "UPDATE about SET value = 'x' WHERE key = 'wanted'"},
		{".facts", "UPDATE about SET value = 'x' WHERE key = 'categories'"},
		{".facts", "CREATE TABLE more (x)"},
		{".facts", "PRAGMA user_version = 77"},
		{first_name, "DELETE FROM entry WHERE id = 2000"},
		{first_name, "UPDATE entry SET size = size + 1 WHERE id = 2000"},
		{first_name, "UPDATE entry SET data = data + 512 WHERE id % 500 = 0"},
		{first_name, "UPDATE entry SET hash = zeroblob(16) WHERE id % 500 = 0"},
		{first_name, "UPDATE entry SET flags = flags | 4 WHERE id % 500 = 0"},
		{first_name, "UPDATE layer SET tar_size = tar_size + 1"},
		{first_name, "UPDATE layer SET blob_hashed = diff_id"},
	};

	(void)state;
	for (size_t i = 0; i < countof(damages); i++) {
		struct place place = place_copy(&both);

		place.sandbox = i % 2;
		place_change(&place, damages[i].file, damages[i].sql);
		/* So that it shows where they are used all the same. */
		place_change(&place, ".facts", DYE);
		assert_dump(&place, alone[LAYERED_REBUILT]);
		place_finish(&place);
	}
}

/** Put bytes into the one facts file. */
static void put_facts(const struct place *place, off_t offset, const void *bytes, size_t len)
{
	char path[400];
	int fd;

	assert_true(place_find(place, ".facts", path, sizeof(path)));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, offset), len);
	close(fd);
}

static void torn_facts_do_no_harm(void **state)
{
	uint32_t random = 7;

	(void)state;
	for (int i = 0; i < 10; i++) {
		struct place place = place_copy(&both);
		const uint8_t bytes[100] = {(uint8_t)i, 1, 2, 3};

		put_facts(&place, test_random(&random, 300000), bytes, sizeof(bytes));
		assert_dump(&place, alone[LAYERED_REBUILT]);
		place_finish(&place);
	}
}

static void facts_of_others_do_no_harm(void **state)
{
	struct place place = make_helped(LAYERED_REBUILT);
	struct place others = place_make(makers[LAYERED_LYING].path);
	char path[400];
	char theirs[400];

	(void)state;
	peel_index_close(place_open(&others));
	place_change(&others, ".facts", DYE);
	assert_true(place_find(&place, ".facts", path, sizeof(path)));
	assert_true(place_find(&others, ".facts", theirs, sizeof(theirs)));
	assert_int_equal(rename(theirs, path), 0);
	assert_dump(&place, alone[LAYERED_REBUILT]);
	place_finish(&others);
	place_finish(&place);
}

static void facts_that_others_may_write_are_not_used(void **state)
{
	struct place place = make_helped(LAYERED_REBUILT);
	char path[400];

	(void)state;
	place_change(&place, ".facts", DYE);
	assert_true(place_find(&place, ".facts", path, sizeof(path)));
	assert_int_equal(chmod(path, 0666), 0);
	assert_dump(&place, alone[LAYERED_REBUILT]);
	place_finish(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_layers_give_the_same_facts),
		cmocka_unit_test(facts_alone_are_the_same),
		cmocka_unit_test(an_index_without_facts_helps_as_before),
		cmocka_unit_test(what_is_known_is_not_decoded),
		cmocka_unit_test(what_is_known_is_not_read),
		cmocka_unit_test(facts_are_not_believed_where_the_index_is_not),
		cmocka_unit_test(what_does_not_fit_is_gathered),
		cmocka_unit_test(torn_facts_do_no_harm),
		cmocka_unit_test(facts_of_others_do_no_harm),
		cmocka_unit_test(facts_that_others_may_write_are_not_used),
	};

	return cmocka_run_group_tests(tests, make_images, remove_images);
}
