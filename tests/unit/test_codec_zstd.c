/* SPDX-License-Identifier: Apache-2.0 */
/* zstd: every shape of file that tools write, in order and at random, and every way to break one. */
#include "codec.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "blockcache.h"
#include "codec_check.h"
#include "compress.h"
#include "fault.h"
#include "peel_test.h"
#include "points.h"
#include "source.h"
#include "util.h"

#define PLAIN_SIZE (5u << 20)

static struct bytes text;

static const struct zstd_how level_3 = {.level = 3, .checksum = true};

static void one_frame(struct bytes *out, const struct bytes *plain)
{
	zstd_add(out, plain->data, plain->len, &level_3);
}

static void streamed(struct bytes *out, const struct bytes *plain)
{
	zstd_add(out, plain->data, plain->len, &(struct zstd_how){.level = 1, .streamed = true});
}

static void high_level(struct bytes *out, const struct bytes *plain)
{
	zstd_add(out, plain->data, plain->len,
		&(struct zstd_how){
			.level = 9, .streamed = true, .checksum = true, .window_log = 23});
}

static void many_frames(struct bytes *out, const struct bytes *plain)
{
	uint32_t seed = 5;
	size_t done = 0;
	size_t n;

	while (done < plain->len) {
		n = min_u64(plain->len - done, test_random(&seed, 300000));
		zstd_add(out, plain->data + done, n,
			&(struct zstd_how){.level = 1, .checksum = n % 2, .streamed = n % 3 == 0});
		done += n;
	}
}

static void skippable_everywhere(struct bytes *out, const struct bytes *plain)
{
	size_t half = plain->len / 2;

	zstd_add_skippable(out, 0, 0);
	zstd_add_skippable(out, 15, 100000);
	zstd_add(out, "", 0, &level_3);
	zstd_add(out, plain->data, half, &level_3);
	zstd_add_skippable(out, 3, 7);
	zstd_add(out, plain->data + half, plain->len - half, &level_3);
	zstd_add_skippable(out, 14, 1000);
}

static const struct {
	const char *name;
	void (*build)(struct bytes *out, const struct bytes *plain);
	size_t points;
} shapes[] = {
	{"high_level", high_level, 1},
	{"many_frames", many_frames, 10},
	{"one_frame", one_frame, 1},
	{"skippable_everywhere", skippable_everywhere, 2},
	{"streamed", streamed, 1},
};

static void every_shape_decodes(void **state)
{
	struct opened opened;
	size_t i;

	(void)state;
	for (i = 0; i < countof(shapes); i++) {
		struct bytes packed = {0};

		shapes[i].build(&packed, &text);
		check_all(&packed, PEEL_CODEC_ZSTD, &text);
		check_open(&opened, &packed, PEEL_CODEC_ZSTD, 64 * BLOCK_SIZE, AT_FDCWD);
		if (point_list_count(opened.points) < shapes[i].points) {
			fail_msg("%s: %zu points", shapes[i].name, point_list_count(opened.points));
		}
		check_close(&opened);
		bytes_finish(&packed);
	}
}

static void empty_frames_have_size_zero(void **state)
{
	struct bytes plain = {0};
	struct bytes packed = {0};

	(void)state;
	zstd_add_skippable(&packed, 1, 10);
	check_all(&packed, PEEL_CODEC_ZSTD, &plain);
	zstd_add(&packed, "", 0, &level_3);
	check_all(&packed, PEEL_CODEC_ZSTD, &plain);
	bytes_finish(&packed);
}

static void trailing_bytes_are_counted(void **state)
{
	static const char *const trailers[] = {
		"x", "garbage that is longer than a header", "\x28\xb5\x2f"};
	struct bytes plain = {0};
	size_t i;

	(void)state;
	bytes_add_text(&plain, 2, 200000);
	for (i = 0; i < countof(trailers); i++) {
		struct bytes packed = {0};

		zstd_add(&packed, plain.data, plain.len, &level_3);
		bytes_add(&packed, trailers[i], strlen(trailers[i]));
		check_stream(&packed, PEEL_CODEC_ZSTD, &plain, strlen(trailers[i]));
		bytes_finish(&packed);
	}
	bytes_finish(&plain);
}

static void truncated_is_told(void **state)
{
	struct bytes packed = {0};
	struct bytes cut;
	size_t len;

	(void)state;
	zstd_add(&packed, text.data, 3000, &level_3);
	for (len = 0; len < packed.len; len++) {
		cut = (struct bytes){.data = packed.data, .len = len};
		/* A part of a magic is not zstd. */
		assert_int_equal(check_broken(&cut, PEEL_CODEC_ZSTD, NULL),
			len > 0 && len < 4 ? PEEL_EFORMAT : PEEL_ETRUNCATED);
	}
	bytes_finish(&packed);
}

