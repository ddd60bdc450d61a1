/* SPDX-License-Identifier: Apache-2.0 */
#include <peel/query.h>

#include <stdio.h>
#include <string.h>

#include "peel_test.h"
#include "testindex.h"
#include "util.h"

static const struct test_entry image[] = {
	{.path = "changed", .data = "one"},
	{.path = "chowned", .data = "same"},
	{.path = "again", .data = "same", .mtime = 5},
	{.path = "sized", .data = "aaa"},
	{.path = "typed", .data = "x"},
	{.path = "gone", .data = "1"},
	{.path = "dir/", .mode = 0700},
	{.path = "dir/f", .data = "2"},
	{.path = "opq/f", .data = "3"},
	{.path = "imp/licit", .data = "4"},
	{.path = "blocked/f", .data = "5"},
	{.path = "twice", .data = "6"},
	{.path = "twice", .data = "7"},
	{.layer = 1, .path = "changed", .data = "three"},
	{.layer = 1, .path = "chowned", .data = "same", .uid = 7},
	{.layer = 1, .path = "again", .data = "same", .mtime = 5},
	{.layer = 1, .path = "sized", .data = "bbb"},
	{.layer = 1, .path = "typed", .link = "gone"},
	{.layer = 1, .path = ".wh.gone", .data = ""},
	{.layer = 1, .path = ".wh.dir", .data = ""},
	{.layer = 1, .path = "opq/.wh..wh..opq", .data = ""},
	{.layer = 1, .path = "opq/f", .data = "33"},
	{.layer = 1, .path = "blocked", .data = "file"},
	{.layer = 1, .path = ".wh.never", .data = ""},
	{.layer = 2, .path = "gone", .data = "back"},
	{.layer = 2, .path = "hard", .link = "gone", .hard = 1},
};

/* A step: "LAYER action type size path[ hidden_by why]". */
static const struct {
	const char *path, *wanted;
} cases[] = {
	{"/changed", "0 added - 3 /changed by 1 overwritten\n1 overwritten - 5 /changed\n"},
	{"/chowned", "0 added - 4 /chowned by 1 metadata\n1 metadata - 4 /chowned\n"},
	{"/again", "0 added - 4 /again by 1 identical\n1 identical - 4 /again\n"},
	{"/sized", "0 added - 3 /sized by 1 overwritten\n1 overwritten - 3 /sized\n"},
	{"/typed", "0 added - 1 /typed by 1 replaced\n1 type changed l 0 /typed\n"},
	{"/gone", "0 added - 1 /gone by 1 deleted\n1 deleted w 0 /gone\n2 added - 4 /gone\n"},
	{"gone", "0 added - 1 /gone by 1 deleted\n1 deleted w 0 /gone\n2 added - 4 /gone\n"},
	{"/dir", "0 added d 0 /dir by 1 deleted\n1 deleted w 0 /dir\n"},
	/* The parents are gone from the merged tree. */
	{"/dir/f", "0 added - 1 /dir/f by 1 deleted-with-folder\n1 deleted w 0 /dir\n"},
	{"/opq/f", "0 added - 1 /opq/f by 1 opaque\n1 hidden o 0 /opq\n1 added - 2 /opq/f\n"},
	{"/blocked/f", "0 added - 1 /blocked/f by 1 replaced\n1 type changed - 4 /blocked\n"},
	{"/twice", "0 added - 1 /twice by 0 duplicate\n0 overwritten - 1 /twice\n"},
	{"/never", "1 deleted w 0 /never\n"},
	{"/imp", "0 added d 0 /imp\n"},
	{"/imp/../imp/./licit", "0 added - 1 /imp/licit\n"},
	{"/imp/licit/..", ""},
	{"/dir/..", "0 added d 0 /\n"},
	{"/", "0 added d 0 /\n"},
	{"/hard", "2 added h 4 /hard\n"},
	{"/unknown", ""},
	{"/unknown/f", ""},
};

struct steps {
	char text[1024];
	int count;
	int stop_after;
};

static int take_step(void *arg, const struct peel_step *step)
{
	struct steps *steps = arg;
	char line[256];
	char wanted[16];

	if (steps->stop_after && steps->count == steps->stop_after) {
		return 1;
	}
	steps->count++;
	snprintf(line, sizeof(line), "%d %s %c %llu %s", step->layer,
		peel_action_name(step->action), step->type, (unsigned long long)step->size,
		step->path);
	strcat(steps->text, line);
	if (step->hidden_by >= 0) {
		assert_false(step->visible);
		snprintf(line, sizeof(line), " by %d %s", step->hidden_by, step->why);
		strcat(steps->text, line);
	}
	strcat(steps->text, "\n");
	snprintf(wanted, sizeof(wanted), "RUN step %d", step->layer);
	assert_string_equal(step->instruction, wanted);
	assert_string_equal(step->package, "");
	return 0;
}

