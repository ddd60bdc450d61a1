/* SPDX-License-Identifier: Apache-2.0 */
/* What is gathered of a file while it passes by is what looking into the whole file gives. */
#include <fcntl.h>
#include <stdio.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "facts.h"
#include "facts_gather.h"
#include "facts_scan.h"
#include "facts_wanted.h"
#include "peel_test.h"
#include "util.h"

/** A file in memory. */
struct sample {
	const char *name;
	uint8_t *bytes;
	size_t len, room;
};

static const struct facts_marker wanted_markers[] = {
	{"in.program", "GLIBC_2.", 8, FACTS_IN_PROGRAMS},
	{"in.any", "needle-in-it", 12, FACTS_IN_PROGRAMS | FACTS_IN_TEXT | FACTS_IN_DATA},
};
static const struct facts_symbol symbols[] = {{"malloc", false}, {"EVP_", true}};
static const struct facts_wanted wanted = {
	.markers = wanted_markers,
	.marker_count = countof(wanted_markers),
	.symbols = symbols,
	.symbol_count = countof(symbols),
};

static void append(struct sample *sample, const void *bytes, size_t len)
{
	if (sample->len + len > sample->room) {
		sample->room = (sample->len + len) * 2;
		sample->bytes = realloc(sample->bytes, sample->room);
		assert_non_null(sample->bytes);
	}
	memcpy(sample->bytes + sample->len, bytes, len);
	sample->len += len;
}

static void append_zeros(struct sample *sample, size_t len)
{
	char *zeros = calloc(1, len);

	append(sample, zeros, len);
	free(zeros);
}

/** @return false where there is no such file. */
static bool append_file(struct sample *sample, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *bytes;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return false;
	}
	bytes = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	append(sample, bytes, (size_t)st.st_size);
	free(bytes);
	return true;
}

/** A static library of many members, one of them with a long name. */
static void make_archive(struct sample *sample, unsigned members, size_t size)
{
	static const char names[] = "a_name_that_is_longer_than_its_field.o/\n";
	char header[61];

	append(sample, "!<arch>\n", 8);
	snprintf(header, sizeof(header), "%-48s%-10zu`\n", "//", sizeof(names) - 1);
	append(sample, header, 60);
	append(sample, names, sizeof(names) - 1);
	for (unsigned i = 0; i < members; i++) {
		char name[49];

		snprintf(name, sizeof(name), i == 3 ? "/0" : "m%u.o/", i);
		snprintf(header, sizeof(header), "%-48s%-10zu`\n", name, size + i % 2);
		append(sample, header, 60);
		append(sample, i % 3 ? "\177ELF" : "text", 4);
		append_zeros(sample, size + i % 2 - 4 + (size + i % 2) % 2);
	}
}

static void append_number(struct sample *sample, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++, value >>= 8) {
		append(sample, &(char){(char)value}, 1);
	}
}

/** A ZIP with one stored member, behind what is there already. */
static void append_zip(struct sample *sample, const char *name, const void *data, size_t len)
{
	const size_t begin = sample->len;
	size_t directory;

	append(sample, "PK\3\4", 4);
	append_zeros(sample, 14);
	append_number(sample, (uint32_t)len, 4);
	append_number(sample, (uint32_t)len, 4);
	append_number(sample, (uint32_t)strlen(name), 4);
	append(sample, name, strlen(name));
	append(sample, data, len);
	directory = sample->len;
	append(sample, "PK\1\2", 4);
	append_zeros(sample, 16);
	append_number(sample, (uint32_t)len, 4);
	append_number(sample, (uint32_t)len, 4);
	append_number(sample, (uint32_t)strlen(name), 4);
	append_zeros(sample, 10);
	append_number(sample, 0, 4);
	append(sample, name, strlen(name));
	append(sample, "PK\5\6", 4);
	append_zeros(sample, 4);
	append_number(sample, 1, 2);
	append_number(sample, 1, 2);
	append_number(sample, (uint32_t)(sample->len - 12 - directory), 4);
	append_number(sample, (uint32_t)(directory - begin), 4);
	append_zeros(sample, 2);
}

static int read_sample(void *arg, uint64_t offset, void *buf, size_t len, struct peel_error *err)
{
	const struct sample *sample = arg;

	(void)err;
	assert_true(offset + len <= sample->len);
	memcpy(buf, sample->bytes + offset, len);
	return 0;
}

/** A record without the gatherer. */
static struct sample copy_record(const struct pack *record)
{
	struct sample copy = {0};

