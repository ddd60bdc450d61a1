/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of bytes that pass by, against the bytes and a note of which of them were kept. */
#include "source_kept.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codec.h"
#include "fault.h"
#include "peel_test.h"
#include "source.h"
#include "util.h"

/** Bytes that pass by. */
#define PASSING (3u << 20)

/** The bytes, and of each whether it was kept. */
static unsigned char passing[PASSING];
static bool was_kept[PASSING];
static size_t passed;
/** The spool file's descriptor, for tests that spoil it. */
static int spool = -1;

static int make_memfd(void *arg, struct peel_error *err)
{
	(void)arg;
	spool = memfd_create("peel-test", MFD_CLOEXEC);
	return spool >= 0 ? spool : peel_fail(err, PEEL_EIO, "no memfd");
}

static int make_read_only(void *arg, struct peel_error *err)
{
	(void)arg;
	(void)err;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int make_none(void *arg, struct peel_error *err)
{
	(void)arg;
	return peel_fail(err, PEEL_EACCES, "no folder");
}

/* Bytes that are half alike, as headers are. */
static int fill_bytes(void **state)
{
	(void)state;
	srand(7);
	for (size_t i = 0; i < PASSING; i++) {
		passing[i] = (unsigned char)(i % 512 < 300 ? (int)(i % 7) : rand());
	}
	return 0;
}

/* The next len bytes: 'k' kept, 'b' kept in bulk, 'p' passed over. */
static int step(struct kept *kept, char what, size_t len, struct peel_error *err)
{
	const unsigned char *bytes = passing + passed;
	int r = what == 'k'   ? kept_add(kept, bytes, len, err)
		: what == 'b' ? kept_add_bulk(kept, bytes, len, err)
			      : kept_pass(kept, len, err);

	if (r == 0) {
		memset(was_kept + passed, what != 'p', len);
		passed += len;
	}
	return r;
}

/* Ranges of all sizes, in any order; the same seed gives the same ones. @return the first failure. */
static int pass_by(struct kept *kept, unsigned seed, struct peel_error *err)
{
	static const size_t sizes[] = {1, 17, 512, 512, 512, 1024, 4096, 65536, 65537, 200000};
	int r = 0;

	srand(seed);
	passed = 0;
	while (r == 0 && passed < PASSING) {
		size_t len = sizes[(size_t)rand() % countof(sizes)];

		r = step(kept, "kkkkpppb"[rand() % 8], min_u64(len, PASSING - passed), err);
	}
	return r;
}

/* How far the bytes from pos on were kept. */
static size_t kept_until(size_t pos)
{
	while (pos < passed && was_kept[pos]) {
		pos++;
	}
	return pos;
}

/* Random reads give the bytes, or fail where one of them was not kept. */
static void check_source(struct source *source, unsigned seed)
{
	unsigned char *buf = malloc(100000);
	struct peel_error err = {0};

	assert_non_null(buf);
	assert_int_equal(source->size, passed);
	for (int i = 0; i < 3000; i++) {
		const size_t pos = (size_t)rand_r(&seed) % (passed + 10);
		const size_t len = (size_t)rand_r(&seed) % (i % 10 ? 700 : 100000) + 1;
		const size_t there = pos < passed ? min_u64(len, passed - pos) : 0;
		const bool whole = there == 0 || kept_until(pos) >= pos + there;
		ssize_t got = source_read_at(source, pos, buf, len, &err);
		uint64_t reach = source_reach(source, pos);

		if (whole) {
			assert_int_equal(got, there);
			assert_memory_equal(buf, passing + min_u64(pos, PASSING), there);
		} else {
			assert_failure(got, PEEL_EIO, &err, "not kept");
		}
		if (pos < passed) {
			/* A reach may end where a chunk does, never past what was kept. */
			assert_true(reach <= kept_until(pos) - pos);
			assert_int_equal(reach > 0, was_kept[pos]);
		} else {
			assert_true(reach > PASSING);
		}
	}
	free(buf);
}

static struct source *make_source(const struct kept_options *options, unsigned seed)
{
	struct source *source = NULL;
	struct kept *kept = NULL;
	struct peel_error err = {0};

	assert_good(kept_new(options, &kept, &err), &err);
	assert_good(pass_by(kept, seed, &err), &err);
	assert_good(kept_source(kept, &source, &err), &err);
	assert_int_equal(kept_size(kept), PASSING);
	assert_int_equal(kept_written(kept) > 0, options->memory < PASSING);
	return source;
}

static void what_was_kept_can_be_read_and_nothing_else(void **state)
{
	static const size_t memory[] = {0, 1000, 300000, PASSING};

	(void)state;
	for (unsigned i = 0; i < countof(memory); i++) {
		const struct kept_options options = {
			.memory = memory[i], .limit = UINT64_MAX, .make_file = make_memfd};
		struct source *source = make_source(&options, i + 1);

		assert_false(source_kept_missed(source));
		check_source(source, i);
		assert_true(source_kept_missed(source));
		source_drop(source);
	}
}

struct reader {
	pthread_t thread;
	struct source *source;
	unsigned seed;
};

static void *read_many(void *arg)
{
	struct reader *reader = arg;

	check_source(reader->source, reader->seed);
	return NULL;
}

static void many_threads_read_at_once(void **state)
{
	const struct kept_options options = {
		.memory = 100000, .limit = UINT64_MAX, .make_file = make_memfd};
	struct reader readers[4];
	struct source *source = make_source(&options, 11);

	(void)state;
	for (unsigned i = 0; i < countof(readers); i++) {
		readers[i] = (struct reader){.source = source, .seed = i};
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_many, &readers[i]),
			0);
	}
	for (unsigned i = 0; i < countof(readers); i++) {
		pthread_join(readers[i].thread, NULL);
	}
	source_drop(source);
}

