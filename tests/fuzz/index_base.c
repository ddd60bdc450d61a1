/* SPDX-License-Identifier: Apache-2.0 */
#include "index_base.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfmaker.h"
#include "facts_rules.h"
#include "facts_wanted.h"
#include "fuzz.h"
#include "index_facts.h"
#include "store.h"
#include "testindex.h"
#include "util.h"
#include "zipmaker.h"

/* Types of pages of a B-tree: of tables, of indexes; inner pages have a child before each cell. */
#define TABLE_LEAF 0x0d
#define TABLE_INNER 0x05
#define INDEX_LEAF 0x0a
#define INDEX_INNER 0x02
#define TABLE_HEADER 8
#define INNER_HEADER 12
/* SQLite's own header before page 1. */
#define FILE_HEADER 100

/* --- the image --- */

static const char status[] =
	"Package: git\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2.39\n\n";

static void make_elf(struct elfmaker_file *file)
{
	static const char *const needs[] = {"libc.so.6", "libpython3.11.so.1.0", NULL};
	static const struct elfmaker_symbol symbols[] = {
		{"Py_Main", false}, {"PyInit_one", true}, {NULL, false}};
	static const uint8_t gpu[200] = {0x50, 0xed, 0x55, 0xba, 1, 0, 16, 0,
		104, [16] = 2, [18] = 1, [19] = 1, [20] = 64, [24] = 40, [44] = 90};
	static const struct elfmaker_section sections[] = {
		{".nv_fatbin", gpu, sizeof(gpu), 1, 2}, {NULL, NULL, 0, 0, 0}};
	const struct elfmaker maker = {
		.bits = 64,
		.needs = needs,
		.soname = "libx.so",
		.build_id = "12345678",
		.build_id_len = 8,
		.symbols = symbols,
		.sections = sections,
		.hash = ELFMAKER_GNU_HASH,
	};

	elfmaker_make(&maker, file);
}

/* What test_index cannot make: a sparse file, an access point, a row of history, a finding. */
static const char more[] =
	"UPDATE entry SET flags = flags | 4, size = 100000 WHERE name = CAST('holes' AS BLOB);"
	"INSERT OR REPLACE INTO extra (entry, path, major, minor, header, allocated)"
	" SELECT id, NULL, 0, 0, 0, 8192 FROM entry WHERE name = CAST('holes' AS BLOB);"
	"INSERT INTO extent SELECT id, 4096, 4, data FROM entry WHERE name = CAST('holes' AS BLOB);"
	"INSERT INTO extent SELECT id, 50000, 4, data + 4 FROM entry WHERE name = CAST('holes' AS BLOB);"
	"INSERT INTO point VALUES (1, 100, 20, 3, 10, x'28b52ffd200a51000061626364656667686970');"
	"INSERT INTO history (id, layer, created, instruction, comment, author)"
	" VALUES (0, 0, '2024-01-01T00:00:00Z', CAST('RUN a' AS BLOB), CAST('' AS BLOB), CAST('me' AS BLOB));"
	"INSERT INTO finding (code, layer, path, offset, detail)"
	" VALUES ('duplicate-path', 2, CAST('/etc/secret' AS BLOB), 512, 'twice');";

static struct test_index make_index(void)
{
	struct zipmaker zip = {0};
	struct elfmaker_file elf;
	struct test_index test;

