/* SPDX-License-Identifier: Apache-2.0 */
/* ZIP files: where they begin, what they claim, what they hold. Python's and unzip's view is asked in tests/oracle. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elfmaker.h"
#include "facts_look.h"
#include "fault.h"
#include "peel_test.h"
#include "util.h"
#include "zipmaker.h"

#define MEMBERS_KEPT 8

/* What a listing told. */
struct listed {
	size_t count;
	struct facts_member members[MEMBERS_KEPT];
	char names[MEMBERS_KEPT][FACTS_NAME_MAX];
	/* Stop after so many; 0: never. */
	size_t stop;
};

static int take(void *arg, const struct facts_member *member)
{
	struct listed *listed = arg;

	assert_int_equal(member->name[member->name_len], '\0');
	if (listed->count < MEMBERS_KEPT) {
		memcpy(listed->names[listed->count], member->name, member->name_len + 1);
		listed->members[listed->count] = *member;
		listed->members[listed->count].name = listed->names[listed->count];
	}
	listed->count++;
	return listed->count == listed->stop;
}

static int list(struct elfmaker_file *file, struct listed *listed)
{
	memset(listed, 0, sizeof(*listed));
	return facts_zip_list(&file->file, take, listed, NULL);
}

static void add_three(struct zipmaker *zip)
{
	zipmaker_add(zip, "a.txt", "hello, hello, hello, hello", 26, 8);
	zipmaker_add(zip, "folder/", "", 0, 0);
	zipmaker_add(zip, "folder/b", "stored", 6, 0);
}

static void expect_three(struct elfmaker_file *file, const struct listed *listed)
{
	char room[64];

	assert_int_equal(listed->count, 3);
	assert_string_equal(listed->names[0], "a.txt");
	assert_string_equal(listed->names[1], "folder/");
	assert_string_equal(listed->names[2], "folder/b");
	assert_int_equal(listed->members[0].size, 26);
	assert_int_equal(listed->members[2].stored, 6);
	assert_int_equal(facts_zip_read(&file->file, &listed->members[0], room, 64, NULL), 26);
	assert_memory_equal(room, "hello, hello, hello, hello", 26);
	assert_int_equal(facts_zip_read(&file->file, &listed->members[0], room, 5, NULL), 5);
	assert_memory_equal(room, "hello", 5);
	assert_int_equal(facts_zip_read(&file->file, &listed->members[1], room, 64, NULL), 0);
	assert_int_equal(facts_zip_read(&file->file, &listed->members[2], room, 64, NULL), 6);
	assert_memory_equal(room, "stored", 6);
	assert_int_equal(facts_zip_read(&file->file, &listed->members[2], room, 3, NULL), 3);
}

static void every_form_lists_the_same(void **state)
{
	static char long_comment[65536];

	(void)state;
	memset(long_comment, 'c', sizeof(long_comment) - 1);
	for (unsigned i = 0; i < 8; i++) {
		struct zipmaker zip = {.wide = i & 1};
		struct elfmaker_file file;
		struct listed listed;

		if (i & 2) {
			bytes_add(&zip.out, "#!/usr/bin/env python3\n", 23);
		}
		add_three(&zip);
		zipmaker_end(&zip, 3, i & 4 ? long_comment : "");
		elfmaker_bytes(zip.out.data, zip.out.len, &file);
		assert_int_equal(list(&file, &listed), FACTS_LIST_WHOLE);
		expect_three(&file, &listed);
		elfmaker_finish(&file);
		zipmaker_finish(&zip);
	}
}

static void offsets_from_the_file_begin_do_as_well(void **state)
{
	struct zipmaker zip = {0};
	struct elfmaker_file file;
	struct listed listed;

	(void)state;
	/* As zip -A and Python's zipapp write them: everything counts from the begin of the file. */
	bytes_add(&zip.out, "#!python\n", 9);
	add_three(&zip);
	for (size_t at = 0, i = 0; i < 3; i++) {
		uint8_t *entry = zip.directory.data + at;

		elfmaker_put(entry + 42, 4, false, entry[42] + 9);
		at += 46 + (size_t)entry[28];
	}
	zip.begin = 0;
	zipmaker_end(&zip, 3, "");
	elfmaker_bytes(zip.out.data, zip.out.len, &file);
	assert_int_equal(list(&file, &listed), FACTS_LIST_WHOLE);
	expect_three(&file, &listed);
	elfmaker_finish(&file);
	zipmaker_finish(&zip);
}

