/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip: every shape of file that tools write, in order and at random, and every way to break one.
 */
#include "codec.h"

#include <stdio.h>
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

/** Uncompressed bytes of most cases: several points, and more than the small cache holds. */
#define PLAIN_SIZE (9u << 20)

/** One plain text for all tests, made once. */
static struct bytes text;

static void one_member_6(struct bytes *out, const struct bytes *plain)
{
	gzip_add(out, plain->data, plain->len, 6);
}

static void one_member_1(struct bytes *out, const struct bytes *plain)
{
	gzip_add(out, plain->data, plain->len, 1);
}

static void one_member_9(struct bytes *out, const struct bytes *plain)
{
	gzip_add(out, plain->data, plain->len, 9);
}

static void one_member_0(struct bytes *out, const struct bytes *plain)
{
	gzip_add(out, plain->data, plain->len, 0);
}

static void stored_65535(struct bytes *out, const struct bytes *plain)
{
	gzip_add_stored(out, plain->data, plain->len, 65535);
}

static void stored_7(struct bytes *out, const struct bytes *plain)
{
	gzip_add_stored(out, plain->data, plain->len / 20, 7);
	gzip_add_stored(out, plain->data + plain->len / 20, plain->len - plain->len / 20, 30000);
}

static void isal_levels(struct bytes *out, const struct bytes *plain)
{
	size_t part = plain->len / 4;
	int level;

	for (level = 0; level < 4; level++) {
		gzip_add_isal(out, plain->data + (size_t)level * part,
			level == 3 ? plain->len - 3 * part : part,
			&(struct gzip_isal){.level = level});
	}
}

static void sync_flushes(struct bytes *out, const struct bytes *plain)
{
	gzip_add_isal(out, plain->data, plain->len,
		&(struct gzip_isal){.level = 1, .flush_every = 131072});
}

static void full_flushes(struct bytes *out, const struct bytes *plain)
{
	gzip_add_isal(out, plain->data, plain->len,
		&(struct gzip_isal){.level = 1, .flush_every = 100000, .full_flush = true});
}

static void fixed_codes(struct bytes *out, const struct bytes *plain)
{
	gzip_add_isal(out, plain->data, plain->len,
		&(struct gzip_isal){.fixed_codes = true, .flush_every = 1000000});
}

static void one_endless_block(struct bytes *out, const struct bytes *plain)
{
	gzip_add_isal(out, plain->data, plain->len, &(struct gzip_isal){.fixed_codes = true});
}

static void many_tiny_members(struct bytes *out, const struct bytes *plain)
{
	uint32_t seed = 7;
	size_t done = 0;
	size_t n;

	while (done < plain->len) {
		n = min_u64(plain->len - done, test_random(&seed, 20000));
		gzip_add_isal(out, plain->data + done, n,
			&(struct gzip_isal){.level = (int)(n % 4)});
		done += n;
	}
	gzip_add(out, "", 0, 6);
}

static void empty_members_between(struct bytes *out, const struct bytes *plain)
{
	size_t half = plain->len / 2;

	gzip_add(out, "", 0, 6);
	gzip_add(out, plain->data, half, 6);
	gzip_add(out, "", 0, 0);
	gzip_add(out, "", 0, 6);
	gzip_add(out, plain->data + half, plain->len - half, 3);
}

static void every_header_field(struct bytes *out, const struct bytes *plain)
{
	size_t part = plain->len / 32;
	unsigned flags;
	size_t n;

	for (flags = 0; flags < 32; flags++) {
		/*
		 * Text, header CRC, extra, name, comment: all combinations; one stored block each.
		 */
		struct bytes member = {0};

		n = flags == 31 ? plain->len - 31 * part : part;
		gzip_add_stored(&member, plain->data + flags * part, n, 60000);
		gzip_add_header(out, flags);
		bytes_add(out, member.data + 10, member.len - 10);
		bytes_finish(&member);
	}
}

static const struct {
	const char *name;
	void (*build)(struct bytes *out, const struct bytes *plain);
	/** Points that are the least to expect. */
	size_t points;
} shapes[] = {
	{"one_member_0", one_member_0, 3},
	{"one_member_1", one_member_1, 3},
	{"one_member_6", one_member_6, 3},
	{"one_member_9", one_member_9, 3},
	{"stored_65535", stored_65535, 3},
	{"stored_7", stored_7, 3},
	{"isal_levels", isal_levels, 4},
	{"sync_flushes", sync_flushes, 3},
	{"full_flushes", full_flushes, 3},
	{"fixed_codes", fixed_codes, 1},
	{"one_endless_block", one_endless_block, 1},
	{"many_tiny_members", many_tiny_members, 25},
	{"empty_members_between", empty_members_between, 3},
	{"every_header_field", every_header_field, 20},
};

