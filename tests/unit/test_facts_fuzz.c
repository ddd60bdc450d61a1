/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of file formats on damaged files: seeded changes of good ones, and of this program itself. Nothing may be
 * read out of bounds (the maker's reader and the sanitizers see that), no name may lack its NUL, and no look may
 * read or tell more than its caps. PEEL_FUZZ_SEED=n replays one round; PEEL_FUZZ_ROUNDS=n makes more of them.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "elfmaker.h"
#include "facts_look.h"
#include "facts_wanted.h"
#include "facts_window.h"
#include "peel_test.h"
#include "util.h"
#include "zipmaker.h"

#define ROUNDS 300
#define CHANGES_MAX 6
/* Of this program its first bytes, headers and all. */
#define OWN_MAX (1u << 20)

struct sample {
	uint8_t *bytes;
	size_t len;
};

static struct sample samples[32];
static size_t sample_count;

static void add_sample(const void *bytes, size_t len)
{
	struct sample *sample = &samples[sample_count++];

	assert_true(sample_count <= countof(samples));
	sample->bytes = malloc(len ? len : 1);
	sample->len = len;
	assert_non_null(sample->bytes);
	memcpy(sample->bytes, bytes, len);
}

static void add_elf_samples(void)
{
	static const char *const needs[] = {"libc.so.6", "libpython3.11.so.1.0", NULL};
	static const struct elfmaker_symbol symbols[] = {
		{"Py_Main", false}, {"PyInit_one", true}, {"Py_RunMain", true}, {NULL, false}};
	static const uint8_t gpu[200] = {0x50, 0xed, 0x55, 0xba, 1, 0, 16, 0,
		104, [16] = 2, [18] = 1, [19] = 1, [20] = 64, [24] = 40, [44] = 90};
	static const struct elfmaker_section sections[] = {
		{".debug_info", "0123456789", 10, SHT_PROGBITS, 0},
		{".nv_fatbin", gpu, sizeof(gpu), SHT_PROGBITS, SHF_ALLOC},
		{"pydata", "MEI\014\013\012\013\016", 8, SHT_PROGBITS, 0}, {NULL, NULL, 0, 0, 0}};

	for (unsigned i = 0; i < 8; i++) {
		const struct elfmaker maker = {
			.bits = i & 1 ? 64 : 32,
			.big = i & 2,
			.needs = needs,
			.soname = "libx.so",
			.runpath = "$ORIGIN",
			.interp = "/lib/ld.so",
			.build_id = "12345678",
			.build_id_len = 8,
			.symbols = symbols,
			.sections = sections,
			.hash = i & 4 ? ELFMAKER_SYSV_HASH : ELFMAKER_GNU_HASH,
			.appended = 100,
		};
		struct elfmaker_file file;

		elfmaker_make(&maker, &file);
		add_sample(file.bytes, file.len);
		elfmaker_finish(&file);
	}
}

static void add_archive_samples(void)
{
	static const char ar[] = "!<arch>\n"
				 "//              0           0     0     0       24        `\n"
				 "a_name_longer_than_16.o/\n"
				 "/0              0           0     0     100644  2         `\nab"
				 "#1/20           0           0     0     100644  24        `\n"
				 "another_name_12345678abcd";

	for (unsigned i = 0; i < 4; i++) {
		struct zipmaker zip = {.wide = i & 1};

		bytes_add(&zip.out, "#!python\n", i & 2 ? 9 : 0);
		zipmaker_add(&zip, "__main__.py", "print(1) print(1) print(1)", 26, 8);
		zipmaker_add(&zip, "b", "stored", 6, 0);
		zipmaker_end(&zip, 2, "comment");
		add_sample(zip.out.data, zip.out.len);
		zipmaker_finish(&zip);
	}
	add_sample(ar, sizeof(ar) - 1);
}

static void add_own_sample(void)
{
	uint8_t *bytes = malloc(OWN_MAX);
	FILE *own = fopen("/proc/self/exe", "rb");

	assert_non_null(bytes);
	if (own) {
		add_sample(bytes, fread(bytes, 1, OWN_MAX, own));
		(void)fclose(own);
	}
	free(bytes);
}

/* Values that break arithmetic. */
static uint64_t odd_value(uint32_t *seed, size_t len)
{
	static const uint64_t values[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000,
		0xffffffff, 0x100000000, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
	const uint32_t pick = test_random(seed, countof(values) + 3);

	if (pick < countof(values)) {
		return values[pick];
	}
	return pick == countof(values) ? len : len - test_random(seed, 64);
}

static void change(uint8_t *bytes, size_t *len, uint32_t *seed)
{
	/* Headers are at the begin and at the end: most changes go there. */
	const size_t near = min_u64(*len, 600);
	size_t at = test_random(seed, (uint32_t)*len);
	const size_t width = (size_t)1 << test_random(seed, 4);

	switch (test_random(seed, 4)) {
	case 0:
		at = test_random(seed, (uint32_t)near);
		break;
	case 1:
		at = *len - 1 - test_random(seed, (uint32_t)near);
		break;
	default:
		break;
	}
	switch (test_random(seed, 8)) {
	case 0:
		*len = at + 1;
		break;
	case 1:
		bytes[at] ^= (uint8_t)(1 << test_random(seed, 8));
		break;
	case 2:
		bytes[at] = (uint8_t)test_random(seed, 256);
		break;
	case 3:
		bytes[at] = bytes[test_random(seed, (uint32_t)*len)];
		break;
	default:
		if (width <= *len - at) {
			elfmaker_put(bytes + at, width, test_random(seed, 2),
				odd_value(seed, *len));
		}
	}
}

/* How much a look told. */
struct told {
	size_t needs, symbols, sections, gpus, members;
	const struct facts_file *file;
};

static void take_need(void *arg, const char *name)
{
	((struct told *)arg)->needs++;
	assert_true(strlen(name) < FACTS_NAME_MAX);
}

static void take_symbol(void *arg, const char *name, bool defined)
{
	(void)defined;
	((struct told *)arg)->symbols++;
	assert_true(strlen(name) < FACTS_NAME_MAX);
}

static void take_section(void *arg, const char *name, uint64_t offset, uint64_t bytes)
{
	struct told *told = arg;

	told->sections++;
	assert_true(strlen(name) < FACTS_NAME_MAX);
	assert_true(offset <= told->file->size && bytes <= told->file->size - offset);
}

static void take_gpu(void *arg, const char *arch, uint64_t bytes)
{
	(void)bytes;
	((struct told *)arg)->gpus++;
	assert_true(strlen(arch) < 24);
}

static int take_member(void *arg, const struct facts_member *member)
{
	static char room[4096];
	struct told *told = arg;

	told->members++;
	assert_true(member->name_len < FACTS_NAME_MAX);
	assert_int_equal(member->name[member->name_len], '\0');
	assert_true(facts_zip_read(told->file, member, room, sizeof(room), NULL) <=
		(int64_t)sizeof(room));
	return 0;
}

static void look(struct elfmaker_file *file)
{
	static const struct facts_symbol symbols[] = {
		{"Py_Main", false}, {"PyInit_", true}, {"Py_RunMain", false}, {"_", true}};
	static const struct facts_wanted wanted = {
		.symbols = symbols, .symbol_count = countof(symbols)};
	struct told told = {.file = &file->file};
	const struct facts_elf_sink sink = {take_need, take_symbol, take_section, take_gpu, &told};
	struct facts_elf elf;
	uint64_t offset = 0;
	int result = facts_elf_look(&file->file, &wanted, &sink, &elf, NULL);

	assert_in_range(result, 0, 1);
	assert_true(told.needs <= FACTS_NEEDS_MAX && told.gpus <= FACTS_GPU_MAX);
	assert_true(told.symbols <= FACTS_FOUND_SYMBOLS_MAX + countof(symbols));
	if (result == 1) {
		assert_true(elf.bits == 32 || elf.bits == 64);
		assert_true(elf.end <= file->len && elf.debug_bytes <= elf.strip_bytes);
		assert_true(elf.strip_bytes <= file->len);
	}
	assert_in_range(facts_zip_list(&file->file, take_member, &told, NULL), 0, 2);
	assert_in_range(facts_ar_list(&file->file, take_member, &told, NULL), 0, 2);
	assert_true(told.members <= 2 * FACTS_MEMBERS_MAX);
	assert_in_range(facts_bundle_look(&file->file, &offset, NULL), 0, FACTS_BUNDLE_ZIPAPP);
	assert_true(offset <= file->len);
}

static void play(uint32_t seed, const struct sample *sample)
{
	struct elfmaker_file file;
	uint32_t state = seed * 2654435761u + 1;
	const unsigned changes = 1 + test_random(&state, CHANGES_MAX);

	elfmaker_bytes(sample->bytes, sample->len, &file);
	for (unsigned i = 0; i < changes; i++) {
		change(file.bytes, &file.len, &state);
	}
	file.file.size = file.len;
	look(&file);
	elfmaker_finish(&file);
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void damaged_files_do_no_harm(void **state)
{
	const char *only = getenv("PEEL_FUZZ_SEED");
	const char *more = getenv("PEEL_FUZZ_ROUNDS");
	const uint32_t first = only ? (uint32_t)atol(only) : 0;
	const uint32_t rounds = only ? 1 : more ? (uint32_t)atol(more) : ROUNDS;

	(void)state;
	for (uint32_t seed = first; seed < first + rounds; seed++) {
		for (size_t i = 0; i < sample_count; i++) {
			const double began = cpu_seconds();

			play(seed, &samples[i]);
			/* Files of a megabyte at most: a second is a loop that something in them drives. */
			if (cpu_seconds() - began > 5) {
				fail_msg("seed %u of sample %zu takes too long", seed, i);
			}
		}
	}
}

/* The good ones are looked at as what they are, so that changes of them reach all readers. */
static void samples_are_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		struct elfmaker_file file;

		elfmaker_bytes(samples[i].bytes, samples[i].len, &file);
		look(&file);
		elfmaker_finish(&file);
	}
	assert_true(sample_count >= 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_good),
		cmocka_unit_test(damaged_files_do_no_harm),
	};
	int result;

	add_elf_samples();
	add_archive_samples();
	add_own_sample();
	result = cmocka_run_group_tests(tests, NULL, NULL);
	while (sample_count > 0) {
		free(samples[--sample_count].bytes);
	}
	return result;
}