/**
 * What a flipped bit leaves without a failure (the header's unused bit, a checksum told to be none)
 * is not altered.
 */
static void no_flipped_bit_alters_what_comes_out(void **state)
{
	struct opened opened;
	struct bytes packed = {0};
	uint8_t buf[500];
	unsigned missed = 0;
	size_t bit;

	(void)state;
	zstd_add(&packed, text.data, 400, &level_3);
	for (bit = 0; bit < packed.len * 8; bit++) {
		packed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if (check_broken(&packed, PEEL_CODEC_ZSTD, NULL) == 0) {
			check_open(&opened, &packed, PEEL_CODEC_ZSTD, 0, -1);
			assert_int_equal(source_read_at(opened.source, 0, buf, sizeof(buf), NULL),
				400);
			assert_memory_equal(buf, text.data, 400);
			check_close(&opened);
			missed++;
		}
		packed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	assert_in_range(missed, 1, 8);
	bytes_finish(&packed);
}

static const struct {
	const char *name;
	const char *bytes;
	size_t len;
	int code;
	const char *message;
} refused[] = {
	{"window_256_mib", "\x28\xb5\x2f\xfd\x00\x90\x01\0\0", 9, PEEL_ELIMIT,
		"window of 256M: memory: 1G is over the limit"},
	{"dictionary", "\x28\xb5\x2f\xfd\x01\x58\x07\x01\0\0", 10, PEEL_EUNSUPPORTED,
		"dictionary 7"},
	{"reserved_block", "\x28\xb5\x2f\xfd\x00\x58\x07\0\0", 9, PEEL_EFORMAT, "offset"},
	{"not_zstd", "garbage", 7, PEEL_EFORMAT, "no frame"},
	{"skippable_then_garbage", "\x50\x2a\x4d\x18\0\0\0\0garbage", 15, PEEL_EFORMAT, "offset 8"},
	{"skippable_cut",
		"\x50\x2a\x4d\x18\xff\xff\xff\xff"
		"abc",
		11, PEEL_ETRUNCATED, "ends"},
	{"empty", "", 0, PEEL_ETRUNCATED, "no bytes"},
};

static void strange_frames_are_refused_twice(void **state)
{
	char message[PEEL_MESSAGE_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < countof(refused); i++) {
		struct bytes packed = {0};

		bytes_add(&packed, refused[i].bytes, refused[i].len);
		assert_int_equal(check_broken(&packed, PEEL_CODEC_ZSTD, message), refused[i].code);
		if (!strstr(message, refused[i].message)) {
			fail_msg("%s: %s", refused[i].name, message);
		}
		bytes_finish(&packed);
	}
}

static void failed_read_is_told_and_the_next_succeeds(void **state)
{
	struct opened opened;
	struct bytes packed = {0};
	unsigned n;

	(void)state;
	many_frames(&packed, &text);
	check_open(&opened, &packed, PEEL_CODEC_ZSTD, 16 * BLOCK_SIZE, -1);
	n = check_faulty(&opened, &packed, PEEL_CODEC_ZSTD, &text);
	assert_true(n > 2);
	check_close(&opened);
	bytes_finish(&packed);
}

static void threads_share_a_source(void **state)
{
	struct opened opened;
	struct bytes packed = {0};

	(void)state;
	many_frames(&packed, &text);
	check_open(&opened, &packed, PEEL_CODEC_ZSTD, 0, -1);
	check_threads(opened.source, &text);
	check_close(&opened);
	bytes_finish(&packed);
}

static int make_text(void **state)
{
	(void)state;
	bytes_add_text(&text, 1, PLAIN_SIZE + 4321);
	return 0;
}

static int free_text(void **state)
{
	(void)state;
	bytes_finish(&text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_decodes),
		cmocka_unit_test(empty_frames_have_size_zero),
		cmocka_unit_test(trailing_bytes_are_counted),
		cmocka_unit_test(truncated_is_told),
		cmocka_unit_test(no_flipped_bit_alters_what_comes_out),
		cmocka_unit_test(strange_frames_are_refused_twice),
		cmocka_unit_test(failed_read_is_told_and_the_next_succeeds),
		cmocka_unit_test(threads_share_a_source),
	};

	return cmocka_run_group_tests(tests, make_text, free_text);
}