static void every_shape_decodes(void **state)
{
	struct opened opened;
	size_t i;

	(void)state;
	for (i = 0; i < countof(shapes); i++) {
		struct bytes packed = {0};

		shapes[i].build(&packed, &text);
		check_all(&packed, PEEL_CODEC_GZIP, &text);
		check_open(&opened, &packed, PEEL_CODEC_GZIP, 64 * BLOCK_SIZE, -1);
		if (point_list_count(opened.points) < shapes[i].points) {
			fail_msg("%s: %zu points", shapes[i].name, point_list_count(opened.points));
		}
		check_close(&opened);
		bytes_finish(&packed);
	}
}

static void empty_stream_has_size_zero(void **state)
{
	struct bytes plain = {0};
	struct bytes packed = {0};

	(void)state;
	gzip_add(&packed, "", 0, 6);
	check_all(&packed, PEEL_CODEC_GZIP, &plain);
	gzip_add(&packed, "", 0, 0);
	check_all(&packed, PEEL_CODEC_GZIP, &plain);
	bytes_finish(&packed);
}

static const struct {
	const char *bytes;
	size_t len;
} trailers[] = {
	{"\0\0\0\0\0\0\0", 7},
	{"garbage", 7},
	{"\x1f", 1},
	{"\x1f\x1f\x8b\x08", 4},
	{"\0\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0", 21},
};

static void trailing_bytes_are_counted(void **state)
{
	struct bytes plain = {0};
	size_t i;

	(void)state;
	bytes_add_text(&plain, 3, 100000);
	for (i = 0; i < countof(trailers); i++) {
		struct bytes packed = {0};

		gzip_add(&packed, plain.data, plain.len, 6);
		bytes_add(&packed, trailers[i].bytes, trailers[i].len);
		check_stream(&packed, PEEL_CODEC_GZIP, &plain, trailers[i].len);
		bytes_finish(&packed);
	}
	bytes_finish(&plain);
}

/** Long trailing bytes are counted and passed to input as well. */
static void long_padding_is_counted(void **state)
{
	struct bytes plain = {0};
	struct bytes packed = {0};
	struct bytes zeros = {.data = calloc(1, 300000), .len = 300000};

	(void)state;
	assert_non_null(zeros.data);
	bytes_add_text(&plain, 3, 1000);
	gzip_add(&packed, plain.data, plain.len, 6);
	bytes_add(&packed, zeros.data, zeros.len);
	check_stream(&packed, PEEL_CODEC_GZIP, &plain, zeros.len);
	bytes_finish(&zeros);
	bytes_finish(&packed);
	bytes_finish(&plain);
}

static void truncated_is_told_with_its_offset(void **state)
{
	char message[PEEL_MESSAGE_SIZE];
	char offset[64];
	struct bytes packed = {0};
	struct bytes cut;
	size_t len;

	(void)state;
	gzip_add_header(&packed, 31);
	packed.len = 0;
	gzip_add(&packed, text.data, 3000, 6);
	for (len = 0; len < packed.len; len++) {
		cut = (struct bytes){.data = packed.data, .len = len};
		/* One byte of a magic is not gzip. */
		assert_int_equal(check_broken(&cut, PEEL_CODEC_GZIP, message),
			len == 1 ? PEEL_EFORMAT : PEEL_ETRUNCATED);
		if (len > 1) {
			snprintf(offset, sizeof(offset), "offset %zu", len);
			assert_non_null(strstr(message, offset));
		}
	}
	bytes_finish(&packed);
}

/** What can be decoded before the place where the data ends is given. */
static void bytes_before_a_failure_are_given(void **state)
{
	cleanup_source struct source *raw = NULL;
	cleanup_free uint8_t *buf = malloc(PLAIN_SIZE);
	struct stream *stream = NULL;
	struct bytes packed = {0};
	struct peel_error err = {0};
	size_t done = 0;
	ssize_t got;

	(void)state;
	assert_non_null(buf);
	gzip_add(&packed, text.data, text.len, 6);
	assert_good(source_new_memory(packed.data, packed.len / 2, 0, &raw, &err), &err);
	assert_good(stream_open(raw, PEEL_CODEC_GZIP, NULL, &stream, &err), &err);
	while ((got = stream_read(stream, buf + done, 1000, &err)) == 1000) {
		done += 1000;
	}
	assert_int_equal(got, PEEL_ETRUNCATED);
	assert_true(done > text.len / 3);
	assert_memory_equal(buf, text.data, done);
	stream_close(stream);
	bytes_finish(&packed);
}

static const struct {
	const char *name;
	/** Offset of the byte to change, from the end where negative. */
	int offset;
	uint8_t change;
	const char *message;
} broken[] = {
	{"method", 2, 1, "method"},
	{"reserved_flag", 3, 0x80, "flag"},
	{"header_crc", 3, 2, "header"},
	{"block_type", 10, 6, "invalid"},
	{"crc", -8, 1, "CRC"},
	{"size", -1, 1, "size"},
};

static void corrupt_is_eformat_twice(void **state)
{
	char message[PEEL_MESSAGE_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < countof(broken); i++) {
		struct bytes packed = {0};
		size_t at;

		gzip_add_stored(&packed, text.data, 5000, 1000);
		at = broken[i].offset < 0 ? packed.len - (size_t)-broken[i].offset
					  : (size_t)broken[i].offset;
		packed.data[at] ^= broken[i].change;
		assert_int_equal(check_broken(&packed, PEEL_CODEC_GZIP, message), PEEL_EFORMAT);
		assert_non_null(strstr(message, broken[i].message));
		bytes_finish(&packed);
	}
}

