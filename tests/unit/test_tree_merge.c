/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The merge, a rule a case: what becomes of each entry, and who hid it. Ids are those of semantics
 * (a).
 */
#include "peel_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/query.h>

#include "testindex.h"
#include "tree_kill.h"
#include "util.h"

/** Most entries of a case. */
#define CASE_ENTRIES 12

struct merge_case {
	const char *name;
	struct test_entry entries[CASE_ENTRIES];
	/** A line an entry: path, then "visible" or the reason and the layer that did it. */
	const char *expected;
	/** Codes of the findings in order, each with a blank behind it. */
	const char *findings;
};

static const struct merge_case cases[] = {
	{"w01 a whiteout deletes a file",
		{{.path = "a", .data = "1"}, {.layer = 1, .path = ".wh.a", .data = ""}},
		"/a deleted 1\n/a whiteout\n", ""},
	{"w02 a whiteout deletes a folder and all in it",
		{{.path = "d/"}, {.path = "d/f", .data = "1"},
			{.layer = 1, .path = ".wh.d", .data = ""}},
		"/d deleted 1\n/d/f deleted-with-folder 1\n/d whiteout\n", ""},
	{"w03 an opaque marker first",
		{{.path = "d/"}, {.path = "d/f", .data = "1"}, {.layer = 1, .path = "d/"},
			{.layer = 1, .path = "d/.wh..wh..opq", .data = ""},
			{.layer = 1, .path = "d/n", .data = "2"}},
		"/d identical 1\n/d/f opaque 1\n/d visible\n/d/ opaque marker\n/d/n visible\n", ""},
	{"w04 an opaque marker last",
		{{.path = "d/"}, {.path = "d/f", .data = "1"}, {.layer = 1, .path = "d/"},
			{.layer = 1, .path = "d/n", .data = "2"},
			{.layer = 1, .path = "d/.wh..wh..opq", .data = ""}},
		"/d identical 1\n/d/f opaque 1\n/d visible\n/d/n visible\n/d/ opaque marker\n", ""},
	{"w05 a whiteout, then the name again",
		{{.path = "a", .data = "1"}, {.layer = 1, .path = ".wh.a", .data = ""},
			{.layer = 1, .path = "a", .data = "2"}},
		"/a deleted 1\n/a whiteout\n/a visible\n", ""},
	{"w06 a name, then its whiteout in the same layer",
		{{.path = "a", .data = "1"}, {.layer = 1, .path = "a", .data = "2"},
			{.layer = 1, .path = ".wh.a", .data = ""}},
		"/a deleted 1\n/a visible\n/a whiteout\n", "whiteout-same-layer "},
	{"w07 a whiteout of nothing makes no folders",
		{{.path = "a", .data = "1"}, {.layer = 1, .path = "x/y/.wh.z", .data = ""}},
		"/a visible\n/x/y/z whiteout\n", ""},
	{"w08 a whiteout without a name",
		{{.path = "d/"}, {.layer = 1, .path = "d/.wh.", .data = ""}},
		"/d visible\n/d/.wh. marker 1\n", "invalid-whiteout "},
	{"w27 a child in a folder that is whited out",
		{{.path = "d/"}, {.path = "d/old", .data = "1"},
			{.layer = 1, .path = ".wh.d", .data = ""},
			{.layer = 1, .path = "d/new", .data = "2"}},
		"/d deleted 1\n/d/old deleted-with-folder 1\n/d whiteout\n/d/new visible\n", ""},
	{"r01 a file in a folder's place",
		{{.path = "d/"}, {.path = "d/f", .data = "1"},
			{.layer = 1, .path = "d", .data = "2"}},
		"/d replaced 1\n/d/f replaced 1\n/d visible\n", ""},
	{"r02 a folder in a file's place",
		{{.path = "d", .data = "1"}, {.layer = 1, .path = "d/"},
			{.layer = 1, .path = "d/f", .data = "2"}},
		"/d replaced 1\n/d visible\n/d/f visible\n", ""},
	{"r05 a parent that is a lower layer's symlink becomes a folder",
		{{.path = "d/"}, {.path = "l", .link = "d"},
			{.layer = 1, .path = "l/f", .data = "1"}},
		"/d visible\n/l replaced 1\n/l/f visible\n", "engines-differ "},
	{"r06 an entry below a regular file is unreachable",
		{{.path = "f", .data = "1"}, {.layer = 1, .path = "f/c", .data = "2"}},
		"/f visible\n/f/c unreachable 1\n", "parent-not-dir "},
	{"r10 a loop of symlinks as a parent",
		{{.path = "a", .link = "b"}, {.path = "b", .link = "a"},
			{.path = "a/f", .data = "1"}},
		"/a visible\n/b visible\n/a/f unreachable 0\n", "symlink-loop parent-not-dir "},
	{"r12 a parent that is a symlink of the same layer is followed",
		{{.path = "real/"}, {.path = "s", .link = "real"}, {.path = "s/n", .data = "1"}},
		"/real visible\n/s visible\n/real/n visible\n", "engines-differ "},
	{"r15 a symlink above the root is clamped",
		{{.path = "up", .link = "../.."}, {.path = "up/n", .data = "1"}},
		"/up visible\n/n visible\n", "engines-differ "},
	{"an entry replaces the symlink that it was reached by",
		{{.path = "d/"}, {.path = "d/l", .link = "../d"}, {.path = "d/l/l", .data = "1"},
			{.path = "d/l/x", .data = "2"}},
		"/d visible\n/d/l duplicate 0\n/d/l visible\n/d/l/x unreachable 0\n",
		"engines-differ duplicate-entry parent-not-dir "},
	{"n22 the last of duplicates wins",
		{{.path = "a", .data = "1"}, {.path = "a", .data = "2"}},
		"/a duplicate 0\n/a visible\n", "duplicate-entry "},
	{"h01 two names of one file",
		{{.path = "a", .data = "1"}, {.path = "b", .link = "a", .hard = 1}},
		"/a visible\n/b visible\n", ""},
	{"h03 a hard link to nothing", {{.path = "b", .link = "a", .hard = 1}},
		"/b broken-link 0\n", "bad-hardlink "},
	{"h04 a hard link to a later entry",
		{{.path = "b", .link = "a", .hard = 1}, {.path = "a", .data = "1"}},
		"/b broken-link 0\n/a visible\n", "bad-hardlink "},
	{"h12 the other name keeps the old content",
		{{.path = "a", .data = "1"}, {.path = "b", .link = "a", .hard = 1},
			{.layer = 1, .path = "a", .data = "22"}},
		"/a overwritten 1\n/b visible\n/a visible\n", ""},
	{"h13 a hard link to a deleted file",
		{{.path = "a", .data = "1"}, {.layer = 1, .path = ".wh.a", .data = ""},
			{.layer = 2, .path = "b", .link = "a", .hard = 1}},
		"/a deleted 1\n/a whiteout\n/b broken-link 2\n", "bad-hardlink "},
	{"h17 a hard link to a file that its own layer deletes",
		{{.path = "a", .data = "1"}, {.layer = 1, .path = "b", .link = "a", .hard = 1},
			{.layer = 1, .path = ".wh.a", .data = ""}},
		"/a deleted 1\n/b broken-link 1\n/a whiteout\n", "bad-hardlink "},
	{"metadata alone: a chown of a symlink",
		{{.path = "l", .link = "x"}, {.layer = 1, .path = "l", .link = "x", .uid = 7}},
		"/l metadata 1\n/l visible\n", ""},
	{"an empty file again, and with another mode",
		{{.path = "e", .data = ""}, {.layer = 1, .path = "e", .data = ""},
			{.layer = 2, .path = "e", .data = "", .mode = 0600}},
		"/e identical 1\n/e metadata 2\n/e visible\n", ""},
	{"the first that happens is the reason",
		{{.path = "d/"}, {.path = "d/f", .data = "1"},
			{.layer = 1, .path = "d/f", .data = "22"},
			{.layer = 2, .path = ".wh.d", .data = ""}},
		"/d deleted 2\n/d/f overwritten 1\n/d/f deleted-with-folder 2\n/d whiteout\n", ""},
	{"aufs metadata is hidden, its links are not",
		{{.path = ".wh..wh.plnk/"}, {.path = ".wh..wh.plnk/1.2", .data = "1"},
			{.path = "a", .link = ".wh..wh.plnk/1.2", .hard = 1}},
		"/.wh..wh.plnk marker 0\n/.wh..wh.plnk/1.2 marker 0\n/a visible\n",
		"aufs-metadata "},
};

