/* SPDX-License-Identifier: Apache-2.0 */
/** What the readers of ELF files share: one look at one file. facts_elf.c has the design note. */
#ifndef FACTS_ELF_PRIV_H
#define FACTS_ELF_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "facts_look.h"
#include "facts_window.h"

/** Bytes of a file header of 64 bits. */
#define ELF_HEADER_MAX 64

/** Bytes of one section or table in the file. */
struct elf_part {
	uint64_t offset;
	uint64_t size;
};

/** A table of symbols and the strings that name them. Size 0: there is none. */
struct elf_symbols {
	struct elf_part table;
	struct elf_part strings;
};

/** One look at one file. */
struct elf_look {
	const struct facts_file *file;
	const struct facts_wanted *wanted;
	const struct facts_elf_sink *sink;
	struct facts_elf *elf;
	/** Numbers are big-endian. */
	bool big;
	/** Headers and tables; strings; code for GPUs. */
	struct facts_window tables, names, gpu;
	uint64_t spent;
	/** Bytes of notes looked at: tables may name the same ones a thousand times. */
	uint64_t note_bytes;
	/** Program headers, section headers, as many as are read. */
	uint64_t program_offset, section_offset;
	uint32_t program_count, section_count;
	/** Section that holds the sections' names; 0: none. */
	uint32_t names_section;
	/** By the dynamic section; by section headers. */
	struct elf_symbols dynamic_symbols, dynsym, symtab;
};

/** A segment or section header, the fields that are used. */
struct elf_header {
	uint32_t name, type, link, info;
	uint64_t flags, address, offset, size;
	/** Segments: bytes in memory. */
	uint64_t memory;
	uint64_t align;
};

/** A word of the file's class: 4 or 8 bytes. */
static inline uint64_t elf_word(const struct elf_look *look, const uint8_t *at)
{
	return look->elf->bits == 64 ? facts_get64(at, look->big) : facts_get32(at, look->big);
}

/**
 * Note that headers claim bytes of the file.
 * @return how many of them are in it; less than size sets FACTS_ELF_DAMAGED.
 */
uint64_t elf_claim(struct elf_look *look, uint64_t offset, uint64_t size);

/**
 * Bytes of a table; where they are not all in the file, FACTS_ELF_DAMAGED is set.
 * @return as facts_window_at.
 */
int elf_at(struct elf_look *look, uint64_t offset, size_t len, const uint8_t **ret_bytes,
	struct peel_error *err);

/** A string of a string table; what is wrong with it sets a flag. @return as facts_window_string. */
int elf_string(struct elf_look *look, const struct elf_part *strings, uint64_t at, char *ret_text,
	size_t size, struct peel_error *err);

/**
 * Look at the file header: what the file is, and where its tables are, as far as they are in it.
 * @return 1; 0: it is no ELF file; less than 0 as file->read.
 */
int elf_file_header(struct elf_look *look, struct peel_error *err);

/** A program header. @return as elf_at. */
int elf_program(struct elf_look *look, uint32_t number, struct elf_header *ret_header,
	struct peel_error *err);

/**
 * Where in the file an address lies, by the loaded segments: the last that has it, as it is mapped over the others.
 * @param ret_part receives the offset and how many bytes of that segment follow.
 * @return 1; 0: nowhere; as elf_at.
 */
int elf_map(struct elf_look *look, uint64_t address, struct elf_part *ret_part,
	struct peel_error *err);

/** Find the GNU build ID among notes, if none was found before. @return 1; less than 0 as file->read. */
int elf_notes(struct elf_look *look, const struct elf_header *header, struct peel_error *err);

/** Look at the dynamic section: needs, names, paths, and where its symbols are. @return 1; as elf_at. */
int elf_dynamic(struct elf_look *look, const struct elf_header *header, bool has_interp,
	struct peel_error *err);

/** Look at all section headers. @return 1; less than 0 as file->read. */
int elf_sections(struct elf_look *look, struct peel_error *err);

/** Tell the wanted symbols. @return 1; PEEL_ENOMEM, as file->read. */
int elf_symbols(struct elf_look *look, struct peel_error *err);

/** Bytes of code by architecture in fat binaries. */
struct elf_gpu {
	struct {
		char arch[24];
		uint64_t bytes;
	} kinds[FACTS_GPU_MAX];
	size_t count;
};

/** Walk a section of fat binaries and add up. @return 1; less than 0 as file->read. */
int elf_gpu(struct elf_look *look, const struct elf_part *section, struct elf_gpu *gpu,
	struct peel_error *err);

#endif
