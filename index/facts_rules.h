/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What facts are gathered by: handed down by who opens an index, because detectors and categories are above it.
 *
 * The door is peel_index_open in audit_open.c (level 7): it opens the index (index_open, level 6), and where
 * facts are wanted makes the rules out of detectors and categories, and has them gathered by those
 * (index_facts_open, level 6). So nothing below knows what a detector is: markers and symbols to look for
 * (facts_wanted.h), and a function that sorts a file into a category, are all.
 */
#ifndef FACTS_RULES_H
#define FACTS_RULES_H

#include <stddef.h>
#include <stdint.h>

#include <peel/facts.h>

struct facts_elf;
struct facts_wanted;

/** What is known of a file when its category is decided. */
struct category_file {
	const char *path;
	size_t path_len;
	uint64_t bytes;
	enum peel_kind kind;
	/** Of ELF files, else NULL. */
	const struct facts_elf *elf;
	/** "dpkg" and the package's name, or NULL. */
	const struct peel_package *package;
	/** The first bytes (FACTS_RULES_HEAD at most), NULL where not at hand: kept of kind data alone. */
	const void *head;
	size_t head_len;
};

/** Bytes of a file's begin that are kept until its category is decided. */
#define FACTS_RULES_HEAD 32

/** Borrowed while an index is opened, all that they point to too; thread-safe. */
struct facts_rules {
	/** Markers and symbols; never NULL. */
	const struct facts_wanted *wanted;
	/**
	 * Digest of the rules of categories, hexadecimal: facts by other rules are not used. "" where there
	 * are none.
	 */
	const char *categories_digest;
	/**
	 * Number of categories, category id from 1, and the category of a visible file (0: none). NULL: there
	 * are none.
	 */
	uint32_t (*category_count)(void *arg);
	const struct peel_category *(*category_get)(void *arg, uint32_t id);
	uint32_t (*category_of)(void *arg, const struct category_file *file);
	void *arg;
};

#endif
