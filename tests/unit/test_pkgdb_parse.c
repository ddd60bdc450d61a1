/* SPDX-License-Identifier: Apache-2.0 */
/* The parsers of package databases on bytes that nobody would write: they end, and say no more than is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>
#include <peel/query.h>

#include "peel_test.h"
#include "pkgdb_claims.h"
#include "pkgdb_control.h"
#include "pkgdb_json.h"
#include "pkgdb_roster.h"
#include "pkgdb_rpm.h"
#include "testindex.h"
#include "util.h"

/* A text that lies in memory whole. */
static struct pkgdb_text text_of(char *bytes, size_t len)
{
	return (struct pkgdb_text){.bytes = bytes, .room = len, .end = len};
}

static int append_value(void *arg, const struct pkgdb_json_value *value)
{
	char *out = arg;
	const size_t len = strlen(out);

	snprintf(out + len, 256 - len, "%d%s.%s%c%s;", value->depth, value->top, value->key,
		value->type, value->text);
	return strcmp(value->text, "stop") == 0 ? 7 : 0;
}

static const struct {
	const char *json, *wanted;
	int code;
	unsigned long line;
} documents[] = {
	{"{\"a\": 1, \"b\": [true, {\"c\": \"x\"}], \"A\": null}",
		"1a.an1;2b.wtrue;3b.csx;1A.Awnull;", 0, 1},
	{"\xef\xbb\xbf \"s\"", "0.ss;", 0, 1},
	{"-1.5e+3", "0.n-1.5e+3;", 0, 1},
	{"[]", "", 0, 1},
	{"{}\n", "", 0, 2},
	{"[\"\\u00e9\\ud83d\\ude00\\n\\/\"]", "1.s\xc3\xa9\xf0\x9f\x98\x80\n/;", 0, 1},
	{"[\"stop\", 1]", "1.sstop;", 7, 1},
	{"", "", PEEL_EFORMAT, 1},
	{"[1,]", "1.n1;", PEEL_EFORMAT, 1},
	{"{\"a\":1,}", "1a.an1;", PEEL_EFORMAT, 1},
	{"[1\n2]", "1.n1;", PEEL_EFORMAT, 2},
	{"[1]]", "1.n1;", PEEL_EFORMAT, 1},
	{"[1}", "1.n1;", PEEL_EFORMAT, 1},
	{"{\"a\" 1}", "", PEEL_EFORMAT, 1},
	{"{1: 2}", "", PEEL_EFORMAT, 1},
	{"[\"a", "", PEEL_EFORMAT, 1},
	{"[\"\\ud83d\"]", "", PEEL_EFORMAT, 1},
	{"[\"\\x\"]", "", PEEL_EFORMAT, 1},
	{"[\"a\nb\"]", "", PEEL_EFORMAT, 2},
	{"[tru]", "", PEEL_EFORMAT, 1},
	{"[+1]", "", PEEL_EFORMAT, 1},
	{"1 2", "0.n1;", PEEL_EFORMAT, 1},
};

static void json_is_told_as_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(documents); i++) {
		cleanup_free char *copy = strdup(documents[i].json);
		struct pkgdb_text text = text_of(copy, strlen(copy));
		char out[256] = "";
		unsigned long line;
		const int r = pkgdb_json_scan(&text, append_value, out, &line);

		if (r != documents[i].code || strcmp(out, documents[i].wanted) != 0 ||
			line != documents[i].line) {
			fail_msg("%s: %d, \"%s\", line %lu", documents[i].json, r, out, line);
		}
	}
}

static int ignore_value(void *arg, const struct pkgdb_json_value *value)
{
	(void)arg;
	assert_true(value->len <= PKGDB_JSON_STRING_MAX && value->text[value->len] == '\0');
	return 0;
}

static void json_is_bounded(void **state)
{
	const size_t len = 1u << 20;
	cleanup_free char *bytes = malloc(len);
	struct pkgdb_text text = text_of(bytes, len);
	unsigned long line;

	(void)state;
	memset(bytes, '[', len);
	assert_int_equal(pkgdb_json_scan(&text, ignore_value, NULL, &line), PEEL_EFORMAT);
	/* One string of a million bytes is cut, and is one string. */
	memset(bytes, 'x', len);
	bytes[0] = bytes[len - 1] = '"';
	text = text_of(bytes, len);
	assert_int_equal(pkgdb_json_scan(&text, ignore_value, NULL, &line), 0);
}

