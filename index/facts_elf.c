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
 * The kernel does not look at the class and byte order that the identification claims, but at the sizes of header
 * entries: where the two disagree, the sizes win.
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

#define IDENT 16
#define HEADER_MIN 52
#define HEADER_64 64
/* Linux takes 64 KiB of program headers at most; core files have more, of which these are looked at. */
#define PROGRAMS_MAX 65536u
/* Objects that have each function in a section of its own reach 200,000. */
#define SECTIONS_MAX (1u << 18)
/* Bytes of notes that are looked at. */
#define NOTES_MAX (256u << 10)
/* Windows over tables, strings, and headers that lie far from each other. */
#define TABLE_WINDOW (32u << 10)
#define NAME_WINDOW (32u << 10)
#define GPU_WINDOW 4096

/* Where a class has its fields: file header. */
struct layout {
	size_t header, program, section;
	size_t program_offset, section_offset;
	size_t header_size, program_size, program_count, section_size, section_count, names;
};

static const struct layout layout_32 = {HEADER_MIN, 32, 40, 28, 32, 40, 42, 44, 46, 48, 50};
static const struct layout layout_64 = {HEADER_64, 56, 64, 32, 40, 52, 54, 56, 58, 60, 62};

static const struct layout *layout_of(const struct elf_look *look)
{
	return look->elf->bits == 64 ? &layout_64 : &layout_32;
}

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
	const size_t size = layout_of(look)->program;
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

/* Machines that run programs of 64 bits first: the kernel does not ask what a file's identification says. */
static bool is_wide_machine(unsigned int machine)
{
	return machine == EM_X86_64 || machine == EM_AARCH64 || machine == EM_PPC64;
}

/* How well a header is one of a class and byte order, by what those who run it look at; 0: not at all. */
static int fitness(const uint8_t *bytes, size_t len, int bits, bool big)
{
	const struct layout *layout = bits == 64 ? &layout_64 : &layout_32;

	if (len < layout->header) {
		return 0;
	}
	if (facts_get16(bytes + layout->program_count, big) > 0) {
		return facts_get16(bytes + layout->program_size, big) != layout->program ? 0
			: bits == 64 && is_wide_machine(facts_get16(bytes + 18, big))    ? 3
											 : 2;
	}
	return facts_get32(bytes + 20, big) == 1 &&
		facts_get16(bytes + layout->header_size, big) == layout->header;
}

/* Class and byte order: what fits best, and of those that fit as well what it claims. */
static bool judge_ident(struct elf_look *look, const uint8_t *bytes, size_t len)
{
	const bool known = (bytes[EI_CLASS] == ELFCLASS32 || bytes[EI_CLASS] == ELFCLASS64) &&
		(bytes[EI_DATA] == ELFDATA2LSB || bytes[EI_DATA] == ELFDATA2MSB);
	int best;

	look->elf->bits = bytes[EI_CLASS] == ELFCLASS64 ? 64 : 32;
	look->big = bytes[EI_DATA] == ELFDATA2MSB;
	best = known ? fitness(bytes, len, look->elf->bits, look->big) : 0;
	if (best == 0) {
		look->elf->flags |= FACTS_ELF_DAMAGED;
	}
	for (int i = 0; i < 4; i++) {
		const int bits = i < 2 ? 64 : 32;
		const bool big = i % 2 == 1;

		if (fitness(bytes, len, bits, big) > best) {
			best = fitness(bytes, len, bits, big);
			look->elf->bits = bits;
			look->big = big;
			look->elf->flags |= FACTS_ELF_DAMAGED;
		}
	}
	return len >= layout_of(look)->header;
}

