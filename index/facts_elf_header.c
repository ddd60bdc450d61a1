/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file header: class, byte order, and where the tables are. The kernel does not look at the class and byte order
 * that the identification claims, but at the machine and at the sizes of header entries: where they disagree, the
 * sizes win.
 */
#include <elf.h>
#include <string.h>

#include "facts_elf_priv.h"
#include "util.h"

#define HEADER_32 52
/* Linux takes 64 KiB of program headers at most; core files have more, of which these are looked at. */
#define PROGRAMS_MAX 65536u
/* Objects that have each function in a section of its own reach 200,000. */
#define SECTIONS_MAX (1u << 18)

/* Where a class has its fields: file header. */
struct layout {
	size_t header, program, section;
	size_t program_offset, section_offset;
	size_t header_size, program_size, program_count, section_size, section_count, names;
};

static const struct layout layout_32 = {HEADER_32, 32, 40, 28, 32, 40, 42, 44, 46, 48, 50};
static const struct layout layout_64 = {ELF_HEADER_MAX, 56, 64, 32, 40, 52, 54, 56, 58, 60, 62};

static const struct layout *layout_of(const struct elf_look *look)
{
	return look->elf->bits == 64 ? &layout_64 : &layout_32;
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

int elf_file_header(struct elf_look *look, struct peel_error *err)
{
	uint8_t header[ELF_HEADER_MAX] = {0};
	const size_t len = min_u64(look->file->size, sizeof(header));
	const uint8_t *bytes;
	int result = facts_window_at(&look->tables, 0, len, &bytes, err);

	if (result <= 0 || len < EI_NIDENT || memcmp(bytes, ELFMAG, SELFMAG) != 0) {
		return result < 0 ? result : 0;
	}
	memcpy(header, bytes, len);
	if (judge_ident(look, header, len)) {
		result = look_at_header(look, header, err);
		if (result < 0) {
			return result;
		}
	}
	bound_tables(look);
	return 1;
}

uint64_t facts_elf_dynamic_place(const void *head, size_t len)
{
	const uint8_t *bytes = head;
	struct facts_elf elf = {0};
	struct elf_look look = {.elf = &elf};
	const struct layout *layout;
	uint64_t at;

	if (len < ELF_HEADER_MAX || !judge_ident(&look, bytes, len)) {
		return 0;
	}
	layout = layout_of(&look);
	at = elf_word(&look, bytes + layout->program_offset);
	for (unsigned n = facts_get16(bytes + layout->program_count, look.big);
		n > 0 && at <= len && len - at >= layout->program; n--) {
		if (facts_get32(bytes + at, look.big) == PT_DYNAMIC) {
			return elf_word(&look, bytes + at + (elf.bits == 64 ? 8 : 4));
		}
		at += layout->program;
	}
	return 0;
}
