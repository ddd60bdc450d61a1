/* SPDX-License-Identifier: Apache-2.0 */
#include <peel/query.h>

#include <string.h>
#include <sys/stat.h>

#include "peel_test.h"
#include "testindex.h"
#include "util.h"

static const struct test_entry image[] = {
	{.path = "./", .mode = 0700, .uid = 5},
	{.path = "d/", .mode = 0750, .uid = 7, .mtime = -5},
	{.path = "d/f", .data = "hello", .mtime = 12},
	{.path = "d/s/"},
	{.path = "l", .link = "d/f"},
	{.path = "h", .link = "d/f", .hard = 1, .mode = 0600, .uid = 9},
	{.path = "dev", .type = '3', .major = 1, .minor = 3},
	{.path = "big", .data = "x", .uid = INT64_C(4294967295)},
	{.path = "gone", .data = "1"},
	{.path = "opq/old", .data = "2"},
	{.layer = 1, .path = ".wh.gone", .data = ""},
	{.layer = 1, .path = "opq/.wh..wh..opq", .data = ""},
	{.layer = 1, .path = "opq/new", .data = "3"},
	{.layer = 1, .path = "d/s/t/deep", .data = "4"},
	{.layer = 1, .path = "h2", .link = "d/f", .hard = 1},
	{.layer = 1, .path = "twice", .data = "5"},
	{.layer = 1, .path = "twice", .data = "66"},
	{.layer = 1, .path = ".wh..wh.aufs", .data = ""},
};

static struct peel_node node_at(struct test_index *test, int view, const char *path)
{
	struct peel_error err = {0};
	struct peel_node node;
	struct peel_node again;

	assert_good(peel_resolve(test->index, view, 0, path, strlen(path), false, &node, NULL,
			    &err),
		&err);
	assert_good(peel_node_get(test->index, node.ino, &again, &err), &err);
	assert_int_equal(node.ino, again.ino);
	assert_int_equal(node.mode, again.mode);
	assert_int_equal(node.nlink, again.nlink);
	assert_int_equal(node.view, view);
	return node;
}

/* Names of a folder, each with a blank after it; stops after some. */
struct names {
	char text[512];
	uint64_t cookie;
	uint64_t ino;
	int left;
};

static int take_name(void *arg, const struct peel_dirent *entry)
{
	struct names *names = arg;

	if (names->left-- == 0) {
		return 1;
	}
	assert_true(entry->cookie > names->cookie);
	names->cookie = entry->cookie;
	strncat(names->text, entry->name, entry->name_len);
	strcat(names->text, " ");
	return 0;
}

static void assert_names(struct test_index *test, int view, const char *path, const char *wanted)
{
	const uint64_t folder = node_at(test, view, path).ino;
	struct peel_error err = {0};
	struct names all = {.left = -1};
	struct names pieces = {0};
	int r;

	assert_good(peel_list(test->index, folder, 0, take_name, &all, &err), &err);
	assert_string_equal(all.text, wanted);
	/* The same, one name a call: cookies lead on. */
	do {
		pieces.left = 1;
		r = peel_list(test->index, folder, pieces.cookie, take_name, &pieces, &err);
		assert_good(r, &err);
	} while (r > 0);
	assert_string_equal(pieces.text, wanted);
}

static void merged_tree_is_listed(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);

	(void)state;
	assert_names(&test, -1, "/", "d l h dev big h2 twice opq ");
	assert_names(&test, -1, "/d", "f s ");
	assert_names(&test, -1, "/d/s", "t ");
	assert_names(&test, -1, "/opq", "new ");
	test_index_free(&test);
}

static void layers_are_listed_as_stored(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);
	struct peel_node node;

	(void)state;
	assert_names(&test, 0, "/", "d l h dev big gone opq ");
	assert_names(&test, 0, "/opq", "old ");
	assert_names(&test, 1, "/", ".wh.gone h2 twice .wh..wh.aufs d opq ");
	assert_names(&test, 1, "/opq", ".wh..wh..opq new ");
	assert_names(&test, 1, "/d/s/t", "deep ");
	node = node_at(&test, 1, "/.wh.gone");
	assert_int_equal(node.mode & S_IFMT, S_IFREG);
	assert_int_equal(node.size, 0);
	node = node_at(&test, 1, "/opq/.wh..wh..opq");
	assert_int_equal(node.mode & S_IFMT, S_IFREG);
	node = node_at(&test, 1, "/twice");
	assert_int_equal(node.size, 2);
	node = node_at(&test, 1, "/d");
	assert_true(node.implied);
	assert_int_equal(node.mode, S_IFDIR | 0755);
	assert_int_equal(node.nlink, 3);
	test_index_free(&test);
}

