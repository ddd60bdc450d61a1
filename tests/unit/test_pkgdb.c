/* SPDX-License-Identifier: Apache-2.0 */
#include "pkgdb.h"

#include <stdlib.h>
#include <string.h>

#include <peel/index.h>
#include <peel/query.h>

#include "peel_test.h"
#include "testindex.h"
#include "util.h"

#define STATUS \
	"Package: git\nStatus: install ok installed\nVersion: 1:2.39\nArchitecture: amd64\nDescription: x\n" \
	" Version: 9\n\n" \
	"Package: libc6\nStatus: install ok installed\nArchitecture: i386\nVersion: 2.1\n\n" \
	"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.2\n\n" \
	"Package: old\nStatus: deinstall ok config-files\nVersion: 3\n"

static const struct test_entry debian[] = {
	{.path = "bin", .link = "usr/bin"},
	{.path = "lib", .link = "/usr/lib"},
	{.path = "sbin/"},
	{.path = "etc/alternatives/vcs", .link = "/usr/bin/git"},
	{.path = "etc/other", .link = "/usr/bin/git"},
	{.path = "usr/bin/vcs", .link = "/etc/alternatives/vcs"},
	{.path = "usr/bin/git", .data = ""},
	{.path = "usr/lib/libc.so.6", .data = ""},
	{.path = "usr/sbin/tool", .data = ""},
	{.path = "var/lib/dpkg/info/git.list", .data = "/.\n/usr\n/usr/bin\n/usr/bin/git\n"},
	{.path = "var/lib/dpkg/info/git.md5sums",
		.data = "0123456789abcdef0123456789abcdef  usr/share/sum\n"},
	{.path = "var/lib/dpkg/info/libc6:amd64.list", .data = "/lib/libc.so.6\n/sbin/tool"},
	{.path = "var/lib/dpkg/info/old.list", .data = "/etc/old.conf\n"},
	{.path = "var/lib/dpkg/info/nostatus.list", .data = "/opt/x\n"},
	{.path = "var/lib/dpkg/status", .data = STATUS},
	{.path = "var/lib/dpkg/status.d/tzdata", .data = "Package: tzdata\nVersion: 2024a\n"},
	{.path = "var/lib/dpkg/status.d/tzdata.md5sums",
		.data = "0123456789abcdef0123456789abcdef  usr/share/zoneinfo/UTC\n"},
};

static const struct test_entry alpine[] = {
	{.path = "lib/apk/db/installed",
		.data = "P:musl\nV:1.2.4-r2\nF:lib\nR:ld-musl.so.1\nF:\nR:atroot\n\n"
			"P:busybox\nV:1.36\nF:bin\nR:busybox\n\nV:7\nF:etc\nR:nameless\n"},
};

static const struct {
	const char *path, *wanted;
} debian_cases[] = {
	{"/usr/bin/git", "git 1:2.39"},
	/* The list has it by the link's name. */
	{"/usr/lib/libc.so.6", "libc6 2.2"},
	/* Here /sbin is no link: another file. */
	{"/usr/sbin/tool", NULL},
	{"/sbin/tool", "libc6 2.2"},
	/* A package that is only half there; one that the status file does not know. */
	{"/etc/old.conf", "old"},
	{"/opt/x", "nostatus"},
	{"/usr/share/zoneinfo/UTC", "tzdata 2024a"},
	{"/usr/share/sum", NULL},
	{"/usr/bin/gi", NULL},
	/* An alternative is its target's; any other link is nobody's. */
	{"/usr/bin/vcs", "git 1:2.39"},
	{"/etc/alternatives/vcs", "git 1:2.39"},
	{"/etc/other", NULL},
	{"/usr/bin/git2", NULL},
	{"/", NULL},
};

static const struct {
	const char *path, *wanted;
} alpine_cases[] = {
	{"/lib/ld-musl.so.1", "musl 1.2.4-r2"},
	{"/atroot", "musl 1.2.4-r2"},
	{"/bin/busybox", "busybox 1.36"},
	{"/etc/nameless", NULL},
	{"/lib/busybox", NULL},
};

static void assert_owner(struct test_index *test, const char *path, const char *wanted)
{
	struct peel_error err = {0};
	cleanup_free char *owner = NULL;
	char unread[PEEL_MESSAGE_SIZE];

	assert_good(pkgdb_owner(test->index, PEEL_VIEW_MERGED, path, &owner, unread, &err), &err);
	assert_string_equal(unread, "");
	if (!wanted != !owner || (wanted && strcmp(wanted, owner) != 0)) {
		fail_msg("%s: %s, not %s", path, owner ? owner : "none", wanted ? wanted : "none");
	}
}

static void dpkg_owns_files(void **state)
{
	struct test_index test = test_index_new(debian, countof(debian), NULL);

	(void)state;
	for (size_t i = 0; i < countof(debian_cases); i++) {
		assert_owner(&test, debian_cases[i].path, debian_cases[i].wanted);
	}
	test_index_free(&test);
}

static void apk_owns_files(void **state)
{
	struct test_index test = test_index_new(alpine, countof(alpine), NULL);

	(void)state;
	for (size_t i = 0; i < countof(alpine_cases); i++) {
		assert_owner(&test, alpine_cases[i].path, alpine_cases[i].wanted);
	}
	test_index_free(&test);
}

/* A database that cannot be read owns nothing: the image may have put anything in its place. */
static void odd_databases_own_nothing(void **state)
{
	static const struct test_entry entries[] = {
		{.path = "var/lib/dpkg/info", .data = "no folder"},
		{.path = "var/lib/dpkg/status.d/"},
		{.path = "var/lib/dpkg/status.d/x.md5sums", .link = "x.md5sums"},
		{.path = "var/lib/dpkg/status.d/.md5sums",
			.data = "0123456789abcdef0123456789abcdef  f\n"},
		{.path = "var/lib/dpkg/status.d/y.md5sums", .data = "short"},
		{.path = "var/lib/dpkg/status.d/dir.md5sums/"},
		{.path = "lib/apk/db/installed/"},
		{.path = "usr/lib/apk/db/installed", .data = "R:f\nP:\n\nnonsense\nP"},
		{.path = "f", .data = ""},
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	struct test_index empty = test_index_new(entries, 0, NULL);
	struct test_index gone = test_index_new(debian, countof(debian),
		"UPDATE layer SET blob = NULL");

	(void)state;
	assert_owner(&test, "/f", NULL);
	assert_owner(&empty, "/f", NULL);
	assert_owner(&gone, "/usr/bin/git", NULL);
	test_index_free(&test);
	test_index_free(&empty);
	test_index_free(&gone);
}

static void long_names_are_cut(void **state)
{
	char long_name[2 * PKGDB_NAME_MAX];
	char copy[PKGDB_NAME_MAX + 1];

	(void)state;
	memset(long_name, 'x', sizeof(long_name));
	pkgdb_copy(copy, long_name, sizeof(long_name));
	assert_int_equal(strlen(copy), PKGDB_NAME_MAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(apk_owns_files),
		cmocka_unit_test(dpkg_owns_files),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(odd_databases_own_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