/**
 * No flipped bit is missed, but in header bytes that mean nothing and in the filling before the
 * trailer.
 */
static void every_flipped_bit_is_noticed(void **state)
{
	struct bytes packed = {0};
	unsigned missed = 0;
	size_t bit;

	(void)state;
	gzip_add(&packed, text.data, 400, 6);
	for (bit = 0; bit < packed.len * 8; bit++) {
		packed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if (check_broken(&packed, PEEL_CODEC_GZIP, NULL) == 0) {
			/* The text flag, time, extra flags and system; the last byte of data. */
			assert_true(bit == 24 || (bit >= 32 && bit < 80) ||
				bit / 8 == packed.len - 9);
			missed++;
		}
		packed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	assert_in_range(missed, 49, 49 + 7);
	assert_int_equal(check_broken(&packed, PEEL_CODEC_GZIP, NULL), 0);
	bytes_finish(&packed);
}

static void second_member_is_checked_too(void **state)
{
	struct bytes packed = {0};
	size_t first;

	(void)state;
	gzip_add(&packed, text.data, 5000, 6);
	first = packed.len;
	gzip_add(&packed, text.data, 5000, 6);
	packed.data[packed.len - 6] ^= 1;
	assert_int_equal(check_broken(&packed, PEEL_CODEC_GZIP, NULL), PEEL_EFORMAT);
	packed.len = first + 2;
	assert_int_equal(check_broken(&packed, PEEL_CODEC_GZIP, NULL), PEEL_ETRUNCATED);
	packed.data[first + 2] = 9;
	packed.len = first + 20;
	assert_int_equal(check_broken(&packed, PEEL_CODEC_GZIP, NULL), PEEL_EFORMAT);
	bytes_finish(&packed);
}

static void endless_header_is_refused(void **state)
{
	struct bytes packed = {0};
	struct bytes name = {.data = malloc(2u << 20), .len = 2u << 20};

	(void)state;
	assert_non_null(name.data);
	memset(name.data, 'x', name.len);
	gzip_add_header(&packed, 8);
	packed.len -= 1;
	bytes_add(&packed, name.data, name.len);
	assert_int_equal(check_broken(&packed, PEEL_CODEC_GZIP, NULL), PEEL_EFORMAT);
	bytes_finish(&packed);
	bytes_finish(&name);
}

/** A reference to before the member's start must not reach the member before. */
static void history_ends_at_the_member(void **state)
{
	/* A block with fixed codes: length 3, distance 1, end; nothing comes before. */
	static const uint8_t data[] = {0x03, 0x02, 0x00};
	struct bytes packed = {0};

	(void)state;
	gzip_add(&packed, text.data, 5000, 6);
	gzip_add_header(&packed, 0);
	bytes_add(&packed, data, sizeof(data));
	gzip_add_trailer(&packed, "", 0);
	assert_int_equal(check_broken(&packed, PEEL_CODEC_GZIP, NULL), PEEL_EFORMAT);
	bytes_finish(&packed);
}

static void failed_read_ends_the_stream(void **state)
{
	struct bytes packed = {0};
	struct peel_error err = {0};
	unsigned n;

	(void)state;
	gzip_add(&packed, text.data, 1000000, 6);
	for (n = 1;; n++) {
		cleanup_source struct source *faulty = NULL;
		struct stream *stream = NULL;
		uint64_t passed = 0;
		bool hit;
		int code;

		assert_good(fault_source_new(packed.data, packed.len, n, &faulty, &err), &err);
		assert_good(stream_open(faulty, PEEL_CODEC_GZIP, NULL, &stream, &err), &err);
		code = stream_pass(stream, UINT64_MAX, NULL, NULL, &passed, &err);
		hit = fault_source_hit(faulty);
		assert_int_equal(code, hit ? PEEL_EIO : 0);
		stream_close(stream);
		if (!hit) {
			break;
		}
	}
	assert_true(n > 3);
	bytes_finish(&packed);
}

static int make_text(void **state)
{
	(void)state;
	bytes_add_text(&text, 1, PLAIN_SIZE + 12345);
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
		cmocka_unit_test(empty_stream_has_size_zero),
		cmocka_unit_test(trailing_bytes_are_counted),
		cmocka_unit_test(long_padding_is_counted),
		cmocka_unit_test(truncated_is_told_with_its_offset),
		cmocka_unit_test(bytes_before_a_failure_are_given),
		cmocka_unit_test(corrupt_is_eformat_twice),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(second_member_is_checked_too),
		cmocka_unit_test(endless_header_is_refused),
		cmocka_unit_test(history_ends_at_the_member),
		cmocka_unit_test(failed_read_ends_the_stream),
	};

	return cmocka_run_group_tests(tests, make_text, free_text);
}
