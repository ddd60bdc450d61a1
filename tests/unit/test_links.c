/* SPDX-License-Identifier: Apache-2.0 */
/* First names of hard links: every one comes back as it was, in whatever order folders are met. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/links.h"
#include "peel_test.h"

#define FILES 2000
#define NAMES 3

/* A path that shares a beginning with others, and is a beginning of others. */
static void make_path(char path[64], unsigned int ino)
{
	static const char *const folders[] = {
		"", "a/", "a/b/", "ab/", "a/bc/", "/", "a/b/c/d/", "abc/", "a/b/cc/", "b/"};

	snprintf(path, 64, "%sf%u", folders[rand() % 10], ino);
}

static void first_names_come_back(void **state)
{
	char(*firsts)[64] = calloc(FILES, sizeof(*firsts));
	struct links links = {0};
	unsigned int met[FILES] = {0};
	unsigned int left = FILES * NAMES;

	(void)state;
	assert_non_null(firsts);
	srand(1);
	while (left > 0) {
		unsigned int i = (unsigned int)rand() % FILES;
		const struct peel_node node = {.ino = i, .nlink = NAMES};
		const char *first;
		char path[64];
		size_t len;

		if (met[i] == NAMES) {
			continue;
		}
		make_path(path, i);
		if (met[i]++ == 0) {
			strcpy(firsts[i], path);
			assert_int_equal(links_meet(&links, &node, path, strlen(path), &first,
						 &len),
				0);
		} else {
			assert_int_equal(links_meet(&links, &node, path, strlen(path), &first,
						 &len),
				1);
			assert_string_equal(first, firsts[i]);
			assert_int_equal(len, strlen(first));
		}
		left--;
	}
	assert_null(links.root);
	links_finish(&links);
	free(firsts);
}

static void names_that_never_come_are_forgotten(void **state)
{
	struct links links = {0};
	const char *first;
	size_t len;

	(void)state;
	for (unsigned int i = 0; i < FILES; i++) {
		const struct peel_node node = {.ino = i, .nlink = 1 + i % 3};
		char path[64];

		make_path(path, i);
		assert_int_equal(links_meet(&links, &node, path, strlen(path), &first, &len), 0);
	}
	links_finish(&links);
	assert_null(links.root);
}

static void a_first_name_can_be_taken_back(void **state)
{
	const struct peel_node node = {.ino = 7, .nlink = 3};
	struct links links = {0};
	const char *first;
	size_t len;

	(void)state;
	links_forget(&links, 7);
	assert_int_equal(links_meet(&links, &node, "a/one", 5, &first, &len), 0);
	links_forget(&links, 7);
	assert_null(links.root);
	assert_int_equal(links_meet(&links, &node, "a/two", 5, &first, &len), 0);
	assert_int_equal(links_meet(&links, &node, "b/three", 7, &first, &len), 1);
	assert_string_equal(first, "a/two");
	links_finish(&links);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_names_come_back),
		cmocka_unit_test(names_that_never_come_are_forgotten),
		cmocka_unit_test(a_first_name_can_be_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
