/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An index over layers that a test makes in memory, built by the real builder's parts. Failures end
 * the test program.
 *
 *	static const struct test_entry entries[] = {
 *		{.path = "a/"}, {.path = "a/f", .data = "hello"}, {.path = "l", .link = "a/f"},
 *		{.layer = 1, .path = ".wh.a", .data = ""},
 *	};
 *	struct test_index test = test_index_new(entries, countof(entries), NULL);
 *	… test.index …
 *	test_index_free(&test);
 */
#ifndef TESTINDEX_H
#define TESTINDEX_H

#include <stddef.h>
#include <stdint.h>

#include <peel/index.h>

#include "tarmaker.h"

/** Most layers of a test's index. */
#define TEST_LAYERS_MAX 4

/** A tar entry of a layer; layers stand in ascending order. The type follows from what is set. */
struct test_entry {
	int layer;
	/** With a slash at its end: a folder. */
	const char *path;
	/** Content of a regular file. */
	const char *data;
	/** Bytes of data; 0: it is a string. */
	size_t data_len;
	/** Target of a symlink; with hard set, of a hard link. */
	const char *link;
	int hard;
	/** Typeflag where none of the above: '3', '4', '6'. */
	char type;
	/** 0: 0644, 0755 for folders. */
	unsigned mode;
	int64_t uid, mtime;
	uint32_t major, minor;
	/** "key=value" for a pax header, or NULL. */
	const char *pax;
};

/** The index and what it stands on. */
struct test_index {
	struct peel_index *index;
	struct tarmaker tars[TEST_LAYERS_MAX];
	struct tarmaker file;
	int fd;
};

/**
 * Build and open.
 * @param sql run over the finished index before it is opened, as an attacker would; NULL: nothing.
 */
struct test_index test_index_new(const struct test_entry *entries, size_t count, const char *sql);

/** Close and open again: kept connections and statements are gone. */
void test_index_reopen(struct test_index *test);

/** Close and free. */
void test_index_free(struct test_index *test);

#endif
