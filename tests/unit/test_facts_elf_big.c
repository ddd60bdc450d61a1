/* SPDX-License-Identifier: Apache-2.0 */
/* ELF files with much in them: symbols by the ten thousand, more than is told, code for GPUs. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elfmaker.h"
#include "elftold.h"
#include "facts_look.h"
#include "peel_test.h"
#include "util.h"

/* A library as large as they get: names do not fit into a window, nor symbols into a batch. */
static void many_symbols_are_all_looked_at(void **state)
{
	enum { MANY = 30000 };
	struct elfmaker_symbol *many = calloc(MANY + 4, sizeof(*many));
	char *text = calloc(MANY, 64);
	struct elfmaker maker = {.bits = 64, .symbols = many, .hash = ELFMAKER_GNU_HASH};
	struct elfmaker_file file;
	struct elf_told told;

	(void)state;
	assert_non_null(many);
	assert_non_null(text);
	many[0] = (struct elfmaker_symbol){"Py_Main", false};
	for (size_t i = 0; i < MANY; i++) {
		snprintf(text + 64 * i, 64, "a_long_name_that_fills_windows_of_strings_%zu", i);
		many[i + 1] = (struct elfmaker_symbol){text + 64 * i, true};
	}
	many[MANY + 1] = (struct elfmaker_symbol){"PyInit_last", true};
	many[MANY + 2] = (struct elfmaker_symbol){"Py_RunMain", true};
	elfmaker_make(&maker, &file);
	/* The first symbols' names come last, the last ones' first. */
	for (size_t i = 0; i < (MANY + 3) / 2; i++) {
		uint8_t *low = file.bytes + file.symbols + (i + 1) * 24;
		uint8_t *high = file.bytes + file.symbols + (MANY + 3 - i) * 24;
		uint8_t kept[24];

		memcpy(kept, low, 24);
		memcpy(low, high, 24);
		memcpy(high, kept, 24);
	}
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	assert_string_equal(told.text,
		"symbol Py_Main 0\nsymbol Py_RunMain 1\nsymbol PyInit_last 1\n");
	/* Not a window of strings a symbol. */
	assert_true(file.reads < 200);
	elfmaker_finish(&file);
	free(many);
	free(text);
}

static void prefixes_are_capped_but_whole_names_are_not_crowded_out(void **state)
{
	enum { MANY = 1000 };
	static char text[MANY][24];
	static struct elfmaker_symbol many[MANY + 2];
	struct elfmaker maker = {.bits = 64, .symbols = many, .hash = ELFMAKER_SYSV_HASH};
	struct elfmaker_file file;
	struct elf_told told;
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(text[i], sizeof(text[i]), "PyInit_%zu", i);
		many[i] = (struct elfmaker_symbol){text[i], true};
	}
	many[MANY] = (struct elfmaker_symbol){"Py_RunMain", true};
	elfmaker_make(&maker, &file);
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	assert_true(told.elf.flags & FACTS_ELF_TRUNCATED);
	assert_non_null(strstr(told.text, "symbol Py_RunMain 1\n"));
	for (const char *at = told.text; (at = strstr(at, "PyInit_")); at++) {
		found++;
	}
	assert_int_equal(found, FACTS_FOUND_SYMBOLS_MAX);
	elfmaker_finish(&file);
}

static void needs_are_capped(void **state)
{
	static const char *many[FACTS_NEEDS_MAX + 2];
	struct elfmaker maker = {.bits = 32, .needs = many};
	struct elfmaker_file file;
	struct elf_told told;

	(void)state;
	for (size_t i = 0; i <= FACTS_NEEDS_MAX; i++) {
		many[i] = "liba.so";
	}
	elfmaker_make(&maker, &file);
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	assert_int_equal(told.len, FACTS_NEEDS_MAX * strlen("need liba.so 0\n"));
	assert_true(told.elf.flags & FACTS_ELF_TRUNCATED);
	elfmaker_finish(&file);
}

/* A container of fat binaries with entries of 32 + 64 bytes. @return its length. */
static size_t put_container(uint8_t *at, const uint32_t (*entries)[2], size_t count)
{
	elfmaker_put(at, 4, false, 0xba55ed50);
	elfmaker_put(at + 4, 2, false, 1);
	elfmaker_put(at + 6, 2, false, 16);
	elfmaker_put(at + 8, 8, false, count * (64 + 40));
	for (size_t i = 0; i < count; i++) {
		uint8_t *entry = at + 16 + i * (64 + 40);

		elfmaker_put(entry, 2, false, entries[i][0]);
		elfmaker_put(entry + 2, 2, false, 0x101);
		elfmaker_put(entry + 4, 4, false, 64);
		elfmaker_put(entry + 8, 8, false, 40);
		elfmaker_put(entry + 28, 4, false, entries[i][1]);
	}
	return 16 + count * (64 + 40);
}

static void gpu_code_is_counted_by_architecture(void **state)
{
	static const struct {
		size_t at, width;
		uint64_t value;
	} changes[] = {
		/* Kind; bytes of the header; bytes stored. */
		{0, 2, 77},
		{4, 4, 8},
		{4, 4, 200},
		{4, 4, UINT32_MAX},
		{8, 8, 41},
		{8, 8, UINT64_MAX},
	};
	static const uint32_t first[][2] = {{2, 80}, {2, 90}, {1, 90}};
	static const uint32_t second[][2] = {{2, 90}, {2, 100}};
	uint8_t bytes[1024] = {0};
	const size_t gap = put_container(bytes, first, 3);
	/* A container begins at a round place; zeros are between. */
	const size_t len = 384 + put_container(bytes + 384, second, 2);
	struct elfmaker_section sections[] = {{".nv_fatbin", bytes, len, SHT_PROGBITS, SHF_ALLOC},
		{"__nv_relfatbin", bytes, gap, SHT_PROGBITS, SHF_ALLOC}, {NULL, NULL, 0, 0, 0}};
	const struct elfmaker maker = {.bits = 64, .sections = sections};
	struct elfmaker_file file;
	struct elf_told told;

	(void)state;
	elfmaker_make(&maker, &file);
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	assert_string_equal(told.text,
		"gpu sm_80 208\ngpu sm_90 312\ngpu ptx_90 208\ngpu sm_100 104\n");
	assert_int_equal(told.elf.flags, FACTS_ELF_GPU);
	elfmaker_finish(&file);

	/* What is not known, or does not fit into its container, ends the walk. */
	sections[1].name = NULL;
	for (size_t i = 0; i < countof(changes); i++) {
		uint8_t *entry = bytes + 384 + 16 + 104;

		put_container(bytes + 384, second, 2);
		elfmaker_put(entry + changes[i].at, changes[i].width, false, changes[i].value);
		elfmaker_make(&maker, &file);
		assert_int_equal(elf_told(&file.file, &told, NULL), 1);
		assert_string_equal(told.text, "gpu sm_80 104\ngpu sm_90 208\ngpu ptx_90 104\n");
		assert_int_equal(told.elf.flags, FACTS_ELF_GPU | FACTS_ELF_TRUNCATED);
		elfmaker_finish(&file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_symbols_are_all_looked_at),
		cmocka_unit_test(prefixes_are_capped_but_whole_names_are_not_crowded_out),
		cmocka_unit_test(needs_are_capped),
		cmocka_unit_test(gpu_code_is_counted_by_architecture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
