/* SPDX-License-Identifier: Apache-2.0 */
/* All owners at once: who wins, in which layer a package came, and that no failure of memory is lost. */
#include "pkgdb_owners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/index.h>
#include <peel/query.h>

#include "fault.h"
#include "peel_test.h"
#include "testindex.h"
#include "util.h"

#define PACKAGES_MAX 16
#define OWNERS_MAX 32
#define TURNS_MAX 20000
/* Of allocations, each of the first ones fails, then one in so many. */
#define EACH 200
#define STRIDE 37

#define STATUS_A "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"
#define STATUS_B "Package: b\nStatus: install ok installed\nVersion: 2\nArchitecture: all\n\n"
#define STATUS_B3 "Package: b\nStatus: install ok installed\nVersion: 3\nArchitecture: all\n\n"

static const struct test_entry entries[] = {
	{.path = "lib", .link = "usr/lib"},
	{.path = "usr/lib/x", .data = "x"},
	{.path = "usr/lib/y", .data = "y"},
	{.path = "usr/lib/y2", .link = "usr/lib/y", .hard = 1},
	{.path = "var/lib/dpkg/status", .data = STATUS_A STATUS_B},
	{.path = "var/lib/dpkg/info/a.list", .data = "/lib/x\n/lib/shared\n"},
	{.path = "var/lib/dpkg/info/b.list", .data = "/lib/shared\n/lib/y2\n/lib\n/lib/none"},
	{.path = "usr/lib/shared", .data = "s"},
	{.layer = 1, .path = "var/lib/dpkg/status", .data = STATUS_A STATUS_B3},
	{.layer = 1, .path = "site/m.py", .data = "m"},
	{.layer = 1, .path = "site/__pycache__/m.cpython-311.opt-2.pyc", .data = "c"},
	{.layer = 1, .path = "site/m-1.dist-info/METADATA", .data = "Name: m\nVersion: 1\n"},
	{.layer = 1, .path = "site/m-1.dist-info/RECORD", .data = "m.py,,1\n../usr/lib/x,,\n"},
	{.layer = 2,
		.path = "site/m-1.dist-info/METADATA",
		.data = "Name: m\nVersion: 1\n",
		.uid = 5},
};

/* What a sink was told. */
struct told {
	struct test_index *test;
	char packages[PACKAGES_MAX][64];
	int layers[PACKAGES_MAX];
	uint32_t count;
	uint64_t owned[OWNERS_MAX];
	uint32_t owner[OWNERS_MAX];
	enum peel_claim claim[OWNERS_MAX];
	size_t owners;
	char problems[1024];
	bool stop;
	/** What it says of contents; NULL: nothing. */
	const int *same;
};

static int take_database(void *arg, const char *path, const char *db, const char *problem,
	struct peel_error *err)
{
	struct told *told = arg;
	const size_t len = strlen(told->problems);

	(void)err;
	if (*problem) {
		snprintf(told->problems + len, sizeof(told->problems) - len, "%s %s %s;", path, db,
			problem);
	}
	return 0;
}

static int take_package(void *arg, uint32_t id, const struct pkgdb_record *record,
	struct peel_error *err)
{
	struct told *told = arg;

	if (told->stop) {
		return peel_fail(err, PEEL_ECANCELED, "stopped");
	}
	assert_int_equal(id, told->count + 1);
	assert_true(id < PACKAGES_MAX);
	snprintf(told->packages[id], sizeof(told->packages[id]), "%s %s %s", record->db,
		record->name, record->version);
	told->layers[id] = record->layer;
	told->count = id;
	return 0;
}

static int take_owner(void *arg, uint64_t ino, uint32_t package, enum peel_claim claim,
	struct peel_error *err)
{
	struct told *told = arg;

	(void)err;
	assert_true(package > 0 && package <= told->count && told->owners < OWNERS_MAX);
	for (size_t i = 0; i < told->owners; i++) {
		assert_true(told->owned[i] < ino);
	}
	told->owned[told->owners] = ino;
	told->owner[told->owners] = package;
	told->claim[told->owners++] = claim;
	return 0;
}

static int say_same(void *arg, uint64_t a, uint64_t b, struct peel_error *err)
{
	const struct told *told = arg;

	assert_true(a != b);
	return *told->same < 0 ? peel_fail(err, *told->same, "no answer") : *told->same;
}

static int ask(struct told *told, struct peel_error *err)
{
	const struct pkgdb_sink sink = {.database = take_database,
		.package = take_package,
		.owner = take_owner,
		.same = told->same ? say_same : NULL,
		.arg = told};

	told->count = 0;
	told->owners = 0;
	told->problems[0] = '\0';
	return pkgdb_owners(told->test->index, &sink, err);
}

static void assert_owner(const struct told *told, const char *path, const char *package,
	enum peel_claim claim)
{
	struct peel_node node;
	struct peel_error err = {0};

