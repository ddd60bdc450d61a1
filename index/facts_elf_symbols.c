/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wanted symbols. A table of symbols names each by an offset into a string table, in no order, and a string may be
 * the end of another; string tables have 3 KiB as a rule and 8 MiB and more at worst.
 *
 * So symbols are taken in batches. Where a batch's names fit into one window, that is filled once and each name is
 * looked at where it lies. Where they do not, the batch is sorted by the offset first, and the window goes over the
 * strings once. (Reading names one by one, as they come, would read a window a name.) How long the string table says
 * that it is does not matter: the dynamic linker does not ask either.
 *
 * The names told come from the file, so there may be any number behind a prefix; FACTS_FOUND_SYMBOLS_MAX of them are
 * told. Those that are wanted whole are told always: nobody can crowd them out.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "facts_elf_priv.h"
#include "facts_wanted.h"
#include "util.h"

/* Symbols of one table that are looked at. The greatest known libraries have a million. */
#define SYMBOLS_MAX (UINT64_C(4) << 20)
/* Symbols in a batch, 8 bytes each. */
#define BATCH_MAX (UINT64_C(256) << 10)
/* Strings that are held at once. */
#define STRINGS_WINDOW (UINT64_C(1) << 20)
/* Bytes of a name that decide which wanted ones are compared. */
#define FIRST_BYTES 256

/* A symbol of a batch. */
struct symbol {
	uint32_t name;
	bool defined;
};

/* A name found by a prefix. */
struct found {
	char *name;
	bool defined;
};

/* One search through one table. */
struct search {
	struct elf_look *look;
	const struct elf_symbols *symbols;
	struct facts_window strings;
	/* What is wanted, by text; where texts that begin with a byte start. */
	const struct facts_symbol *wanted[FACTS_SYMBOLS_MAX];
	size_t wanted_count;
	uint16_t first[FIRST_BYTES + 1];
	/* Longest wanted text. */
	size_t longest;
	/* Of those wanted whole: 1 where needed, 2 where defined. */
	uint8_t exact[FACTS_SYMBOLS_MAX];
	/* By name. */
	struct found found[FACTS_FOUND_SYMBOLS_MAX];
	size_t found_count;
	struct symbol *batch;
	size_t batch_count;
	/* The first of its names. */
	uint32_t begin;
};

static void search_finish(struct search *search)
{
	for (size_t i = 0; i < search->found_count; i++) {
		free(search->found[i].name);
	}
	facts_window_finish(&search->strings);
	free(search->batch);
}

static int compare_wanted(const void *left, const void *right)
{
	const struct facts_symbol *const *a = left;
	const struct facts_symbol *const *b = right;

	return strcmp((*a)->text, (*b)->text);
}

static void sort_wanted(struct search *search, const struct facts_wanted *wanted)
{
	size_t at = 0;

	for (size_t i = 0; i < wanted->symbol_count && i < FACTS_SYMBOLS_MAX; i++) {
		const size_t len = strlen(wanted->symbols[i].text);

		if (len > 0 && len < FACTS_NAME_MAX) {
			search->wanted[search->wanted_count++] = &wanted->symbols[i];
			search->longest = max_u64(search->longest, len);
		}
	}
	qsort(search->wanted, search->wanted_count, sizeof(search->wanted[0]), compare_wanted);
	for (size_t byte = 0; byte <= FIRST_BYTES; byte++) {
		while (at < search->wanted_count && (uint8_t)search->wanted[at]->text[0] < byte) {
			at++;
		}
		search->first[byte] = (uint16_t)at;
	}
}

/* The place of a name among those found; *ret_is whether it is there. */
static size_t find_place(const struct search *search, const char *name, bool *ret_is)
{
	size_t low = 0, high = search->found_count;

	*ret_is = false;
	while (low < high && !*ret_is) {
		const size_t middle = low + (high - low) / 2;
		const int order = strcmp(search->found[middle].name, name);

		*ret_is = order == 0;
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return *ret_is ? high : low;
}

static int add_found(struct search *search, uint32_t at, bool defined, struct peel_error *err)
{
	const struct elf_part *strings = &search->symbols->strings;
	char name[FACTS_NAME_MAX];
	bool whole, is;
	size_t place;
	int result = facts_window_string(&search->strings, strings->offset + at, strings->size - at,
		'\0', name, sizeof(name), &whole, err);

	if (result <= 0) {
		return result;
	}
	place = find_place(search, name, &is);
	if (is) {
		search->found[place].defined |= defined;
		return 1;
	}
	if (!whole || search->found_count == FACTS_FOUND_SYMBOLS_MAX) {
		search->look->elf->flags |= FACTS_ELF_TRUNCATED;
	}
	if (search->found_count == FACTS_FOUND_SYMBOLS_MAX) {
		return 1;
	}
	memmove(&search->found[place + 1], &search->found[place],
		(search->found_count - place) * sizeof(search->found[0]));
	search->found_count++;
	search->found[place] = (struct found){strdup(name), defined};
	return search->found[place].name ? 1 : peel_fail(err, PEEL_ENOMEM, "out of memory");
}

/* Hold one name against what is wanted. */
static int look_at_name(struct search *search, uint32_t at, bool defined, struct peel_error *err)
{
	const struct elf_part *strings = &search->symbols->strings;
	const size_t len = min_u64(search->longest + 1, strings->size - at);
	const uint8_t *name;
	bool by_prefix = false;
	int result = facts_window_at(&search->strings, strings->offset + at, len, &name, err);

	if (result <= 0) {
		return result;
	}
	for (size_t i = search->first[name[0]]; i < search->first[name[0] + 1]; i++) {
		const struct facts_symbol *wanted = search->wanted[i];
		const size_t wanted_len = strlen(wanted->text);
		const int order = memcmp(name, wanted->text, min_u64(len, wanted_len));

		/* All that follow are greater still. */
		if (order < 0) {
			break;
		}
		if (order > 0 || wanted_len > len) {
			continue;
		}
		by_prefix |= wanted->prefix;
		if (wanted_len < len && name[wanted_len] == '\0') {
			search->exact[i] |= defined ? 2 : 1;
			return 1;
		}
	}
	return by_prefix ? add_found(search, at, defined, err) : 1;
}

static int compare_symbols(const void *left, const void *right)
{
	const struct symbol *a = left;
	const struct symbol *b = right;

	return a->name < b->name ? -1 : a->name > b->name;
}

/* Read a batch of symbols; those without a name that can be are left out. */
static int read_batch(struct search *search, uint64_t first, uint64_t count, struct peel_error *err)
{
	struct elf_look *look = search->look;
	const bool wide = look->elf->bits == 64;
	const size_t size = wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);

	search->batch_count = 0;
	for (uint64_t i = first; i < first + count; i++) {
		const uint8_t *bytes;
		uint32_t name;
		int result = elf_at(look, search->symbols->table.offset + i * size, size, &bytes,
			err);

		if (result <= 0) {
			return result;
		}
		name = facts_get32(bytes, look->big);
		if (name > 0 && name < search->symbols->strings.size) {
			search->batch[search->batch_count++] = (struct symbol){
				name, facts_get16(bytes + (wide ? 6 : 14), look->big) != SHN_UNDEF};
		}
	}
	return 1;
}

