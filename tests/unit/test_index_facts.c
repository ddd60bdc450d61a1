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

#include "facts_rows.h"
#include "layered.h"
#include "peel_test.h"
#include "tarmaker.h"
#include "util.h"

/** Kills of a build, and the time between two of them, microseconds. */
#define KILLS 12
#define KILL_STEP 4000

/** A cache folder for one image. */
struct place {
	char folder[32];
	const char *image;
};

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
	struct place place = {.folder = "test-facts-XXXXXX", .image = makers[variant].path};

	assert_non_null(mkdtemp(place.folder));
	return place;
}

static void remove_files(const struct place *place, const char *end)
{
	DIR *dir = opendir(place->folder);
	struct dirent *dirent;

	assert_non_null(dir);
	while ((dirent = readdir(dir))) {
		if (dirent->d_name[0] != '.' && strstr(dirent->d_name, end)) {
			assert_int_equal(unlinkat(dirfd(dir), dirent->d_name, 0), 0);
		}
	}
	closedir(dir);
}

/** Path of the one facts file. @return false where there is none. */
static bool find_facts(const struct place *place, char *path, size_t size)
{
	DIR *dir = opendir(place->folder);
	struct dirent *dirent;
	unsigned count = 0;

	assert_non_null(dir);
	while ((dirent = readdir(dir))) {
		if (strstr(dirent->d_name, ".facts")) {
			snprintf(path, size, "%s/%s", place->folder, dirent->d_name);
			count++;
		}
	}
	closedir(dir);
	assert_true(count <= 1);
	return count == 1;
}

static struct built read_facts(const struct place *place)
{
	struct built facts = {0};
	char path[400];
	struct stat st;
	int fd;

	assert_true(find_facts(place, path, sizeof(path)));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	facts.len = (size_t)st.st_size;
	facts.bytes = malloc(facts.len);
	assert_int_equal(read(fd, facts.bytes, facts.len), facts.len);
	close(fd);
	return facts;
}

static struct peel_index *open_index(const struct place *place)
{
	const struct peel_index_options options = {
		.cache_dir = place->folder,
		.image.cache_dir = place->folder,
		.allow_missing = true,
		.facts = true,
	};
	struct peel_index *index = NULL;
	struct peel_error err = {0};

	assert_good(peel_index_open(place->image, &options, &index, &err), &err);
	assert_true(peel_has_facts(index));
	return index;
}

/** Open, and give the facts file's bytes. */
static struct built gather(const struct place *place)
{
	peel_index_close(open_index(place));
	return read_facts(place);
}

static void assert_same(struct built a, struct built b)
{
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.bytes, b.bytes, a.len);
	free(b.bytes);
}

static void finish(const struct place *place)
{
	remove_files(place, "");
	rmdir(place->folder);
}

static void facts_are_the_same_whoever_reads(void **state)
{
	struct place place = make_place(LAYERED_FIRST);
	struct built first = gather(&place);
	cpu_set_t all;
	cpu_set_t one;

	(void)state;
	/* The index is at hand: layers are read for facts alone. */
	remove_files(&place, ".facts");
	assert_same(first, gather(&place));
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	for (int i = 0; CPU_COUNT(&one) == 0; i++) {
		if (CPU_ISSET(i, &all)) {
			CPU_SET(i, &one);
		}
	}
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	remove_files(&place, ".facts");
	assert_same(first, gather(&place));
	remove_files(&place, "");
	assert_same(first, gather(&place));
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	free(first.bytes);
	finish(&place);
}

/** A text of all rows of a query. */
static int print_row(void *arg, int count, const char *const *names,
	const struct peel_value *values)
{
	(void)names;
	for (int i = 0; i < count; i++) {
		if (values[i].type == 'i') {
			fprintf(arg, "%lld|", (long long)values[i].integer);
		} else {
			fwrite(values[i].bytes ? values[i].bytes : "-", 1, values[i].len, arg);
			fputc('|', arg);
		}
	}
	fputc('\n', arg);
	return 0;
}