/* Where the tables are, by the file header, and by section 0 where counts do not fit into that. */
static int look_at_header(struct elf_look *look, const uint8_t *header, struct peel_error *err)
{
	const struct layout *layout = layout_of(look);
	const bool sections = facts_get16(header + layout->section_size, look->big) ==
		layout->section;
	const bool programs = facts_get16(header + layout->program_size, look->big) ==
		layout->program;
	const uint8_t *first;
	int result;

	look->elf->type = facts_get16(header + 16, look->big);
	look->elf->machine = facts_get16(header + 18, look->big);
	look->program_offset = elf_word(look, header + layout->program_offset);
	look->section_offset = elf_word(look, header + layout->section_offset);
	look->program_count = facts_get16(header + layout->program_count, look->big);
	look->section_count = facts_get16(header + layout->section_count, look->big);
	look->names_section = facts_get16(header + layout->names, look->big);
	elf_claim(look, 0, layout->header);
	if ((look->section_count > 0 && !sections) || (look->program_count > 0 && !programs)) {
		look->elf->flags |= FACTS_ELF_DAMAGED;
	}
	look->program_count = programs ? look->program_count : 0;
	if (look->section_offset == 0 || !sections) {
		look->section_count = 0;
		return 1;
	}
	result = elf_at(look, look->section_offset, layout->section, &first, err);
	if (result <= 0) {
		look->section_count = 0;
		return result < 0 ? result : 1;
	}
	if (look->section_count == 0) {
		look->section_count =
			(uint32_t)min_u64(elf_word(look, first + (look->elf->bits == 64 ? 32 : 20)),
				UINT32_MAX);
	}
	if (look->names_section == SHN_XINDEX) {
		look->names_section = facts_get32(first + (look->elf->bits == 64 ? 40 : 24),
			look->big);
	}
	if (look->program_count == PN_XNUM) {
		look->program_count = facts_get32(first + (look->elf->bits == 64 ? 44 : 28),
			look->big);
	}
	return 1;
}

/* Hold counts against the file and the caps. */
static void bound_tables(struct elf_look *look)
{
	const struct layout *layout = layout_of(look);
	const uint64_t programs = (uint64_t)look->program_count * layout->program;
	const uint64_t sections = (uint64_t)look->section_count * layout->section;

	look->program_count = (uint32_t)(elf_claim(look, look->program_offset, programs) /
		layout->program);
	look->section_count = (uint32_t)(elf_claim(look, look->section_offset, sections) /
		layout->section);
	if (look->program_count > PROGRAMS_MAX || look->section_count > SECTIONS_MAX) {
		look->elf->flags |= FACTS_ELF_TRUNCATED;
		look->program_count = (uint32_t)min_u64(look->program_count, PROGRAMS_MAX);
		look->section_count = (uint32_t)min_u64(look->section_count, SECTIONS_MAX);
	}
	if (look->section_count == 0) {
		look->elf->flags |= FACTS_ELF_NO_SECTIONS;
	}
}

static int look_at_all(struct elf_look *look, struct peel_error *err)
{
	uint8_t header[HEADER_64] = {0};
	const size_t len = min_u64(look->file->size, sizeof(header));
	const uint8_t *bytes;
	int result = facts_window_at(&look->tables, 0, len, &bytes, err);

	if (result <= 0 || len < IDENT || memcmp(bytes, "\177ELF", 4) != 0) {
		return result < 0 ? result : 0;
	}
	memcpy(header, bytes, len);
	if (!judge_ident(look, header, len)) {
		look->elf->flags |= FACTS_ELF_NO_SECTIONS;
		return 1;
	}
	result = look_at_header(look, header, err);
	if (result < 0) {
		return result;
	}
	bound_tables(look);
	result = look_at_programs(look, err);
	if (result >= 0) {
		result = elf_sections(look, err);
	}
	if (result >= 0) {
		result = elf_symbols(look, err);
	}
	return result < 0 ? result : 1;
}

int facts_elf_look(const struct facts_file *file, const struct facts_wanted *wanted,
	const struct facts_elf_sink *sink, struct facts_elf *ret_elf, struct peel_error *err)
{
	struct elf_look look = {
		.file = file,
		.wanted = wanted,
		.sink = sink,
		.elf = ret_elf,
	};
	int result;

	look.tables = (struct facts_window){
		.file = file, .room = TABLE_WINDOW, .spent = &look.spent};
	look.names = (struct facts_window){.file = file, .room = NAME_WINDOW, .spent = &look.spent};
	look.gpu = (struct facts_window){.file = file, .room = GPU_WINDOW, .spent = &look.spent};
	memset(ret_elf, 0, sizeof(*ret_elf));
	result = look_at_all(&look, err);
	facts_window_finish(&look.tables);
	facts_window_finish(&look.names);
	facts_window_finish(&look.gpu);
	if (look.spent > FACTS_LOOK_BYTES_MAX) {
		ret_elf->flags |= FACTS_ELF_TRUNCATED;
	}
	return result;
}