/* Numbers that are the same each time. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void any_bytes_are_no_danger(void **state)
{
	static const char sample[] =
		"{\"name\": \"x\", \"files\": [\"a\", \"b\\u0041\"], \"n\": -1.5}";
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char bytes[sizeof(sample)];
		struct pkgdb_paragraph paragraph;
		struct pkgdb_rpm_header header;
		struct pkgdb_text text;
		unsigned long line;

		memcpy(bytes, sample, sizeof(sample));
		for (int j = 0; j < 3; j++) {
			bytes[next_random(&seed) % sizeof(bytes)] = (char)next_random(&seed);
		}
		text = text_of(bytes, sizeof(bytes) - 1);
		pkgdb_json_scan(&text, ignore_value, NULL, &line);
		text = text_of(bytes, sizeof(bytes) - 1);
		while (pkgdb_paragraph(&text, &paragraph)) {
			assert_true(paragraph.line > 0);
		}
		pkgdb_rpm_header_read(bytes, sizeof(bytes), &header);
	}
}

static void put_be32(unsigned char *at, uint32_t value)
{
	at[0] = (unsigned char)(value >> 24);
	at[1] = (unsigned char)(value >> 16);
	at[2] = (unsigned char)(value >> 8);
	at[3] = (unsigned char)value;
}

/* A header of a package with two files in one folder. */
#define HEADER_ENTRIES 5
#define HEADER_DATA (8 + HEADER_ENTRIES * 16)

static size_t make_header(unsigned char *header)
{
	static const struct {
		uint32_t tag, type, offset, count;
	} index[HEADER_ENTRIES] = {
		{1000, 6, 0, 1},
		{1116, 4, 4, 2},
		{1117, 8, 12, 2},
		{1118, 8, 16, 1},
		{1029, 1, 20, 2},
	};
	static const char data[] = "pkg\0\0\0\0\0\0\0\0\0a\0b\0/d/\0\0\1";

	put_be32(header, HEADER_ENTRIES);
	put_be32(header + 4, sizeof(data));
	for (size_t i = 0; i < HEADER_ENTRIES; i++) {
		put_be32(header + 8 + i * 16, index[i].tag);
		put_be32(header + 12 + i * 16, index[i].type);
		put_be32(header + 16 + i * 16, index[i].offset);
		put_be32(header + 20 + i * 16, index[i].count);
	}
	memcpy(header + HEADER_DATA, data, sizeof(data));
	return HEADER_DATA + sizeof(data);
}

static int append_path(void *arg, const char *path, size_t len)
{
	strncat(arg, path, len);
	return 0;
}

static void rpm_files_are_those_in_place(void **state)
{
	unsigned char bytes[256];
	const size_t len = make_header(bytes);
	struct pkgdb_rpm_header header;
	char paths[64] = "";

	(void)state;
	assert_true(pkgdb_rpm_header_read(bytes, len, &header));
	assert_string_equal(header.name, "pkg");
	assert_int_equal(header.file_count, 2);
	assert_int_equal(pkgdb_rpm_header_paths(&header, append_path, paths), 0);
	/* The second one was replaced by another package's. */
	assert_string_equal(paths, "/d/a");
}

static int count_path(void *arg, const char *path, size_t len)
{
	(void)arg;
	assert_int_equal(strnlen(path, len), len);
	return 0;
}

/* Each byte of a header in turn is wrong, and each length too short; copies are as long as they claim. */
static void rpm_headers_that_lie_are_no_danger(void **state)
{
	unsigned char bytes[256];
	const size_t len = make_header(bytes);
	struct pkgdb_rpm_header header;
	int refused = 0;

	(void)state;
	for (size_t i = 0; i < len; i++) {
		for (unsigned value = 0; value < 256; value += 51) {
			cleanup_free unsigned char *copy = malloc(len);

			memcpy(copy, bytes, len);
			copy[i] = (unsigned char)value;
			if (!pkgdb_rpm_header_read(copy, len, &header) ||
				pkgdb_rpm_header_paths(&header, count_path, NULL) < 0) {
				refused++;
			}
		}
	}
	assert_true(refused > 100);
	for (size_t cut = 0; cut < len; cut++) {
		cleanup_free unsigned char *copy = malloc(cut + 1);

		memcpy(copy, bytes, cut);
		if (pkgdb_rpm_header_read(copy, cut, &header)) {
			pkgdb_rpm_header_paths(&header, count_path, NULL);
		}
	}
}