/* The fate of a name, by the name itself: the other name of its file may have another. */
static void assert_fate(struct test_index *test, int view, const char *path, int hidden_by,
	const char *why)
{
	struct peel_node node = node_at(test, view, path);

	assert_int_equal(node.hidden_by, hidden_by);
	assert_string_equal(node.why, why);
}

static void names_of_a_layer_tell_what_hides_them(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);

	(void)state;
	assert_fate(&test, 0, "/gone", 1, "deleted");
	assert_fate(&test, 0, "/opq/old", 1, "opaque");
	assert_fate(&test, 0, "/d/f", -1, "");
	assert_fate(&test, 0, "/d", -1, "");
	assert_fate(&test, 0, "/", -1, "");
	/* What the layer itself hides, and its markers, no upper layer hides. */
	assert_fate(&test, 1, "/twice", -1, "");
	assert_fate(&test, 1, "/.wh.gone", -1, "");
	assert_fate(&test, 1, "/opq", -1, "");
	assert_fate(&test, -1, "/d/f", -1, "");
	assert_fate(&test, -1, "/", -1, "");
	test_index_free(&test);
}

static void one_name_of_a_file_may_be_hidden_alone(void **state)
{
	static const struct test_entry entries[] = {
		{.path = "a", .data = "1"},
		{.path = "b", .link = "a", .hard = 1},
		{.path = "c", .link = "a", .hard = 1},
		{.layer = 1, .path = ".wh.b", .data = ""},
		{.layer = 2, .path = "c", .data = "2"},
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);

	(void)state;
	assert_fate(&test, 0, "/a", -1, "");
	assert_fate(&test, 0, "/b", 1, "deleted");
	assert_int_equal(node_at(&test, 0, "/c").hidden_by, 2);
	assert_int_equal(node_at(&test, 0, "/a").ino, node_at(&test, 0, "/b").ino);
	test_index_free(&test);
}

static void kinds_are_those_of_the_first_bytes(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);
	enum peel_kind kind;

	(void)state;
	assert_int_equal(peel_kind(test.index, node_at(&test, -1, "/d/f").ino, &kind, NULL), 0);
	assert_int_equal(kind, PEEL_KIND_TEXT);
	assert_int_equal(peel_kind(test.index, node_at(&test, 1, "/.wh.gone").ino, &kind, NULL), 0);
	assert_int_equal(kind, PEEL_KIND_EMPTY);
	assert_int_equal(peel_kind(test.index, peel_root(-1), &kind, NULL), PEEL_EISDIR);
	assert_int_equal(peel_kind(test.index, node_at(&test, -1, "/l").ino, &kind, NULL),
		PEEL_EUSAGE);
	assert_int_equal(peel_kind(test.index, 12345, &kind, NULL), PEEL_ENOENT);
	test_index_free(&test);
}

static void attributes_are_what_the_tar_says(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);
	struct peel_node node = node_at(&test, -1, "/");

	(void)state;
	assert_int_equal(node.ino, peel_root(PEEL_VIEW_MERGED));
	assert_int_equal(node.mode, S_IFDIR | 0700);
	assert_int_equal(node.uid, 5);
	assert_int_equal(node.nlink, 4);
	assert_int_equal(node.layer, 0);
	node = node_at(&test, -1, "/d");
	assert_int_equal(node.mode, S_IFDIR | 0750);
	assert_int_equal(node.uid, 7);
	assert_int_equal(node.mtime_sec, -5);
	assert_int_equal(node.nlink, 3);
	node = node_at(&test, -1, "/l");
	assert_int_equal(node.mode & S_IFMT, S_IFLNK);
	assert_int_equal(node.size, 3);
	assert_int_equal(node.allocated, 0);
	node = node_at(&test, -1, "/dev");
	assert_int_equal(node.mode & S_IFMT, S_IFCHR);
	assert_int_equal(node.rdev_major, 1);
	assert_int_equal(node.rdev_minor, 3);
	node = node_at(&test, -1, "/big");
	assert_int_equal(node.uid, 0);
	assert_int_equal(node.size, 1);
	assert_int_equal(node.allocated, 4096);
	test_index_free(&test);
}