struct text {
	char bytes[4096];
	size_t len;
};

static int take_row(void *arg, int columns, const char *const *names,
	const struct peel_value *values)
{
	struct text *text = arg;

	(void)columns;
	(void)names;
	assert_true(text->len + values[0].len < sizeof(text->bytes));
	memcpy(text->bytes + text->len, values[0].bytes, values[0].len);
	text->len += values[0].len;
	return 0;
}

static void query(struct peel_index *index, const char *sql, struct text *text)
{
	struct peel_error err = {0};

	*text = (struct text){0};
	assert_good(peel_sql(index, sql, take_row, text, &err), &err);
}

static size_t count_entries(const struct merge_case *one)
{
	size_t count = 0;

	while (count < CASE_ENTRIES && one->entries[count].path) {
		count++;
	}
	return count;
}

static void check_case(const struct merge_case *one)
{
	static const char fates[] =
		"SELECT path || ' ' || CASE WHEN why IS NOT NULL THEN why || ' ' || hidden_by"
		" WHEN type = 'w' THEN 'whiteout' WHEN type = 'o' THEN 'opaque marker' ELSE 'visible' END"
		" || char(10) FROM entries ORDER BY id";
	static const char findings[] =
		"SELECT code || ' ' FROM finding WHERE code <> 'negative-mtime' ORDER BY id";
	struct test_index test = test_index_new(one->entries, count_entries(one), NULL);
	struct text text;

	query(test.index, fates, &text);
	if (strcmp(text.bytes, one->expected) != 0) {
		fail_msg("%s:\n%sis not\n%s", one->name, text.bytes, one->expected);
	}
	query(test.index, findings, &text);
	if (strcmp(text.bytes, one->findings) != 0) {
		fail_msg("%s: findings \"%s\" are not \"%s\"", one->name, text.bytes,
			one->findings);
	}
	test_index_free(&test);
}