	make_elf(&elf);
	zipmaker_add(&zip, "__main__.py", "print(1)", 8, 0);
	zipmaker_end(&zip, 1, "");
	const struct test_entry entries[] = {
		{.path = "usr/"},
		{.path = "usr/bin/", .mtime = 1700000000},
		{.path = "usr/bin/git",
			.data = (const char *)elf.bytes,
			.data_len = elf.len,
			.mode = 0755},
		{.path = "usr/bin/git2", .link = "usr/bin/git", .hard = 1},
		{.path = "usr/bin/tool", .data = "#!/usr/bin/env python3\nneedle-in-it\n"},
		{.path = "usr/app.zip",
			.data = (const char *)zip.out.data,
			.data_len = zip.out.len},
		{.path = "bin", .link = "usr/bin"},
		{.path = "out", .link = "a/../../../etc/passwd"},
		{.path = "dev/null", .type = '3', .major = 1, .minor = 3},
		{.path = "var/lib/dpkg/status", .data = status},
		{.path = "var/lib/dpkg/info/git.list", .data = "/usr/bin/git\n/usr/bin/tool\n"},
		{.path = "etc/secret", .data = "x", .pax = "SCHILY.xattr.user.a=b", .uid = 1000},
		{.path = "old/deep/file", .data = "deleted below"},
		{.path = "opaque/one", .data = "1"},
		{.layer = 1,
			.path = "usr/bin/tool",
			.data = "#!/usr/bin/env python3\nneedle-in-it\n",
			.uid = 5},
		{.layer = 1, .path = "etc/secret", .data = "other"},
		{.layer = 1, .path = ".wh.old", .data = ""},
		{.layer = 1, .path = "opaque/.wh..wh..opq", .data = ""},
		{.layer = 1, .path = "opaque/two", .data = "2"},
		{.layer = 1, .path = "holes", .data = "abcdefgh"},
		{.layer = 2, .path = "bin/", .mode = 0700},
		{.layer = 2, .path = "usr/bin/git2", .data = "no link any more"},
		{.layer = 2, .path = "same", .data = "2"},
		{.layer = 2, .path = "etc/secret", .data = "other"},
		{.layer = 2, .path = "etc/secret", .data = "twice"},
	};
	test = test_index_new(entries, countof(entries), more);
	elfmaker_finish(&elf);
	zipmaker_finish(&zip);
	return test;
}

/* --- the facts --- */

static const struct peel_category categories[] = {
	{1, "scripts", "scripts", "code"}, {2, "rest", "the rest", "rest"}};

static uint32_t category_count(void *arg)
{
	(void)arg;
	return countof(categories);
}

static const struct peel_category *category_get(void *arg, uint32_t id)
{
	(void)arg;
	return id >= 1 && id <= countof(categories) ? &categories[id - 1] : NULL;
}

static uint32_t category_of(void *arg, const struct category_file *file)
{
	(void)arg;
	return file->kind == PEEL_KIND_SCRIPT ? 1 : 2;
}

/* @return the file. */
static int gather_facts(struct peel_index *index)
{
	static const struct facts_marker markers[] = {
		{"needle", "needle-in-it", 12, FACTS_IN_TEXT | FACTS_IN_PROGRAMS | FACTS_IN_DATA}};
	static const struct facts_symbol symbols[] = {{"Py_Main", false}, {"PyInit_", true}};
	static const struct facts_wanted wanted = {
		markers, countof(markers), symbols, countof(symbols), "00"};
	const struct facts_rules rules = {.wanted = &wanted,
		.categories_digest = "00",
		.category_count = category_count,
		.category_get = category_get,
		.category_of = category_of};
	const struct facts_job job = {.index = index,
		.rules = &rules,
		.fd = memfd_create("facts", MFD_CLOEXEC),
		.spill_dir = -1,
		.cache_folder = -1};
	struct peel_error err = {0};

	if (index_facts_write(&job, &err) < 0) {
		(void)fprintf(stderr, "index_base: %s\n", err.message);
		abort();
	}
	return job.fd;
}

/* --- what of the files is a value --- */

static uint64_t take_varint(const uint8_t *bytes, size_t *at)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++) {
		const uint8_t byte = bytes[(*at)++];

		value = value << 7 | (byte & 0x7f);
		if (byte < 0x80) {
			return value;
		}
	}
	return value << 8 | bytes[(*at)++];
}

static size_t size_of_type(uint64_t type)
{
	static const uint8_t sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};

	return type < countof(sizes) ? sizes[type] : (size_t)(type - 12) / 2;
}

/* The values of a record. Those that lie on other pages are left out. */
static void note_record(struct base_file *file, size_t at, size_t page_end)
{
	const size_t begin = at;
	const uint64_t header = take_varint(file->bytes, &at);
	size_t value = begin + (size_t)header;

	while (at < begin + header) {
		const size_t type_at = at;
		const uint64_t type = take_varint(file->bytes, &at);
		const size_t len = size_of_type(type);

		if (value + len > page_end) {
			return;
		}
		if (at == type_at + 1) {
			fuzz_check(grow_array(&file->fields, file->field_count, &file->field_room,
				sizeof(*file->fields)));
			file->fields[file->field_count++] = (struct base_field){
				.offset = (uint32_t)value,
				.type_offset = (uint32_t)type_at,
				.len = (uint16_t)len,
				.type = (uint8_t)type,
			};
		}
		value += len;
	}
}

