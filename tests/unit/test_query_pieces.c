/* SPDX-License-Identifier: Apache-2.0 */
#include <peel/facts.h>
#include <peel/waste.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peel_test.h"
#include "testindex.h"
#include "util.h"

/* Names around the slash: a folder's place is that of "name/". */
static const struct test_entry image[] = {
	{.path = "a", .data = "1"},
	{.path = "a-b/x", .data = "22"},
	{.path = "a.c", .data = "333"},
	{.path = "a0", .data = "4444"},
	{.path = "b/one", .data = "55555"},
	{.path = "b/two", .link = "b/one", .hard = 1},
	{.path = "c/one", .data = "666666"},
	{.path = "c/two", .link = "c/one", .hard = 1},
	{.path = "d/one", .data = "7777777"},
	{.path = "d/two", .link = "d/one", .hard = 1},
	{.layer = 1, .path = "a/", .mode = 0700},
	{.layer = 1, .path = "a/z", .data = "8"},
	{.layer = 1, .path = "a/b/c", .data = "9"},
	{.layer = 1, .path = "a!/y", .data = "10"},
	{.layer = 1, .path = "a!/-/y", .data = "11"},
	{.layer = 1, .path = ".wh.a0", .data = ""},
	{.layer = 1, .path = "b/.wh.one", .data = ""},
	{.layer = 1, .path = "c/.wh.one", .data = ""},
	{.layer = 1, .path = "d/.wh.one", .data = ""},
	{.layer = 2, .path = "c/.wh.two", .data = ""},
	{.layer = 2, .path = ".wh.d", .data = ""},
	{.layer = 2, .path = "0/late", .link = "b/two", .hard = 1},
};

/* "PATH LAYER BYTES", and what became of it. */
static const char by_path[] = "/a 0 1 replaced by 1\n"
			      "/a!/-/y 1 2\n"
			      "/a!/y 1 2\n"
			      "/a-b/x 0 2\n"
			      "/a.c 0 3\n"
			      "/a/b/c 1 1\n"
			      "/a/z 1 1\n"
			      "/a0 0 4 deleted by 1\n"
			      "/b/two 0 5\n"
			      "/c/one 0 6 deleted by 2\n"
			      "/d/one 0 7 deleted-with-folder by 2\n";

static const char by_entry[] = "/a 0 1 replaced by 1\n"
			       "/a-b/x 0 2\n"
			       "/a.c 0 3\n"
			       "/a0 0 4 deleted by 1\n"
			       "/b/two 0 5\n"
			       "/c/one 0 6 deleted by 2\n"
			       "/d/one 0 7 deleted-with-folder by 2\n"
			       "/a/z 1 1\n"
			       "/a/b/c 1 1\n"
			       "/a!/y 1 2\n"
			       "/a!/-/y 1 2\n";

struct pieces {
	char text[4096];
	struct peel_ledger ledger;
	size_t count, stop_after;
};

static int take_piece(void *arg, const struct peel_piece *piece)
{
	struct pieces *pieces = arg;
	const size_t used = strlen(pieces->text);
	char fate[64] = "";

	assert_int_equal(strlen(piece->path), piece->path_len);
	assert_int_equal(piece->mode, 0100644);
	assert_int_equal(piece->allocated, 4096);
	assert_null(piece->hash);
	if (!piece->visible) {
		snprintf(fate, sizeof(fate), " %s by %d", peel_cause_name(piece->cause),
			piece->hidden_by);
	}
	snprintf(pieces->text + used, sizeof(pieces->text) - used, "%s %d %u%s\n", piece->path,
		piece->layer, (unsigned)piece->bytes, fate);
	peel_ledger_add(&pieces->ledger, piece);
	return ++pieces->count == pieces->stop_after;
}

static void orders(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);
	static const struct {
		enum peel_piece_order order;
		const char *wanted;
	} cases[] = {{PEEL_BY_PATH, by_path}, {PEEL_BY_ENTRY, by_entry}};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct peel_error err = {0};
		struct pieces pieces = {0};

		assert_good(peel_pieces(test.index, cases[i].order, false, take_piece, &pieces,
				    &err),
			&err);
		assert_string_equal(pieces.text, cases[i].wanted);
		assert_int_equal(pieces.ledger.files, 11);
		assert_int_equal(pieces.ledger.bytes, 34);
		assert_int_equal(pieces.ledger.visible_files, 7);
		assert_int_equal(pieces.ledger.visible_bytes, 16);
		assert_int_equal(peel_ledger_wasted(&pieces.ledger), 18);
		assert_int_equal(pieces.ledger.wasted_allocated[PEEL_CAUSE_DELETED], 2 * 4096);
	}
	test_index_free(&test);
}

