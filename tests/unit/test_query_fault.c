/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every question with the n-th allocation failing, for every n: the answer is PEEL_ENOMEM or, where SQLite could do
 * without, the right one; and the next question is answered as if nothing had happened.
 */
#include <peel/query.h>
#include <peel/waste.h>

#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "peel_test.h"
#include "testindex.h"
#include "util.h"

/* More allocations than any question makes. */
#define TURNS_MAX 20000
#define EACH 100
#define STRIDE 13

static const struct test_entry entries[] = {
	{.path = "d/"},
	{.path = "d/f", .data = "hello", .pax = "SCHILY.xattr.user.a=b"},
	{.path = "d/l", .link = "/d/../e/./x"},
	{.path = "e", .link = "d"},
	{.path = "h", .link = "d/f", .hard = 1},
	{.layer = 1, .path = "d/f", .data = "hellO"},
	{.layer = 1, .path = ".wh.e", .data = ""},
	{.layer = 1, .path = "g/x", .data = ""},
	{.layer = 1, .path = "g/same", .data = "hello"},
};

static int ask_resolve(struct peel_index *index, struct peel_error *err)
{
	cleanup_free char *canonical = NULL;
	struct peel_node node;

	return peel_resolve(index, 0, 0, "e/f", 3, true, &node, &canonical, err);
}

static int count_entry(void *arg, const struct peel_dirent *entry)
{
	*(int *)arg += entry->name_len > 0;
	return 0;
}

static int ask_list(struct peel_index *index, struct peel_error *err)
{
	int count = 0;
	int r = peel_list(index, peel_root(1), 0, count_entry, &count, err);

	return r < 0 ? r : count;
}

static int ask_link(struct peel_index *index, struct peel_error *err)
{
	cleanup_free char *target = NULL;
	struct peel_node node;
	size_t len;
	int r = peel_resolve(index, 0, 0, "d/l", 3, false, &node, NULL, err);

	if (r == 0) {
		r = peel_readlink_inside(index, node.ino, &target, &len, err);
	}
	return r < 0 ? r : (int)len;
}

static int count_step(void *arg, const struct peel_step *step)
{
	(void)arg;
	return step->layer > 5;
}

static int ask_why(struct peel_index *index, struct peel_error *err)
{
	return peel_why(index, "d/f", 3, count_step, NULL, err);
}

static int sum_row(void *arg, int columns, const char *const *names,
	const struct peel_value *values)
{
	(void)columns;
	(void)names;
	*(int *)arg += (int)values[0].integer;
	return 0;
}

static int ask_sql(struct peel_index *index, struct peel_error *err)
{
	int sum = 0;
	int r = peel_sql(index, "SELECT size FROM tree ORDER BY path; SELECT 7", sum_row, &sum,
		err);

	return r < 0 ? r : sum;
}

static int take_xattr(void *arg, const char *name, const void *value, size_t len)
{
	(void)name;
	(void)value;
	*(int *)arg += (int)len;
	return 0;
}

static int ask_xattrs(struct peel_index *index, struct peel_error *err)
{
	struct peel_node node;
	int len = 0;
	int r = peel_resolve(index, 0, 0, "d/f", 3, false, &node, NULL, err);

	if (r == 0) {
		r = peel_xattrs(index, node.ino, take_xattr, &len, err);
	}
	return r < 0 ? r : len;
}

static int ask_read(struct peel_index *index, struct peel_error *err)
{
	struct peel_node node;
	char buf[8];
	int r = peel_resolve(index, PEEL_VIEW_MERGED, 0, "d/f", 3, false, &node, NULL, err);

	return r < 0 ? r : (int)peel_read(index, node.ino, 0, buf, sizeof(buf), err);
}

static int take_piece(void *arg, const struct peel_piece *piece)
{
	*(uint64_t *)arg += piece->bytes;
	return 0;
}

static int ask_pieces(struct peel_index *index, struct peel_error *err)
{
	uint64_t bytes = 0;
	int r = peel_pieces(index, PEEL_BY_ENTRY, false, take_piece, &bytes, err);

	if (r == 0) {
		r = peel_pieces(index, PEEL_BY_PATH, false, take_piece, &bytes, err);
	}
	return r < 0 ? r : (int)bytes;
}

static int ask_waste(struct peel_index *index, struct peel_error *err)
{
	const struct peel_waste_options options = {.top = 2, .depth = 1};
	struct peel_waste *waste = NULL;
	int r = peel_waste(index, &options, &waste, err);

	if (r == 0) {
		r = (int)peel_ledger_wasted(&waste->total);
	}
	peel_waste_free(waste);
	return r;
}

static int ask_dive(struct peel_index *index, struct peel_error *err)
{
	struct peel_dive *dive = NULL;
	int r = peel_dive(index, 2, &dive, err);

	if (r == 0) {
		r = (int)dive->wasted_bytes;
	}
	peel_dive_free(dive);
	return r;
}

static int take_duplicate(void *arg, const struct peel_duplicate *duplicate)
{
	*(uint64_t *)arg += duplicate->saved;
	return 0;
}

static int ask_duplicates(struct peel_index *index, struct peel_error *err)
{
	const struct peel_duplicates_options options = {.groups = 2, .paths = 2};
	struct peel_duplicates sums;
	uint64_t saved = 0;
	int r = peel_duplicates(index, &options, take_duplicate, &saved, &sums, err);

	return r < 0 ? r : (int)saved;
}

static int (*const questions[])(struct peel_index *index, struct peel_error *err) = {
	ask_dive,
	ask_duplicates,
	ask_link,
	ask_list,
	ask_pieces,
	ask_read,
	ask_resolve,
	ask_sql,
	ask_waste,
	ask_why,
	ask_xattrs,
};

static void failed_allocations_are_survived(void **state)
{
	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (size_t i = 0; i < countof(questions); i++) {
		struct test_index test = test_index_new(entries, countof(entries), NULL);
		struct test_index fresh = test_index_new(entries, countof(entries), NULL);
		struct peel_error err = {0};
		const int wanted = questions[i](test.index, &err);
		bool hit = true;

		assert_good(wanted, &err);
		/* Each of the first ones, then one of a few: opening a connection makes thousands. */
		for (unsigned n = 1; hit; n += n < EACH ? 1 : STRIDE) {
			int r;

			assert_true(n < TURNS_MAX);
			fault_alloc(n);
			r = questions[i](fresh.index, &err);
			hit = fault_alloc_hit();
			if (r != PEEL_ENOMEM && r != wanted) {
				fail_msg("question %zu, allocation %u: %d %s", i, n, r,
					err.message);
			}
			assert_int_equal(questions[i](test.index, &err), wanted);
			test_index_reopen(&fresh);
		}
		test_index_free(&test);
		test_index_free(&fresh);
	}
}

static void nothing_is_leaked(void **state)
{
	struct test_index test;
	struct peel_error err = {0};
	long before;

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	test = test_index_new(entries, countof(entries), NULL);
	for (size_t i = 0; i < countof(questions); i++) {
		assert_good(questions[i](test.index, &err), &err);
	}
	test_index_free(&test);
	before = fault_alloc_live();
	test = test_index_new(entries, countof(entries), NULL);
	for (size_t i = 0; i < countof(questions); i++) {
		assert_good(questions[i](test.index, &err), &err);
	}
	test_index_free(&test);
	assert_int_equal(fault_alloc_live(), before);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed_allocations_are_survived),
		cmocka_unit_test(nothing_is_leaked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