static void note_page(struct base_file *file, size_t page)
{
	const uint8_t *begin = file->bytes + page;
	const uint8_t *header = begin + (page == 0 ? FILE_HEADER : 0);
	const size_t cells = (size_t)header[3] << 8 | header[4];
	const uint8_t *pointers = header + (header[0] == INDEX_INNER ? INNER_HEADER : TABLE_HEADER);

	if (header[0] != TABLE_LEAF && header[0] != INDEX_LEAF && header[0] != INDEX_INNER) {
		return;
	}
	for (size_t i = 0; i < cells; i++) {
		size_t at = page + ((size_t)pointers[2 * i] << 8 | pointers[2 * i + 1]);

		at += header[0] == INDEX_INNER ? 4 : 0;
		(void)take_varint(file->bytes, &at);
		if (header[0] == TABLE_LEAF) {
			(void)take_varint(file->bytes, &at);
		}
		note_record(file, at, page + STORE_PAGE_SIZE);
	}
}

/* The schema is the table on the first page; it is not deep. */
static void note_schema(struct base_file *file)
{
	const uint8_t *header = file->bytes + FILE_HEADER;
	const size_t cells = (size_t)header[3] << 8 | header[4];
	const uint8_t *pointers = header + INNER_HEADER;

	/* The seal, behind the pages, is no whole one. */
	file->schema = calloc(file->len / STORE_PAGE_SIZE + 1, sizeof(*file->schema));
	fuzz_check(file->schema);
	file->schema[0] = true;
	for (size_t i = 0; header[0] == TABLE_INNER && i <= cells; i++) {
		/* The last child stands in the header. */
		const uint8_t *child = i == cells
			? header + TABLE_HEADER
			: file->bytes + ((size_t)pointers[2 * i] << 8 | pointers[2 * i + 1]);
		const size_t page = ((size_t)child[2] << 8 | child[3]) - 1;

		fuzz_check(page < file->len / STORE_PAGE_SIZE);
		fuzz_check(file->bytes[page * STORE_PAGE_SIZE] == TABLE_LEAF);
		file->schema[page] = true;
	}
}

bool base_is_schema(const struct base_file *file, size_t offset, size_t len)
{
	for (size_t page = offset / STORE_PAGE_SIZE; page <= (offset + len - 1) / STORE_PAGE_SIZE;
		page++) {
		if (file->schema[page]) {
			return true;
		}
	}
	return false;
}

void base_write(const struct base_file *file, size_t offset, const void *bytes, size_t len)
{
	fuzz_check(pwrite(file->fd, bytes, len, (off_t)offset) == (ssize_t)len);
}

/* Copy a file into memory, and into a file in memory that stays. */
static void keep_file(struct base_file *file, int fd)
{
	struct stat st;

	fuzz_check(fstat(fd, &st) == 0);
	file->len = (size_t)st.st_size;
	file->bytes = malloc(file->len);
	file->fd = memfd_create("base", MFD_CLOEXEC);
	fuzz_check(file->bytes && file->fd >= 0);
	fuzz_check(pread(fd, file->bytes, file->len, 0) == (ssize_t)file->len);
	base_write(file, 0, file->bytes, file->len);
	for (size_t page = 0; page + STORE_PAGE_SIZE <= file->len; page += STORE_PAGE_SIZE) {
		note_page(file, page);
	}
	fuzz_check(file->field_count > 0);
	note_schema(file);
}

void index_base_make(struct index_base *base)
{
	struct test_index test = make_index();

	const int facts = gather_facts(test.index);

	keep_file(&base->files[0], test.index->fd);
	keep_file(&base->files[1], facts);
	(void)close(facts);
	tarmaker_bytes(&base->image, test.file.bytes, test.file.len);
	test_index_free(&test);
}