static void counts_that_lie_make_it_partial(void **state)
{
	static const size_t counts[] = {0, 1, 2, 4, 3 + 65536};

	(void)state;
	for (unsigned i = 0; i < 2 * countof(counts); i++) {
		struct zipmaker zip = {.wide = i & 1};
		struct elfmaker_file file;
		struct listed listed;

		add_three(&zip);
		zipmaker_end(&zip, counts[i / 2], "");
		elfmaker_bytes(zip.out.data, zip.out.len, &file);
		/* 65539 members are 3 in a field of 16 bits: that is how it is meant. */
		assert_int_equal(list(&file, &listed),
			counts[i / 2] == 3 + 65536 && !zip.wide ? FACTS_LIST_WHOLE
								: FACTS_LIST_PARTIAL);
		expect_three(&file, &listed);
		elfmaker_finish(&file);
		zipmaker_finish(&zip);
	}
}

static void sizes_that_lie_make_it_partial(void **state)
{
	struct zipmaker zip = {0};
	struct elfmaker_file file;
	struct listed listed;
	uint8_t *end;

	(void)state;
	add_three(&zip);
	zipmaker_end(&zip, 3, "");
	end = zip.out.data + zip.out.len - 22;
	/* A directory that ends before its end. */
	elfmaker_put(end + 12, 4, false, zip.directory.len - 1);
	elfmaker_bytes(zip.out.data, zip.out.len, &file);
	assert_int_equal(list(&file, &listed), FACTS_LIST_PARTIAL);
	expect_three(&file, &listed);
	elfmaker_finish(&file);
	/* Of two disks. */
	elfmaker_put(end + 12, 4, false, zip.directory.len);
	elfmaker_put(end + 4, 2, false, 1);
	elfmaker_bytes(zip.out.data, zip.out.len, &file);
	assert_int_equal(list(&file, &listed), FACTS_LIST_PARTIAL);
	expect_three(&file, &listed);
	elfmaker_finish(&file);
	zipmaker_finish(&zip);
}

static void encrypted_members_are_listed_and_not_read(void **state)
{
	struct zipmaker zip = {.flags = 1};
	struct elfmaker_file file;
	struct listed listed;
	struct peel_error err = {0};
	char room[8];

	(void)state;
	zipmaker_add(&zip, "secret", "bytes", 5, 0);
	zip.flags = 0;
	zipmaker_add(&zip, "zstd", "bytes", 5, 93);
	zipmaker_end(&zip, 2, "");
	elfmaker_bytes(zip.out.data, zip.out.len, &file);
	assert_int_equal(list(&file, &listed), FACTS_LIST_PARTIAL);
	assert_int_equal(listed.count, 2);
	assert_failure(facts_zip_read(&file.file, &listed.members[0], room, 8, &err),
		PEEL_EUNSUPPORTED, &err, "encrypted");
	assert_failure(facts_zip_read(&file.file, &listed.members[1], room, 8, &err),
		PEEL_EUNSUPPORTED, &err, "method 93");
	elfmaker_finish(&file);
	zipmaker_finish(&zip);
}

static void the_last_directory_is_taken(void **state)
{
	struct zipmaker first = {0}, zip = {0};
	struct elfmaker_file file;
	struct listed listed;

	(void)state;
	zipmaker_add(&first, "old", "", 0, 0);
	zipmaker_end(&first, 1, "");
	bytes_add(&zip.out, first.out.data, first.out.len);
	add_three(&zip);
	/* A comment with the mark of an end record that has no directory. */
	zipmaker_end(&zip, 3, "PK\5\6 is no end record, and not long enough.");
	elfmaker_bytes(zip.out.data, zip.out.len, &file);
	assert_int_equal(list(&file, &listed), FACTS_LIST_WHOLE);
	expect_three(&file, &listed);
	elfmaker_finish(&file);
	zipmaker_finish(&zip);
	zipmaker_finish(&first);
}

