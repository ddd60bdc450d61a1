/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of contents: each magic, what only looks like one, and where text ends. */
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "peel_test.h"
#include "util.h"

/* A row of a test: bytes, with their length, and the kind's name. */
#define CASE(bytes, kind) \
	{ \
		bytes, sizeof(bytes) - 1, kind \
	}

struct kind_case {
	const char *bytes;
	size_t len;
	const char *kind;
};

static void check(const struct kind_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got = peel_kind_name(facts_kind(cases[i].bytes, cases[i].len));

		if (strcmp(got, cases[i].kind) != 0) {
			fail_msg("case %zu: %s, not %s", i, got, cases[i].kind);
		}
	}
}

static void magics_tell_the_kind(void **state)
{
	static const struct kind_case cases[] = {
		CASE("", "empty"),
		CASE("\177ELF\2\1\1", "elf"),
		CASE("#!/bin/sh\n", "script"),
		CASE("#!", "script"),
		CASE("\247\r\r\n\0\0\0\0\0\0\0\0\0\0\0\0", "pyc"),
		CASE("\xb8\x0b\r\n\0\0\0\0", "pyc"),
		CASE("\x03\xf3\r\n\0\0\0\0", "pyc"),
		CASE("\x2a\xeb\r\n\0\0\0\0", "pyc"),
		CASE("PK\3\4\24\0", "zip"),
		CASE("PK\5\6\0\0", "zip"),
		CASE("\x1f\x8b\x08", "gzip"),
		CASE("\x1f\x9d\x90", "compress"),
		CASE("BZh91AY&SY", "bzip2"),
		CASE("BZh9\x17\x72\x45\x38\x50\x90", "bzip2"),
		CASE("\xfd\x37\x7a\x58\x5a\0\0\4", "xz"),
		CASE("\x28\xb5\x2f\xfd\4", "zstd"),
		CASE("\4\"M\x18", "lz4"),
		CASE("LZIP\1", "lzip"),
		CASE("!<arch>\nfoo.o/", "ar"),
		CASE("!<arch>\ndebian-binary   ", "deb"),
		CASE("!<thin>\n", "ar"),
		CASE("\xed\xab\xee\xdb\3", "rpm"),
		CASE("070701000", "cpio"),
		CASE("hsqs\1", "squashfs"),
		CASE("MSCF\0\0\0\0\1", "cab"),
		CASE("QFI\xfb\0\0\0\3", "disk"),
		CASE("KDMV\1\0\0\0", "disk"),
		CASE("KDMV in a text", "text"),
		CASE("conectix\0\0\0\2", "disk"),
		CASE("vhdxfile", "disk"),
		CASE("XFSB\0\0\x10\0", "filesystem"),
		CASE("\x45\x3d\xcd\x28\0\0", "filesystem"),
		CASE("-rom1fs-\0\0", "filesystem"),
		CASE("7z\xbc\xaf\x27\x1c", "7z"),
		CASE("Rar!\x1a\7\1", "rar"),
		CASE("SQLite format 3\0\20", "sqlite"),
		CASE("\x89PNG\r\n\x1a\n", "png"),
		CASE("\xff\xd8\xff\xe0", "jpeg"),
		CASE("GIF89a\1", "gif"),
		CASE("RIFF\1\2\3\4WEBPVP8 ", "webp"),
		CASE("II*\0\10", "tiff"),
		CASE("MM\0*\0", "tiff"),
		CASE("BM\1\1\0\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0", "bmp"),
		CASE("\0\0\1\0\2\0\20\20\0\0\1\0\40\0\1\0\0\0\1\0\0\0", "ico"),
		CASE("%PDF-1.7\n", "pdf"),
		CASE("wOF2\0\1", "font"),
		CASE("\0\1\0\0\0\20", "font"),
		CASE("MZ\220\0", "data"),
		CASE("MZ begins a text that is longer than the header of a program for DOS.\n",
			"text"),
		CASE("\0asm\1\0\0\0", "wasm"),
		CASE("\xca\xfe\xba\xbe\0\0\0\x41", "class"),
		CASE("\xca\xfe\xba\xbe\0\0\0\2", "macho"),
		CASE("\xcf\xfa\xed\xfe\7", "macho"),
		CASE("GGUF\3\0\0\0", "gguf"),
		CASE("PACK\0\0\0\2", "gitpack"),
		CASE("\x89HDF\r\n\x1a\n", "hdf5"),
	};

	(void)state;
	check(cases, countof(cases));
}

static void what_only_looks_like_a_magic_is_none(void **state)
{
	static const struct kind_case cases[] = {
		CASE("\177EL", "data"),
		CASE("#", "text"),
		CASE("P", "text"),
		CASE("BZhello\nworld", "text"),
		CASE("BZh91AY&", "text"),
		CASE("ab\r\nab\r\n", "text"),
		CASE("\247\r\r\n", "data"),
		CASE("!<arch>", "text"),
		CASE("BM is a name, not a bitmap\n", "text"),
		CASE("RIFF but a word\n", "text"),
		CASE("GIF80a\n", "text"),
		CASE("\xca\xfe\xba\xbe", "macho"),
		CASE("\0\0\1\0", "data"),
		CASE("SQLite format 3", "text"),
	};

	(void)state;
	check(cases, countof(cases));
}

