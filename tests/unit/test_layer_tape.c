/* SPDX-License-Identifier: Apache-2.0 */
/* Tapes between threads, within their budget; what is packed comes back as it was; reading ahead. */
#include "layer_item.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "layer_read.h"
#include "layer_tape.h"
#include "peel_test.h"
#include "source.h"
#include "source_ahead.h"
#include "util.h"

/** Items of a tape, some longer than a piece. */
#define ITEMS 3000

/** A tape, its writer's thread, and how it ended. */
struct writing {
	struct tape *tape;
	unsigned seed;
	int code;
};

static size_t item_len(unsigned seed, unsigned i)
{
	unsigned mixed = (seed * 7919 + i) * 2654435761u;

	return i % 500 == 499 ? TAPE_PIECE + mixed % TAPE_PIECE : mixed % 300;
}

static uint8_t item_byte(unsigned seed, unsigned i, size_t at)
{
	return (uint8_t)(seed + i * 31 + at);
}

static void *write_tape(void *arg)
{
	struct writing *writing = arg;
	struct peel_error err = {0};
	uint8_t *bytes = malloc(2 * TAPE_PIECE);

	for (unsigned i = 0; i < ITEMS && writing->code == 0; i++) {
		size_t len = item_len(writing->seed, i);

		for (size_t at = 0; at < len; at++) {
			bytes[at] = item_byte(writing->seed, i, at);
		}
		writing->code = tape_write(writing->tape, bytes, len, &err);
	}
	if (writing->code == 0) {
		writing->code = tape_flush(writing->tape, &err);
	}
	tape_end(writing->tape);
	free(bytes);
	return NULL;
}

static void check_tape(struct tape *tape, unsigned seed)
{
	struct peel_error err = {0};
	const void *bytes = NULL;
	size_t len = 0;
	unsigned i;
	int r;

	for (i = 0; (r = tape_next(tape, &bytes, &len, i % 2 ? 1 : 0, &err)) != 0;) {
		const uint8_t *at = bytes;

		if (r == 2) {
			continue;
		}
		assert_int_equal(r, 1);
		assert_int_equal(len, item_len(seed, i));
		for (size_t n = 0; n < len; n++) {
			assert_int_equal(at[n], item_byte(seed, i, n));
		}
		i++;
	}
	assert_int_equal(i, ITEMS);
}

/** Four writers at once, read one after the other. */
static void pass_through(size_t budget, int folder, bool patient, bool keep)
{
	struct writing writings[4] = {0};
	pthread_t threads[countof(writings)];
	struct peel_error err = {0};
	struct tapes *tapes = NULL;

	assert_int_equal(tapes_new(budget, folder, &tapes, &err), 0);
	for (unsigned i = 0; i < countof(writings); i++) {
		writings[i].seed = i;
		assert_int_equal(tape_new(tapes, patient, keep, &writings[i].tape, &err), 0);
		assert_int_equal(pthread_create(&threads[i], NULL, write_tape, &writings[i]), 0);
	}
	for (unsigned i = 0; i < countof(writings); i++) {
		check_tape(writings[i].tape, i);
		if (keep) {
			check_tape(writings[i].tape, i);
		}
	}
	for (unsigned i = 0; i < countof(writings); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(writings[i].code, 0);
		tape_free(writings[i].tape);
	}
	tapes_free(tapes);
}

static void tapes_keep_order_and_bytes(void **state)
{
	int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(folder >= 0);
	pass_through(64u << 20, folder, false, false);
	/* All but nothing fits: out to the file, or waiting for the reader. */
	pass_through(100000, folder, false, false);
	pass_through(100000, folder, true, false);
	pass_through(100000, folder, false, true);
	pass_through(0, folder, true, false);
	pass_through(0, -1, false, true);
	close(folder);
}

static void canceled_writers_end(void **state)
{
	int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct writing writing = {0};
	struct peel_error err = {0};
	struct tapes *tapes = NULL;
	pthread_t thread;

	(void)state;
	assert_int_equal(tapes_new(TAPE_PIECE, folder, &tapes, &err), 0);
	assert_int_equal(tape_new(tapes, true, false, &writing.tape, &err), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_tape, &writing), 0);
	tapes_cancel(tapes);
	pthread_join(thread, NULL);
	assert_int_equal(writing.code, PEEL_ECANCELED);
	tape_free(writing.tape);
	tapes_free(tapes);
	close(folder);
}

