/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: the table, how they are given, and what an index says it came to. */
#include "peel_test.h"

#include <stdio.h>
#include <string.h>

#include <peel/query.h>

#include "limit.h"
#include "util.h"

static void table_is_sound(void **state)
{
	const struct peel_limit_info *before = NULL;
	const struct peel_limit_info *info;

	(void)state;
	for (unsigned i = 0; (info = peel_limit_info(i)); i++) {
		assert_true(!before || strcmp(before->name, info->name) < 0);
		assert_true(info->least > 0 && info->least <= info->standard);
		assert_true(info->standard <= info->most);
		assert_true(*info->holds && *info->reason);
		assert_int_equal(*info->bound == '\0', info->most == PEEL_NO_LIMIT);
		assert_int_equal(peel_limit_value(NULL, (enum peel_limit)i), info->standard);
		before = info;
	}
	assert_null(peel_limit_info(PEEL_LIMITS));
	/* The kernel's. */
	assert_int_equal(peel_limit_info(PEEL_LIMIT_SYMLINK_HOPS)->most, PEEL_SYMLINK_MAX);
}

static const struct {
	const char *text;
	enum peel_limit limit;
	uint64_t value;
	const char *shown;
} good[] = {
	{"entries=1", PEEL_LIMIT_ENTRIES, 1, "1"},
	{"entries=5K", PEEL_LIMIT_ENTRIES, 5 << 10, "5120"},
	{"json-size=1M", PEEL_LIMIT_JSON_SIZE, 1 << 20, "1M"},
	{"json-size=1048577", PEEL_LIMIT_JSON_SIZE, (1 << 20) + 1, "1048577"},
	{"layer-bytes=3T", PEEL_LIMIT_LAYER_BYTES, UINT64_C(3) << 40, "3T"},
	{"layer-bytes=none", PEEL_LIMIT_LAYER_BYTES, PEEL_NO_LIMIT, "none"},
	{"time=90s", PEEL_LIMIT_TIME, 90, "90s"},
	{"time=90", PEEL_LIMIT_TIME, 90, "90s"},
	{"time=2h", PEEL_LIMIT_TIME, 7200, "2h"},
	{"time=1d", PEEL_LIMIT_TIME, 86400, "1d"},
	{"depth=3,time=10m", PEEL_LIMIT_TIME, 600, "10m"},
};

static void values_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(good); i++) {
		struct peel_limits limits = {0};
		struct peel_error err = {0};
		char text[PEEL_LIMIT_TEXT];

		assert_good(peel_limits_set(&limits, good[i].text, &err), &err);
		assert_int_equal(peel_limit_value(&limits, good[i].limit), good[i].value);
		assert_string_equal(peel_limit_text(text, good[i].limit, good[i].value),
			good[i].shown);
	}
}

static void bad_values_change_nothing(void **state)
{
	static const char *const bad[] = {"", "=", "entries", "entries=", "=5", "entries=-1",
		"entries=0", "entries=1Q", "entries=1KK", "entries=18446744073709551616",
		"entries=18446744073709551615T", "entries=none", "Entries=5", "time=1w", "time=K",
		"depth=1,", ",depth=1", "depth=1,,depth=2", "depth=1 ,depth=2", "json-depth=1001",
		"path-length=99999999999999999999999999999999999999999999999999999999999999999999"};

	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		struct peel_limits limits = {0};
		struct peel_limits none = {0};
		struct peel_error err = {0};

		assert_failure(peel_limits_set(&limits, bad[i], &err), PEEL_EUSAGE, &err, "limit");
		assert_memory_equal(&limits, &none, sizeof(none));
	}
}

static void messages_name_the_way_out(void **state)
{
	struct peel_limits asked = {0};
	struct limit_watch watch;
	struct peel_error err = {0};

	(void)state;
	assert_good(peel_limits_set(&asked, "depth=5,symlink-hops=40", &err), &err);
	limits_begin(&watch, &asked);
	assert_good(limits_check(&watch, PEEL_LIMIT_DEPTH, 5, &err), &err);
	assert_false(limits_stopped(&watch));
	assert_failure(limits_check(&watch, PEEL_LIMIT_DEPTH, 6, &err), PEEL_ELIMIT, &err,
		"depth: 6 is over the limit of 5 (--limit depth=N raises it)");
	/* It cuts a layer, and ends nothing. */
	assert_false(limits_stopped(&watch));
	assert_failure(limits_check(&watch, PEEL_LIMIT_SYMLINK_HOPS, 41, &err), PEEL_ELIMIT, &err,
		"(the kernel follows no more");
	assert_true(limits_stopped(&watch));
	assert_failure(limits_check(NULL, PEEL_LIMIT_DEPTH, 99999, &err), PEEL_ELIMIT, &err,
		"8192");
	assert_int_equal(limits_check(NULL, PEEL_LIMIT_DEPTH, 99999, NULL), PEEL_ELIMIT);
}

