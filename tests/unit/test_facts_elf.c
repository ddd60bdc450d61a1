/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF files of both classes and byte orders, stripped, lying and damaged; real ones are held against readelf in
 * tests/oracle.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "elfmaker.h"
#include "elftold.h"
#include "facts_look.h"
#include "fault.h"
#include "peel_test.h"
#include "util.h"

static const char *const needs[] = {"libc.so.6", "libpython3.11.so.1.0", NULL};
static const struct elfmaker_symbol symbols[] = {{"PyErr_Print", false}, {"Py_Main", false},
	{"PyInit_one", true}, {"Py_RunMain_2", true}, {"Py_RunMain", true}, {NULL, false}};
static const struct elfmaker_section debug[] = {{".debug_info", "0123456789", 10, SHT_PROGBITS, 0},
	{".zdebug_line", "0123456789", 10, SHT_PROGBITS, SHF_COMPRESSED},
	{".debug_loaded", "0123456789", 10, SHT_PROGBITS, SHF_ALLOC},
	{".go.buildinfo", "0123456789", 10, SHT_PROGBITS, SHF_ALLOC},
	{".dep-v0", "0123456789", 10, SHT_PROGBITS, 0}, {NULL, NULL, 0, 0, 0}};
#define NEEDS "need libc.so.6 0\nneed libpython3.11.so.1.0 0\n"
#define NAMES "symbol Py_Main 0\nsymbol Py_RunMain 1\nsymbol PyInit_one 1\n"

static const struct elfmaker whole = {
	.needs = needs,
	.soname = "libx.so.1",
	.runpath = "$ORIGIN/../lib",
	.rpath = "/old",
	.interp = "/lib/ld.so",
	.build_id = "\x01\x23\x45\x67\x89\xab\xcd\xef",
	.build_id_len = 8,
	.symbols = symbols,
	.hash = ELFMAKER_GNU_HASH,
};

static void every_class_and_order_tells_the_same(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		struct elfmaker maker = whole;
		struct elfmaker_file file;
		struct elf_told told;

		maker.bits = i & 1 ? 64 : 32;
		maker.big = i & 2;
		maker.no_sections = i & 4;
		maker.hash = i & 8 ? ELFMAKER_SYSV_HASH : ELFMAKER_GNU_HASH;
		elfmaker_make(&maker, &file);
		assert_int_equal(elf_told(&file.file, &told, NULL), 1);
		assert_string_equal(told.text, NEEDS NAMES);
		assert_int_equal(told.elf.bits, maker.bits);
		assert_int_equal(told.elf.machine, EM_ARM);
		assert_int_equal(told.elf.type, ET_DYN);
		assert_int_equal(told.elf.flags, i & 4 ? FACTS_ELF_NO_SECTIONS : 0);
		assert_string_equal(told.elf.soname, "libx.so.1");
		assert_string_equal(told.elf.runpath, "$ORIGIN/../lib");
		assert_string_equal(told.elf.interp, "/lib/ld.so");
		assert_string_equal(told.elf.build_id, "0123456789abcdef");
		assert_int_equal(told.elf.end, file.len);
		elfmaker_finish(&file);
	}
}

static void sections_tell_what_strip_saves(void **state)
{
	struct elfmaker maker = whole;
	struct elfmaker_file file;
	struct elf_told told;

	(void)state;
	maker.bits = 64;
	maker.sections = debug;
	maker.appended = 1000;
	elfmaker_make(&maker, &file);
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	assert_string_equal(told.text,
		NEEDS "section .debug_info 10\nsection .debug_loaded 10\n" NAMES);
	assert_int_equal(told.elf.flags, FACTS_ELF_DEBUG | FACTS_ELF_GO | FACTS_ELF_RUST_AUDIT);
	assert_int_equal(told.elf.debug_bytes, 20);
	assert_int_equal(told.elf.strip_bytes, 20);
	assert_int_equal(told.elf.end, file.len - 1000);
	elfmaker_finish(&file);
}

static void objects_have_their_symbols_in_symtab(void **state)
{
	struct elfmaker maker = {
		.bits = 32, .big = true, .type = ET_REL, .symbols = symbols, .no_programs = true};
	struct elfmaker_file file;
	struct elf_told told;

	(void)state;
	elfmaker_make(&maker, &file);
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	assert_string_equal(told.text, NAMES);
	assert_int_equal(told.elf.flags, FACTS_ELF_SYMTAB);
	assert_int_equal(told.elf.debug_bytes, 0);
	/* Six symbols of 16 bytes, and their names. */
	assert_int_equal(told.elf.strip_bytes,
		96 + 1 + sizeof("PyErr_Print") + sizeof("Py_Main") + sizeof("PyInit_one") +
			sizeof("Py_RunMain_2") + sizeof("Py_RunMain"));
	elfmaker_finish(&file);
}

