/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts beside an index: the same whoever reads the layers and when, whole whatever is killed, and never another's.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <peel/facts.h>
#include <peel/query.h>

#include "facts_place.h"
#include "facts_rows.h"
#include "layered.h"
#include "peel_test.h"
#include "tarmaker.h"
#include "util.h"

/** Kills of a build, and the time between two of them, microseconds. */
#define KILLS 12
#define KILL_STEP 4000

/** The images, made once: a file that is younger than two seconds has no facts that are kept. */
static struct imagemaker makers[2];
/** One file, read by those who read layers; and a sparse one, by those who write. */
static struct imagemaker single[2];

/** How far the clock that limits look at is ahead, and goes ahead each time somebody looks, seconds. */
static atomic_long clock_ahead, clock_step;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	const int r = (int)syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_MONOTONIC_COARSE) {
		now->tv_sec += atomic_fetch_add(&clock_ahead, atomic_load(&clock_step));
	}
	return r;
}

static void make_single(struct imagemaker *maker, bool sparse)
{
	struct tarmaker tar = {0};

	if (sparse) {
		tarmaker_pax(&tar, 'x', "GNU.sparse.size=9", "GNU.sparse.numblocks=1",
			"GNU.sparse.map=0,5", NULL);
	}
	tarmaker_add(&tar, &(struct tar_member){.path = "f", .data = "hello", .data_len = 5});
	tarmaker_end(&tar);
	imagemaker_write_bytes(maker, tar.bytes, tar.len);
	tarmaker_finish(&tar);
}

static int make_images(void **state)
{
	(void)state;
	make_single(&single[0], false);
	make_single(&single[1], true);
	for (enum layered_variant variant = LAYERED_FIRST; variant <= LAYERED_REBUILT; variant++) {
		layered_make(&makers[variant], variant);
		imagemaker_write_tar(&makers[variant], IMAGEMAKER_PLAIN);
	}
	usleep(2100000);
	return 0;
}

static int remove_images(void **state)
{
	(void)state;
	imagemaker_finish(&makers[LAYERED_FIRST]);
	imagemaker_finish(&makers[LAYERED_REBUILT]);
	imagemaker_finish(&single[0]);
	imagemaker_finish(&single[1]);
	return 0;
}

static struct place make_place(enum layered_variant variant)
{
	return place_make(makers[variant].path);
}

static struct built read_facts(const struct place *place)
{
	struct built facts = {0};
	char path[400];
	struct stat st;
	int fd;

	assert_true(place_find(place, ".facts", path, sizeof(path)));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	facts.len = (size_t)st.st_size;
	facts.bytes = malloc(facts.len);
	assert_int_equal(read(fd, facts.bytes, facts.len), facts.len);
	close(fd);
	return facts;
}

/** Open, and give the facts file's bytes. */
static struct built gather(const struct place *place)
{
	peel_index_close(place_open(place));
	return read_facts(place);
}

static void assert_same(struct built a, struct built b)
{
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.bytes, b.bytes, a.len);
	free(b.bytes);
}

static void facts_are_the_same_whoever_reads(void **state)
{
	struct place place = make_place(LAYERED_FIRST);
	struct built first = gather(&place);
	cpu_set_t all;
	cpu_set_t one;

	(void)state;
	/* The index is at hand: layers are read for facts alone. */
	place_remove_files(&place, ".facts");
	assert_same(first, gather(&place));
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	for (int i = 0; CPU_COUNT(&one) == 0; i++) {
		if (CPU_ISSET(i, &all)) {
			CPU_SET(i, &one);
		}
	}
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	place_remove_files(&place, ".facts");
	assert_same(first, gather(&place));
	place_remove_files(&place, "");
	assert_same(first, gather(&place));
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	free(first.bytes);
	place_finish(&place);
}

static void rows_come_in_order_and_can_be_skipped(void **state)
{
	struct place place = make_place(LAYERED_FIRST);
	struct peel_index *index = place_open(&place);
	struct facts_rows *rows = NULL;
	struct peel_error err = {0};
	struct facts_row row;
	uint64_t last = 0;

	(void)state;
	assert_good(facts_rows_new(index, &rows, &err), &err);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(facts_rows_next(rows, &row, &err), 1);
		assert_true(row.entry > last);
		assert_true(row.kind > 0);
		last = row.entry;
	}
	assert_int_equal(facts_rows_seek(rows, last + 50, &row, &err), 1);
	assert_true(row.entry >= last + 50);
	assert_int_equal(facts_rows_seek(rows, UINT64_MAX >> 1, &row, &err), 0);
	facts_rows_free(rows);
	peel_index_close(index);
	place_finish(&place);
}

