/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Section headers: where bytes of a file go. They are for people and debuggers; anybody may strip or fake them. What
 * strip would take away is what no segment loads, so that sections with SHF_ALLOC do not count as debug information.
 */
#include <elf.h>
#include <string.h>

#include "facts_elf_priv.h"
#include "util.h"

/* Sections of GPU code in one file that are walked; objects of separate compilation have two. */
#define GPU_SECTIONS_MAX 64

/* What one pass over the headers carries. */
struct pass {
	/* Section names. */
	struct elf_part names;
	/* Numbers of the sections with the strings of .dynsym and .symtab. */
	uint32_t dynsym_strings, symtab_strings;
	struct elf_part gpu[GPU_SECTIONS_MAX];
	size_t gpu_count;
};

typedef bool name_fn(const char *name);

static bool is_debug(const char *name)
{
	return strncmp(name, ".debug_", 7) == 0 || strncmp(name, ".zdebug_", 8) == 0;
}

static bool is_symbol_table(const char *name)
{
	return strcmp(name, ".symtab") == 0 || strcmp(name, ".strtab") == 0;
}

static bool is_go(const char *name)
{
	return strcmp(name, ".gopclntab") == 0 || strcmp(name, ".go.buildinfo") == 0 ||
		strcmp(name, ".data.rel.ro.gopclntab") == 0;
}

static bool is_rust_audit(const char *name)
{
	return strcmp(name, ".dep-v0") == 0;
}

static bool is_gpu(const char *name)
{
	return strcmp(name, ".nv_fatbin") == 0 || strcmp(name, "__nv_relfatbin") == 0;
}

/* Names that tell something by themselves. */
static const struct {
	name_fn *is;
	unsigned int flag;
} marks[] = {
	{is_go, FACTS_ELF_GO},
	{is_gpu, FACTS_ELF_GPU},
	{is_rust_audit, FACTS_ELF_RUST_AUDIT},
};

static int read_section(struct elf_look *look, uint32_t number, struct elf_header *ret_header,
	struct peel_error *err)
{
	const bool wide = look->elf->bits == 64;
	const size_t size = wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	const uint8_t *bytes;
	int result = elf_at(look, look->section_offset + number * size, size, &bytes, err);

	if (result > 0) {
		*ret_header = (struct elf_header){
			.name = facts_get32(bytes, look->big),
			.type = facts_get32(bytes + 4, look->big),
			.flags = elf_word(look, bytes + 8),
			.offset = elf_word(look, bytes + (wide ? 24 : 16)),
			.size = elf_word(look, bytes + (wide ? 32 : 20)),
			.link = facts_get32(bytes + (wide ? 40 : 24), look->big),
			.info = facts_get32(bytes + (wide ? 44 : 28), look->big),
			.align = elf_word(look, bytes + (wide ? 48 : 32)),
		};
	}
	return result;
}

/* The part of the file that a section has, as far as it is there. */
static struct elf_part part_of(struct elf_look *look, const struct elf_header *header)
{
	const bool empty = header->type == SHT_NOBITS || header->type == SHT_NULL;

	return (struct elf_part){
		header->offset, empty ? 0 : elf_claim(look, header->offset, header->size)};
}

/* The part of a section by its number; 0: there is none. */
static int find_part(struct elf_look *look, uint32_t number, struct elf_part *ret_part,
	struct peel_error *err)
{
	struct elf_header header;
	int result;

	*ret_part = (struct elf_part){0};
	if (number == 0 || number >= look->section_count) {
		return 1;
	}
	result = read_section(look, number, &header, err);
	if (result > 0) {
		*ret_part = part_of(look, &header);
	}
	return result;
}

static void count_bytes(struct elf_look *look, const struct elf_header *header, const char *name,
	uint64_t bytes)
{
	struct facts_elf *elf = look->elf;

	if (is_debug(name)) {
		elf->flags |= FACTS_ELF_DEBUG;
	}
	if (header->type == SHT_SYMTAB) {
		elf->flags |= FACTS_ELF_SYMTAB;
	}
	if (header->flags & SHF_ALLOC) {
		return;
	}
	if (is_debug(name)) {
		elf->debug_bytes += bytes;
	}
	if (is_debug(name) || is_symbol_table(name)) {
		elf->strip_bytes += bytes;
	}
}

/* Keep what is looked at when all headers are read. */
static void keep_part(struct elf_look *look, struct pass *pass, const struct elf_header *header,
	const char *name, const struct elf_part *part)
{
	if (header->type == SHT_DYNSYM) {
		look->dynsym.table = *part;
		pass->dynsym_strings = header->link;
	} else if (header->type == SHT_SYMTAB) {
		look->symtab.table = *part;
		pass->symtab_strings = header->link;
	} else if (is_gpu(name) && pass->gpu_count < GPU_SECTIONS_MAX) {
		pass->gpu[pass->gpu_count++] = *part;
	} else if (is_gpu(name)) {
		look->elf->flags |= FACTS_ELF_TRUNCATED;
	}
}

static int look_at_section(struct elf_look *look, struct pass *pass,
	const struct elf_header *header, struct peel_error *err)
{
	const struct elf_part part = part_of(look, header);
	char name[FACTS_NAME_MAX] = "";

	if (part.size == 0) {
		return 1;
	}
	if (pass->names.size > 0) {
		int result = elf_string(look, &pass->names, header->name, name, sizeof(name), err);

		if (result < 0) {
			return result;
		}
	}
	for (size_t i = 0; i < countof(marks); i++) {
		look->elf->flags |= marks[i].is(name) ? marks[i].flag : 0;
	}
	count_bytes(look, header, name, part.size);
	keep_part(look, pass, header, name, &part);
	if (look->sink->section) {
		look->sink->section(look->sink->arg, name, part.offset, part.size);
	}
	return header->type == SHT_NOTE ? elf_notes(look, header, err) : 1;
}

static int tell_gpu(struct elf_look *look, const struct pass *pass, struct peel_error *err)
{
	struct elf_gpu gpu = {0};

	for (size_t i = 0; i < pass->gpu_count; i++) {
		int result = elf_gpu(look, &pass->gpu[i], &gpu, err);

		if (result < 0) {
			return result;
		}
	}
	for (size_t i = 0; i < gpu.count; i++) {
		look->sink->gpu(look->sink->arg, gpu.kinds[i].arch, gpu.kinds[i].bytes);
	}
	return 1;
}

/* Sections that lie over each other, which nothing but a lie can make, count no more than the file has. */
static void bound_bytes(struct elf_look *look)
{
	struct facts_elf *elf = look->elf;

	if (elf->strip_bytes > look->file->size) {
		elf->flags |= FACTS_ELF_DAMAGED;
		elf->strip_bytes = look->file->size;
		elf->debug_bytes = min_u64(elf->debug_bytes, look->file->size);
	}
}

int elf_sections(struct elf_look *look, struct peel_error *err)
{
	struct pass pass = {0};
	int result = find_part(look, look->names_section, &pass.names, err);

	for (uint32_t i = 1; result > 0 && i < look->section_count; i++) {
		struct elf_header header;

		result = read_section(look, i, &header, err);
		if (result > 0) {
			result = look_at_section(look, &pass, &header, err);
		}
	}
	if (result > 0) {
		bound_bytes(look);
		result = find_part(look, pass.dynsym_strings, &look->dynsym.strings, err);
	}
	if (result > 0) {
		result = find_part(look, pass.symtab_strings, &look->symtab.strings, err);
	}
	if (result > 0 && look->sink->gpu) {
		result = tell_gpu(look, &pass, err);
	}
	return result < 0 ? result : 1;
}