	append(&copy, record->bytes, record->len);
	return copy;
}

/** Look at the whole file, as a plain layer lets it be. */
static struct sample look(struct facts_gather *gather, struct sample *sample)
{
	const struct facts_file file = {.size = sample->len, .read = read_sample, .arg = sample};
	const struct pack *record = NULL;
	struct peel_error err = {0};
	size_t done = 0;

	facts_gather_begin(gather, sample->len, false);
	while (done < sample->len && (done == 0 || facts_gather_wants(gather))) {
		const size_t len = min_u64(sample->len - done, done ? 65536 : FACTS_HEAD);

		facts_gather_feed(gather, sample->bytes + done, len);
		done += len;
	}
	assert_good(facts_gather_end(gather, &file, &record, &err), &err);
	return copy_record(record);
}

/** Let it pass by in pieces. @return whether something had to be read again. */
static bool pass(struct facts_gather *gather, struct sample *sample, size_t piece,
	struct sample *ret_record)
{
	const struct facts_file file = {.size = sample->len, .read = read_sample, .arg = sample};
	const struct pack *record = NULL;
	struct peel_error err = {0};
	struct facts_record begin;
	struct sample first;
	struct unpack in;

	facts_gather_begin(gather, sample->len, false);
	for (size_t done = 0; done < sample->len; done += piece) {
		facts_gather_feed(gather, sample->bytes + done,
			(size_t)min_u64(piece, sample->len - done));
	}
	assert_good(facts_gather_end(gather, NULL, &record, &err), &err);
	first = copy_record(record);
	assert_true(facts_record_open(&in, first.bytes, first.len, &begin));
	if (!begin.deferred) {
		*ret_record = first;
		return false;
	}
	assert_good(facts_gather_again(gather, first.bytes, first.len, &file, &record, &err), &err);
	*ret_record = copy_record(record);
	free(first.bytes);
	return true;
}

static struct facts_gather *make_gather(struct facts_scanner **ret_scanner)
{
	struct facts_gather *gather = NULL;
	struct peel_error err = {0};

	assert_good(facts_scanner_new(&wanted, ret_scanner, &err), &err);
	assert_good(facts_gather_new(&wanted, *ret_scanner, &gather, &err), &err);
	return gather;
}

/** How many items of a kind a record has. */
static unsigned count_items(const struct sample *record, enum facts_item_kind kind)
{
	struct facts_item *item = calloc(1, sizeof(*item));
	struct facts_record begin;
	struct unpack in;
	unsigned count = 0;
	int more;

	assert_true(facts_record_open(&in, record->bytes, record->len, &begin));
	while ((more = facts_record_next(&in, item)) > 0) {
		count += item->kind == kind;
	}
	assert_int_equal(more, 0);
	free(item);
	return count;
}

/** In pieces of every size what comes out is the same. @return items of a kind. */
static unsigned check(struct sample *sample, bool deferred, enum facts_item_kind kind)
{
	static const size_t pieces[] = {4095, 4096, 65536, 100003, 3 << 20, SIZE_MAX / 2};
	struct facts_scanner *scanner = NULL;
	struct facts_gather *gather = make_gather(&scanner);
	struct sample whole = look(gather, sample);
	unsigned count = count_items(&whole, kind);

	for (size_t i = 0; i < countof(pieces) + (sample->len < 100000); i++) {
		struct sample passed = {0};
		bool again = pass(gather, sample, i < countof(pieces) ? pieces[i] : 1, &passed);

		assert_int_equal(passed.len, whole.len);
		assert_memory_equal(passed.bytes, whole.bytes, whole.len);
		assert_int_equal(again, deferred);
		free(passed.bytes);
	}
	free(whole.bytes);
	facts_gather_free(gather);
	facts_scanner_free(scanner);
	free(sample->bytes);
	return count;
}

static void programs_are_looked_into(void **state)
{
	struct sample sample = {0};

	(void)state;
	assert_true(append_file(&sample, "/proc/self/exe"));
	assert_int_equal(check(&sample, false, FACTS_ITEM_ELF), 1);
	sample = (struct sample){0};
	assert_true(append_file(&sample, "/proc/self/exe"));
	append_zip(&sample, "__main__.py", "print(1)", 8);
	assert_int_equal(check(&sample, false, FACTS_ITEM_MEMBER), 1);
}

