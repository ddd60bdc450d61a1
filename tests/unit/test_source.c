/* SPDX-License-Identifier: Apache-2.0 */
/* Files, slices and memory as sources, and the plain stream over them. */
#include "source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "codec_check.h"
#include "compress.h"
#include "fault.h"
#include "peel_test.h"
#include "util.h"

static const char digits[] = "0123456789";

/** A file without a name that holds the digits. */
static int make_file(void)
{
	int fd = memfd_create("peel-test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, digits, 10), 10);
	return fd;
}

static const struct {
	uint64_t offset;
	size_t len;
	const char *expected;
} reads[] = {
	{0, 10, "0123456789"},
	{0, 3, "012"},
	{7, 3, "789"},
	{7, 4, "789"},
	{9, 100, "9"},
	{10, 1, ""},
	{11, 100, ""},
	{UINT64_MAX, 100, ""},
	{3, 0, ""},
};

static void check_reads(struct source *source)
{
	struct peel_error err = {0};
	char buf[100];
	size_t i;

	assert_int_equal(source->size, 10);
	for (i = 0; i < countof(reads); i++) {
		assert_int_equal(source_read_at(source, reads[i].offset, buf, reads[i].len, &err),
			strlen(reads[i].expected));
		assert_memory_equal(buf, reads[i].expected, strlen(reads[i].expected));
	}
	assert_int_equal(source_read_exact(source, 8, buf, 2, &err), 0);
	assert_failure(source_read_exact(source, 8, buf, 3, &err), PEEL_ETRUNCATED, &err,
		"offset 8");
}

static void every_kind_reads_short_at_the_end_only(void **state)
{
	cleanup_source struct source *file = NULL;
	cleanup_source struct source *memory = NULL;
	cleanup_source struct source *copy = NULL;
	cleanup_source struct source *wide = NULL;
	cleanup_source struct source *slice = NULL;
	struct peel_error err = {0};

	(void)state;
	assert_good(source_open_fd(make_file(), &file, &err), &err);
	check_reads(file);
	assert_good(source_new_memory(digits, 10, 0, &memory, &err), &err);
	check_reads(memory);
	assert_good(source_new_memory(digits, 10, 1, &copy, &err), &err);
	check_reads(copy);
	assert_good(source_new_memory("ab0123456789yz", 14, 0, &wide, &err), &err);
	assert_good(source_new_slice(wide, 2, 10, &slice, &err), &err);
	check_reads(slice);
}

static const struct {
	uint64_t offset, len;
	int code;
	uint64_t size;
} slices[] = {
	{0, 10, 0, 10},
	{10, 0, 0, 0},
	{8, 100, 0, 2},
	{10, 100, 0, 0},
	{1000, 100, 0, 0},
	{1, UINT64_MAX, PEEL_EUSAGE, 0},
	{UINT64_MAX, 1, PEEL_EUSAGE, 0},
	{0, (uint64_t)INT64_MAX + 1, PEEL_EUSAGE, 0},
	{INT64_MAX, 0, 0, 0},
};

static void slices_end_where_their_source_ends(void **state)
{
	cleanup_source struct source *memory = NULL;
	struct peel_error err = {0};
	char buf[200];
	size_t i;

	(void)state;
	assert_good(source_new_memory(digits, 10, 0, &memory, &err), &err);
	for (i = 0; i < countof(slices); i++) {
		cleanup_source struct source *slice = NULL;

		assert_int_equal(source_new_slice(memory, slices[i].offset, slices[i].len, &slice,
					 &err),
			slices[i].code);
		if (slice) {
			assert_int_equal(slice->size, slices[i].size);
			assert_int_equal(source_read_at(slice, 0, buf, sizeof(buf), &err),
				slices[i].size);
			assert_memory_equal(buf, digits + 10 - slices[i].size, slices[i].size);
		}
	}
}

static void copies_outlive_the_original(void **state)
{
	cleanup_source struct source *copy = NULL;
	struct peel_error err = {0};
	char bytes[11];

	(void)state;
	memcpy(bytes, digits, 11);
	assert_good(source_new_memory(bytes, 10, 1, &copy, &err), &err);
	memset(bytes, 'x', 10);
	check_reads(copy);
}

static void order_of_dropping_does_not_matter(void **state)
{
	struct source *memory = NULL;
	struct source *outer = NULL;
	struct source *inner = NULL;
	struct peel_error err = {0};
	long before = fault_alloc_live();

	(void)state;
	assert_good(source_new_memory("xx0123456789x", 13, 1, &memory, &err), &err);
	assert_good(source_new_slice(memory, 1, 12, &outer, &err), &err);
	source_drop(memory);
	assert_good(source_new_slice(outer, 1, 10, &inner, &err), &err);
	source_drop(outer);
	check_reads(inner);
	assert_ptr_equal(source_grab(inner), inner);
	source_drop(inner);
	check_reads(inner);
	source_drop(inner);
	source_drop(NULL);
	assert_int_equal(fault_alloc_live(), before);
}

static void grow(int fd)
{
	assert_int_equal(pwrite(fd, "x", 1, 10), 1);
}

static void shrink(int fd)
{
	assert_int_equal(ftruncate(fd, 5), 0);
}

static void touch(int fd)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1, .tv_nsec = 5}};

	assert_int_equal(futimens(fd, times), 0);
}

