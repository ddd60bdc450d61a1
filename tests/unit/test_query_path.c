/* SPDX-License-Identifier: Apache-2.0 */
#include <peel/query.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peel_test.h"
#include "testindex.h"
#include "util.h"

static const struct test_entry tree[] = {
	{.path = "bin", .link = "usr/bin"},
	{.path = "usr/bin/"},
	{.path = "usr/bin/sh", .link = "/bin/dash"},
	{.path = "usr/bin/dash", .data = ""},
	{.path = "abs", .link = "/usr"},
	{.path = "up", .link = "../../usr/bin"},
	{.path = "loop", .link = "pool"},
	{.path = "pool", .link = "loop"},
	{.path = "dangling", .link = "nowhere"},
	{.path = "slash", .link = "usr/"},
	{.path = "fileslash", .link = "usr/bin/dash/"},
};

static const struct {
	const char *path;
	bool follow;
	/* Canonical path, or NULL and the code. */
	const char *wanted;
	int code;
} cases[] = {
	{"/", true, "/", 0},
	{"", true, "/", 0},
	{"//", true, "/", 0},
	{"/..", true, "/", 0},
	{"/usr/bin/dash", true, "/usr/bin/dash", 0},
	{"usr//bin/./dash", true, "/usr/bin/dash", 0},
	{"/bin/sh", true, "/usr/bin/dash", 0},
	{"/bin/sh", false, "/usr/bin/sh", 0},
	{"/bin", false, "/bin", 0},
	{"/bin/", false, "/usr/bin", 0},
	{"/bin/.", false, "/usr/bin", 0},
	{"/bin/..", false, "/usr", 0},
	{"/bin/../..", false, "/", 0},
	{"/abs/bin/../bin/sh", true, "/usr/bin/dash", 0},
	{"/up/dash", true, "/usr/bin/dash", 0},
	{"/slash/bin", true, "/usr/bin", 0},
	{"/slash", true, "/usr", 0},
	{"/dangling", false, "/dangling", 0},
	{"/dangling", true, NULL, PEEL_ENOENT},
	{"/dangling/", false, NULL, PEEL_ENOENT},
	{"/loop", false, "/loop", 0},
	{"/loop", true, NULL, PEEL_ELOOP},
	{"/loop/x", false, NULL, PEEL_ELOOP},
	{"/nope", true, NULL, PEEL_ENOENT},
	{"/nope/../usr", true, NULL, PEEL_ENOENT},
	{"/usr/bin/dash/", true, NULL, PEEL_ENOTDIR},
	{"/usr/bin/dash/.", true, NULL, PEEL_ENOTDIR},
	{"/usr/bin/dash/..", true, NULL, PEEL_ENOTDIR},
	{"/usr/bin/dash/x", true, NULL, PEEL_ENOTDIR},
	{"/fileslash", true, NULL, PEEL_ENOTDIR},
};

static void paths_resolve_as_in_a_chroot(void **state)
{
	struct test_index test = test_index_new(tree, countof(tree), NULL);

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct peel_error err = {0};
		struct peel_node node = {0};
		cleanup_free char *canonical = NULL;
		int r = peel_resolve(test.index, PEEL_VIEW_MERGED, 0, cases[i].path,
			strlen(cases[i].path), cases[i].follow, &node, &canonical, &err);

		if (r != cases[i].code) {
			print_error("%s: %s\n", cases[i].path, err.message);
		}
		assert_int_equal(r, cases[i].code);
		if (r == 0) {
			assert_string_equal(canonical, cases[i].wanted);
		} else {
			assert_null(canonical);
			assert_int_equal(node.ino, 0);
		}
	}
	test_index_free(&test);
}

static void relative_paths_start_at_a_folder(void **state)
{
	struct test_index test = test_index_new(tree, countof(tree), NULL);
	struct peel_error err = {0};
	cleanup_free char *canonical = NULL;
	struct peel_node usr;
	struct peel_node node;

	(void)state;
	assert_good(peel_resolve(test.index, -1, 0, "usr", 3, true, &usr, NULL, &err), &err);
	assert_good(peel_resolve(test.index, -1, usr.ino, "bin/dash", 8, true, &node, &canonical,
			    &err),
		&err);
	assert_string_equal(canonical, "/usr/bin/dash");
	assert_int_equal(peel_resolve(test.index, -1, usr.ino, "dash", 4, true, &node, NULL, NULL),
		PEEL_ENOENT);
	assert_good(peel_resolve(test.index, -1, usr.ino, "/bin/dash", 9, true, &node, NULL, &err),
		&err);
	/* A file, a folder of another view, a view that is none. */
	assert_int_equal(peel_resolve(test.index, -1, node.ino, "x", 1, true, &node, NULL, NULL),
		PEEL_ENOTDIR);
	assert_int_equal(peel_resolve(test.index, 0, usr.ino, "bin", 3, true, &node, NULL, NULL),
		PEEL_EUSAGE);
	assert_int_equal(peel_resolve(test.index, 1, 0, "bin", 3, true, &node, NULL, NULL),
		PEEL_ENOENT);
	assert_int_equal(peel_resolve(test.index, -2, 0, "bin", 3, true, &node, NULL, NULL),
		PEEL_ENOENT);
	test_index_free(&test);
}

/* The kernel follows 40 links, not 41. */
static void forty_links_are_followed(void **state)
{
	struct test_entry entries[PEEL_SYMLINK_MAX + 2];
	char names[PEEL_SYMLINK_MAX + 2][8];
	struct test_index test;
	struct peel_node node;

	(void)state;
	for (size_t i = 0; i < countof(entries); i++) {
		snprintf(names[i], sizeof(names[i]), "n%zu", i);
		entries[i] = (struct test_entry){.path = names[i], .link = i ? names[i - 1] : NULL};
	}
	entries[0].data = "";
	test = test_index_new(entries, countof(entries), NULL);
	assert_int_equal(peel_resolve(test.index, -1, 0, "n40", 3, true, &node, NULL, NULL), 0);
	assert_int_equal(peel_resolve(test.index, -1, 0, "n41", 3, true, &node, NULL, NULL),
		PEEL_ELOOP);
	test_index_free(&test);
}

static void long_paths_are_a_limit(void **state)
{
	struct test_index test = test_index_new(tree, countof(tree), NULL);
	struct peel_node node;
	char path[PEEL_PATH_MAX + 1];

	(void)state;
	memset(path, '/', sizeof(path));
	assert_int_equal(peel_resolve(test.index, -1, 0, path, sizeof(path), true, &node, NULL,
				 NULL),
		PEEL_ELIMIT);
	assert_int_equal(peel_resolve(test.index, -1, 0, path, sizeof(path) - 1, true, &node, NULL,
				 NULL),
		0);
	memset(path, 'a', sizeof(path));
	assert_int_equal(peel_resolve(test.index, -1, 0, path, 256, true, &node, NULL, NULL),
		PEEL_ENOENT);
	test_index_free(&test);
}

static void messages_name_the_path_escaped(void **state)
{
	struct test_index test = test_index_new(tree, countof(tree), NULL);
	struct peel_error err = {0};
	struct peel_node node;

	(void)state;
	assert_failure(peel_resolve(test.index, -1, 0, "/no\033pe", 6, true, &node, NULL, &err),
		PEEL_ENOENT, &err, "/no\\x1bpe: ");
	test_index_free(&test);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(forty_links_are_followed),
		cmocka_unit_test(long_paths_are_a_limit),
		cmocka_unit_test(messages_name_the_path_escaped),
		cmocka_unit_test(paths_resolve_as_in_a_chroot),
		cmocka_unit_test(relative_paths_start_at_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
