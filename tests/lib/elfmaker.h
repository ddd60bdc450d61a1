/* SPDX-License-Identifier: Apache-2.0 */
/** Makes small ELF files of either class and byte order, in memory, right or wrong in one thing. */
#ifndef ELFMAKER_H
#define ELFMAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts_look.h"

/** Where a made file is mapped: offset 0 is here. */
#define ELFMAKER_BASE 0x400000

/** How the number of symbols is told. */
enum elfmaker_hash {
	ELFMAKER_NO_HASH,
	ELFMAKER_SYSV_HASH,
	ELFMAKER_GNU_HASH,
};

/** A symbol; defined ones come last. */
struct elfmaker_symbol {
	const char *name;
	bool defined;
};

/** Another section with bytes. */
struct elfmaker_section {
	const char *name;
	const void *bytes;
	size_t len;
	/** sh_type, sh_flags. */
	uint32_t type;
	uint32_t flags;
};

/** What a file has. {0} but for bits is a file with headers and an empty dynamic section. */
struct elfmaker {
	/** 32 or 64. */
	int bits;
	bool big;
	uint16_t machine, type;
	/** Lists end with NULL, or with a symbol or section without a name. */
	const char *const *needs;
	const char *soname, *runpath, *rpath, *interp;
	const void *build_id;
	size_t build_id_len;
	const struct elfmaker_symbol *symbols;
	const struct elfmaker_section *sections;
	enum elfmaker_hash hash;
	uint32_t flags_1;
	/** No program headers: symbols are in .symtab then. */
	bool no_programs;
	/** No section headers. */
	bool no_sections;
	/** Bytes behind the end. */
	size_t appended;
};

/** A made file, and where its parts are. */
struct elfmaker_file {
	uint8_t *bytes;
	size_t len;
	size_t programs, dynamic, symbols, strings, hash, sections;
	/** What reads it. */
	struct facts_file file;
	/** Reads until one fails; 0: none does. */
	unsigned fail_at;
	unsigned reads;
};

/** Make a file. Its memory is freed by elfmaker_finish. */
void elfmaker_make(const struct elfmaker *maker, struct elfmaker_file *file);
/** Make a file of any bytes (they are copied), to be read in the same way. */
void elfmaker_bytes(const void *bytes, size_t len, struct elfmaker_file *file);
/** Free. */
void elfmaker_finish(struct elfmaker_file *file);
/** Put a number of 2, 4 or 8 bytes in a byte order. */
void elfmaker_put(uint8_t *at, size_t width, bool big, uint64_t value);

#endif