static void change_mode(int fd)
{
	/* The change time has the clock's grain, so it may take a while to differ. */
	struct stat before;
	struct stat now;

	assert_int_equal(fstat(fd, &before), 0);
	do {
		assert_int_equal(fchmod(fd, 0600), 0);
		assert_int_equal(fstat(fd, &now), 0);
	} while (now.st_ctim.tv_sec == before.st_ctim.tv_sec &&
		now.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
}

static void changed_file_is_told_every_time(void **state)
{
	static void (*const changes[])(int fd) = {grow, shrink, touch, change_mode};
	struct peel_error err = {0};
	char buf[10];
	size_t i;

	(void)state;
	for (i = 0; i < countof(changes); i++) {
		cleanup_source struct source *file = NULL;
		int fd = make_file();

		assert_good(source_open_fd(fd, &file, &err), &err);
		assert_int_equal(source_read_at(file, 0, buf, 10, &err), 10);
		changes[i](fd);
		assert_failure(source_read_at(file, 0, buf, 4, &err), PEEL_ECHANGED, &err,
			"changed");
		assert_failure(source_read_at(file, 0, buf, 4, &err), PEEL_ECHANGED, &err,
			"changed");
		/* Or not at hand, where the file is shorter now or its file system cannot tell. */
		assert_true(source_read_now(file, 0, buf, 4, NULL) <= 0);
	}
}

static void what_is_at_hand_is_read_right(void **state)
{
	cleanup_source struct source *file = NULL;
	cleanup_source struct source *slice = NULL;
	char buf[10] = {0};
	int r;

	(void)state;
	assert_int_equal(source_open_fd(make_file(), &file, NULL), 0);
	assert_int_equal(source_new_slice(file, 2, 6, &slice, NULL), 0);
	r = source_read_now(slice, 1, buf, 5, NULL);
	assert_true(r == 1 || r == 0);
	assert_memory_equal(buf, r ? digits + 3 : buf, 5);
	assert_int_equal(source_read_now(slice, 1, buf, 6, NULL), 0);
	assert_int_equal(source_read_now(slice, UINT64_MAX, buf, 1, NULL), 0);
}

static void only_files_are_opened(void **state)
{
	struct source *source = NULL;
	struct peel_error err = {0};
	int ends[2];
	int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(dir >= 0);
	assert_failure(source_open_fd(dir, &source, &err), PEEL_EUSAGE, &err, "regular");
	assert_int_equal(close(dir), 0);
	assert_int_equal(pipe(ends), 0);
	assert_failure(source_open_fd(ends[0], &source, &err), PEEL_EUSAGE, &err, "regular");
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
	assert_failure(source_open_fd(-1, &source, &err), PEEL_EIO, &err, "descriptor");
	assert_null(source);
}

static void unreadable_file_is_told(void **state)
{
	cleanup_source struct source *file = NULL;
	struct peel_error err = {0};
	char path[] = "/tmp/peel-test-XXXXXX";
	char buf[10];
	int fd = mkostemp(path, O_CLOEXEC);
	int write_only = open(path, O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0 && write_only >= 0);
	unlink(path);
	assert_int_equal(write(fd, digits, 10), 10);
	close(fd);
	assert_good(source_open_fd(write_only, &file, &err), &err);
	assert_failure(source_read_at(file, 0, buf, 10, &err), PEEL_EIO, &err, "offset 0");
}

static void out_of_memory_is_told(void **state)
{
	struct source *source = NULL;
	struct source *memory = NULL;
	struct peel_error err = {0};
	int fd = make_file();
	unsigned n;

	(void)state;
	if (!fault_alloc_works()) {
		close(fd);
		skip();
	}
	for (n = 1; n <= 2; n++) {
		fault_alloc(n);
		assert_int_equal(source_new_memory(digits, 10, 1, &source, &err), PEEL_ENOMEM);
		assert_true(fault_alloc_hit());
	}
	fault_alloc(1);
	assert_int_equal(source_open_fd(fd, &source, &err), PEEL_ENOMEM);
	assert_true(fault_alloc_hit());
	assert_int_equal(close(fd), 0);
	assert_good(source_new_memory(digits, 10, 0, &memory, &err), &err);
	fault_alloc(1);
	assert_int_equal(source_new_slice(memory, 0, 1, &source, &err), PEEL_ENOMEM);
	assert_true(fault_alloc_hit());
	assert_null(source);
	source_drop(memory);
}

static void plain_stream_gives_all(void **state)
{
	struct bytes plain = {0};

	(void)state;
	check_stream(&plain, PEEL_CODEC_NONE, &plain, 0);
	bytes_add_text(&plain, 9, 1000000);
	check_stream(&plain, PEEL_CODEC_NONE, &plain, 0);
	bytes_finish(&plain);
}

static int count_bytes(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	(void)bytes;
	(void)err;
	*(uint64_t *)arg += len;
	return 0;
}

/**
 * Reads and skips at seeded lengths give the same as the bytes, whether or not somebody wants the
 * skipped ones.
 */
static void plain_stream_skips_without_reading(void **state)
{
	struct bytes plain = {0};
	struct peel_error err = {0};
	int hashed;

	(void)state;
	bytes_add_text(&plain, 9, 3000000);
	for (hashed = 0; hashed < 2; hashed++) {
		cleanup_source struct source *memory = NULL;
		struct stream *stream = NULL;
		struct stream_options options = {0};
		uint64_t input = 0;
		uint64_t output = 0;
		uint64_t passed = 1;
		uint64_t offset = 0;
		uint32_t seed = 4;
		uint8_t buf[512];
		ssize_t got;

		options = (struct stream_options){.input = count_bytes, .input_arg = &input};
		options.output = hashed ? count_bytes : NULL;
		options.output_arg = &output;
		assert_good(source_new_memory(plain.data, plain.len, 0, &memory, &err), &err);
		assert_good(stream_open(memory, PEEL_CODEC_NONE, &options, &stream, &err), &err);
		while (passed > 0) {
			got = stream_read(stream, buf, sizeof(buf), &err);
			assert_good(got, &err);
			assert_int_equal(got, min_u64(sizeof(buf), plain.len - offset));
			assert_memory_equal(buf, plain.data + offset, (size_t)got);
			offset += (uint64_t)got;
			assert_int_equal(stream_tell(stream), offset);
			assert_good(stream_pass(stream, 1 + test_random(&seed, 100000), NULL, NULL,
					    &passed, &err),
				&err);
			offset += passed;
			assert_int_equal(stream_tell(stream), offset);
		}
		assert_int_equal(offset, plain.len);
		assert_int_equal(output, hashed ? plain.len : 0);
		assert_true(hashed ? input == plain.len : input < plain.len);
		stream_close(stream);
	}
	bytes_finish(&plain);
}

/** A source that does not know its size. */
static void plain_stream_finds_an_unknown_end(void **state)
{
	cleanup_source struct source *memory = NULL;
	struct stream *stream = NULL;
	struct peel_error err = {0};
	uint64_t passed = 0;

	(void)state;
	assert_good(fault_source_new(digits, 10, 0, &memory, &err), &err);
	memory->size = SOURCE_SIZE_UNKNOWN;
	assert_good(stream_open(memory, PEEL_CODEC_NONE, NULL, &stream, &err), &err);
	memory->size = 10;
	assert_good(stream_pass(stream, UINT64_MAX, NULL, NULL, &passed, &err), &err);
	assert_int_equal(passed, 10);
	stream_close(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_reads_short_at_the_end_only),
		cmocka_unit_test(slices_end_where_their_source_ends),
		cmocka_unit_test(copies_outlive_the_original),
		cmocka_unit_test(order_of_dropping_does_not_matter),
		cmocka_unit_test(changed_file_is_told_every_time),
		cmocka_unit_test(what_is_at_hand_is_read_right),
		cmocka_unit_test(only_files_are_opened),
		cmocka_unit_test(unreadable_file_is_told),
		cmocka_unit_test(out_of_memory_is_told),
		cmocka_unit_test(plain_stream_gives_all),
		cmocka_unit_test(plain_stream_skips_without_reading),
		cmocka_unit_test(plain_stream_finds_an_unknown_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