static void hard_links_share_one_node(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);
	struct peel_node f = node_at(&test, -1, "/d/f");
	struct peel_node h = node_at(&test, -1, "/h");
	struct peel_node h2 = node_at(&test, -1, "/h2");

	(void)state;
	assert_int_equal(f.ino, h.ino);
	assert_int_equal(f.ino, h2.ino);
	assert_int_equal(f.nlink, 3);
	assert_int_equal(h2.size, 5);
	/* The last header sets the metadata. */
	assert_int_equal(f.mode, S_IFREG | 0644);
	assert_int_equal(f.layer, 1);
	/* In the layer: two names, and the header of the second. */
	f = node_at(&test, 0, "/d/f");
	h = node_at(&test, 0, "/h");
	assert_int_equal(f.ino, h.ino);
	assert_int_equal(f.nlink, 2);
	assert_int_equal(f.mode, S_IFREG | 0600);
	assert_int_equal(f.uid, 9);
	/* A link to a lower layer's file is a node of its own. */
	h2 = node_at(&test, 1, "/h2");
	assert_int_equal(h2.nlink, 1);
	assert_int_equal(h2.size, 5);
	assert_int_not_equal(h2.ino, f.ino);
	test_index_free(&test);
}

static void roots_and_parents(void **state)
{
	struct test_index test = test_index_new(image, countof(image), NULL);
	struct peel_node root = node_at(&test, 0, "/");
	struct peel_node bare = node_at(&test, 1, "/");
	uint64_t parent = 0;

	(void)state;
	assert_int_equal(root.ino, peel_root(0));
	assert_int_equal(root.mode, S_IFDIR | 0700);
	assert_int_equal(bare.ino, peel_root(1));
	assert_int_equal(bare.mode, S_IFDIR | 0755);
	assert_true(bare.implied);
	for (int view = -1; view < 2; view++) {
		assert_int_equal(peel_parent(test.index, node_at(&test, view, "/d/s").ino, &parent,
					 NULL),
			0);
		assert_int_equal(parent, node_at(&test, view, "/d").ino);
		assert_int_equal(peel_parent(test.index, parent, &parent, NULL), 0);
		assert_int_equal(parent, peel_root(view));
		assert_int_equal(peel_parent(test.index, parent, &parent, NULL), 0);
		assert_int_equal(parent, peel_root(view));
	}
	assert_int_equal(peel_parent(test.index, node_at(&test, -1, "/d/f").ino, &parent, NULL),
		PEEL_ENOTDIR);
	test_index_free(&test);
}

static void numbers_that_are_none_are_refused(void **state)
{
	static const uint64_t bad[] = {0, 2, 15, 1000000, UINT64_C(1) << 39, UINT64_C(3) << 40,
		UINT64_MAX, (UINT64_C(1) << 40) | 1, (UINT64_C(1) << 40) | (UINT64_C(1) << 39) | 77,
		UINT64_C(1) << 63};
	struct test_index test = test_index_new(image, countof(image), NULL);
	struct peel_node node;
	uint64_t hidden;

	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		assert_int_equal(peel_node_get(test.index, bad[i], &node, NULL), PEEL_ENOENT);
	}
	/* An entry of layer 0 that the merged tree does not have; and one of another layer. */
	hidden = node_at(&test, 0, "/gone").ino & 0xffffff;
	assert_int_equal(peel_node_get(test.index, hidden, &node, NULL), PEEL_ENOENT);
	assert_int_equal(peel_node_get(test.index, (UINT64_C(2) << 40) | hidden, &node, NULL),
		PEEL_ENOENT);
	assert_int_equal(peel_lookup(test.index, peel_root(-1), "gone", 4, &node, NULL),
		PEEL_ENOENT);
	assert_int_equal(peel_lookup(test.index, peel_root(-1), ".wh.gone", 8, &node, NULL),
		PEEL_ENOENT);
	assert_int_equal(peel_lookup(test.index, peel_root(-1), "", 0, &node, NULL), PEEL_ENOENT);
	assert_int_equal(peel_lookup(test.index, node_at(&test, -1, "/h").ino, "x", 1, &node, NULL),
		PEEL_ENOTDIR);
	assert_int_equal(peel_list(test.index, node_at(&test, -1, "/h").ino, 0, take_name, NULL,
				 NULL),
		PEEL_ENOTDIR);
	test_index_free(&test);
}

/* The merged tree has no folder there; the layer alone has. */
static void what_a_lower_layer_blocks_is_in_its_layer(void **state)
{
	static const struct test_entry entries[] = {
		{.path = "a", .data = "file"},
		{.layer = 1, .path = "a/b", .data = "below"},
		{.layer = 1, .path = "c", .data = "file"},
		{.layer = 1, .path = "c/d", .data = "below"},
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);

	(void)state;
	assert_names(&test, -1, "/", "a c ");
	assert_names(&test, 0, "/", "a ");
	assert_names(&test, 1, "/", "c a ");
	assert_names(&test, 1, "/a", "b ");
	test_index_free(&test);
}

