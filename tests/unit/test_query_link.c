/* SPDX-License-Identifier: Apache-2.0 */
#include <peel/query.h>

#include <stdlib.h>
#include <string.h>

#include "peel_test.h"
#include "testindex.h"
#include "util.h"

/* One tree for all targets: folders, files, links that lead up, away, nowhere. */
static const struct test_entry tree[] = {
	{.path = "etc/"},
	{.path = "etc/hostname", .data = "image"},
	{.path = "a/"},
	{.path = "a/b/"},
	{.path = "a/b/c/"},
	{.path = "root", .link = "/"},
	{.path = "a/up", .link = "b/c"},
	{.path = "a/file", .data = ""},
	{.path = "a/tofile", .link = "file"},
	{.path = "loop", .link = "loop"},
	{.path = "gone", .link = "missing/x"},
};

/* Where a link stands, what it says, what is shown. */
static const struct {
	const char *path, *target, *shown;
} cases[] = {
	{"l", "etc/hostname", "etc/hostname"},
	{"l", "./etc//hostname", "./etc//hostname"},
	{"a/b/l", "../up", "../up"},
	{"a/b/l", "../../etc", "../../etc"},
	{"a/b/l", "./.././../etc", "./.././../etc"},
	/* Absolute: a "../" for each level. */
	{"l", "/", "."},
	{"l", "/etc/hostname", "etc/hostname"},
	{"a/b/c/l", "/", "../../.."},
	{"a/b/c/l", "/etc/hostname", "../../../etc/hostname"},
	{"a/b/l", "//etc/", "../../etc/"},
	{"a/l", "/a/b", "../a/b"},
	{"a/l", "/../../etc", "../etc"},
	/* More ".." than folders. */
	{"l", "..", "."},
	{"l", "../../etc/hostname", "etc/hostname"},
	{"a/l", "../../../etc/hostname", "../etc/hostname"},
	/* ".." after a name: by the tree, not by the text. */
	{"l", "root/../../etc/hostname", "etc/hostname"},
	{"a/l", "../root/../../etc/hostname", "../etc/hostname"},
	{"a/l", "up/../x", "b/x"},
	{"a/l", "b/../x", "x"},
	{"l", "a/up/..", "a/b"},
	{"l", "a/..", "."},
	{"a/b/l", "/a/up/../../file", "../file"},
	{"a/b/c/l", "/a/up/../../../etc/./hostname", "../../../etc/./hostname"},
	{"a/l", "b/c/../../../root/..", ".."},
	/* Leads nowhere: it still does, and below the part that fails. */
	{"l", "missing/../etc/hostname", "missing/etc/hostname"},
	{"l", "missing/../../../..", "missing/."},
	{"a/l", "gone/../../etc", "gone/etc"},
	{"l", "gone/../etc", "gone/etc"},
	{"l", "loop/../etc", "loop/etc"},
	{"l", "a/file/../b", "a/file/b"},
	{"l", "a/tofile/..", "a/tofile/."},
	{"l", "a/up/../missing/../x", "a/b/missing/x"},
	/* A loop stays one. */
	{"l", "l", "l"},
	{"a/l", "/a/l", "../a/l"},
	{"l", "l/../etc", "l/etc"},
};

static void check_as_stored(struct test_index *test, uint64_t ino, const char *target)
{
	char *stored = NULL;
	size_t len = 0;

	assert_int_equal(peel_readlink(test->index, ino, &stored, &len, NULL), 0);
	assert_string_equal(stored, target);
	free(stored);
}

static char *shown(struct test_index *test, int view, const char *path)
{
	struct peel_error err = {0};
	struct peel_node node;
	char *target = NULL;
	size_t len = 0;
	int r = peel_resolve(test->index, view, 0, path, strlen(path), false, &node, NULL, &err);

	if (r == 0) {
		r = peel_readlink_inside(test->index, node.ino, &target, &len, &err);
	}
	if (r < 0) {
		fail_msg("%s: %s", path, err.message);
	}
	assert_int_equal(strlen(target), len);
	if (node.plain_link) {
		check_as_stored(test, node.ino, target);
	}
	return target;
}

static void targets_are_shown_inside(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct test_entry entries[countof(tree) + 1];
		struct test_index test;
		cleanup_free char *target = NULL;

		memcpy(entries, tree, sizeof(tree));
		entries[countof(tree)] = (struct test_entry){
			.path = cases[i].path, .link = cases[i].target};
		test = test_index_new(entries, countof(entries), NULL);
		target = shown(&test, PEEL_VIEW_MERGED, cases[i].path);
		if (strcmp(target, cases[i].shown) != 0) {
			print_error("%s -> %s\n", cases[i].path, cases[i].target);
		}
		assert_string_equal(target, cases[i].shown);
		test_index_free(&test);
	}
}

static void stored_target_is_kept(void **state)
{
	static const struct test_entry entries[] = {{.path = "a/l", .link = "/x/../y"}};
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	cleanup_free char *target = NULL;
	struct peel_node node;
	size_t len = 0;

	(void)state;
	assert_int_equal(peel_resolve(test.index, -1, 0, "/a/l", 4, false, &node, NULL, NULL), 0);
	assert_int_equal(node.size, 7);
	assert_int_equal(peel_readlink(test.index, node.ino, &target, &len, NULL), 0);
	assert_string_equal(target, "/x/../y");
	assert_int_equal(peel_readlink(test.index, peel_root(PEEL_VIEW_MERGED), &target, &len,
				 NULL),
		PEEL_EUSAGE);
	test_index_free(&test);
}