static const struct scan_xattr xattrs[] = {
	{"user.a", "1\0002", 3},
	{"security.capability", "", 0},
};
static const struct scan_extent extents[] = {{4096, 10}, {UINT64_C(1) << 40, 5}};

/** Every field, and what changes or stays from one to the next. */
static const struct scan_entry entries[] = {
	{.type = SCAN_DIR,
		.path = "usr/",
		.path_len = 4,
		.link = "",
		.mode = 0755,
		.uname = "root",
		.gname = "root",
		.mtime_sec = 1700000000,
		.header_off = 0,
		.data_off = 512},
	{.type = SCAN_FILE,
		.path = "usr/a",
		.path_len = 5,
		.link = "",
		.mode = 04755,
		.uid = -1,
		.gid = INT64_MAX,
		.uname = "root",
		.gname = "root",
		.size = 1000,
		.stored = 1000,
		.mtime_sec = INT64_MIN,
		.mtime_nsec = 999999999,
		.header_off = 512,
		.data_off = 1024,
		.extents = &(const struct scan_extent){0, 1000},
		.extent_count = 1},
	{.type = SCAN_FILE,
		.path = "usr/b",
		.path_len = 5,
		.link = "",
		.uname = "root",
		.gname = "",
		.size = UINT64_C(1) << 41,
		.stored = 15,
		.sparse = true,
		.extents = extents,
		.extent_count = countof(extents),
		.mtime_sec = INT64_MAX,
		.header_off = 2560,
		.data_off = 8192,
		.xattrs = xattrs,
		.xattr_count = countof(xattrs),
		.extras = "a=b\n",
		.extras_len = 4},
	{.type = SCAN_SYMLINK,
		.path = "",
		.path_len = 0,
		.link = "../x",
		.link_len = 4,
		.uname = "",
		.gname = "",
		.header_off = 9000,
		.data_off = 9512},
	{.type = SCAN_CHAR,
		.path = "dev/null",
		.path_len = 8,
		.link = "",
		.uname = "u",
		.gname = "g",
		.rdev_major = UINT32_MAX,
		.rdev_minor = 3,
		.header_off = 10000,
		.data_off = 10512},
};

static void assert_same_entry(const struct scan_entry *a, const struct scan_entry *b)
{
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->path_len, b->path_len);
	assert_string_equal(a->path, b->path);
	assert_int_equal(a->link_len, b->link_len);
	assert_string_equal(a->link, b->link);
	assert_string_equal(a->uname, b->uname);
	assert_string_equal(a->gname, b->gname);
	assert_int_equal(a->mode, b->mode);
	assert_true(a->uid == b->uid && a->gid == b->gid);
	assert_true(a->size == b->size && a->stored == b->stored);
	assert_true(a->mtime_sec == b->mtime_sec && a->mtime_nsec == b->mtime_nsec);
	assert_true(a->rdev_major == b->rdev_major && a->rdev_minor == b->rdev_minor);
	assert_true(a->header_off == b->header_off && a->data_off == b->data_off);
	assert_int_equal(a->sparse, b->sparse);
	assert_int_equal(a->extent_count, b->extent_count);
	for (size_t i = 0; i < a->extent_count; i++) {
		assert_true(a->extents[i].offset == b->extents[i].offset);
		assert_true(a->extents[i].length == b->extents[i].length);
	}
	assert_int_equal(a->xattr_count, b->xattr_count);
	for (size_t i = 0; i < a->xattr_count; i++) {
		assert_string_equal(a->xattrs[i].name, b->xattrs[i].name);
		assert_int_equal(a->xattrs[i].value_len, b->xattrs[i].value_len);
		assert_memory_equal(a->xattrs[i].value, b->xattrs[i].value, a->xattrs[i].value_len);
	}
	assert_int_equal(a->extras_len, b->extras_len);
	assert_memory_equal(a->extras_len ? a->extras : "", b->extras_len ? b->extras : "",
		a->extras_len);
}

