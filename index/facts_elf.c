/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ELF file is looked at as those look who run it: the kernel and the dynamic linker go by program headers and
 * addresses, and so do the facts that decide (needs, interpreter, symbols). Section headers, which nobody needs for
 * running and anybody may strip or fake, tell where bytes go (debug information, symbol tables, GPU code) and are
 * believed for nothing else.
 *
 *   file header ── program headers ── PT_LOAD: address -> offset
 *        │                        └── PT_DYNAMIC -> needs, names, symbol table, string table, hash tables
 *        └──────── section headers ── names, bytes, .symtab where nothing dynamic is left
 *
 * Everything is read through small windows, each table once or twice from begin to end; FACTS_LOOK_BYTES_MAX bounds
 * what a file can make us read, and the constants below what tables may hold. Nothing is allocated by a size out of
 * the file but the strings' window, which is bounded itself.
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include <peel/error.h>

#include "facts_elf_priv.h"
#include "util.h"

/* Bytes of notes that are looked at. */
#define NOTES_MAX (256u << 10)
/* Windows over tables, strings, and headers that lie far from each other. */
#define TABLE_WINDOW (32u << 10)
#define NAME_WINDOW (32u << 10)
#define GPU_WINDOW 4096

uint64_t elf_claim(struct elf_look *look, uint64_t offset, uint64_t size)
{
	const uint64_t there = offset < look->file->size ? look->file->size - offset : 0;
	const uint64_t in_file = min_u64(size, there);

	if (in_file < size) {
		look->elf->flags |= FACTS_ELF_DAMAGED;
	}
	if (in_file > 0) {
		look->elf->end = max_u64(look->elf->end, offset + in_file);
	}
	return in_file;
}

int elf_at(struct elf_look *look, uint64_t offset, size_t len, const uint8_t **ret_bytes,
	struct peel_error *err)
{
	int result = facts_window_at(&look->tables, offset, len, ret_bytes, err);

	if (result == 0) {
		look->elf->flags |= FACTS_ELF_DAMAGED;
	}
	return result;
}

int elf_string(struct elf_look *look, const struct elf_part *strings, uint64_t at, char *ret_text,
	size_t size, struct peel_error *err)
{
	bool whole;
	int result;

	if (at >= strings->size) {
		look->elf->flags |= FACTS_ELF_DAMAGED;
		ret_text[0] = '\0';
		return 0;
	}
	result = facts_window_string(&look->names, strings->offset + at, strings->size - at, '\0',
		ret_text, size, &whole, err);
	if (result >= 0 && !whole) {
		look->elf->flags |= (size_t)result + 1 == size ? FACTS_ELF_TRUNCATED
							       : FACTS_ELF_DAMAGED;
	}
	return result;
}

int elf_program(struct elf_look *look, uint32_t number, struct elf_header *ret_header,
	struct peel_error *err)
{
	const size_t size = look->elf->bits == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	const bool wide = look->elf->bits == 64;
	const uint8_t *bytes;
	int result = elf_at(look, look->program_offset + number * size, size, &bytes, err);

	if (result > 0) {
		*ret_header = (struct elf_header){
			.type = facts_get32(bytes, look->big),
			.offset = elf_word(look, bytes + (wide ? 8 : 4)),
			.address = elf_word(look, bytes + (wide ? 16 : 8)),
			.size = elf_word(look, bytes + (wide ? 32 : 16)),
			.memory = elf_word(look, bytes + (wide ? 40 : 20)),
			.align = elf_word(look, bytes + (wide ? 48 : 28)),
		};
	}
	return result;
}

int elf_map(struct elf_look *look, uint64_t address, struct elf_part *ret_part,
	struct peel_error *err)
{
	int found = 0;

	for (uint32_t i = 0; i < look->program_count; i++) {
		struct elf_header header;
		int result = elf_program(look, i, &header, err);

		if (result <= 0) {
			return result < 0 ? result : found;
		}
		if (header.type == PT_LOAD && address >= header.address &&
			address - header.address < header.size &&
			checked_add(header.offset, address - header.address, &ret_part->offset) &&
			ret_part->offset < look->file->size) {
			ret_part->size = min_u64(header.size - (address - header.address),
				look->file->size - ret_part->offset);
			found = 1;
		}
	}
	return found;
}