static void tar_is_told_by_its_257th_byte(void **state)
{
	char block[512] = "name";

	(void)state;
	memcpy(block + 257, "ustar", 5);
	assert_int_equal(facts_kind(block, sizeof(block)), PEEL_KIND_TAR);
	assert_int_equal(facts_kind(block, 262), PEEL_KIND_TAR);
	assert_int_equal(facts_kind(block, 261), PEEL_KIND_DATA);
}

/* Magics behind the begin, and what there must be beside them. */
static void disks_and_filesystems_have_a_place_for_their_magic(void **state)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t beside;
		uint8_t value;
		const char *kind, *changed;
	} cases[] = {
		{64, "\x7f\x10\xda\xbe", 0, 1, "disk", "disk"},
		{512, "EFI PART", 510, 0x55, "data", "data"},
		{512, "EFI PART", 511, 0xaa, "data", "disk"},
		{1024, "\xe2\xe1\xf5\xe0", 0, 1, "filesystem", "filesystem"},
		{1080, "\x53\xef", 1082, 1, "filesystem", "filesystem"},
		{1080, "\x53\xef", 1082, 8, "filesystem", "data"},
		{1080, "\x53\xef", 1048, 7, "filesystem", "data"},
		{1080, "\x53\xef", 1100, 2, "filesystem", "data"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		uint8_t head[FACTS_HEAD] = {0};

		head[510] = i == 2 ? 0x55 : 0;
		memcpy(head + cases[i].at, cases[i].bytes, strlen(cases[i].bytes));
		assert_string_equal(peel_kind_name(facts_kind(head, sizeof(head))), cases[i].kind);
		head[cases[i].beside] = cases[i].value;
		assert_string_equal(peel_kind_name(facts_kind(head, sizeof(head))),
			cases[i].changed);
	}
}

static void text_is_utf8_without_controls(void **state)
{
	static const struct kind_case cases[] = {
		CASE("words\n", "text"),
		CASE("\t\n\v\f\r\b\033[1m", "text"),
		CASE("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "text"),
		CASE("a\0b", "data"),
		CASE("a\1b", "data"),
		CASE("a\177b", "data"),
		CASE("\xe4\n", "data"),
		CASE("\xc0\x80", "data"),
		CASE("\x80", "data"),
		CASE("\xc3", "data"),
		CASE("\xe2\x82", "data"),
		CASE("\xf5\x80\x80\x80", "data"),
	};

	(void)state;
	check(cases, countof(cases));
}

static void a_character_that_the_window_cuts_is_text(void **state)
{
	char *head = malloc(FACTS_HEAD);

	(void)state;
	assert_non_null(head);
	memset(head, 'a', FACTS_HEAD);
	head[FACTS_HEAD - 1] = (char)0xc3;
	assert_int_equal(facts_kind(head, FACTS_HEAD), PEEL_KIND_TEXT);
	assert_int_equal(facts_kind(head + 1, FACTS_HEAD - 1), PEEL_KIND_DATA);
	free(head);
}

static void kinds_have_names_and_end(void **state)
{
	int kind = PEEL_KIND_EMPTY;

	(void)state;
	assert_null(peel_kind_name(0));
	for (; peel_kind_name(kind); kind++) {
		assert_true(strlen(peel_kind_name(kind)) > 1);
	}
	assert_int_equal(kind, PEEL_KIND_FILESYSTEM + 1);
	/* They are bits of a word where several are asked for. */
	assert_true(kind <= 64);
}

static void a_program_for_windows_has_two_headers(void **state)
{
	char head[FACTS_HEAD] = "MZ\220";

	(void)state;
	head[60] = 64;
	memcpy(head + 64, "PE", 2);
	assert_int_equal(facts_kind(head, 68), PEEL_KIND_PE);
	assert_int_equal(facts_kind(head, sizeof(head)), PEEL_KIND_PE);
	assert_int_equal(facts_kind(head, 67), PEEL_KIND_DATA);
	head[65] = 'X';
	assert_int_equal(facts_kind(head, sizeof(head)), PEEL_KIND_DATA);
	/* It may be behind what is looked at, but not behind the file's end. */
	head[61] = 32;
	assert_int_equal(facts_kind(head, sizeof(head)), PEEL_KIND_PE);
	assert_int_equal(facts_kind(head, sizeof(head) - 1), PEEL_KIND_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_for_windows_has_two_headers),
		cmocka_unit_test(magics_tell_the_kind),
		cmocka_unit_test(what_only_looks_like_a_magic_is_none),
		cmocka_unit_test(tar_is_told_by_its_257th_byte),
		cmocka_unit_test(disks_and_filesystems_have_a_place_for_their_magic),
		cmocka_unit_test(text_is_utf8_without_controls),
		cmocka_unit_test(a_character_that_the_window_cuts_is_text),
		cmocka_unit_test(kinds_have_names_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