static void an_empty_end_record_hides_nothing(void **state)
{
	struct zipmaker zip = {0};
	struct elfmaker_file file;
	struct listed listed;
	const uint8_t empty[22] = "PK\5\6";

	(void)state;
	elfmaker_bytes(empty, sizeof(empty), &file);
	assert_int_equal(list(&file, &listed), FACTS_LIST_WHOLE);
	assert_int_equal(listed.count, 0);
	elfmaker_finish(&file);
	add_three(&zip);
	zipmaker_end(&zip, 3, "");
	bytes_add(&zip.out, empty, sizeof(empty));
	elfmaker_bytes(zip.out.data, zip.out.len, &file);
	assert_true(list(&file, &listed) > 0);
	expect_three(&file, &listed);
	elfmaker_finish(&file);
	zipmaker_finish(&zip);
}

static void what_is_no_zip_file_is_none(void **state)
{
	static const char *const cases[] = {"", "PK", "#!/bin/sh\necho PK\005\006",
		"some text that is longer than any end record is"};
	struct elfmaker_file file;
	struct listed listed;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		elfmaker_bytes(cases[i], strlen(cases[i]), &file);
		assert_int_equal(list(&file, &listed), 0);
		assert_int_equal(listed.count, 0);
		elfmaker_finish(&file);
	}
}

static void cut_and_lengthened_files_never_pass_for_whole(void **state)
{
	struct zipmaker zip = {0};
	struct elfmaker_file file;
	struct listed listed;

	(void)state;
	add_three(&zip);
	zipmaker_end(&zip, 3, "");
	elfmaker_bytes(zip.out.data, zip.out.len, &file);
	for (size_t len = file.len; len-- > 4;) {
		file.len = file.file.size = len;
		assert_int_equal(list(&file, &listed), FACTS_LIST_PARTIAL);
	}
	elfmaker_finish(&file);
	zipmaker_finish(&zip);
}

static void names_are_cut_and_counted(void **state)
{
	static char name[FACTS_NAME_MAX + 10];
	struct zipmaker zip = {0};
	struct elfmaker_file file;
	struct listed listed;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	zipmaker_add(&zip, name, "", 0, 0);
	for (size_t i = 0; i < 10; i++) {
		zipmaker_add(&zip, "more", "", 0, 0);
	}
	zipmaker_end(&zip, 11, "");
	elfmaker_bytes(zip.out.data, zip.out.len, &file);
	assert_int_equal(list(&file, &listed), FACTS_LIST_PARTIAL);
	assert_int_equal(listed.members[0].name_len, FACTS_NAME_MAX - 1);
	assert_int_equal(listed.count, 11);
	memset(&listed, 0, sizeof(listed));
	listed.stop = 4;
	assert_true(facts_zip_list(&file.file, take, &listed, NULL) > 0);
	assert_int_equal(listed.count, 4);
	elfmaker_finish(&file);
	zipmaker_finish(&zip);
}

static void members_are_capped(void **state)
{
	struct zipmaker zip = {0};
	struct elfmaker_file file;
	struct listed listed;
	uint8_t entry[47];

	(void)state;
	zipmaker_add(&zip, "m", "", 0, 0);
	memcpy(entry, zip.directory.data, sizeof(entry));
	for (size_t i = 0; i < FACTS_MEMBERS_MAX; i++) {
		bytes_add(&zip.directory, entry, sizeof(entry));
	}
	zipmaker_end(&zip, FACTS_MEMBERS_MAX + 1, "");
	elfmaker_bytes(zip.out.data, zip.out.len, &file);
	assert_int_equal(list(&file, &listed), FACTS_LIST_PARTIAL);
	assert_int_equal(listed.count, FACTS_MEMBERS_MAX);
	elfmaker_finish(&file);
	zipmaker_finish(&zip);
}