static void static_is_without_interpreter_and_needs(void **state)
{
	static const struct {
		bool needs, interp;
		uint32_t flags_1;
		unsigned flag;
	} cases[] = {
		{false, false, DF_1_PIE, FACTS_ELF_STATIC},
		{true, false, DF_1_PIE, 0},
		{false, true, DF_1_PIE, 0},
		/* A library that needs nothing, as the dynamic linker itself. */
		{false, false, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct elfmaker maker = {.bits = 64,
			.needs = cases[i].needs ? needs : NULL,
			.interp = cases[i].interp ? "/lib/ld.so" : NULL,
			.flags_1 = cases[i].flags_1};
		struct elfmaker_file file;
		struct elf_told told;

		elfmaker_make(&maker, &file);
		assert_int_equal(elf_told(&file.file, &told, NULL), 1);
		assert_int_equal(told.elf.flags & FACTS_ELF_STATIC, cases[i].flag);
		/* Without its dynamic section a program is static. */
		elfmaker_put(file.bytes + file.programs + (cases[i].interp ? 2 : 1) * 56, 4, false,
			PT_NULL);
		assert_int_equal(elf_told(&file.file, &told, NULL), 1);
		assert_int_equal(told.elf.flags & FACTS_ELF_STATIC,
			cases[i].interp ? 0 : FACTS_ELF_STATIC);
		elfmaker_finish(&file);
	}
}

static void identification_may_lie(void **state)
{
	(void)state;
	for (unsigned claim = 0; claim < 16; claim++) {
		struct elfmaker maker = whole;
		struct elfmaker_file file;
		struct elf_told told;
		const bool honest = (claim & 3) == 2 && claim >> 2 == 1;

		maker.bits = 64;
		maker.machine = EM_X86_64;
		elfmaker_make(&maker, &file);
		file.bytes[EI_CLASS] = claim & 3;
		file.bytes[EI_DATA] = (uint8_t)(claim >> 2);
		/* Where a header of 32 bits would have the size and number of its program headers. */
		elfmaker_put(file.bytes + 42, 2, false, 32);
		elfmaker_put(file.bytes + 44, 2, false, 1);
		assert_int_equal(elf_told(&file.file, &told, NULL), 1);
		assert_int_equal(told.elf.bits, 64);
		assert_non_null(strstr(told.text, NEEDS));
		assert_non_null(strstr(told.text, "symbol Py_RunMain 1\n"));
		/* The offset of the section headers is nonsense now. */
		assert_true(told.elf.flags & FACTS_ELF_DAMAGED);
		elfmaker_put(file.bytes + 40, 8, false, file.sections);
		assert_int_equal(elf_told(&file.file, &told, NULL), 1);
		assert_int_equal(!(told.elf.flags & FACTS_ELF_DAMAGED), honest);
		elfmaker_finish(&file);
	}
}

static void counts_that_do_not_fit_stand_in_the_first_section(void **state)
{
	struct elfmaker maker = whole;
	struct elfmaker_file file;
	struct elf_told told;
	uint64_t count, names;

	(void)state;
	maker.bits = 64;
	maker.sections = debug;
	elfmaker_make(&maker, &file);
	count = file.bytes[60];
	names = file.bytes[62];
	elfmaker_put(file.bytes + file.sections + 32, 8, false, count);
	elfmaker_put(file.bytes + file.sections + 40, 4, false, names);
	elfmaker_put(file.bytes + file.sections + 44, 4, false, file.bytes[56]);
	elfmaker_put(file.bytes + 56, 2, false, PN_XNUM);
	elfmaker_put(file.bytes + 60, 2, false, 0);
	elfmaker_put(file.bytes + 62, 2, false, SHN_XINDEX);
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	assert_string_equal(told.text,
		NEEDS "section .debug_info 10\nsection .debug_loaded 10\n" NAMES);
	assert_int_equal(told.elf.flags, FACTS_ELF_DEBUG | FACTS_ELF_GO | FACTS_ELF_RUST_AUDIT);
	elfmaker_finish(&file);
}

static void section_headers_do_not_hide_symbols(void **state)
{
	struct elfmaker maker = whole;
	struct elfmaker_file file;
	struct elf_told told;

	(void)state;
	maker.bits = 64;
	elfmaker_make(&maker, &file);
	/* .dynsym, third of the headers, claims to be elsewhere, and one symbol long. */
	elfmaker_put(file.bytes + file.sections + 2 * 64 + 24, 8, false, file.symbols + 24);
	elfmaker_put(file.bytes + file.sections + 2 * 64 + 32, 8, false, 24);
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	assert_non_null(strstr(told.text, NAMES));
	elfmaker_finish(&file);
}

static void dynamic_section_is_where_its_address_is(void **state)
{
	struct elfmaker maker = whole;
	struct elfmaker_file file;
	struct elf_told told;

	(void)state;
	maker.bits = 64;
	elfmaker_make(&maker, &file);
	/* PT_DYNAMIC is the third program header; its offset is what the dynamic linker does not look at. */
	elfmaker_put(file.bytes + file.programs + 2 * 56 + 8, 8, false, 64);
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	assert_non_null(strstr(told.text, NEEDS));
	assert_true(told.elf.flags & FACTS_ELF_DAMAGED);
	elfmaker_finish(&file);
}

static void addresses_are_where_segments_have_them(void **state)
{
	struct elfmaker maker = {.bits = 64, .needs = needs, .symbols = symbols};
	struct elfmaker_file file;
	struct elf_told told;

	(void)state;
	elfmaker_make(&maker, &file);
	/* PT_LOAD, the first program header, ends before the strings that the dynamic section points to. */
	elfmaker_put(file.bytes + file.programs + 32, 8, false, file.strings - 8);
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	assert_null(strstr(told.text, "need"));
	assert_true(told.elf.flags & FACTS_ELF_DAMAGED);
	elfmaker_put(file.bytes + file.programs + 32, 8, false, file.len);
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	assert_non_null(strstr(told.text, NEEDS));
	assert_false(told.elf.flags & FACTS_ELF_DAMAGED);
	elfmaker_finish(&file);
}

static void symbols_without_a_hash_are_found(void **state)
{
	struct elfmaker maker = whole;
	struct elfmaker_file file;
	struct elf_told told;

	(void)state;
	maker.bits = 32;
	maker.hash = ELFMAKER_NO_HASH;
	maker.no_sections = true;
	elfmaker_make(&maker, &file);
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	assert_string_equal(told.text, NEEDS NAMES);
	elfmaker_finish(&file);
}

static void what_is_no_elf_file_is_none(void **state)
{
	static const char *const cases[] = {
		"", "\177EL", "\177ELf12345678901234567890", "#!/bin/sh"};
	struct elfmaker_file file;
	struct elf_told told;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		elfmaker_bytes(cases[i], strlen(cases[i]), &file);
		assert_int_equal(elf_told(&file.file, &told, NULL), 0);
		elfmaker_finish(&file);
	}
}

