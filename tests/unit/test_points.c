/* SPDX-License-Identifier: Apache-2.0 */
#include "points.h"

#include <stdlib.h>
#include <string.h>

#include "compress.h"
#include "fault.h"
#include "peel_test.h"
#include "util.h"

static struct bytes text;

static const struct point points[] = {
	{.out_off = 0, .in_off = 0},
	{.out_off = 5000000, .in_off = 1000, .bits = 3, .window_len = POINT_WINDOW},
	{.out_off = 9000000, .in_off = 2000, .window_len = 100},
	{.out_off = UINT64_MAX - 1, .in_off = UINT64_MAX - 2},
};

static const struct {
	uint64_t out_off;
	size_t found;
} finds[] = {
	{0, 0},
	{1, 0},
	{4999999, 0},
	{5000000, 1},
	{5000001, 1},
	{8999999, 1},
	{9000000, 2},
	{UINT64_MAX - 2, 2},
	{UINT64_MAX - 1, 3},
	{UINT64_MAX, 3},
};

/** Window of point i. */
static const uint8_t *window_of(size_t i)
{
	return text.data + i * 1000;
}

static struct point_list *make_list(size_t count)
{
	struct point_list *list = NULL;
	struct peel_error err = {0};
	struct point_sink sink;
	size_t i;

	assert_good(point_list_new(&list, &err), &err);
	sink = point_list_sink(list);
	for (i = 0; i < count; i++) {
		assert_good(sink.add(sink.arg, &points[i], window_of(i), &err), &err);
	}
	return list;
}

static void last_point_before_an_offset_is_found(void **state)
{
	struct point_list *list = make_list(countof(points));
	struct point_finder finder = point_list_finder(list);
	struct peel_error err = {0};
	uint8_t window[POINT_WINDOW];
	struct point point;
	size_t i;

	(void)state;
	assert_int_equal(point_list_count(list), countof(points));
	for (i = 0; i < countof(finds); i++) {
		const struct point *wanted = &points[finds[i].found];

		assert_good(finder.find(finder.arg, finds[i].out_off, &point, window, &err), &err);
		assert_int_equal(point.out_off, wanted->out_off);
		assert_int_equal(point.in_off, wanted->in_off);
		assert_int_equal(point.bits, wanted->bits);
		assert_int_equal(point.window_len, wanted->window_len);
		assert_memory_equal(window, window_of(finds[i].found), wanted->window_len);
	}
	point_list_free(list);
}

static void empty_list_finds_nothing(void **state)
{
	struct point_list *list = make_list(0);
	struct point_finder finder = point_list_finder(list);
	struct peel_error err = {0};
	struct point point;

	(void)state;
	assert_failure(finder.find(finder.arg, 5, &point, NULL, &err), PEEL_ENOENT, &err,
		"offset 5");
	point_list_free(list);
	point_list_free(NULL);
}

static void windows_are_kept_packed(void **state)
{
	struct point_list *list = make_list(countof(points));
	uint8_t window[POINT_WINDOW];
	const void *packed = NULL;
	size_t len = 0;
	size_t i;

	(void)state;
	for (i = 0; i < countof(points); i++) {
		const struct point *point = point_list_get(list, i, &packed, &len);

		assert_int_equal(point->out_off, points[i].out_off);
		if (point->window_len == 0) {
			assert_null(packed);
			assert_int_equal(len, 0);
			continue;
		}
		assert_int_equal(window_unpack(packed, len, window, point->window_len, NULL), 0);
		assert_memory_equal(window, window_of(i), point->window_len);
	}
	point_list_get(list, 1, &packed, &len);
	assert_true(len < POINT_WINDOW * 3 / 4);
	point_list_free(list);
}

static void broken_windows_are_refused(void **state)
{
	cleanup_free void *packed = NULL;
	uint8_t window[POINT_WINDOW];
	struct peel_error err = {0};
	size_t len = 0;

	(void)state;
	assert_good(window_pack(text.data, 20000, &packed, &len, &err), &err);
	assert_int_equal(window_unpack(packed, len, window, 20000, &err), 0);
	assert_memory_equal(window, text.data, 20000);
	assert_failure(window_unpack(packed, len, window, 19999, &err), PEEL_EFORMAT, &err,
		"access point");
	assert_failure(window_unpack(packed, len, window, 20001, &err), PEEL_EFORMAT, &err,
		"access point");
	assert_failure(window_unpack(packed, len - 1, window, 20000, &err), PEEL_EFORMAT, &err,
		"access point");
	assert_failure(window_unpack(packed, 0, window, 20000, &err), PEEL_EFORMAT, &err,
		"access point");
	assert_failure(window_unpack("garbage", 7, window, 20000, &err), PEEL_EFORMAT, &err,
		"access point");
}

static void out_of_memory_is_told(void **state)
{
	long before = fault_alloc_live();
	struct peel_error err = {0};
	unsigned n;
	int code;
	bool hit = true;

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (n = 1; hit; n++) {
		struct point_list *list = NULL;

		fault_alloc(n);
		code = point_list_new(&list, &err);
		if (code == 0) {
			struct point_sink sink = point_list_sink(list);

			code = sink.add(sink.arg, &points[1], text.data, &err);
			assert_int_equal(point_list_count(list), code == 0);
		}
		hit = fault_alloc_hit();
		/* A window that cannot be moved to a smaller place stays where it is. */
		assert_true(code == 0 || (hit && code == PEEL_ENOMEM));
		point_list_free(list);
		assert_int_equal(fault_alloc_live(), before);
	}
	assert_true(n > 3);
}

static int make_text(void **state)
{
	(void)state;
	bytes_add_text(&text, 1, 100000);
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
		cmocka_unit_test(last_point_before_an_offset_is_found),
		cmocka_unit_test(empty_list_finds_nothing),
		cmocka_unit_test(windows_are_kept_packed),
		cmocka_unit_test(broken_windows_are_refused),
		cmocka_unit_test(out_of_memory_is_told),
	};

	return cmocka_run_group_tests(tests, make_text, free_text);
}
