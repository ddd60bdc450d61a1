/* SPDX-License-Identifier: Apache-2.0 */
#include "elfmaker.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "peel_test.h"
#include "util.h"

#define ROOM (4u << 20)
#define SECTIONS_MAX 64

/* A file that grows. */
struct growing {
	const struct elfmaker *maker;
	uint8_t *bytes;
	size_t len;
	/* Names of sections, and their headers' values. */
	struct {
		const char *name;
		uint32_t type;
		uint32_t flags, link;
		size_t offset, size;
	} sections[SECTIONS_MAX];
	size_t section_count;
};

void elfmaker_put(uint8_t *at, size_t width, bool big, uint64_t value)
{
	for (size_t i = 0; i < width; i++) {
		at[big ? width - 1 - i : i] = (uint8_t)(value >> 8 * i);
	}
}

static void put(struct growing *file, size_t width, uint64_t value)
{
	assert_true(file->len + width <= ROOM);
	elfmaker_put(file->bytes + file->len, width, file->maker->big, value);
	file->len += width;
}

static void word(struct growing *file, uint64_t value)
{
	put(file, (size_t)file->maker->bits / 8, value);
}

static size_t put_bytes(struct growing *file, const void *bytes, size_t len)
{
	const size_t at = file->len;

	assert_true(file->len + len <= ROOM);
	if (len > 0) {
		memcpy(file->bytes + file->len, bytes, len);
	}
	file->len += len;
	return at;
}

static size_t put_string(struct growing *file, const char *text)
{
	return text ? put_bytes(file, text, strlen(text) + 1) : 0;
}

static void align(struct growing *file)
{
	file->len = (file->len + 7) & ~(size_t)7;
}

static size_t add_section(struct growing *file, const char *name, uint32_t type, uint32_t flags,
	size_t offset, size_t size)
{
	const size_t number = file->section_count;

	assert_true(number < SECTIONS_MAX);
	file->sections[number].name = name;
	file->sections[number].type = type;
	file->sections[number].flags = flags;
	file->sections[number].offset = offset;
	file->sections[number].size = size;
	file->section_count++;
	return number;
}

static size_t count_symbols(const struct elfmaker *maker, size_t *ret_needed)
{
	size_t count = 0;

	*ret_needed = 0;
	for (; maker->symbols && maker->symbols[count].name; count++) {
		*ret_needed += !maker->symbols[count].defined;
	}
	return count;
}

static void put_symbol(struct growing *file, uint32_t name, bool defined)
{
	const uint16_t section = defined ? 1 : SHN_UNDEF;

	put(file, 4, name);
	if (file->maker->bits == 64) {
		put(file, 1, name ? STB_GLOBAL << 4 | STT_FUNC : 0);
		put(file, 1, 0);
		put(file, 2, section);
		put(file, 8, 0);
		put(file, 8, 0);
	} else {
		put(file, 4, 0);
		put(file, 4, 0);
		put(file, 1, name ? STB_GLOBAL << 4 | STT_FUNC : 0);
		put(file, 1, 0);
		put(file, 2, section);
	}
}

static void put_hash(struct growing *file)
{
	size_t needed;
	const size_t count = count_symbols(file->maker, &needed);

	if (file->maker->hash == ELFMAKER_SYSV_HASH) {
		put(file, 4, 1);
		put(file, 4, count + 1);
		for (size_t i = 0; i < count + 2; i++) {
			put(file, 4, 0);
		}
		return;
	}
	/* One bucket, of which all defined symbols are the chain. */
	put(file, 4, 1);
	put(file, 4, needed + 1);
	put(file, 4, 1);
	put(file, 4, 0);
	word(file, 0);
	put(file, 4, count > needed ? needed + 1 : 0);
	for (size_t i = needed; i < count; i++) {
		put(file, 4, i + 1 == count ? 1 : 2);
	}
}

