/* SPDX-License-Identifier: Apache-2.0 */
/* A zstd blob that is one big frame, through a spool file and without one. */
#include "source_zstd_spool.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "codec_check.h"
#include "compress.h"
#include "fault.h"
#include "peel_test.h"
#include "points.h"
#include "source.h"
#include "util.h"

/** More than two strides of source_zstd.c. */
#define BIG_SIZE (70u << 20)

/** A big text, and the same as one frame. */
static struct bytes big;
static struct bytes big_packed;

/** A folder for spools; nothing may be left in it. */
static int spool_dir;
static char spool_path[] = "/tmp/peel-test-XXXXXX";

static void one_big_frame_goes_through_a_spool(void **state)
{
	struct opened opened;

	(void)state;
	check_open(&opened, &big_packed, PEEL_CODEC_ZSTD, 0, spool_dir);
	check_random(opened.source, &big, 3, 100);
	check_random(opened.source, &big, 4, 100);
	check_close(&opened);
	assert_good(rmdir(spool_path), &(struct peel_error){0});
	assert_good(mkdir(spool_path, 0700), &(struct peel_error){0});
	close(spool_dir);
	spool_dir = open(spool_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void without_a_spool_it_is_decoded_from_the_start(void **state)
{
	struct opened opened;

	(void)state;
	check_open(&opened, &big_packed, PEEL_CODEC_ZSTD, 0, -1);
	check_random(opened.source, &big, 5, 3);
	check_close(&opened);
}

static void spool_over_its_limit_is_refused(void **state)
{
	struct opened opened;
	struct peel_error err = {0};
	struct point_finder finder;
	struct codec_options options = {.spool_dir = spool_dir, .spool_limit = BIG_SIZE - 1};
	struct source *source = NULL;

	(void)state;
	check_open(&opened, &big_packed, PEEL_CODEC_ZSTD, 0, -1);
	finder = point_list_finder(opened.points);
	options.cache = opened.cache;
	assert_failure(codec_open(opened.raw, PEEL_CODEC_ZSTD, BIG_SIZE, &finder, &options, &source,
			       &err),
		PEEL_ELIMIT, &err, "limit");
	assert_null(source);
	options.spool_limit = 0;
	assert_good(codec_open(opened.raw, PEEL_CODEC_ZSTD, BIG_SIZE, &finder, &options, &source,
			    &err),
		&err);
	source_drop(source);
	check_close(&opened);
}

/** A disk that is full fails the read; once there is room, reading goes on where it stopped. */
static void full_disk_is_told_and_the_next_read_succeeds(void **state)
{
	struct rlimit before;
	struct rlimit tight;
	struct opened opened;
	struct peel_error err = {0};
	uint8_t buf[1000];

	(void)state;
	check_open(&opened, &big_packed, PEEL_CODEC_ZSTD, 0, spool_dir);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = (10u << 20) + 12345;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(source_read_at(opened.source, 9u << 20, buf, sizeof(buf), &err),
		sizeof(buf));
	assert_failure(source_read_at(opened.source, 20u << 20, buf, sizeof(buf), &err), PEEL_EIO,
		&err, "spool");
	assert_int_equal(source_read_at(opened.source, 10u << 20, buf, sizeof(buf), &err),
		sizeof(buf));
	assert_memory_equal(buf, big.data + (10u << 20), sizeof(buf));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	check_random(opened.source, &big, 6, 20);
	check_close(&opened);
}

static void faulty_image_under_a_spool_can_be_read_again(void **state)
{
	struct opened opened;
	struct peel_error err = {0};
	cleanup_source struct source *faulty = NULL;
	uint8_t buf[1000];

	(void)state;
	check_open(&opened, &big_packed, PEEL_CODEC_ZSTD, 0, -1);
	source_drop(opened.source);
	opened.source = NULL;
	assert_good(fault_source_new(big_packed.data, big_packed.len, 3, &faulty, &err), &err);
	assert_good(check_open_over(&opened, faulty, PEEL_CODEC_ZSTD, BIG_SIZE, spool_dir, &err),
		&err);
	assert_int_equal(source_read_at(opened.source, 60u << 20, buf, sizeof(buf), &err),
		PEEL_EIO);
	check_random(opened.source, &big, 7, 20);
	check_close(&opened);
}

/**
 * Before the place where the data is broken all can be read, behind it nothing, however often one
 * asks.
 */
static void broken_frame_under_a_spool_fails_twice(void **state)
{
	struct opened opened;
	struct peel_error err = {0};
	cleanup_source struct source *raw = NULL;
	uint8_t buf[1000];
	int i;

	(void)state;
	check_open(&opened, &big_packed, PEEL_CODEC_ZSTD, 0, -1);
	source_drop(opened.source);
	opened.source = NULL;
	assert_good(source_new_memory(big_packed.data, big_packed.len / 2, 0, &raw, &err), &err);
	assert_good(check_open_over(&opened, raw, PEEL_CODEC_ZSTD, BIG_SIZE, spool_dir, &err),
		&err);
	for (i = 0; i < 2; i++) {
		assert_failure(source_read_at(opened.source, BIG_SIZE - 1000, buf, sizeof(buf),
				       &err),
			PEEL_ETRUNCATED, &err, "ends");
		assert_int_equal(source_read_at(opened.source, 20u << 20, buf, sizeof(buf), &err),
			sizeof(buf));
		assert_memory_equal(buf, big.data + (20u << 20), sizeof(buf));
	}
	check_close(&opened);
}

static void threads_share_a_spool(void **state)
{
	struct opened opened;

	(void)state;
	check_open(&opened, &big_packed, PEEL_CODEC_ZSTD, 0, spool_dir);
	check_threads(opened.source, &big);
	check_close(&opened);
}

static int make_texts(void **state)
{
	struct bytes text = {0};
	size_t i;

	(void)state;
	bytes_add_text(&text, 1, 2u << 20);
	for (i = 0; big.len < BIG_SIZE; i++) {
		bytes_add(&big, text.data + i * 1000, min_u64(1u << 20, BIG_SIZE - big.len));
	}
	bytes_finish(&text);
	zstd_add(&big_packed, big.data, big.len, &(struct zstd_how){.level = 1, .checksum = true});
	if (!mkdtemp(spool_path)) {
		return -1;
	}
	spool_dir = open(spool_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return spool_dir < 0 ? -1 : 0;
}

/** Spools have no names, so their folder is empty. */
static int free_texts(void **state)
{
	(void)state;
	close(spool_dir);
	bytes_finish(&big);
	bytes_finish(&big_packed);
	return rmdir(spool_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_big_frame_goes_through_a_spool),
		cmocka_unit_test(without_a_spool_it_is_decoded_from_the_start),
		cmocka_unit_test(spool_over_its_limit_is_refused),
		cmocka_unit_test(full_disk_is_told_and_the_next_read_succeeds),
		cmocka_unit_test(faulty_image_under_a_spool_can_be_read_again),
		cmocka_unit_test(broken_frame_under_a_spool_fails_twice),
		cmocka_unit_test(threads_share_a_spool),
	};

	return cmocka_run_group_tests(tests, make_texts, free_texts);
}