static void a_killed_build_leaves_nothing_that_is_believed(void **state)
{
	struct place place = make_place(LAYERED_FIRST);
	struct built whole = gather(&place);
	char path[400];

	(void)state;
	for (int i = 0; i < KILLS; i++) {
		pid_t child;

		place_remove_files(&place, i % 2 ? "" : ".facts");
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			peel_index_close(place_open(&place));
			_exit(0);
		}
		usleep((useconds_t)(i * KILL_STEP));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		/* Nothing, or all of it. */
		if (place_find(&place, ".facts", path, sizeof(path))) {
			assert_same(whole, read_facts(&place));
		}
		assert_same(whole, gather(&place));
	}
	free(whole.bytes);
	place_finish(&place);
}

static void damage_is_built_anew(void **state)
{
	struct place place = make_place(LAYERED_FIRST);
	struct built whole = gather(&place);
	char path[400];

	(void)state;
	assert_true(place_find(&place, ".facts", path, sizeof(path)));
	srand(5);
	for (int i = 0; i < 40; i++) {
		const size_t at = (size_t)rand() % whole.len;
		const uint8_t byte = (uint8_t)(((uint8_t *)whole.bytes)[at] ^ (1 + rand() % 255));
		int fd = open(path, O_WRONLY | O_CLOEXEC);

		assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
		close(fd);
		assert_same(whole, gather(&place));
	}
	free(whole.bytes);
	place_finish(&place);
}

static void facts_of_another_index_are_not_used(void **state)
{
	struct place place = make_place(LAYERED_FIRST);
	struct place others = make_place(LAYERED_REBUILT);
	struct built mine = gather(&place);
	struct built theirs = gather(&others);
	char path[400];
	int fd;

	(void)state;
	assert_true(place_find(&place, ".facts", path, sizeof(path)));
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, theirs.bytes, theirs.len), theirs.len);
	close(fd);
	assert_same(mine, gather(&place));
	/* Somebody else could have written it. */
	assert_int_equal(chmod(path, 0666), 0);
	assert_same(mine, gather(&place));
	free(mine.bytes);
	free(theirs.bytes);
	place_finish(&others);
	place_finish(&place);
}

/* A link to the image, which leads to another one once facts are gathered. */
static void point_to(const char *path, enum layered_variant variant)
{
	cleanup_free char *target = realpath(makers[variant].path, NULL);

	assert_non_null(target);
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

static int replace_image(void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)done;
	(void)total;
	if (strncmp(what, "contents of", 11) == 0) {
		point_to(arg, LAYERED_REBUILT);
	}
	return 0;
}

/* What is read stays the file that was opened; but facts of it must not count for what has its name now. */
static void facts_of_an_image_that_goes_meanwhile_are_refused(void **state)
{
	struct place place = make_place(LAYERED_FIRST);
	char path[64];
	struct peel_index_options options = {
		.cache_dir = place.folder,
		.allow_missing = true,
		.facts = true,
		.progress = replace_image,
		.progress_arg = path,
	};
	struct peel_index *index = NULL;
	struct peel_error err = {0};
	char facts[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/image.tar", place.folder);
	point_to(path, LAYERED_FIRST);
	assert_failure(peel_index_open(path, &options, &index, &err), PEEL_ECHANGED, &err,
		"the image file changed while it was read");
	assert_false(place_find(&place, ".facts", facts, sizeof(facts)));
	place_finish(&place);
}

/* Each look at the clock is a minute after the last: gathering is over its time, and the index at hand is not. */
static void gathering_is_held_to_the_limit_of_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(single); i++) {
		struct place place = make_place(LAYERED_FIRST);
		struct peel_index_options options = {
			.cache_dir = place.folder,
			.image.limits.values[PEEL_LIMIT_TIME] = 59,
		};
		struct peel_index *index = NULL;
		struct peel_error err = {0};
		char facts[128];

		for (int turn = 0; turn < 2; turn++) {
			assert_good(peel_index_open(single[i].path, &options, &index, &err), &err);
			peel_index_close(index);
			atomic_store(&clock_step, 60);
		}
		options.facts = true;
		assert_failure(peel_index_open(single[i].path, &options, &index, &err), PEEL_ELIMIT,
			&err, "time: ");
		assert_false(place_find(&place, ".facts", facts, sizeof(facts)));
		atomic_store(&clock_step, 0);
		peel_index_close(place_open(&(struct place){.image = single[i].path}));
		place_finish(&place);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_the_same_whoever_reads),
		cmocka_unit_test(rows_come_in_order_and_can_be_skipped),
		cmocka_unit_test(a_killed_build_leaves_nothing_that_is_believed),
		cmocka_unit_test(damage_is_built_anew),
		cmocka_unit_test(facts_of_another_index_are_not_used),
		cmocka_unit_test(facts_of_an_image_that_goes_meanwhile_are_refused),
		cmocka_unit_test(gathering_is_held_to_the_limit_of_time),
	};

	return cmocka_run_group_tests(tests, make_images, remove_images);
}
