/* SPDX-License-Identifier: Apache-2.0 */
/** Categories as they are asked (audit_categories.c), and how they are read (audit_categories_load.c). */
#ifndef AUDIT_CATEGORIES_PRIV_H
#define AUDIT_CATEGORIES_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit_categories.h"

struct glob_set;
struct yaml_document;

/** Most categories, and rules of all of them. */
#define CATEGORIES_MAX 200
#define CATEGORY_RULES_MAX 2000
/** Longest magic, bytes; it lies within FACTS_RULES_HEAD. */
#define CATEGORY_MAGIC_MAX 16

/** Words of "elf". */
enum category_elf {
	CATEGORY_ELF_OBJECT = 1,
	CATEGORY_ELF_CORE = 2,
	CATEGORY_ELF_DEBUG = 4,
	CATEGORY_ELF_GPU = 8,
	CATEGORY_ELF_GO = 16,
	CATEGORY_ELF_RUST = 32,
};

/** A rule: all that is set must hold. */
struct category_rule {
	/** Id of its category. */
	uint32_t category;
	/** True where paths decide: the set of patterns tells it by its number. */
	bool by_path;
	/** True where a pattern of "not" has its number. */
	bool by_not;
	/** True where a pattern of "package" has its number. */
	bool by_package;
	/** 1 owned, 0 not, -1 either. */
	int owned;
	/** Bits by enum peel_kind, 0: any. */
	uint64_t kinds;
	/** A set of enum category_elf, 0: any. */
	unsigned elf;
	uint64_t min_size;
	size_t magic_offset, magic_len;
	unsigned char magic[CATEGORY_MAGIC_MAX];
};

struct categories {
	struct yaml_document *document;
	struct peel_category *list;
	uint32_t count;
	struct category_rule *rules;
	size_t rule_count, rule_room;
	/** Rules that ask for no path, ascending. */
	uint32_t *anywhere;
	size_t anywhere_count, anywhere_room;
	/** Ids are numbers of rules. A package's pattern is one of the path "/DB/NAME". */
	struct glob_set *paths, *nots, *packages;
	char digest[65];
};

/** Read the rules of a document into empty categories. @return as categories_load. */
int categories_read(struct categories *categories, const char *what, const char *text, size_t len,
	struct peel_error *err);

#endif