/* One note; sets *ret_next to the offset of the next. */
static int look_at_note(struct elf_look *look, const struct elf_header *header, uint64_t at,
	uint64_t *ret_next, struct peel_error *err)
{
	const uint64_t round = header->align == 8 ? 7 : 3;
	const uint8_t *bytes;
	uint64_t name, size, data;
	int result = elf_at(look, header->offset + at, 12, &bytes, err);

	if (result <= 0) {
		return result;
	}
	name = facts_get32(bytes, look->big);
	size = facts_get32(bytes + 4, look->big);
	data = (12 + name + round) & ~round;
	*ret_next = at + ((data + size + round) & ~round);
	if (name != 4 || facts_get32(bytes + 8, look->big) != NT_GNU_BUILD_ID || size == 0) {
		return 1;
	}
	if (size > (sizeof(look->elf->build_id) - 1) / 2) {
		size = (sizeof(look->elf->build_id) - 1) / 2;
		look->elf->flags |= FACTS_ELF_TRUNCATED;
	}
	result = elf_at(look, header->offset + at + 12, data - 12 + size, &bytes, err);
	if (result > 0 && memcmp(bytes, "GNU", 4) == 0) {
		for (size_t i = 0; i < size; i++) {
			snprintf(look->elf->build_id + 2 * i, 3, "%02x", bytes[data - 12 + i]);
		}
	}
	return result;
}

int elf_notes(struct elf_look *look, const struct elf_header *header, struct peel_error *err)
{
	uint64_t at = 0;

	if (header->offset > look->file->size) {
		return 1;
	}
	while (look->elf->build_id[0] == '\0' && at + 12 <= header->size &&
		look->note_bytes < NOTES_MAX) {
		const uint64_t begin = at;
		int result = look_at_note(look, header, at, &at, err);

		if (result <= 0) {
			return result < 0 ? result : 1;
		}
		look->note_bytes += at - begin;
	}
	return 1;
}

/* The kernel takes the first interpreter, the dynamic linker the last dynamic section. */
static int look_at_programs(struct elf_look *look, struct peel_error *err)
{
	struct elf_header dynamic = {0};
	bool has_interp = false;

	for (uint32_t i = 0; i < look->program_count; i++) {
		struct elf_header header;
		int result = elf_program(look, i, &header, err);

		if (result <= 0) {
			return result < 0 ? result : 1;
		}
		elf_claim(look, header.offset, header.size);
		if (header.type == PT_INTERP && !has_interp) {
			const struct elf_part path = {header.offset, header.size};

			has_interp = true;
			result = elf_string(look, &path, 0, look->elf->interp,
				sizeof(look->elf->interp), err);
		} else if (header.type == PT_DYNAMIC) {
			dynamic = header;
		} else if (header.type == PT_NOTE) {
			result = elf_notes(look, &header, err);
		}
		if (result < 0) {
			return result;
		}
	}
	if (dynamic.type == PT_DYNAMIC) {
		return elf_dynamic(look, &dynamic, has_interp, err);
	}
	if (!has_interp && look->program_count > 0 &&
		(look->elf->type == ET_EXEC || look->elf->type == ET_DYN)) {
		look->elf->flags |= FACTS_ELF_STATIC;
	}
	return 1;
}

static int look_at_all(struct elf_look *look, struct peel_error *err)
{
	int result = elf_file_header(look, err);

	if (result > 0) {
		result = look_at_programs(look, err);
	}
	if (result > 0) {
		result = elf_sections(look, err);
	}
	if (result > 0) {
		result = elf_symbols(look, err);
	}
	return result;
}

static void look_init(struct elf_look *look, const struct facts_file *file,
	const struct facts_elf_sink *sink, struct facts_elf *elf)
{
	memset(elf, 0, sizeof(*elf));
	*look = (struct elf_look){.file = file, .sink = sink, .elf = elf};
	look->tables = (struct facts_window){
		.file = file, .room = TABLE_WINDOW, .spent = &look->spent};
	look->names = (struct facts_window){
		.file = file, .room = NAME_WINDOW, .spent = &look->spent};
	look->gpu = (struct facts_window){.file = file, .room = GPU_WINDOW, .spent = &look->spent};
}

static void look_finish(struct elf_look *look)
{
	facts_window_finish(&look->tables);
	facts_window_finish(&look->names);
	facts_window_finish(&look->gpu);
	if (look->spent > FACTS_LOOK_BYTES_MAX) {
		look->elf->flags |= FACTS_ELF_TRUNCATED;
	}
}

int facts_elf_look(const struct facts_file *file, const struct facts_wanted *wanted,
	const struct facts_elf_sink *sink, struct facts_elf *ret_elf, struct peel_error *err)
{
	struct elf_look look;
	int result;

	look_init(&look, file, sink, ret_elf);
	look.wanted = wanted;
	result = look_at_all(&look, err);
	look_finish(&look);
	return result;
}

int facts_elf_sections(const struct facts_file *file, const struct facts_elf_sink *sink,
	struct peel_error *err)
{
	struct facts_elf elf;
	struct elf_look look;
	int result;

	look_init(&look, file, sink, &elf);
	result = elf_file_header(&look, err);
	if (result > 0) {
		result = elf_sections(&look, err);
	}
	look_finish(&look);
	return result;
}