static void time_and_memory_are_looked_at(void **state)
{
	struct peel_limits asked = {.values = {[PEEL_LIMIT_TIME] = 10}};
	struct limit_watch watch;
	struct peel_error err = {0};

	(void)state;
	limits_begin(&watch, &asked);
	assert_good(limits_tick(&watch, &err), &err);
	watch.started -= 11500;
	watch.looked = 0;
	assert_failure(limits_tick(&watch, &err), PEEL_ELIMIT, &err,
		"time: 11s is over the limit of 10s");
	limits_restart(&watch);
	watch.looked = 0;
	assert_good(limits_tick(&watch, &err), &err);
	/* Not again right away. */
	assert_int_equal(limits_tick(&watch, &err), 0);
	assert_int_equal(limits_tick(NULL, &err), 0);
}

static void ratio_counts_from_its_start(void **state)
{
	struct peel_limits asked = {
		.values = {[PEEL_LIMIT_RATIO] = 10, [PEEL_LIMIT_RATIO_FROM] = 1 << 20}};
	struct limit_watch watch;
	struct peel_error err = {0};

	(void)state;
	limits_begin(&watch, &asked);
	assert_good(limits_decoded(&watch, 1, 1 << 20, &err), &err);
	assert_failure(limits_decoded(&watch, 1, 1, &err), PEEL_ELIMIT, &err, "ratio: 524288");
	limits_begin(&watch, &asked);
	assert_good(limits_decoded(&watch, 1 << 20, 10 << 20, &err), &err);
	assert_failure(limits_decoded(&watch, 0, 2 << 20, &err), PEEL_ELIMIT, &err, "ratio: 12");
}

/** What an image came to under some limits, and whether that serves under others. */
static const struct {
	const char *built;
	const char *asked;
	bool image;
	bool layers;
} rules[] = {
	{"", "", true, true},
	{"", "depth=8", true, true},
	{"", "depth=7", false, false},
	{"", "entries=100", true, true},
	{"", "entries=99", false, true},
	{"", "total-bytes=9999", false, true},
	{"", "time=1s,spool=1,index-size=1M", true, true},
	/* It was cut at a depth of six. */
	{"depth=6", "depth=6", true, true},
	{"depth=6", "depth=6,entries=101", true, true},
	{"depth=6", "depth=5", false, false},
	{"depth=6", "depth=7", false, true},
	{"depth=6", "", false, true},
	/* From which byte on the ratio counts. */
	{"ratio-from=1M", "", true, true},
	{"", "ratio-from=1M", true, true},
};

static void indexes_serve_where_nothing_would_change(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rules); i++) {
		struct peel_limits built = {0};
		struct peel_limits asked = {0};
		struct limit_watch before;
		struct limit_watch after;
		struct peel_error err = {0};
		char text[LIMIT_REACHED_TEXT];

		if (*rules[i].built) {
			assert_good(peel_limits_set(&built, rules[i].built, &err), &err);
		}
		if (*rules[i].asked) {
			assert_good(peel_limits_set(&asked, rules[i].asked, &err), &err);
		}
		limits_begin(&before, &built);
		(void)limits_check(&before, PEEL_LIMIT_DEPTH, 8, &err);
		(void)limits_check(&before, PEEL_LIMIT_ENTRIES, 100, &err);
		(void)limits_decoded(&before, 100, 10000, &err);
		limits_reached_text(&before, text);
		limits_begin(&after, &asked);
		assert_int_equal(limits_allow(&after, text, true), rules[i].image);
		assert_int_equal(limits_allow(&after, text, false), rules[i].layers);
	}
}

static void other_texts_serve_nobody(void **state)
{
	static const char *const bad[] = {"", "x", "depth=1", "depth=", "=1", "!", "! !",
		"depth=1 =", "depth=1 entries=x", "time=1"};
	struct limit_watch watch;
	char text[LIMIT_REACHED_TEXT];
	char cut[LIMIT_REACHED_TEXT];
	char more[LIMIT_REACHED_TEXT + 16];

	(void)state;
	limits_begin(&watch, NULL);
	for (size_t i = 0; i < countof(bad); i++) {
		assert_false(limits_allow(&watch, bad[i], true));
		assert_false(limits_allow(&watch, bad[i], false));
	}
	limits_reached_text(&watch, text);
	assert_true(limits_allow(&watch, text, true));
	for (size_t len = 0; len + 1 < strlen(text); len++) {
		snprintf(cut, sizeof(cut), "%.*s", (int)len, text);
		assert_false(limits_allow(&watch, cut, true) && strrchr(cut, '=') == NULL);
	}
	snprintf(more, sizeof(more), "%s surprise=1", text);
	assert_false(limits_allow(&watch, more, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_values_change_nothing),
		cmocka_unit_test(indexes_serve_where_nothing_would_change),
		cmocka_unit_test(messages_name_the_way_out),
		cmocka_unit_test(other_texts_serve_nobody),
		cmocka_unit_test(ratio_counts_from_its_start),
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(time_and_memory_are_looked_at),
		cmocka_unit_test(values_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