static void damaged_data_are_an_error(void **state)
{
	struct zipmaker zip = {0};
	struct elfmaker_file file;
	struct listed listed;
	struct facts_member member;
	struct peel_error err = {0};
	static char room[20000];

	(void)state;
	memset(room, 'x', sizeof(room));
	zipmaker_add(&zip, "big", room, sizeof(room), 8);
	zipmaker_end(&zip, 1, "");
	elfmaker_bytes(zip.out.data, zip.out.len, &file);
	assert_int_equal(list(&file, &listed), FACTS_LIST_WHOLE);
	member = listed.members[0];
	member.stored -= 10;
	assert_failure(facts_zip_read(&file.file, &member, room, sizeof(room), &err), PEEL_EFORMAT,
		&err, "too early");
	member = listed.members[0];
	/* A size that lies does not hide what is there. */
	member.size = 1;
	assert_int_equal(facts_zip_read(&file.file, &member, room, sizeof(room), &err),
		sizeof(room));
	file.bytes[30 + 3 + 4] = 0xff;
	assert_failure(facts_zip_read(&file.file, &member, room, sizeof(room), &err), PEEL_EFORMAT,
		&err, "damaged");
	member.offset = file.len - 3;
	assert_failure(facts_zip_read(&file.file, &member, room, sizeof(room), &err), PEEL_EFORMAT,
		&err, "local header");
	member.offset = 1;
	assert_failure(facts_zip_read(&file.file, &member, room, sizeof(room), &err), PEEL_EFORMAT,
		&err, "local header");
	member.offset = 0;
	for (unsigned method = 0; method <= 8; method += 8) {
		struct facts_member outside = member;

		outside.method = method;
		outside.stored = file.len - 36;
		assert_failure(facts_zip_read(&file.file, &outside, room, sizeof(room), &err),
			PEEL_EFORMAT, &err, "behind the file's end");
	}
	member.stored = UINT64_MAX - 5;
	assert_failure(facts_zip_read(&file.file, &member, room, sizeof(room), &err), PEEL_EFORMAT,
		&err, "behind the file's end");
	elfmaker_finish(&file);
	zipmaker_finish(&zip);
}

static void every_fault_is_told(void **state)
{
	struct zipmaker zip = {0};
	struct elfmaker_file file;
	struct listed listed;
	const long live = fault_alloc_live();

	(void)state;
	add_three(&zip);
	zipmaker_end(&zip, 3, "");
	elfmaker_bytes(zip.out.data, zip.out.len, &file);
	assert_int_equal(list(&file, &listed), FACTS_LIST_WHOLE);
	for (unsigned n = file.reads; n > 0; n--) {
		file.reads = 0;
		file.fail_at = n;
		assert_int_equal(list(&file, &listed), PEEL_EIO);
	}
	file.fail_at = 0;
	for (unsigned n = 1; fault_alloc_works(); n++) {
		char room[64];
		int64_t code;

		fault_alloc(n);
		code = list(&file, &listed);
		code = code < 0 ? code
				: facts_zip_read(&file.file, &listed.members[0], room, 64, NULL);
		if (!fault_alloc_hit()) {
			assert_int_equal(code, 26);
			assert_true(n > 3);
			break;
		}
		assert_int_equal(code, PEEL_ENOMEM);
	}
	elfmaker_finish(&file);
	zipmaker_finish(&zip);
	assert_true(!fault_alloc_works() || fault_alloc_live() == live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_lists_the_same),
		cmocka_unit_test(offsets_from_the_file_begin_do_as_well),
		cmocka_unit_test(counts_that_lie_make_it_partial),
		cmocka_unit_test(sizes_that_lie_make_it_partial),
		cmocka_unit_test(encrypted_members_are_listed_and_not_read),
		cmocka_unit_test(the_last_directory_is_taken),
		cmocka_unit_test(an_empty_end_record_hides_nothing),
		cmocka_unit_test(what_is_no_zip_file_is_none),
		cmocka_unit_test(cut_and_lengthened_files_never_pass_for_whole),
		cmocka_unit_test(names_are_cut_and_counted),
		cmocka_unit_test(members_are_capped),
		cmocka_unit_test(damaged_data_are_an_error),
		cmocka_unit_test(every_fault_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