static void headers_take_little_room(void **state)
{
	static const unsigned char header[512] = "usr/share/doc/something/copyright";
	const struct kept_options options = {
		.memory = 100000, .limit = 100000, .make_file = make_none};
	struct source *source = NULL;
	struct kept *kept = NULL;
	struct peel_error err = {0};
	char name[34] = "";

	(void)state;
	assert_good(kept_new(&options, &kept, &err), &err);
	for (int i = 0; i < 4000; i++) {
		unsigned char block[512];

		memcpy(block, header, sizeof(block));
		snprintf(name, sizeof(name), "usr/share/doc/thing%u/copyright", (unsigned)i % 4000);
		memcpy(block, name, sizeof(name));
		assert_good(kept_add(kept, block, sizeof(block), &err), &err);
		assert_good(kept_pass(kept, 1000000, &err), &err);
	}
	assert_good(kept_source(kept, &source, &err), &err);
	assert_int_equal(kept_written(kept), 0);
	assert_int_equal(source->size, UINT64_C(4000) * 1000512);
	assert_good(source_read_exact(source, UINT64_C(3999) * 1000512, name, sizeof(name), &err),
		&err);
	assert_string_equal(name, "usr/share/doc/thing3999/copyright");
	source_drop(source);
}

/* A reader that reads ahead never asks for what is not there; one that wants it is told. */
static void the_plain_stream_reads_around_the_gaps(void **state)
{
	const struct kept_options options = {
		.memory = PASSING, .limit = PASSING, .make_file = make_none};
	cleanup_source struct source *source = NULL;
	cleanup_source struct source *slice = NULL;
	struct stream *stream = NULL;
	struct kept *kept = NULL;
	struct peel_error err = {0};
	unsigned char buf[1024];
	uint64_t gone = 0;

	(void)state;
	assert_good(kept_new(&options, &kept, &err), &err);
	passed = 0;
	for (const char *what = "kkpkppkb"; *what; what++) {
		assert_good(step(kept, *what, 512, &err), &err);
	}
	assert_good(kept_source(kept, &source, &err), &err);
	assert_good(source_new_slice(source, 512, passed - 512, &slice, &err), &err);
	assert_good(stream_open(slice, PEEL_CODEC_NONE, NULL, &stream, &err), &err);
	for (const char *what = "kpkppkb"; *what; what++) {
		if (*what == 'p') {
			assert_good(stream_pass(stream, 512, NULL, NULL, &gone, &err), &err);
			assert_int_equal(gone, 512);
			continue;
		}
		assert_int_equal(stream_read(stream, buf, 512, &err), 512);
		assert_memory_equal(buf, passing + 512 + stream_tell(stream) - 512, 512);
	}
	assert_int_equal(stream_read(stream, buf, 512, &err), 0);
	stream_close(stream);
	assert_false(source_kept_missed(source));
	assert_good(stream_open(slice, PEEL_CODEC_NONE, NULL, &stream, &err), &err);
	assert_failure(stream_read(stream, buf, 1024, &err), PEEL_EIO, &err, "offset 1024");
	stream_close(stream);
	assert_true(source_kept_missed(source));
	assert_false(source_kept_missed(slice));
	assert_false(source_kept_missed(NULL));
}