static const char hash[LAYER_HASH_SIZE] = "0123456789abcde";

static void next_is(struct item_reader *reader, struct item *item, enum item_kind kind)
{
	struct peel_error err = {0};

	assert_int_equal(item_next(reader, item, 0, &err), 1);
	assert_int_equal(item->kind, kind);
}

static void check_items(struct tape *tape)
{
	struct item_reader *reader = NULL;
	struct peel_error err = {0};
	struct item item;

	assert_int_equal(item_reader_new(tape, &reader, &err), 0);
	next_is(reader, &item, ITEM_FINDING);
	assert_string_equal(item.code, "no-end-blocks");
	assert_string_equal(item.detail, "it ends");
	assert_null(item.path);
	assert_true(item.offset == UINT64_MAX);
	for (size_t i = 0; i < countof(entries); i++) {
		if (i == 1) {
			/* It was found while the entry's data passed, and does not wait for its hash. */
			next_is(reader, &item, ITEM_POINT);
			assert_true(item.point.out_off == UINT64_C(1) << 50);
			assert_int_equal(item.point.bits, 7);
			assert_int_equal(item.point.window_len, 3);
			assert_true(item.window_len > 0);
		}
		next_is(reader, &item, ITEM_ENTRY);
		assert_same_entry(&entries[i], &item.entry);
		assert_int_equal(item.told, i == 2);
		assert_int_equal(item.hash != NULL, entries[i].type == SCAN_FILE);
		if (item.hash) {
			assert_memory_equal(item.hash, hash, sizeof(hash));
		}
	}
	next_is(reader, &item, ITEM_FINDING);
	assert_int_equal(item.path_len, 3);
	assert_memory_equal(item.path, "\xff/x", 3);
	assert_int_equal(item_next(reader, &item, 0, &err), 0);
	item_reader_free(reader);
}

static void items_come_back_as_they_were(void **state)
{
	static const struct point point = {
		.out_off = UINT64_C(1) << 50, .in_off = 77, .bits = 7, .window_len = 3};
	struct item_writer *writer = NULL;
	struct peel_error err = {0};
	struct tapes *tapes = NULL;
	struct tape *tape = NULL;

	(void)state;
	assert_int_equal(tapes_new(1 << 20, -1, &tapes, &err), 0);
	assert_int_equal(tape_new(tapes, false, true, &tape, &err), 0);
	assert_int_equal(item_writer_new(tape, &writer, &err), 0);
	item_put_finding(writer, "no-end-blocks", NULL, 0, UINT64_MAX, "it ends", &err);
	for (size_t i = 0; i < countof(entries); i++) {
		assert_int_equal(item_put_entry(writer, &entries[i], i == 2, &err), 0);
		if (i == 1) {
			assert_int_equal(item_put_point(writer, &point, "abc", &err), 0);
		}
		if (entries[i].type == SCAN_FILE) {
			assert_int_equal(item_put_hash(writer, hash, &err), 0);
		}
	}
	assert_int_equal(item_put_finding(writer, "x", "\xff/x", 3, 1, "y", &err), 0);
	assert_int_equal(item_flush(writer, &err), 0);
	assert_int_equal(tape_flush(tape, &err), 0);
	tape_end(tape);
	check_items(tape);
	check_items(tape);
	item_writer_free(writer);
	tape_free(tape);
	tapes_free(tapes);
}

static void damaged_items_are_refused(void **state)
{
	/* Kind and flags, then numbers that promise more than there is. */
	static const struct {
		const char *bytes;
		size_t len;
	} broken[] = {
		{"", 0},
		{"\x00", 1},
		{"\x00"
		 "f"
		 "\x05\x01x",
			5},
		{"\x01\x7f", 2},
		{"\xa0\x01"
		 "f"
		 "\x00\x01x\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f",
			16},
		{"\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11},
		{"\x03", 1},
	};

	(void)state;
	for (size_t i = 0; i < countof(broken); i++) {
		struct item_reader *reader = NULL;
		struct peel_error err = {0};
		struct tapes *tapes = NULL;
		struct tape *tape = NULL;
		struct item item;

		assert_int_equal(tapes_new(1 << 20, -1, &tapes, &err), 0);
		assert_int_equal(tape_new(tapes, false, false, &tape, &err), 0);
		assert_int_equal(tape_write(tape, broken[i].bytes, broken[i].len, &err), 0);
		assert_int_equal(tape_flush(tape, &err), 0);
		tape_end(tape);
		assert_int_equal(item_reader_new(tape, &reader, &err), 0);
		assert_int_equal(item_next(reader, &item, 0, &err), PEEL_EIO);
		item_reader_free(reader);
		tape_free(tape);
		tapes_free(tapes);
	}
}

/** What reading ahead passed on. */
struct passed {
	uint64_t sum;
	uint64_t count;
};

static void take_bytes(void *arg, const void *bytes, size_t len)
{
	struct passed *passed = arg;
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++) {
		passed->sum += at[i] * (passed->count++ % 251 + 1);
	}
}