static void layer_view_is_its_own_root(void **state)
{
	static const struct test_entry entries[] = {
		{.path = "x", .link = "/"},
		{.path = "d/"},
		{.layer = 1, .path = "d/e/l", .link = "/x/../y"},
		{.layer = 1, .path = "d/e/m", .link = "../x/../../../y"},
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	cleanup_free char *l = shown(&test, 1, "/d/e/l");
	cleanup_free char *m = shown(&test, 1, "/d/e/m");
	cleanup_free char *merged = shown(&test, PEEL_VIEW_MERGED, "/d/e/l");

	(void)state;
	/* The layer has no x; the merged tree does. */
	assert_string_equal(l, "../../x/y");
	assert_string_equal(m, "../x/y");
	assert_string_equal(merged, "../../y");
	test_index_free(&test);
}

/* The kernel keeps one text for all names, and starts at each name's own folder. */
static void hard_linked_symlink_suits_its_shallowest_name(void **state)
{
	static const struct test_entry entries[] = {
		{.path = "a/b/c/"},
		{.path = "a/b/c/l", .link = "/etc/hostname"},
		{.path = "a/m", .link = "a/b/c/l", .hard = 1},
		{.layer = 1, .path = "top", .link = "a/m", .hard = 1},
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	cleanup_free char *merged = shown(&test, PEEL_VIEW_MERGED, "/a/b/c/l");
	cleanup_free char *lower = shown(&test, 0, "/a/b/c/l");
	cleanup_free char *upper = shown(&test, 1, "/top");

	(void)state;
	assert_string_equal(merged, "etc/hostname");
	assert_string_equal(lower, "../etc/hostname");
	assert_string_equal(upper, "etc/hostname");
	test_index_free(&test);
}

/* A hidden name is nobody's way to the link. */
static void deleted_name_does_not_count(void **state)
{
	static const struct test_entry entries[] = {
		{.path = "a/"},
		{.path = "l", .link = "/etc"},
		{.path = "a/m", .link = "l", .hard = 1},
		{.layer = 1, .path = ".wh.l", .data = ""},
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	cleanup_free char *merged = shown(&test, PEEL_VIEW_MERGED, "/a/m");

	(void)state;
	assert_string_equal(merged, "../etc");
	test_index_free(&test);
}

/* An index from a stranger: what its rows say of depths and names must not lead out either. */
static void hostile_index_does_not_lead_out(void **state)
{
	static const struct test_entry entries[] = {
		{.path = "a/b/"},
		{.path = "a/b/l", .link = "/etc/passwd"},
		{.path = "m", .link = "a/b/l", .hard = 1},
		{.path = "n", .link = "a/x/y"},
	};
	/*
	 * The flag that says that there are several names is gone; a folder claims another place; a
	 * NUL hides "..".
	 */
	struct test_index flag = test_index_new(entries, countof(entries),
		"UPDATE entry SET flags = flags & ~8");
	struct test_index moved = test_index_new(entries, countof(entries),
		"UPDATE entry SET dir = 1, name = x'7a' WHERE type = 'd' AND name = x'62'");
	struct test_index nul = test_index_new(entries, countof(entries),
		"UPDATE entry SET link = x'612f2e2e002f78' WHERE name = x'6e'");
	struct test_index dots = test_index_new(entries, countof(entries),
		"UPDATE dir SET name = x'2e2e' WHERE name = x'62'; UPDATE entry SET name = x'2e2e' WHERE name = x'62'");
	cleanup_free char *top = shown(&flag, PEEL_VIEW_MERGED, "/m");
	cleanup_free char *cut = shown(&nul, PEEL_VIEW_MERGED, "/n");
	struct peel_node node;
	char *path = NULL;

	(void)state;
	assert_string_equal(top, "etc/passwd");
	assert_string_equal(cut, ".");
	assert_int_equal(peel_lookup(moved.index, peel_root(-1), "z", 1, &node, NULL),
		PEEL_EFORMAT);
	assert_int_equal(peel_resolve(dots.index, -1, 0, "/m", 2, false, &node, &path, NULL), 0);
	free(path);
	assert_int_not_equal(peel_resolve(dots.index, -1, 0, "/a/b", 4, false, &node, NULL, NULL),
		0);
	test_index_free(&flag);
	test_index_free(&moved);
	test_index_free(&nul);
	test_index_free(&dots);
}

static void overlong_target_is_a_limit(void **state)
{
	char target[5000];
	char path[200];
	const struct test_entry entries[] = {
		{.path = "l", .link = "x", .pax = target},
		{.path = path, .link = "/x"},
	};
	struct test_index test;
	struct peel_node node;
	char *shown_target = NULL;
	size_t len = 0;

	(void)state;
	memset(target, 'x', sizeof(target) - 1);
	memcpy(target, "linkpath=/", 10);
	target[sizeof(target) - 1] = '\0';
	strcpy(path, "d/l");
	test = test_index_new(entries, countof(entries), NULL);
	assert_int_equal(peel_resolve(test.index, -1, 0, "/l", 2, false, &node, NULL, NULL), 0);
	assert_int_equal(peel_readlink_inside(test.index, node.ino, &shown_target, &len, NULL),
		PEEL_ELIMIT);
	assert_null(shown_target);
	assert_int_equal(peel_readlink(test.index, node.ino, &shown_target, &len, NULL), 0);
	assert_int_equal(len, sizeof(target) - 1 - 9);
	free(shown_target);
	test_index_free(&test);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(deleted_name_does_not_count),
		cmocka_unit_test(hard_linked_symlink_suits_its_shallowest_name),
		cmocka_unit_test(hostile_index_does_not_lead_out),
		cmocka_unit_test(layer_view_is_its_own_root),
		cmocka_unit_test(overlong_target_is_a_limit),
		cmocka_unit_test(stored_target_is_kept),
		cmocka_unit_test(targets_are_shown_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
