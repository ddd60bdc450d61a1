/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ar archives: both kinds of long names, thin ones, .deb files, and lies. Real ones are held against ar in
 * tests/oracle.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compress.h"
#include "elfmaker.h"
#include "facts_look.h"
#include "fault.h"
#include "peel_test.h"
#include "util.h"

/* Members as text: "name size stored@offset" each a line. */
struct listed {
	char text[2048];
	size_t count;
};

static int take(void *arg, const struct facts_member *member)
{
	struct listed *listed = arg;
	const size_t len = strlen(listed->text);

	assert_int_equal(strlen(member->name), member->name_len);
	snprintf(listed->text + len, sizeof(listed->text) - len,
		"%s %" PRIu64 " %" PRIu64 "@%" PRIu64 "\n", member->name, member->size,
		member->stored, member->offset);
	listed->count++;
	return 0;
}

static int list(struct elfmaker_file *file, struct listed *listed)
{
	memset(listed, 0, sizeof(*listed));
	return facts_ar_list(&file->file, take, listed, NULL);
}

/* Add a header by hand, and some data. */
static void add(struct bytes *out, const char *name, const char *size, const char *data)
{
	char header[61];

	snprintf(header, sizeof(header), "%-16s%-12s%-6s%-6s%-8s%-10s`\n", name, "0", "0", "0",
		"100644", size);
	bytes_add(out, header, 60);
	bytes_add(out, data, strlen(data));
	if (strlen(data) % 2) {
		bytes_add(out, "\n", 1);
	}
}

static void check(struct bytes *out, int end, const char *text)
{
	struct elfmaker_file file;
	struct listed listed;

	elfmaker_bytes(out->data, out->len, &file);
	assert_int_equal(list(&file, &listed), end);
	assert_string_equal(listed.text, text);
	elfmaker_finish(&file);
	bytes_finish(out);
}

static void gnu_names(void **state)
{
	struct bytes out = {0};

	(void)state;
	bytes_add(&out, "!<arch>\n", 8);
	add(&out, "/", "4", "indx");
	add(&out, "//", "38", "a_name_longer_than_16.o/\nanother_one/\n");
	add(&out, "short.o/", "5", "short");
	add(&out, "/0", "3", "one");
	add(&out, "/25", "3", "two");
	add(&out, "with space.o/", "0", "");
	check(&out, FACTS_LIST_WHOLE,
		"short.o 5 5@230\na_name_longer_than_16.o 3 3@296\nanother_one 3 3@360\n"
		"with space.o 0 0@424\n");
}

static void bsd_names(void **state)
{
	struct bytes out = {0};

	(void)state;
	bytes_add(&out, "!<arch>\n", 8);
	add(&out, "#1/20", "24", "__.SYMDEF SORTED\0\0\0\0indx");
	bytes_add(&out, "\0\0\0\0indx", 8);
	add(&out, "#1/21", "26", "a_name_longer_than_16bytes");
	add(&out, "plain.o", "2", "ab");
	check(&out, FACTS_LIST_WHOLE, "a_name_longer_than_16 5 5@173\nplain.o 2 2@238\n");
}

static void thin_archives_have_no_data(void **state)
{
	struct bytes out = {0};

	(void)state;
	bytes_add(&out, "!<thin>\n", 8);
	add(&out, "/", "4", "indx");
	add(&out, "//", "14", "folder/one.o/\n");
	add(&out, "/0", "1000000", "");
	add(&out, "/0:8", "2000", "");
	check(&out, FACTS_LIST_WHOLE, "folder/one.o 1000000 0@206\nfolder/one.o 2000 0@266\n");
}

static void deb_files_are_archives(void **state)
{
	struct bytes out = {0};

	(void)state;
	bytes_add(&out, "!<arch>\n", 8);
	add(&out, "debian-binary", "4", "2.0\n");
	add(&out, "control.tar.xz", "3", "xyz");
	check(&out, FACTS_LIST_WHOLE, "debian-binary 4 4@68\ncontrol.tar.xz 3 3@132\n");
}

static void lies_make_it_partial(void **state)
{
	static const struct {
		const char *name, *size, *text;
	} cases[] = {
		{"b.o/", "9999999999", "a.o 2 2@68\n"},
		{"b.o/", "x", "a.o 2 2@68\n"},
		{"b.o/", "", "a.o 2 2@68\n"},
		{"b.o/", "-1", "a.o 2 2@68\n"},
		{"#1/99", "3", "a.o 2 2@68\n"},
		{"#1/x", "3", "a.o 2 2@68\n"},
		{"/77", "3", "a.o 2 2@68\n 3 3@130\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct bytes out = {0};

		bytes_add(&out, "!<arch>\n", 8);
		add(&out, "a.o/", "2", "ab");
		add(&out, cases[i].name, cases[i].size, "abc");
		check(&out, FACTS_LIST_PARTIAL, cases[i].text);
	}
}

static void what_is_no_archive_is_none(void **state)
{
	struct bytes out = {0};

	(void)state;
	bytes_add(&out, "!<arch>", 7);
	check(&out, 0, "");
	bytes_add(&out, "!<arch>\n", 8);
	check(&out, FACTS_LIST_WHOLE, "");
	bytes_add(&out, "some other text", 15);
	check(&out, 0, "");
}

static void members_are_capped(void **state)
{
	struct bytes out = {0};
	struct elfmaker_file file;
	struct listed listed;

	(void)state;
	bytes_add(&out, "!<arch>\n", 8);
	for (size_t i = 0; i < FACTS_MEMBERS_MAX + 20; i++) {
		add(&out, "m", "0", "");
	}
	elfmaker_bytes(out.data, out.len, &file);
	assert_int_equal(list(&file, &listed), FACTS_LIST_PARTIAL);
	assert_int_equal(listed.count, FACTS_MEMBERS_MAX);
	elfmaker_finish(&file);
	bytes_finish(&out);
}

static void every_fault_is_told(void **state)
{
	struct bytes out = {0};
	struct elfmaker_file file;
	struct listed listed;

	(void)state;
	bytes_add(&out, "!<arch>\n", 8);
	add(&out, "//", "14", "folder/one.o/\n");
	add(&out, "/0", "2", "ab");
	elfmaker_bytes(out.data, out.len, &file);
	assert_int_equal(list(&file, &listed), FACTS_LIST_WHOLE);
	for (unsigned n = file.reads; n > 0; n--) {
		file.reads = 0;
		file.fail_at = n;
		assert_int_equal(list(&file, &listed), PEEL_EIO);
	}
	file.fail_at = 0;
	for (unsigned n = 1; fault_alloc_works(); n++) {
		int code;

		fault_alloc(n);
		code = list(&file, &listed);
		if (!fault_alloc_hit()) {
			assert_int_equal(code, FACTS_LIST_WHOLE);
			assert_int_equal(n, 3);
			break;
		}
		assert_int_equal(code, PEEL_ENOMEM);
	}
	elfmaker_finish(&file);
	bytes_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gnu_names),
		cmocka_unit_test(bsd_names),
		cmocka_unit_test(thin_archives_have_no_data),
		cmocka_unit_test(deb_files_are_archives),
		cmocka_unit_test(lies_make_it_partial),
		cmocka_unit_test(what_is_no_archive_is_none),
		cmocka_unit_test(members_are_capped),
		cmocka_unit_test(every_fault_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