static void visible_alone(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);

	(void)state;
	for (int order = PEEL_BY_ENTRY; order <= PEEL_BY_PATH; order++) {
		struct peel_error err = {0};
		struct pieces pieces = {0};

		assert_good(peel_pieces(test.index, (enum peel_piece_order)order, true, take_piece,
				    &pieces, &err),
			&err);
		assert_int_equal(pieces.ledger.files, 7);
		assert_int_equal(pieces.ledger.visible_bytes, 16);
		assert_null(strstr(pieces.text, " by "));
		assert_non_null(strstr(pieces.text, "/b/two 0 5\n"));
	}
	test_index_free(&test);
}

static void callback_stops(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);

	(void)state;
	for (int order = PEEL_BY_ENTRY; order <= PEEL_BY_PATH; order++) {
		struct peel_error err = {0};
		struct pieces pieces = {.stop_after = 3};

		assert_int_equal(peel_pieces(test.index, (enum peel_piece_order)order, false,
					 take_piece, &pieces, &err),
			1);
		assert_int_equal(pieces.count, 3);
		assert_int_equal(err.code, 0);
	}
	test_index_free(&test);
}

/* A path that is as long as it may be, and one that is longer. */
static void long_paths(void **state)
{
	char pax[PEEL_PATH_MAX + 8] = "path=";
	char *path = pax + strlen(pax);

	(void)state;
	for (size_t len = PEEL_PATH_MAX - 2; len <= PEEL_PATH_MAX - 1; len++) {
		/* One name a letter: the deepest that there can be. */
		for (size_t i = 0; i < len; i++) {
			path[i] = i % 2 ? '/' : 'p';
		}
		path[len - 1] = 'q';
		path[len] = '\0';
		const struct test_entry entries[] = {{.path = "p", .data = "x", .pax = pax}};
		struct test_index test = test_index_new(entries, 1, NULL);

		for (int order = PEEL_BY_ENTRY; order <= PEEL_BY_PATH; order++) {
			struct peel_error err = {0};
			struct pieces pieces = {0};
			int r = peel_pieces(test.index, (enum peel_piece_order)order, false,
				take_piece, &pieces, &err);

			assert_int_equal(r, len + 1 < PEEL_PATH_MAX ? 0 : PEEL_ELIMIT);
		}
		test_index_free(&test);
	}
}

/* What a stranger's index may say. */
static const struct {
	const char *sql;
	int by_entry, by_path;
} damages[] = {
	{"UPDATE entry SET why = 99 WHERE name = CAST('a.c' AS BLOB)", PEEL_EFORMAT, PEEL_EFORMAT},
	{"UPDATE entry SET name = CAST('x/y' AS BLOB) WHERE name = CAST('a.c' AS BLOB)",
		PEEL_EFORMAT, PEEL_EFORMAT},
	{"UPDATE entry SET dir = 99999 WHERE name = CAST('a.c' AS BLOB)", PEEL_EFORMAT, 0},
	{"UPDATE entry SET size = -1 WHERE name = CAST('a.c' AS BLOB)", PEEL_EFORMAT, PEEL_EFORMAT},
	{"UPDATE entry SET layer = 77 WHERE name = CAST('a.c' AS BLOB)", PEEL_EFORMAT,
		PEEL_EFORMAT},
	{"UPDATE entry SET hidden_by = 77 WHERE name = CAST('a.c' AS BLOB)", PEEL_EFORMAT,
		PEEL_EFORMAT},
	{"UPDATE entry SET hidden_by = -2 WHERE name = CAST('a.c' AS BLOB)", PEEL_EFORMAT,
		PEEL_EFORMAT},
	{"UPDATE dir SET parent = id WHERE name = CAST('a-b' AS BLOB)", PEEL_EFORMAT, 0},
	{"UPDATE dir SET name = CAST('a/b' AS BLOB) WHERE name = CAST('a-b' AS BLOB)", PEEL_EFORMAT,
		PEEL_EFORMAT},
	{"UPDATE hardlink SET nlink = 5", PEEL_EFORMAT, 0},
	{"UPDATE entry SET why = 0 WHERE type = 'h' AND why IS NOT NULL", PEEL_EFORMAT,
		PEEL_EFORMAT},
	{"UPDATE entry SET hidden_by = 77 WHERE type = 'h' AND why IS NOT NULL", PEEL_EFORMAT,
		PEEL_EFORMAT},
};