static void limits_hold(void **state)
{
	static const struct {
		struct kept_options options;
		int code;
		const char *text;
	} cases[] = {
		{{.memory = PASSING, .limit = 100000, .make_file = make_memfd}, PEEL_ELIMIT,
			"spool limit of 100000"},
		{{.memory = 1000, .limit = 100000, .make_file = make_memfd}, PEEL_ELIMIT,
			"spool limit of 100000"},
		{{.memory = 1000, .limit = UINT64_MAX, .make_file = make_none}, PEEL_EACCES,
			"no folder"},
		{{.memory = 1000, .limit = UINT64_MAX, .make_file = make_read_only}, PEEL_EIO,
			"cannot write the spool file"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		cleanup_kept struct kept *kept = NULL;
		struct peel_error err = {0};

		assert_good(kept_new(&cases[i].options, &kept, &err), &err);
		assert_failure(pass_by(kept, 3, &err), cases[i].code, &err, cases[i].text);
	}
}

static void endless_input_ends(void **state)
{
	const struct kept_options options = {.memory = 100, .limit = 100, .make_file = make_none};
	cleanup_kept struct kept *kept = NULL;
	struct peel_error err = {0};

	(void)state;
	assert_good(kept_new(&options, &kept, &err), &err);
	assert_good(kept_pass(kept, INT64_MAX, &err), &err);
	assert_failure(kept_pass(kept, 1, &err), PEEL_ELIMIT, &err, "does not end");
	assert_failure(kept_pass(kept, UINT64_MAX, &err), PEEL_ELIMIT, &err, "does not end");
	assert_failure(kept_add(kept, "x", 1, &err), PEEL_ELIMIT, &err, "does not end");
}

/* Never a code that means damage of the image. */
static void a_spoiled_spool_file_is_no_damage_of_the_image(void **state)
{
	const struct kept_options options = {
		.memory = 0, .limit = UINT64_MAX, .make_file = make_memfd};
	struct peel_error err = {0};
	unsigned char byte;

	(void)state;
	for (int spoil = 0; spoil < 2; spoil++) {
		cleanup_source struct source *source = NULL;
		struct kept *kept = NULL;

		assert_good(kept_new(&options, &kept, &err), &err);
		passed = 0;
		assert_good(step(kept, 'k', 100000, &err), &err);
		assert_good(step(kept, 'b', 1000, &err), &err);
		assert_good(kept_source(kept, &source, &err), &err);
		if (spoil == 0) {
			assert_int_equal(pwrite(spool, "garbage", 7, 0), 7);
			assert_failure(source_read_at(source, 0, &byte, 1, &err), PEEL_EIO, &err,
				"changed");
		} else {
			assert_int_equal(ftruncate(spool, 10), 0);
			assert_failure(source_read_at(source, 0, &byte, 1, &err), PEEL_EIO, &err,
				"ends too early");
			assert_failure(source_read_at(source, 100500, &byte, 1, &err), PEEL_EIO,
				&err, "ends too early");
		}
		assert_false(source_kept_missed(source));
	}
}

static void every_allocation_may_fail(void **state)
{
	const struct kept_options options = {
		.memory = 500000, .limit = UINT64_MAX, .make_file = make_memfd};

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (unsigned n = 1;; n++) {
		struct source *source = NULL;
		cleanup_kept struct kept *kept = NULL;
		const long before = fault_alloc_live();
		struct peel_error err = {0};
		char byte;
		int r;

		fault_alloc(n);
		r = kept_new(&options, &kept, &err);
		r = r < 0 ? r : pass_by(kept, 5, &err);
		r = r < 0 ? r : kept_source(kept, &source, &err);
		if (r == 0) {
			kept = NULL;
			for (size_t at = 0; r == 0 && at < PASSING; at += 50000) {
				r = was_kept[at] ? (int)source_read_at(source, at, &byte, 1, &err)
						 : 0;
				r = r > 0 ? 0 : r;
			}
		}
		kept_free(steal_pointer(&kept));
		source_drop(source);
		if (!fault_alloc_hit()) {
			assert_int_equal(r, 0);
			break;
		}
		/* What cannot be cut to its size stays larger. */
		assert_true(r == 0 || (r == PEEL_ENOMEM && err.code == PEEL_ENOMEM));
		assert_int_equal(fault_alloc_live(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spoiled_spool_file_is_no_damage_of_the_image),
		cmocka_unit_test(endless_input_ends),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(headers_take_little_room),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(many_threads_read_at_once),
		cmocka_unit_test(the_plain_stream_reads_around_the_gaps),
		cmocka_unit_test(what_was_kept_can_be_read_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, fill_bytes, NULL);
}
