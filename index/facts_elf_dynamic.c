/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dynamic section, as the dynamic linker reads it: by its address, up to DT_NULL, names in the string table that
 * it points to. How many symbols there are it does not say; the hash tables know it, as they list all of them:
 *
 *   DT_HASH      its number of chains is the number of symbols
 *   DT_GNU_HASH  has only those that are defined, at the end of the table: the last chain's end is the last of them
 */
#include <elf.h>
#include <string.h>

#include "facts_elf_priv.h"
#include "util.h"

/* Real ones have less than 500. */
#define ENTRIES_MAX 65536u

/* Tags that are used, by their place in an array. */
enum tag {
	TAG_STRTAB,
	TAG_STRSZ,
	TAG_SYMTAB,
	TAG_HASH,
	TAG_GNU_HASH,
	TAG_MIPS_SYMTABNO,
	TAG_SONAME,
	TAG_RPATH,
	TAG_RUNPATH,
	TAG_FLAGS_1,
	TAG_COUNT,
};

static const uint64_t tags[TAG_COUNT] = {
	[TAG_STRTAB] = DT_STRTAB,
	[TAG_STRSZ] = DT_STRSZ,
	[TAG_SYMTAB] = DT_SYMTAB,
	[TAG_HASH] = DT_HASH,
	[TAG_GNU_HASH] = DT_GNU_HASH,
	[TAG_MIPS_SYMTABNO] = DT_MIPS_SYMTABNO,
	[TAG_SONAME] = DT_SONAME,
	[TAG_RPATH] = DT_RPATH,
	[TAG_RUNPATH] = DT_RUNPATH,
	[TAG_FLAGS_1] = DT_FLAGS_1,
};

struct dynamic {
	struct elf_part part;
	uint64_t values[TAG_COUNT];
	bool has[TAG_COUNT];
	struct elf_part strings;
	size_t needs;
};

/* What loads another file: beside DT_NEEDED those of filters, which the dynamic linker loads as well. */
static bool is_need(uint64_t tag)
{
	return tag == DT_NEEDED || tag == DT_AUXILIARY || tag == DT_FILTER;
}

/* Tags are signed words. */
static uint64_t widen(const struct elf_look *look, uint64_t tag)
{
	return look->elf->bits == 64 ? tag : (uint64_t)(int64_t)(int32_t)tag;
}

static int tell_need(struct elf_look *look, struct dynamic *dynamic, uint64_t at,
	struct peel_error *err)
{
	char name[FACTS_NAME_MAX];
	int result;

	if (dynamic->needs++ >= FACTS_NEEDS_MAX) {
		look->elf->flags |= FACTS_ELF_TRUNCATED;
		return 1;
	}
	result = elf_string(look, &dynamic->strings, at, name, sizeof(name), err);
	if (result > 0 && look->sink->need) {
		look->sink->need(look->sink->arg, name);
	}
	return result < 0 ? result : 1;
}

typedef int entry_fn(struct elf_look *look, struct dynamic *dynamic, uint64_t tag, uint64_t value,
	struct peel_error *err);

/* Keep the value of a tag; the last counts. */
static int keep_value(struct elf_look *look, struct dynamic *dynamic, uint64_t tag, uint64_t value,
	struct peel_error *err)
{
	(void)look;
	(void)err;
	for (size_t i = 0; i < TAG_COUNT; i++) {
		if (tags[i] == tag) {
			dynamic->values[i] = value;
			dynamic->has[i] = true;
		}
	}
	return 1;
}

static int take_need(struct elf_look *look, struct dynamic *dynamic, uint64_t tag, uint64_t value,
	struct peel_error *err)
{
	return is_need(tag) ? tell_need(look, dynamic, value, err) : 1;
}

static int each_entry(struct elf_look *look, struct dynamic *dynamic, entry_fn *take,
	struct peel_error *err)
{
	const size_t word = look->elf->bits == 64 ? 8 : 4;