static void each_rule_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		check_case(&cases[i]);
	}
}

/** Shipped bytes are the visible ones and the wasted ones, in each layer and in total. */
static void bytes_reconcile(void **state)
{
	static const struct test_entry entries[] = {
		{.path = "d/"},
		{.path = "d/keep", .data = "12345"},
		{.path = "d/gone", .data = "123"},
		{.path = "a", .data = "1234567"},
		{.path = "b", .link = "a", .hard = 1},
		{.layer = 1, .path = "a", .data = "22"},
		{.layer = 1, .path = "d/.wh.gone", .data = ""},
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	struct peel_totals totals;
	struct peel_error err = {0};
	struct text text;

	(void)state;
	assert_good(peel_totals(test.index, &totals, &err), &err);
	query(test.index,
		"SELECT layer || ' ' || bytes || ' ' || visible_bytes || ' ' || wasted_bytes || ',' FROM layers",
		&text);
	/* The 7 bytes of the old a live on under the name b. */
	assert_string_equal(text.bytes, "0 15 12 3,1 2 2 0,");
	assert_int_equal(totals.bytes, 14);
	query(test.index, "SELECT sum(size) || ' ' || count(*) || ' ' || sum(allocated) FROM inode",
		&text);
	assert_string_equal(text.bytes, "14 5 12288");
	assert_int_equal(totals.nodes, 5);
	assert_int_equal(totals.allocated, 12288);
	test_index_free(&test);
}

/** Folders that no entry names are in the tree, marked, and counted in their parent. */
static void implied_folders_are_shown(void **state)
{
	static const struct test_entry entries[] = {{.path = "x/y/f", .data = "1"}};
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	struct peel_error err = {0};
	struct peel_node node;
	struct text text;

	(void)state;
	query(test.index,
		"SELECT path || ' ' || mode || ' ' || nlink || ',' FROM tree ORDER BY path", &text);
	assert_string_equal(text.bytes, "/ 493 3,/x 493 3,/x/y 493 2,/x/y/f 420 1,");
	assert_good(peel_resolve(test.index, PEEL_VIEW_MERGED, 0, "/x/y", 4, true, &node, NULL,
			    &err),
		&err);
	assert_true(node.implied);
	test_index_free(&test);
}

/** What the merge costs grows with the folders that no entry names, not with their square. */
static void many_implied_folders_take_no_time(void **state)
{
	enum { PATHS = 40, DEPTH = 2000 };
	static char pax[PATHS][2 * DEPTH + 32];
	struct test_entry entries[PATHS] = {0};
	struct test_index test;
	struct text text;

	(void)state;
	for (int i = 0; i < PATHS; i++) {
		size_t len = (size_t)sprintf(pax[i], "path=%d", i);

		for (int level = 0; level < DEPTH; level++, len += 2) {
			memcpy(pax[i] + len, "/a", 3);
		}
		entries[i] = (struct test_entry){.path = "f", .data = "1", .pax = pax[i]};
	}
	/* Some seconds; the square would be minutes, which the time limit of the suite ends. */
	test = test_index_new(entries, PATHS, NULL);
	query(test.index, "SELECT '' || count(*) FROM dir WHERE entry IS NOT NULL", &text);
	assert_string_equal(text.bytes, "80001");
	test_index_free(&test);
}

/** Nor does a path that a layer has very often cost its square when links ask for it. */
static void links_to_a_busy_path_take_no_time(void **state)
{
	enum { TIMES = 20000 };
	static struct test_entry entries[2 * TIMES];
	static char names[TIMES][16];
	struct test_index test;
	struct text text;

	(void)state;
	for (int i = 0; i < TIMES; i++) {
		snprintf(names[i], sizeof(names[i]), "l%d", i);
		entries[i] = (struct test_entry){.path = "a", .data = "1"};
		entries[TIMES + i] = (struct test_entry){
			.path = names[i], .link = "a", .hard = true};
	}
	test = test_index_new(entries, countof(entries), NULL);
	query(test.index, "SELECT count(*) || ' ' || max(nlink) FROM tree WHERE type = 'f'", &text);
	assert_string_equal(text.bytes, "20001 20001");
	test_index_free(&test);
}

/** Nor does a hard link cost the square of its target's depth. */
static void deep_links_take_no_time(void **state)
{
	enum { DEPTH = 1500, LINKS = 200 };
	static struct test_entry entries[2 * DEPTH + LINKS];
	static char pax[2 * DEPTH][DEPTH * 2 + 32];
	static char links[LINKS][DEPTH * 2 + 32];
	static char names[LINKS][16];
	char path[2][DEPTH * 2 + 2];
	struct test_index test;
	struct text text;

	(void)state;
	for (int side = 0; side < 2; side++) {
		for (int level = 0; level < DEPTH; level++) {
			struct test_entry *entry = &entries[side * DEPTH + level];

			memcpy(path[side] + 2 * level, side ? "/b" : "/a", 3);
			sprintf(pax[side * DEPTH + level], "path=%s", path[side] + 1);
			*entry = (struct test_entry){.path = level + 1 < DEPTH ? "d/" : "f",
				.data = level + 1 < DEPTH ? NULL : "1",
				.pax = pax[side * DEPTH + level]};
		}
	}
	for (int i = 0; i < LINKS; i++) {
		snprintf(names[i], sizeof(names[i]), "l%d", i);
		sprintf(links[i], "linkpath=%s", path[i % 2] + 1);
		entries[2 * DEPTH + i] = (struct test_entry){
			.path = names[i], .link = "x", .hard = true, .pax = links[i]};
	}
	test = test_index_new(entries, countof(entries), NULL);
	query(test.index, "SELECT count(*) || ' ' || max(nlink) FROM tree WHERE type = 'f'", &text);
	assert_string_equal(text.bytes, "202 101");
	test_index_free(&test);
}

/**
 * A folder that is taken away again and again is refused before it costs what nobody would wait
 * for.
 */
static void kills_are_bounded(void **state)
{
	struct kills kills = {0};
	struct peel_error err = {0};
	const struct kill *chain = NULL;

	(void)state;
	for (int i = 1; i <= KILLS_MAX; i++) {
		assert_good(kills_add(&kills, i, WHY_REPLACED, 3, &chain, &err), &err);
	}
	assert_good(kills_add(&kills, 7, WHY_REPLACED, 3, &chain, &err), &err);
	assert_int_equal(kills_add(&kills, KILLS_MAX + 1, WHY_REPLACED, 3, &chain, &err),
		PEEL_ELIMIT);
	assert_non_null(strstr(err.message, "layer 3"));
	kills_finish(&kills);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_holds),
		cmocka_unit_test(bytes_reconcile),
		cmocka_unit_test(implied_folders_are_shown),
		cmocka_unit_test(many_implied_folders_take_no_time),
		cmocka_unit_test(links_to_a_busy_path_take_no_time),
		cmocka_unit_test(deep_links_take_no_time),
		cmocka_unit_test(kills_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
