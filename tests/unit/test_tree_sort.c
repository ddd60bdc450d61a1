/* SPDX-License-Identifier: Apache-2.0 */
/* Rows come back in order, whatever the memory. */
#include "tree_sort.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compress.h"
#include "peel_test.h"
#include "util.h"

#define ROWS 20000
#define NAME_MAX_LEN 40

struct row {
	struct sort_row row;
	char name[NAME_MAX_LEN + 1];
};

static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a;
	const struct row *right = b;
	int order;

	if (left->row.dir != right->row.dir) {
		return left->row.dir < right->row.dir ? -1 : 1;
	}
	order = memcmp(left->name, right->name, min_u64(left->row.name_len, right->row.name_len));
	if (order == 0 && left->row.name_len != right->row.name_len) {
		order = left->row.name_len < right->row.name_len ? -1 : 1;
	}
	if (order == 0) {
		order = left->row.type - right->row.type;
	}
	return order ? order : left->row.id < right->row.id ? -1 : 1;
}

/** Few folders and few letters, so that many keys are alike or begin alike; NULs in names, too. */
static struct row *make_rows(void)
{
	struct row *rows = calloc(ROWS, sizeof(*rows));
	uint32_t state = 7;

	for (unsigned i = 0; i < ROWS; i++) {
		size_t len = test_random(&state, test_random(&state, 8) ? 6 : NAME_MAX_LEN);

		for (size_t at = 0; at < len; at++) {
			rows[i].name[at] = "\0a\xff"[test_random(&state, 3)];
		}
		rows[i].row = (struct sort_row){
			.id = i + 16,
			.size = (uint64_t)i << 33,
			.dir = test_random(&state, 20),
			.content = (uint64_t)test_random(&state, UINT32_MAX) << 20,
			.meta = i * UINT64_C(0x9e3779b97f4a7c15),
			.name_len = (uint16_t)len,
			.type = "fdlw"[i % 4],
			.sparse = i % 3 == 0,
			.aside = i % 5 == 0,
		};
	}
	return rows;
}

static void rows_come_back_in_order(void **state)
{
	static const struct {
		size_t budget;
		unsigned rows;
		bool file;
	} cases[] = {
		{TREE_SORT_BUDGET, ROWS, true},
		{200000, ROWS, true},
		{5000, ROWS, true},
		{1, 100, true},
		{1, ROWS, false},
		{1000, 0, true},
		{1000, 1, true},
	};
	int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct row *rows = make_rows();
		struct tree_sort *sort = NULL;
		struct peel_error err = {0};
		struct sort_row got;

		assert_int_equal(tree_sort_new(cases[i].budget, cases[i].file ? folder : -1, &sort,
					 &err),
			0);
		for (unsigned n = 0; n < cases[i].rows; n++) {
			rows[n].row.name = rows[n].name;
			assert_good(tree_sort_add(sort, &rows[n].row, &err), &err);
		}
		qsort(rows, cases[i].rows, sizeof(*rows), compare_rows);
		assert_good(tree_sort_finish(sort, &err), &err);
		/* Some way, and once more from the start. */
		for (unsigned n = 0; n < cases[i].rows / 2; n++) {
			assert_int_equal(tree_sort_next(sort, &got, &err), 1);
		}
		assert_good(tree_sort_rewind(sort, &err), &err);
		for (unsigned n = 0; n < cases[i].rows; n++) {
			const struct sort_row *expected = &rows[n].row;

			assert_int_equal(tree_sort_next(sort, &got, &err), 1);
			assert_true(got.id == expected->id && got.size == expected->size);
			assert_int_equal(got.dir, expected->dir);
			assert_true(got.content == expected->content);
			assert_true(got.meta == expected->meta);
			assert_int_equal(got.type, expected->type);
			assert_int_equal(got.sparse, expected->sparse);
			assert_int_equal(got.aside, expected->aside);
			assert_int_equal(got.name_len, expected->name_len);
			assert_memory_equal(got.name, rows[n].name, got.name_len);
		}
		assert_int_equal(tree_sort_next(sort, &got, &err), 0);
		assert_int_equal(tree_sort_next(sort, &got, &err), 0);
		tree_sort_free(sort);
		free(rows);
	}
	close(folder);
}

static void long_names_pass_through_the_file(void **state)
{
	int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *name = malloc(UINT16_MAX);
	struct sort_row row = {.name = name, .name_len = UINT16_MAX};
	struct tree_sort *sort = NULL;
	struct peel_error err = {0};

	(void)state;
	memset(name, 'n', UINT16_MAX);
	assert_int_equal(tree_sort_new(1, folder, &sort, &err), 0);
	for (row.id = 10; row.id > 0; row.id--) {
		assert_good(tree_sort_add(sort, &row, &err), &err);
	}
	assert_good(tree_sort_finish(sort, &err), &err);
	for (uint64_t id = 1; id <= 10; id++) {
		assert_int_equal(tree_sort_next(sort, &row, &err), 1);
		assert_int_equal(row.id, id);
		assert_int_equal(row.name_len, UINT16_MAX);
		assert_memory_equal(row.name, name, UINT16_MAX);
	}
	tree_sort_free(sort);
	free(name);
	close(folder);
}

static void a_full_disk_is_told(void **state)
{
	struct sort_row row = {.name = "x", .name_len = 1};
	struct tree_sort *sort = NULL;
	struct peel_error err = {0};
	/* A folder where nothing can be made. */
	int folder = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(tree_sort_new(1, folder, &sort, &err), 0);
	assert_int_equal(tree_sort_add(sort, &row, &err), 0);
	row.id = 1;
	assert_failure(tree_sort_add(sort, &row, &err), PEEL_EIO, &err, "temporary file");
	tree_sort_free(sort);
	close(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_back_in_order),
		cmocka_unit_test(long_names_pass_through_the_file),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