	for (uint64_t at = 0; at + 2 * word <= dynamic->part.size; at += 2 * word) {
		const uint8_t *bytes;
		uint64_t tag;
		int result;

		if (at / (2 * word) == ENTRIES_MAX) {
			look->elf->flags |= FACTS_ELF_TRUNCATED;
			return 1;
		}
		result = elf_at(look, dynamic->part.offset + at, 2 * word, &bytes, err);
		if (result <= 0) {
			return result < 0 ? result : 1;
		}
		tag = widen(look, elf_word(look, bytes));
		if (tag == DT_NULL) {
			return 1;
		}
		result = take(look, dynamic, tag, elf_word(look, bytes + word), err);
		if (result < 0) {
			return result;
		}
	}
	return 1;
}

/* The number of symbols by DT_HASH. Two machines have entries of 8 bytes. */
static int count_by_hash(struct elf_look *look, const struct elf_part *hash, uint64_t *ret_count,
	struct peel_error *err)
{
	const unsigned int machine = look->elf->machine;
	const size_t entry = look->elf->bits == 64 && (machine == EM_S390 || machine == EM_ALPHA)
		? 8
		: 4;
	const uint8_t *bytes;
	int result = elf_at(look, hash->offset, 2 * entry, &bytes, err);

	if (result > 0) {
		*ret_count = entry == 8 ? facts_get64(bytes + 8, look->big)
					: facts_get32(bytes + 4, look->big);
	}
	return result;
}

/* The last symbol that a bucket of DT_GNU_HASH begins with. */
static int last_bucket(struct elf_look *look, uint64_t buckets, uint32_t count, uint32_t *ret_last,
	struct peel_error *err)
{
	*ret_last = 0;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *bytes;
		int result = elf_at(look, buckets + (uint64_t)i * 4, 4, &bytes, err);

		if (result <= 0) {
			return result;
		}
		*ret_last = (uint32_t)max_u64(*ret_last, facts_get32(bytes, look->big));
	}
	return 1;
}

static int count_by_gnu_hash(struct elf_look *look, const struct elf_part *hash,
	uint64_t *ret_count, struct peel_error *err)
{
	const uint8_t *bytes;
	uint32_t bucket_count, first, last;
	uint64_t buckets, chain;
	int result = elf_at(look, hash->offset, 16, &bytes, err);

	if (result <= 0) {
		return result;
	}
	bucket_count = facts_get32(bytes, look->big);
	first = facts_get32(bytes + 4, look->big);
	buckets = hash->offset + 16 +
		(uint64_t)facts_get32(bytes + 8, look->big) * ((uint64_t)look->elf->bits / 8);
	result = last_bucket(look, buckets, bucket_count, &last, err);
	if (result <= 0) {
		return result;
	}
	*ret_count = first;
	if (last < first) {
		return 1;
	}
	chain = buckets + (uint64_t)bucket_count * 4;
	do {
		result = elf_at(look, chain + ((uint64_t)last - first) * 4, 4, &bytes, err);
		if (result <= 0) {
			return result;
		}
		last++;
	} while (last < UINT32_MAX && (facts_get32(bytes, look->big) & 1) == 0);
	*ret_count = last;
	return 1;
}

/* The greatest of what tables say: who takes a symbol too many reads a name that nobody wants. */
static int count_symbols(struct elf_look *look, const struct dynamic *dynamic, uint64_t *ret_count,
	struct peel_error *err)
{
	struct elf_part hash;
	uint64_t count = 0;
	int result;

	*ret_count = 0;
	if (dynamic->has[TAG_MIPS_SYMTABNO] && look->elf->machine == EM_MIPS) {
		*ret_count = dynamic->values[TAG_MIPS_SYMTABNO];
	}
	result = dynamic->has[TAG_HASH] ? elf_map(look, dynamic->values[TAG_HASH], &hash, err) : 0;
	if (result > 0) {
		result = count_by_hash(look, &hash, &count, err);
	}
	if (result < 0) {
		return result;
	}
	*ret_count = max_u64(*ret_count, count);
	result = dynamic->has[TAG_GNU_HASH]
		? elf_map(look, dynamic->values[TAG_GNU_HASH], &hash, err)
		: 0;
	if (result > 0) {
		result = count_by_gnu_hash(look, &hash, &count, err);
	}
	*ret_count = max_u64(*ret_count, count);
	return result;
}