static void what_did_not_stay_is_read_again(void **state)
{
	static const char needle[] = "needle-in-it";
	struct sample sample = {0};

	(void)state;
	/* The member's header is in the middle of what passes by. */
	append(&sample, "#!/bin/sh\n", 10);
	append_zeros(&sample, 1 << 20);
	append(&sample, needle, sizeof(needle));
	append_zeros(&sample, 5 << 20);
	append_zip(&sample, "__main__.py", sample.bytes, 1 << 20);
	assert_int_equal(check(&sample, true, FACTS_ITEM_ARCHIVE), 1);
}

static void of_large_libraries_headers_are_kept(void **state)
{
	struct sample sample = {0};

	(void)state;
	make_archive(&sample, 2000, 2500);
	assert_int_equal(check(&sample, false, FACTS_ITEM_MEMBER), 2000);
	sample = (struct sample){0};
	make_archive(&sample, 20000, 200);
	assert_int_equal(check(&sample, true, FACTS_ITEM_MEMBER), 20000);
	sample = (struct sample){0};
	make_archive(&sample, 20, 200);
	assert_int_equal(check(&sample, false, FACTS_ITEM_MEMBER), 20);
	/* One that ends in the middle of a member. */
	sample = (struct sample){0};
	make_archive(&sample, 2000, 2500);
	sample.len -= 1000;
	assert_int_equal(check(&sample, false, FACTS_ITEM_MEMBER), 1999);
}

/** A library that needs "libneeded.so", with its dynamic section and its strings somewhere in 6 MiB. */
static void make_library(struct sample *sample, size_t dynamic, size_t strings)
{
	static const char names[] = "\0libneeded.so";
	const Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	const Elf64_Dyn entries[] = {
		{DT_NEEDED, {1}},
		{DT_STRTAB, {strings}},
		{DT_STRSZ, {sizeof(names)}},
		{DT_NULL, {0}},
	};
	const Elf64_Phdr programs[] = {
		{.p_type = PT_LOAD, .p_filesz = 6 << 20, .p_memsz = 6 << 20},
		{.p_type = PT_DYNAMIC,
			.p_offset = dynamic,
			.p_vaddr = dynamic,
			.p_filesz = sizeof(entries),
			.p_memsz = sizeof(entries)},
	};

	append_zeros(sample, 6 << 20);
	memcpy(sample->bytes, &header, sizeof(header));
	memcpy(sample->bytes + sizeof(header), programs, sizeof(programs));
	memcpy(sample->bytes + strings, names, sizeof(names));
	memcpy(sample->bytes + dynamic, entries, sizeof(entries));
}

static void of_large_programs_the_dynamic_section_is_kept(void **state)
{
	static const struct {
		size_t dynamic, strings;
		bool deferred;
	} cases[] = {
		{FACTS_KEPT_HEAD + 1000, 100000, false},
		{3 << 20, FACTS_KEPT_HEAD - 60000, false},
		{(5 << 20) - 40, 100000, false},
		{(6 << 20) - 100, 100000, false},
		{FACTS_KEPT_HEAD - 64, 100000, false},
		{5000, 100000, false},
		/* What its strings are is known only when they have passed. */
		{4 << 20, 3 << 20, true},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct sample sample = {0};

		make_library(&sample, cases[i].dynamic, cases[i].strings);
		assert_int_equal(check(&sample, cases[i].deferred, FACTS_ITEM_NEED), 1);
	}
}

static void markers_are_found_by_kind(void **state)
{
	struct sample sample = {0};

	(void)state;
	append(&sample, "text needle-in-it GLIBC_2.", 26);
	assert_int_equal(check(&sample, false, FACTS_ITEM_MARKER), 1);
	sample = (struct sample){0};
	append(&sample, "\x1f\x8b packed needle-in-it", 22);
	assert_int_equal(check(&sample, false, FACTS_ITEM_MARKER), 0);
	sample = (struct sample){0};
	append_zeros(&sample, 5 << 20);
	append(&sample, "needle-in-it", 12);
	assert_int_equal(check(&sample, false, FACTS_ITEM_MARKER), 1);
}

static void an_empty_file_has_a_kind(void **state)
{
	struct sample sample = {.bytes = malloc(1)};

	(void)state;
	assert_int_equal(check(&sample, false, FACTS_ITEM_MARKER), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_are_looked_into),
		cmocka_unit_test(what_did_not_stay_is_read_again),
		cmocka_unit_test(of_large_libraries_headers_are_kept),
		cmocka_unit_test(of_large_programs_the_dynamic_section_is_kept),
		cmocka_unit_test(markers_are_found_by_kind),
		cmocka_unit_test(an_empty_file_has_a_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