	assert_good(peel_resolve(told->test->index, PEEL_VIEW_MERGED, 0, path, strlen(path), false,
			    &node, NULL, &err),
		&err);
	for (size_t i = 0; i < told->owners; i++) {
		if (told->owned[i] == node.ino) {
			assert_non_null(package);
			assert_string_equal(told->packages[told->owner[i]], package);
			assert_int_equal(told->claim[i], claim);
			return;
		}
	}
	assert_null(package);
}

static void assert_all(const struct told *told)
{
	assert_int_equal(told->count, 3);
	assert_string_equal(told->packages[1], "dpkg a 1");
	assert_string_equal(told->packages[2], "dpkg b 3");
	assert_string_equal(told->packages[3], "pip m 1");
	assert_string_equal(told->problems, "");
}

static void stronger_claims_win(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	struct told told = {.test = &test};
	struct peel_error err = {0};

	(void)state;
	assert_good(ask(&told, &err), &err);
	assert_all(&told);
	/* The system's word counts more than a wheel's; of two packages the first by name. */
	assert_owner(&told, "usr/lib/x", "dpkg a 1", PEEL_CLAIM_LISTED);
	assert_owner(&told, "usr/lib/shared", "dpkg a 1", PEEL_CLAIM_LISTED);
	/* Owned by any of its names. */
	assert_owner(&told, "usr/lib/y", "dpkg b 3", PEEL_CLAIM_LISTED);
	assert_owner(&told, "site/m.py", "pip m 1", PEEL_CLAIM_LISTED);
	assert_owner(&told, "site/__pycache__/m.cpython-311.opt-2.pyc", "pip m 1",
		PEEL_CLAIM_BYTECODE);
	assert_owner(&told, "site/m-1.dist-info/RECORD", "pip m 1", PEEL_CLAIM_FOLDER);
	assert_owner(&told, "var/lib/dpkg/status", NULL, PEEL_CLAIM_NONE);
	test_index_free(&test);
}

static void layers_are_those_of_the_version(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	struct told told = {.test = &test};
	struct peel_error err = {0};

	(void)state;
	assert_good(ask(&told, &err), &err);
	assert_int_equal(told.layers[1], 0);
	assert_int_equal(told.layers[2], 1);
	/* A chown has made another copy of its record, not another package. */
	assert_int_equal(told.layers[3], 1);
	test_index_free(&test);
}

/* The layer of a record is that of its first copy, whoever says what a copy is. */
static void contents_that_are_known_are_not_read(void **state)
{
	static const struct {
		int same;
		int layer;
	} cases[] = {{1, 1}, {PKGDB_UNKNOWN, 1}, {0, 2}};
	static const int failure = PEEL_EIO;
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	struct told told = {.test = &test};
	struct peel_error err = {0};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		told.same = &cases[i].same;
		assert_good(ask(&told, &err), &err);
		assert_int_equal(told.layers[3], cases[i].layer);
	}
	told.same = &failure;
	assert_failure(ask(&told, &err), PEEL_EIO, &err, "no answer");
	test_index_free(&test);
}

static void the_sink_may_stop(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	struct told told = {.test = &test, .stop = true};
	struct peel_error err = {0};

	(void)state;
	assert_failure(ask(&told, &err), PEEL_ECANCELED, &err, "stopped");
	test_index_free(&test);
}

/* A database whose bytes cannot be read has a problem, and so have its readers. */
static void unreadable_layers_are_problems(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries),
		"UPDATE layer SET blob = NULL");
	struct told told = {.test = &test};
	struct peel_error err = {0};

	(void)state;
	assert_good(ask(&told, &err), &err);
	assert_non_null(strstr(told.problems, "/var/lib/dpkg dpkg status:1: "));
	assert_non_null(strstr(told.problems, "/site pip m-1.dist-info"));
	/* Its folder is known without a byte of it. */
	assert_int_equal(told.owners, 2);
	test_index_free(&test);
}

static void no_failure_is_lost(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	struct told told = {.test = &test};
	unsigned turns = 0;

	(void)state;
	if (!fault_alloc_works()) {
		test_index_free(&test);
		skip();
	}
	for (unsigned n = 1; n < TURNS_MAX; n += n < EACH ? 1 : STRIDE) {
		struct peel_error err = {0};
		int r;

		fault_alloc(n);
		r = ask(&told, &err);
		if (!fault_alloc_hit()) {
			break;
		}
		turns++;
		/* SQLite does without some; then nothing is missing. */
		if (r < 0) {
			assert_int_equal(r, PEEL_ENOMEM);
		} else {
			assert_all(&told);
		}
	}
	assert_true(turns > 50);
	test_index_free(&test);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_are_those_of_the_version),
		cmocka_unit_test(no_failure_is_lost),
		cmocka_unit_test(stronger_claims_win),
		cmocka_unit_test(contents_that_are_known_are_not_read),
		cmocka_unit_test(the_sink_may_stop),
		cmocka_unit_test(unreadable_layers_are_problems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