/* Make the window as large as the batch's names need, or let it go over them in order. */
static void fit_window(struct search *search)
{
	uint32_t low = UINT32_MAX, high = 0;

	for (size_t i = 0; i < search->batch_count; i++) {
		low = (uint32_t)min_u64(low, search->batch[i].name);
		high = (uint32_t)max_u64(high, search->batch[i].name);
	}
	facts_window_finish(&search->strings);
	search->strings.room = min_u64(high - low + UINT64_C(2) * FACTS_NAME_MAX, STRINGS_WINDOW);
	if (search->strings.room == STRINGS_WINDOW) {
		qsort(search->batch, search->batch_count, sizeof(search->batch[0]),
			compare_symbols);
	}
	search->begin = low;
}

static int search_batch(struct search *search, uint64_t first, uint64_t count,
	struct peel_error *err)
{
	int result = read_batch(search, first, count, err);
	const uint8_t *bytes;

	if (result <= 0 || search->batch_count == 0) {
		return result;
	}
	fit_window(search);
	/* Where names come in no order the window must hold all of them: begin it with the first. */
	result = facts_window_at(&search->strings, search->symbols->strings.offset + search->begin,
		1, &bytes, err);
	for (size_t i = 0; result > 0 && i < search->batch_count; i++) {
		result = look_at_name(search, search->batch[i].name, search->batch[i].defined, err);
	}
	return result;
}

static int search_all(struct search *search, struct peel_error *err)
{
	struct elf_look *look = search->look;
	const uint64_t size = look->elf->bits == 64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	const uint64_t all = search->symbols->table.size / size;
	const uint64_t count = min_u64(all, SYMBOLS_MAX);
	int result = 1;

	search->strings = (struct facts_window){.file = look->file, .spent = &look->spent};
	search->batch = malloc(min_u64(count, BATCH_MAX) * sizeof(search->batch[0]));
	if (!search->batch) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (count < all) {
		look->elf->flags |= FACTS_ELF_TRUNCATED;
	}
	for (uint64_t at = 0; result > 0 && at < count; at += BATCH_MAX) {
		result = search_batch(search, at, min_u64(BATCH_MAX, count - at), err);
	}
	if (result == 0) {
		look->elf->flags |= FACTS_ELF_DAMAGED;
	}
	return result;
}

static void tell(const struct search *search)
{
	const struct facts_elf_sink *sink = search->look->sink;

	for (size_t i = 0; i < search->wanted_count; i++) {
		if (search->exact[i]) {
			sink->symbol(sink->arg, search->wanted[i]->text, search->exact[i] & 2);
		}
	}
	for (size_t i = 0; i < search->found_count; i++) {
		sink->symbol(sink->arg, search->found[i].name, search->found[i].defined);
	}
}

/* What the dynamic linker sees, else what section headers say, else what only debuggers see. */
static const struct elf_symbols *choose(const struct elf_look *look)
{
	const uint64_t size = look->elf->bits == 64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	const struct elf_symbols *const tables[] = {
		&look->dynamic_symbols, &look->dynsym, &look->symtab};

	/* The first symbol is none. */
	for (size_t i = 0; i < countof(tables); i++) {
		if (tables[i]->table.size > size && tables[i]->strings.size > 0) {
			return tables[i];
		}
	}
	return NULL;
}

int elf_symbols(struct elf_look *look, struct peel_error *err)
{
	struct elf_part *dynamic = &look->dynamic_symbols.table;
	struct search *search;
	int result;

	if (!look->wanted || look->wanted->symbol_count == 0 || !look->sink->symbol) {
		return 1;
	}
	/* Of two that say how long the same table is the one that says more. */
	if (dynamic->offset == look->dynsym.table.offset) {
		dynamic->size = max_u64(dynamic->size, look->dynsym.table.size);
	}
	if (!choose(look)) {
		return 1;
	}
	search = calloc(1, sizeof(*search));
	if (!search) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	search->look = look;
	search->symbols = choose(look);
	sort_wanted(search, look->wanted);
	result = search_all(search, err);
	if (result >= 0) {
		tell(search);
	}
	search_finish(search);
	free(search);
	return result < 0 ? result : 1;
}