/*
 * Where the symbols are, and how many. Without a hash table a program still runs, if nothing is looked up in it: its
 * symbols end where strings begin, or anywhere in the segment.
 */
static int find_symbols(struct elf_look *look, const struct dynamic *dynamic,
	struct peel_error *err)
{
	const uint64_t size = look->elf->bits == 64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	struct elf_part table;
	uint64_t count, bytes;
	int result = dynamic->has[TAG_SYMTAB]
		? elf_map(look, dynamic->values[TAG_SYMTAB], &table, err)
		: 0;

	if (result <= 0) {
		return result;
	}
	result = count_symbols(look, dynamic, &count, err);
	if (result < 0) {
		return result;
	}
	if (count == 0) {
		count = (dynamic->strings.offset > table.offset
					? min_u64(dynamic->strings.offset - table.offset,
						  table.size)
					: table.size) /
			size;
	}
	if (!checked_mul(count, size, &bytes) || bytes > table.size) {
		look->elf->flags |= FACTS_ELF_DAMAGED;
		bytes = table.size - table.size % size;
	}
	table.size = bytes;
	look->dynamic_symbols = (struct elf_symbols){table, dynamic->strings};
	return 1;
}

static int take_names(struct elf_look *look, struct dynamic *dynamic, struct peel_error *err)
{
	const enum tag path = dynamic->has[TAG_RUNPATH] ? TAG_RUNPATH : TAG_RPATH;
	struct facts_elf *elf = look->elf;
	int result = 1;

	if (dynamic->has[TAG_SONAME]) {
		result = elf_string(look, &dynamic->strings, dynamic->values[TAG_SONAME],
			elf->soname, sizeof(elf->soname), err);
	}
	if (result >= 0 && dynamic->has[path]) {
		result = elf_string(look, &dynamic->strings, dynamic->values[path], elf->runpath,
			sizeof(elf->runpath), err);
	}
	return result;
}

/* Where it lies by its address, which the dynamic linker goes by, or by its offset where no segment has the address. */
static int place_dynamic(struct elf_look *look, const struct elf_header *header,
	struct elf_part *ret_part, struct peel_error *err)
{
	int result = elf_map(look, header->address, ret_part, err);

	if (result < 0) {
		return result;
	}
	if (result == 0) {
		*ret_part = (struct elf_part){header->offset,
			header->offset < look->file->size
				? min_u64(header->size, look->file->size - header->offset)
				: 0};
	} else if (ret_part->offset != header->offset) {
		look->elf->flags |= FACTS_ELF_DAMAGED;
	}
	return 1;
}

int elf_dynamic(struct elf_look *look, const struct elf_header *header, bool has_interp,
	struct peel_error *err)
{
	struct dynamic dynamic = {0};
	int result = place_dynamic(look, header, &dynamic.part, err);

	if (result > 0) {
		result = each_entry(look, &dynamic, keep_value, err);
	}
	if (result > 0 && dynamic.has[TAG_STRTAB]) {
		result = elf_map(look, dynamic.values[TAG_STRTAB], &dynamic.strings, err);
		if (result == 0) {
			look->elf->flags |= FACTS_ELF_DAMAGED;
		}
	}
	if (result >= 0) {
		result = each_entry(look, &dynamic, take_need, err);
	}
	if (result >= 0) {
		result = take_names(look, &dynamic, err);
	}
	if (result >= 0) {
		result = find_symbols(look, &dynamic, err);
	}
	if (result >= 0 && !has_interp && dynamic.needs == 0 &&
		(dynamic.values[TAG_FLAGS_1] & DF_1_PIE)) {
		look->elf->flags |= FACTS_ELF_STATIC;
	}
	return result < 0 ? result : 1;
}