/* Cut anywhere, it is an ELF file still, nothing out of bounds is read, and nobody believes it whole. */
static void cut_files_are_damaged(void **state)
{
	struct elfmaker maker = whole;
	struct elfmaker_file file;
	struct elf_told told;
	size_t len;

	(void)state;
	maker.bits = 64;
	maker.sections = debug;
	elfmaker_make(&maker, &file);
	for (len = file.len; len-- > EI_NIDENT;) {
		file.len = file.file.size = len;
		assert_int_equal(elf_told(&file.file, &told, NULL), 1);
		assert_true(told.elf.flags & FACTS_ELF_DAMAGED);
		assert_true(told.elf.end <= len);
	}
	elfmaker_finish(&file);
}

static void every_failing_read_is_told(void **state)
{
	struct elfmaker maker = whole;
	struct elfmaker_file file;
	struct elf_told told;

	(void)state;
	maker.bits = 64;
	maker.sections = debug;
	elfmaker_make(&maker, &file);
	assert_int_equal(elf_told(&file.file, &told, NULL), 1);
	for (unsigned n = file.reads; n > 0; n--) {
		struct peel_error err = {0};

		file.reads = 0;
		file.fail_at = n;
		assert_failure(elf_told(&file.file, &told, &err), PEEL_EIO, &err,
			"a read that fails");
	}
	elfmaker_finish(&file);
}

static void every_failing_allocation_is_told(void **state)
{
	struct elfmaker maker = whole;
	struct elfmaker_file file;
	const long live = fault_alloc_live();

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	maker.bits = 64;
	elfmaker_make(&maker, &file);
	for (unsigned n = 1;; n++) {
		struct elf_told told;
		int code;

		fault_alloc(n);
		code = elf_told(&file.file, &told, NULL);
		if (!fault_alloc_hit()) {
			assert_int_equal(code, 1);
			assert_true(n > 4);
			break;
		}
		assert_int_equal(code, PEEL_ENOMEM);
	}
	elfmaker_finish(&file);
	assert_int_equal(fault_alloc_live(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_and_order_tells_the_same),
		cmocka_unit_test(sections_tell_what_strip_saves),
		cmocka_unit_test(objects_have_their_symbols_in_symtab),
		cmocka_unit_test(static_is_without_interpreter_and_needs),
		cmocka_unit_test(identification_may_lie),
		cmocka_unit_test(counts_that_do_not_fit_stand_in_the_first_section),
		cmocka_unit_test(section_headers_do_not_hide_symbols),
		cmocka_unit_test(dynamic_section_is_where_its_address_is),
		cmocka_unit_test(addresses_are_where_segments_have_them),
		cmocka_unit_test(symbols_without_a_hash_are_found),
		cmocka_unit_test(what_is_no_elf_file_is_none),
		cmocka_unit_test(cut_files_are_damaged),
		cmocka_unit_test(every_failing_read_is_told),
		cmocka_unit_test(every_failing_allocation_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