static int take_any(void *arg, const struct peel_piece *piece)
{
	struct peel_ledger *ledger = arg;

	peel_ledger_add(ledger, piece);
	return 0;
}

static void forged_index_is_no_danger(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(damages); i++) {
		struct test_index test = test_index_new(image, countof(image), damages[i].sql);
		const int wanted[] = {damages[i].by_entry, damages[i].by_path};

		for (int order = PEEL_BY_ENTRY; order <= PEEL_BY_PATH; order++) {
			const struct peel_waste_options options = {.top = 3, .depth = 9};
			struct peel_ledger ledger = {0};
			struct peel_waste *waste = NULL;
			struct peel_dive *dive = NULL;
			struct peel_error err = {0};
			int r = peel_pieces(test.index, (enum peel_piece_order)order, false,
				take_any, &ledger, &err);

			if (r != wanted[order]) {
				print_error("%s: %d: %s\n", damages[i].sql, order, err.message);
			}
			assert_int_equal(r, wanted[order]);
			peel_waste(test.index, &options, &waste, NULL);
			peel_waste_free(waste);
			peel_dive(test.index, 3, &dive, NULL);
			peel_dive_free(dive);
		}
		test_index_free(&test);
	}
}

/* The kept rows are the largest ones, whatever their number. */
static void top_rows(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);

	(void)state;
	for (size_t top = 0; top < 8; top++) {
		const struct peel_waste_options options = {.top = top, .depth = 1};
		static const char *const wanted[] = {"/d/one", "/c/one", "/a0", "/a"};
		static const char *const folders[] = {"/", "/d", "/c"};
		struct peel_waste *waste = NULL;
		struct peel_error err = {0};

		assert_good(peel_waste(test.index, &options, &waste, &err), &err);
		assert_int_equal(waste->path_total, 4);
		assert_int_equal(waste->path_count, min_u64(top, 4));
		for (size_t i = 0; i < waste->path_count; i++) {
			assert_string_equal(waste->paths[i].path, wanted[i]);
		}
		assert_int_equal(waste->folder_total, 3);
		for (size_t i = 0; i < waste->folder_count; i++) {
			assert_string_equal(waste->folders[i].path, folders[i]);
		}
		peel_waste_free(waste);
	}
	test_index_free(&test);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(peel_cause_name(PEEL_CAUSE_NONE), "");
	assert_string_equal(peel_cause_name(PEEL_CAUSE_METADATA), "metadata");
	assert_string_equal(peel_cause_name(PEEL_CAUSE_MARKER), "marker");
	assert_string_equal(peel_cause_name((enum peel_cause)PEEL_CAUSE_COUNT), "");
	assert_string_equal(peel_claim_name(PEEL_CLAIM_NONE), "");
	assert_string_equal(peel_claim_name(PEEL_CLAIM_EMBEDDED), "embedded");
	assert_string_equal(peel_claim_name((enum peel_claim)99), "");
}

/* Claimed sizes may pass any number; sums stay at the largest. */
static void sums_do_not_wrap(void **state)
{
	const struct peel_piece piece = {.bytes = UINT64_MAX - 1, .visible = true};
	struct peel_ledger ledger = {0};

	(void)state;
	peel_ledger_add(&ledger, &piece);
	peel_ledger_add(&ledger, &piece);
	assert_true(ledger.bytes == UINT64_MAX && ledger.visible_bytes == UINT64_MAX);
	assert_int_equal(ledger.files, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders),
		cmocka_unit_test(visible_alone),
		cmocka_unit_test(callback_stops),
		cmocka_unit_test(long_paths),
		cmocka_unit_test(forged_index_is_no_danger),
		cmocka_unit_test(top_rows),
		cmocka_unit_test(names),
		cmocka_unit_test(sums_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