static void link_to_a_deleted_file_keeps_it(void **state)
{
	static const struct test_entry entries[] = {
		{.path = "f", .data = "kept"},
		{.path = "g", .link = "f", .hard = 1},
		{.layer = 1, .path = ".wh.f", .data = ""},
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	struct peel_node node = node_at(&test, -1, "/g");
	char buf[8];

	(void)state;
	assert_int_equal(node.nlink, 1);
	assert_int_equal(peel_read(test.index, node.ino, 0, buf, sizeof(buf), NULL), 4);
	assert_memory_equal(buf, "kept", 4);
	test_index_free(&test);
}

static int take_xattr(void *arg, const char *name, const void *value, size_t len)
{
	strcat(arg, name);
	strcat(arg, "=");
	strncat(arg, value, len);
	strcat(arg, " ");
	return 0;
}

static void xattrs_come_in_order(void **state)
{
	static const struct test_entry entries[] = {
		{.path = "f", .data = "", .pax = "SCHILY.xattr.user.b=2"},
		{.path = "g", .data = ""},
	};
	struct test_index test = test_index_new(entries, countof(entries),
		"INSERT INTO xattr SELECT entry, 'user.a', x'31' FROM xattr;"
		"INSERT INTO xattr SELECT entry, 'user.c', x'' FROM xattr WHERE name = 'user.b'");
	struct peel_node node = node_at(&test, -1, "/f");
	struct peel_totals totals;
	char text[128] = "";

	(void)state;
	assert_true(node.has_xattrs);
	assert_int_equal(peel_xattrs(test.index, node.ino, take_xattr, text, NULL), 0);
	assert_string_equal(text, "user.a=1 user.b=2 user.c= ");
	text[0] = '\0';
	assert_int_equal(peel_xattrs(test.index, node_at(&test, -1, "/g").ino, take_xattr, text,
				 NULL),
		0);
	assert_string_equal(text, "");
	assert_int_equal(peel_totals(test.index, &totals, NULL), 0);
	assert_true(totals.any_xattrs);
	test_index_free(&test);
}

/* Rows as a stranger could write them: an error, or left out, never a crash. */
static void hostile_rows_are_errors(void **state)
{
	static const struct {
		const char *sql;
		int wanted;
	} cases[] = {
		{"UPDATE entry SET size = -1 WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET type = 'ff' WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET type = '' WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET layer = 99 WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET type = 'h', inode = id WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET type = 'h', inode = NULL WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET type = 'h', inode = 1 << 45 WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET type = 'd', self = 3 WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET name = x'' WHERE name = x'66'", PEEL_ENOENT},
		{"DELETE FROM entry WHERE name = x'66'", PEEL_ENOENT},
		{"UPDATE entry SET flags = flags | 8 WHERE name = x'66'", 0},
		{"INSERT INTO hardlink VALUES (17, 3, 12345); UPDATE entry SET flags = flags | 8 WHERE name = x'66'",
			PEEL_EFORMAT},
	};
	static const struct test_entry entries[] = {{.path = "./"}, {.path = "f", .data = "x"}};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct test_index test = test_index_new(entries, countof(entries), cases[i].sql);
		struct names names = {.left = -1};
		struct peel_node node;
		int r = peel_lookup(test.index, peel_root(-1), "f", 1, &node, NULL);

		if (r != cases[i].wanted) {
			print_error("%s\n", cases[i].sql);
		}
		assert_int_equal(r, cases[i].wanted);
		r = peel_list(test.index, peel_root(-1), 0, take_name, &names, NULL);
		assert_int_equal(r, cases[i].wanted == PEEL_EFORMAT ? PEEL_EFORMAT : 0);
		test_index_free(&test);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_are_what_the_tar_says),
		cmocka_unit_test(hard_links_share_one_node),
		cmocka_unit_test(hostile_rows_are_errors),
		cmocka_unit_test(kinds_are_those_of_the_first_bytes),
		cmocka_unit_test(layers_are_listed_as_stored),
		cmocka_unit_test(link_to_a_deleted_file_keeps_it),
		cmocka_unit_test(merged_tree_is_listed),
		cmocka_unit_test(names_of_a_layer_tell_what_hides_them),
		cmocka_unit_test(numbers_that_are_none_are_refused),
		cmocka_unit_test(one_name_of_a_file_may_be_hidden_alone),
		cmocka_unit_test(roots_and_parents),
		cmocka_unit_test(what_a_lower_layer_blocks_is_in_its_layer),
		cmocka_unit_test(xattrs_come_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