static void reading_ahead_passes_all_bytes(void **state)
{
	size_t len = 3 * AHEAD_BLOCKS * AHEAD_BLOCK + 12345;
	uint8_t *bytes = malloc(len);
	uint8_t *back = malloc(len);
	struct passed expected = {0};
	struct passed passed = {0};
	struct source *inner = NULL;
	struct source *ahead = NULL;
	struct peel_error err = {0};
	size_t done = 0;

	(void)state;
	for (size_t i = 0; i < len; i++) {
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	}
	take_bytes(&expected, bytes, len);
	assert_int_equal(source_new_memory(bytes, len, 0, &inner, &err), 0);
	assert_int_equal(source_new_ahead(inner, take_bytes, &passed, &ahead, &err), 0);
	for (size_t step = 1; done < len; step = step * 3 % 700001) {
		size_t want = (size_t)min_u64(step, len - done);

		assert_int_equal(source_read_at(ahead, done, back + done, step, &err), want);
		done += want;
		/* Elsewhere: that does not disturb. */
		assert_int_equal(source_read_at(ahead, 5, back, 5, &err), 5);
		assert_memory_equal(back, bytes + 5, 5);
		memcpy(back, bytes, 10);
	}
	assert_int_equal(source_read_at(ahead, len, back, 10, &err), 0);
	source_ahead_finish(ahead);
	assert_memory_equal(back, bytes, len);
	assert_true(passed.sum == expected.sum && passed.count == len);
	source_drop(ahead);
	source_drop(inner);
	free(bytes);
	free(back);
}

static void reading_ahead_stops_and_fails(void **state)
{
	size_t len = 8 * AHEAD_BLOCK;
	uint8_t *bytes = calloc(1, len);
	uint8_t *back = malloc(len);
	struct passed passed = {0};
	struct source *inner = NULL;
	struct source *ahead = NULL;
	struct peel_error err = {0};

	(void)state;
	/* Dropped while it waits for room. */
	assert_int_equal(source_new_memory(bytes, len, 0, &inner, &err), 0);
	assert_int_equal(source_new_ahead(inner, take_bytes, &passed, &ahead, &err), 0);
	assert_int_equal(source_read_at(ahead, 0, back, 10, &err), 10);
	source_drop(ahead);
	source_drop(inner);
	assert_true(passed.count < len);
	/* The third read fails: what came before is there. */
	assert_int_equal(fault_source_new(bytes, len, 3, &inner, &err), 0);
	assert_int_equal(source_new_ahead(inner, take_bytes, &passed, &ahead, &err), 0);
	assert_int_equal(source_read_at(ahead, 0, back, len, &err), 2 * AHEAD_BLOCK);
	assert_int_equal(source_read_at(ahead, 2 * AHEAD_BLOCK, back, 1, &err), PEEL_EIO);
	assert_int_equal(source_read_at(ahead, 2 * AHEAD_BLOCK, back, 1, &err), PEEL_EIO);
	source_drop(ahead);
	source_drop(inner);
	free(bytes);
	free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tapes_keep_order_and_bytes),
		cmocka_unit_test(canceled_writers_end),
		cmocka_unit_test(items_come_back_as_they_were),
		cmocka_unit_test(damaged_items_are_refused),
		cmocka_unit_test(reading_ahead_passes_all_bytes),
		cmocka_unit_test(reading_ahead_stops_and_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