static void claims_are_kept_by_number(void **state)
{
	static const uint64_t numbers[] = {1, 16, 1023, 1024, 5000000};
	struct pkgdb_claims claims = {0};
	struct peel_error err = {0};
	uint64_t at = 0;

	(void)state;
	for (size_t i = 0; i < countof(numbers); i++) {
		assert_good(pkgdb_claims_set(&claims, numbers[i],
				    (struct pkgdb_claim){(uint32_t)i + 1, PEEL_CLAIM_BYTECODE},
				    &err),
			&err);
	}
	for (size_t i = 0; i < countof(numbers); i++) {
		at = pkgdb_claims_next(&claims, at + 1);
		assert_int_equal(at, numbers[i]);
		assert_int_equal(pkgdb_claims_get(&claims, at).package, i + 1);
		assert_int_equal(pkgdb_claims_get(&claims, at).how, PEEL_CLAIM_BYTECODE);
	}
	assert_int_equal(pkgdb_claims_next(&claims, at + 1), 0);
	assert_int_equal(pkgdb_claims_get(&claims, UINT64_MAX).package, 0);
	assert_failure(pkgdb_claims_set(&claims, UINT64_MAX, (struct pkgdb_claim){1, 1}, &err),
		PEEL_ELIMIT, &err, "more files");
	pkgdb_claims_finish(&claims);
}

static void packages_are_numbered_in_order(void **state)
{
	static const struct pkgdb_record records[] = {
		{"pip", "a", "1", "", "", "/x", -1, -1},
		{"dpkg", "b", "2", "all", "", "/y", -1, 5},
		{"dpkg", "b", "1", "all", "", "/y", -1, 5},
		{"dpkg", "b", "1", "all", "", "/a", -1, 5},
	};
	static const uint32_t wanted[] = {4, 3, 2, 1};
	struct pkgdb_roster roster = {0};
	struct peel_error err = {0};
	uint32_t ticket;

	(void)state;
	for (size_t i = 0; i < countof(records); i++) {
		assert_good(pkgdb_roster_add(&roster, &records[i],
				    i ? PKGDB_RANK_SYSTEM : PKGDB_RANK_PIP, false, &ticket, &err),
			&err);
		assert_int_equal(ticket, i + 1);
	}
	assert_good(pkgdb_roster_sort(&roster, &err), &err);
	for (size_t i = 0; i < countof(records); i++) {
		assert_int_equal(pkgdb_roster_row(&roster, (uint32_t)i + 1)->id, wanted[i]);
	}
	assert_true(pkgdb_roster_before(&roster, 2, 1));
	assert_false(pkgdb_roster_before(&roster, 1, 4));
	assert_int_equal(pkgdb_roster_find(&roster, &records[1]), 2);
	pkgdb_roster_finish(&roster);
}

/* Lines longer than the window are given by their begin, and counted once. */
static void long_lines_are_cut(void **state)
{
	const size_t len = 3 * PKGDB_LINE_MAX;
	cleanup_free char *bytes = calloc(1, len + 1);
	struct test_entry entries[] = {{.path = "f", .data = bytes}};
	struct test_index test;
	struct pkgdb_text text = {0};
	struct peel_error err = {0};
	const char *line;
	size_t line_len;

	(void)state;
	memset(bytes, 'x', len);
	memcpy(bytes, "a\n", 2);
	memcpy(bytes + len - 3, "\nb\n", 3);
	test = test_index_new(entries, 1, NULL);
	assert_int_equal(pkgdb_open(test.index, PEEL_VIEW_MERGED, "/f", 0, &text, &err), 1);
	assert_true(pkgdb_line(&text, &line, &line_len));
	assert_int_equal(line_len, 1);
	assert_true(pkgdb_line(&text, &line, &line_len));
	assert_int_equal(line_len, PKGDB_LINE_MAX);
	assert_true(pkgdb_line(&text, &line, &line_len));
	assert_int_equal(text.line, 3);
	assert_int_equal(line_len, 1);
	assert_memory_equal(line, "b", 1);
	assert_false(pkgdb_line(&text, &line, &line_len));
	assert_int_equal(text.code, 0);
	assert_int_equal(pkgdb_open(test.index, PEEL_VIEW_MERGED, "/none", 0, &text, &err), 0);
	pkgdb_text_finish(&text);
	test_index_free(&test);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_bytes_are_no_danger),
		cmocka_unit_test(claims_are_kept_by_number),
		cmocka_unit_test(json_is_bounded),
		cmocka_unit_test(json_is_told_as_it_is),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(packages_are_numbered_in_order),
		cmocka_unit_test(rpm_files_are_those_in_place),
		cmocka_unit_test(rpm_headers_that_lie_are_no_danger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