static char *dump(const struct place *place)
{
	static const char sql[] =
		"SELECT entry, kind, hex(hash), why, looked, hex(head), category FROM facts.file ORDER BY 1;"
		"SELECT * FROM facts.marker ORDER BY 1, 2; SELECT * FROM facts.archive ORDER BY 1;"
		"SELECT value FROM facts.about WHERE key = 'reasons'";
	struct peel_index *index = open_index(place);
	struct peel_error err = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_good(peel_sql(index, sql, print_row, out, &err), &err);
	fclose(out);
	peel_index_close(index);
	return text;
}

static void layers_that_are_known_give_the_same_facts(void **state)
{
	struct place place = make_place(LAYERED_REBUILT);
	struct place before = make_place(LAYERED_FIRST);
	char *alone = dump(&place);
	struct place both = place;
	char *helped;

	(void)state;
	/* In this folder there is the index of the image before it. */
	memcpy(both.folder, before.folder, sizeof(both.folder));
	free(dump(&before));
	remove_files(&before, ".facts");
	helped = dump(&both);
	assert_string_equal(alone, helped);
	free(alone);
	free(helped);
	finish(&before);
	finish(&place);
}

static void rows_come_in_order_and_can_be_skipped(void **state)
{
	struct place place = make_place(LAYERED_FIRST);
	struct peel_index *index = open_index(&place);
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
	finish(&place);
}

static void a_killed_build_leaves_nothing_that_is_believed(void **state)
{
	struct place place = make_place(LAYERED_FIRST);
	struct built whole = gather(&place);
	char path[400];

	(void)state;
	for (int i = 0; i < KILLS; i++) {
		pid_t child;

		remove_files(&place, i % 2 ? "" : ".facts");
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			peel_index_close(open_index(&place));
			_exit(0);
		}
		usleep((useconds_t)(i * KILL_STEP));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		/* Nothing, or all of it. */
		if (find_facts(&place, path, sizeof(path))) {
			assert_same(whole, read_facts(&place));
		}
		assert_same(whole, gather(&place));
	}
	free(whole.bytes);
	finish(&place);
}

static void damage_is_built_anew(void **state)
{
	struct place place = make_place(LAYERED_FIRST);
	struct built whole = gather(&place);
	char path[400];

	(void)state;
	assert_true(find_facts(&place, path, sizeof(path)));
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
	finish(&place);
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
	assert_true(find_facts(&place, path, sizeof(path)));
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, theirs.bytes, theirs.len), theirs.len);
	close(fd);
	assert_same(mine, gather(&place));
	/* Somebody else could have written it. */
	assert_int_equal(chmod(path, 0666), 0);
	assert_same(mine, gather(&place));
	free(mine.bytes);
	free(theirs.bytes);
	finish(&others);
	finish(&place);
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
	assert_false(find_facts(&place, facts, sizeof(facts)));
	finish(&place);
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
		assert_false(find_facts(&place, facts, sizeof(facts)));
		atomic_store(&clock_step, 0);
		peel_index_close(open_index(&(struct place){.image = single[i].path}));
		finish(&place);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_the_same_whoever_reads),
		cmocka_unit_test(layers_that_are_known_give_the_same_facts),
		cmocka_unit_test(rows_come_in_order_and_can_be_skipped),
		cmocka_unit_test(a_killed_build_leaves_nothing_that_is_believed),
		cmocka_unit_test(damage_is_built_anew),
		cmocka_unit_test(facts_of_another_index_are_not_used),
		cmocka_unit_test(facts_of_an_image_that_goes_meanwhile_are_refused),
		cmocka_unit_test(gathering_is_held_to_the_limit_of_time),
	};

	return cmocka_run_group_tests(tests, make_images, remove_images);
}