static void put_dynamic(struct growing *file, struct elfmaker_file *made, const size_t *needs,
	const size_t *names)
{
	static const uint32_t tags[] = {DT_SONAME, DT_RUNPATH, DT_RPATH};
	const struct elfmaker *maker = file->maker;

	made->dynamic = file->len;
	for (size_t i = 0; maker->needs && maker->needs[i]; i++) {
		word(file, DT_NEEDED);
		word(file, needs[i] - made->strings);
	}
	for (size_t i = 0; i < countof(tags); i++) {
		if (names[i] > 0) {
			word(file, tags[i]);
			word(file, names[i] - made->strings);
		}
	}
	word(file, DT_STRTAB);
	word(file, ELFMAKER_BASE + made->strings);
	word(file, DT_SYMTAB);
	word(file, ELFMAKER_BASE + made->symbols);
	if (maker->hash != ELFMAKER_NO_HASH) {
		word(file, maker->hash == ELFMAKER_SYSV_HASH ? DT_HASH : DT_GNU_HASH);
		word(file, ELFMAKER_BASE + made->hash);
	}
	if (maker->flags_1) {
		word(file, DT_FLAGS_1);
		word(file, maker->flags_1);
	}
	word(file, DT_NULL);
	word(file, 0);
}

static void put_program(struct growing *file, uint32_t type, size_t offset, size_t size,
	uint64_t alignment)
{
	const bool wide = file->maker->bits == 64;

	put(file, 4, type);
	if (wide) {
		put(file, 4, PF_R);
	}
	word(file, offset);
	word(file, ELFMAKER_BASE + offset);
	word(file, ELFMAKER_BASE + offset);
	word(file, size);
	word(file, size);
	if (!wide) {
		put(file, 4, PF_R);
	}
	word(file, alignment);
}

static void put_section_headers(struct growing *file, struct elfmaker_file *made)
{
	size_t names[SECTIONS_MAX];
	const size_t strings = put_bytes(file, "", 1);

	add_section(file, ".shstrtab", SHT_STRTAB, 0, strings, 0);
	for (size_t i = 0; i < file->section_count; i++) {
		names[i] = put_string(file, file->sections[i].name) - strings;
	}
	file->sections[file->section_count - 1].size = file->len - strings;
	align(file);
	made->sections = file->len;
	for (size_t i = 0; i < file->section_count; i++) {
		put(file, 4, i ? names[i] : 0);
		put(file, 4, file->sections[i].type);
		word(file, file->sections[i].flags);
		word(file, 0);
		word(file, file->sections[i].offset);
		word(file, file->sections[i].size);
		put(file, 4, file->sections[i].link);
		put(file, 4, 0);
		word(file, 1);
		word(file, 0);
	}
}

static void put_header(struct growing *file, const struct elfmaker_file *made, size_t programs)
{
	const struct elfmaker *maker = file->maker;
	const bool wide = maker->bits == 64;
	const size_t len = file->len;

	file->len = 0;
	put_bytes(file, ELFMAG, SELFMAG);
	put(file, 1, wide ? ELFCLASS64 : ELFCLASS32);
	put(file, 1, maker->big ? ELFDATA2MSB : ELFDATA2LSB);
	put(file, 1, EV_CURRENT);
	file->len = EI_NIDENT;
	put(file, 2, maker->type ? maker->type : ET_DYN);
	put(file, 2, maker->machine ? maker->machine : EM_ARM);
	put(file, 4, EV_CURRENT);
	word(file, 0);
	word(file, programs ? made->programs : 0);
	word(file, made->sections);
	put(file, 4, 0);
	put(file, 2, wide ? 64 : 52);
	put(file, 2, wide ? 56 : 32);
	put(file, 2, programs);
	put(file, 2, wide ? 64 : 40);
	put(file, 2, made->sections ? file->section_count : 0);
	put(file, 2, made->sections ? file->section_count - 1 : 0);
	file->len = len;
}