static void history_of_paths(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct peel_error err = {0};
		struct steps steps = {0};
		int r = peel_why(test.index, cases[i].path, strlen(cases[i].path), take_step,
			&steps, &err);

		assert_good(r, &err);
		if (strcmp(steps.text, cases[i].wanted) != 0) {
			print_error("%s\n", cases[i].path);
		}
		assert_string_equal(steps.text, cases[i].wanted);
		assert_int_equal(r, steps.count);
		assert_int_equal(err.code, 0);
	}
	test_index_free(&test);
}

static void callback_stops(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);
	struct steps steps = {.stop_after = 1};

	(void)state;
	assert_int_equal(peel_why(test.index, "gone", 4, take_step, &steps, NULL), 1);
	assert_string_equal(steps.text, "0 added - 1 /gone by 1 deleted\n");
	test_index_free(&test);
}

/* Packages of each step, a line each. */
static int take_package(void *arg, const struct peel_step *step)
{
	strcat(arg, step->package);
	strcat(arg, "\n");
	return 0;
}

static void assert_packages(struct test_index *test, const char *path, const char *wanted)
{
	struct peel_error err = {0};
	char text[256] = "";

	assert_good(peel_why(test->index, path, strlen(path), take_package, text, &err), &err);
	assert_string_equal(text, wanted);
}

/* Each layer's own databases, as they were then; else what was known before; else those of the merged tree. */
static void packages_are_those_of_the_layer(void **state)
{
	static const struct test_entry entries[] = {
		{.path = "usr/bin/git", .data = "one"},
		{.path = "usr/bin/own", .data = "mine"},
		{.path = "opt/tool", .data = "tool"},
		{.path = "var/lib/dpkg/info/git.list", .data = "/usr/bin/git\n"},
		{.path = "var/lib/dpkg/status",
			.data = "Package: git\nStatus: install ok installed\nVersion: 1\n"},
		{.layer = 1, .path = "usr/bin/git", .data = "one", .uid = 7},
		{.layer = 1, .path = "usr/bin/own", .data = "mine", .uid = 7},
		{.layer = 2, .path = "usr/bin/git", .data = "two"},
		{.layer = 2, .path = "var/lib/dpkg/info/git.list", .data = "/usr/bin/git\n"},
		{.layer = 2,
			.path = "var/lib/dpkg/status",
			.data = "Package: git\nStatus: install ok installed\nVersion: 2\n"},
		{.layer = 3,
			.path = "var/lib/dpkg/status.d/tool",
			.data = "Package: tool\nVersion: 3\n"},
		{.layer = 3,
			.path = "var/lib/dpkg/status.d/tool.md5sums",
			.data = "0123456789abcdef0123456789abcdef  opt/tool\n"},
		{.layer = 3, .path = "usr/bin/.wh.git", .data = ""},
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);

	(void)state;
	assert_packages(&test, "/usr/bin/git", "git 1\ngit 1\ngit 2\n\n");
	assert_packages(&test, "/usr/bin/own", "\n\n");
	assert_packages(&test, "/opt/tool", "tool 3\n");
	assert_packages(&test, "/usr/bin", "\n");
	test_index_free(&test);
}

/* A layer whose bytes cannot be read leaves the word of the merge. */
static void unreadable_layer_is_no_failure(void **state)
{
	struct test_index test = test_index_new(image, countof(image),
		"UPDATE layer SET blob = NULL WHERE id = 0");
	struct steps steps = {0};
	struct peel_error err = {0};

	(void)state;
	assert_int_equal(peel_why(test.index, "again", 5, take_step, &steps, &err), 2);
	assert_string_equal(steps.text,
		"0 added - 4 /again by 1 overwritten\n1 overwritten - 4 /again\n");
	assert_int_equal(err.code, 0);
	test_index_free(&test);
}

static void actions_have_names(void **state)
{
	(void)state;
	assert_string_equal(peel_action_name(PEEL_ACTION_ADDED), "added");
	assert_string_equal(peel_action_name(PEEL_ACTION_HIDDEN), "hidden");
	assert_string_equal(peel_action_name((enum peel_action)0), "");
	assert_string_equal(peel_action_name((enum peel_action)99), "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_have_names),
		cmocka_unit_test(callback_stops),
		cmocka_unit_test(history_of_paths),
		cmocka_unit_test(packages_are_those_of_the_layer),
		cmocka_unit_test(unreadable_layer_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