/* Strings, symbols, hash table, dynamic section. */
static void put_tables(struct growing *file, struct elfmaker_file *made)
{
	const struct elfmaker *maker = file->maker;
	size_t needed;
	const size_t count = count_symbols(maker, &needed);
	cleanup_free size_t *at = calloc(count + 1, sizeof(*at));
	size_t needs[1024] = {0}, names[3], section;

	assert_non_null(at);
	made->strings = put_bytes(file, "", 1);
	for (size_t i = 0; i < count; i++) {
		at[i] = put_string(file, maker->symbols[i].name) - made->strings;
	}
	for (size_t i = 0; maker->needs && maker->needs[i]; i++) {
		assert_true(i < countof(needs));
		needs[i] = put_string(file, maker->needs[i]);
	}
	names[0] = put_string(file, maker->soname);
	names[1] = put_string(file, maker->runpath);
	names[2] = put_string(file, maker->rpath);
	section = add_section(file, maker->no_programs ? ".strtab" : ".dynstr", SHT_STRTAB,
		maker->no_programs ? 0 : SHF_ALLOC, made->strings, file->len - made->strings);
	align(file);
	made->symbols = file->len;
	put_symbol(file, 0, false);
	for (size_t i = 0; i < count; i++) {
		put_symbol(file, (uint32_t)at[i], maker->symbols[i].defined);
	}
	add_section(file, maker->no_programs ? ".symtab" : ".dynsym",
		maker->no_programs ? SHT_SYMTAB : SHT_DYNSYM, maker->no_programs ? 0 : SHF_ALLOC,
		made->symbols, file->len - made->symbols);
	file->sections[file->section_count - 1].link = (uint32_t)section;
	if (maker->no_programs) {
		return;
	}
	made->hash = file->len;
	if (maker->hash != ELFMAKER_NO_HASH) {
		put_hash(file);
	}
	align(file);
	put_dynamic(file, made, needs, names);
}

static size_t put_note(struct growing *file)
{
	const size_t at = file->len;

	put(file, 4, 4);
	put(file, 4, file->maker->build_id_len);
	put(file, 4, NT_GNU_BUILD_ID);
	put_bytes(file, "GNU", 4);
	put_bytes(file, file->maker->build_id, file->maker->build_id_len);
	return at;
}

static size_t put_programs(struct growing *file, struct elfmaker_file *made, size_t interp,
	size_t dynamic_end, size_t note, size_t note_end)
{
	const struct elfmaker *maker = file->maker;
	size_t count = 2;

	made->programs = file->len;
	if (interp) {
		put_program(file, PT_INTERP, interp, strlen(maker->interp) + 1, 1);
		count++;
	}
	put_program(file, PT_LOAD, 0, file->len, 4096);
	put_program(file, PT_DYNAMIC, made->dynamic, dynamic_end - made->dynamic, 8);
	if (note) {
		put_program(file, PT_NOTE, note, note_end - note, 4);
		count++;
	}
	return count;
}

static int read_made(void *arg, uint64_t offset, void *buf, size_t len, struct peel_error *err)
{
	struct elfmaker_file *file = arg;

	/* Whoever asks for what is not there asks out of bounds. */
	assert_true(offset <= file->len && len <= file->len - offset);
	if (++file->reads == file->fail_at) {
		return peel_fail(err, PEEL_EIO, "a read that fails");
	}
	memcpy(buf, file->bytes + offset, len);
	return 0;
}

void elfmaker_make(const struct elfmaker *maker, struct elfmaker_file *made)
{
	struct growing file = {.maker = maker, .bytes = calloc(1, ROOM)};
	size_t interp, note = 0, note_end, dynamic_end, programs = 0;

	assert_non_null(file.bytes);
	memset(made, 0, sizeof(*made));
	file.len = maker->bits == 64 ? 64 : 52;
	add_section(&file, "", SHT_NULL, 0, 0, 0);
	interp = put_string(&file, maker->interp);
	align(&file);
	if (maker->build_id) {
		note = put_note(&file);
	}
	note_end = file.len;
	put_tables(&file, made);
	dynamic_end = file.len;
	if (!maker->no_programs) {
		align(&file);
		programs = put_programs(&file, made, interp, dynamic_end, note, note_end);
	}
	for (size_t i = 0; maker->sections && maker->sections[i].name; i++) {
		const struct elfmaker_section *section = &maker->sections[i];

		align(&file);
		add_section(&file, section->name, section->type, section->flags,
			put_bytes(&file, section->bytes, section->len), section->len);
	}
	if (!maker->no_sections) {
		put_section_headers(&file, made);
	}
	put_header(&file, made, programs);
	elfmaker_bytes(file.bytes, file.len + maker->appended, made);
	free(file.bytes);
}

void elfmaker_bytes(const void *bytes, size_t len, struct elfmaker_file *file)
{
	file->bytes = malloc(len ? len : 1);
	assert_non_null(file->bytes);
	memcpy(file->bytes, bytes, len);
	file->len = len;
	file->file = (struct facts_file){.size = len, .read = read_made, .arg = file};
	file->fail_at = file->reads = 0;
}

void elfmaker_finish(struct elfmaker_file *file)
{
	free(file->bytes);
	file->bytes = NULL;
}
