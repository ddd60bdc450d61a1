/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Categories of bytes, by rules that are data (categories.yaml): the first rule that matches a visible file decides.
 */
#ifndef AUDIT_CATEGORIES_H
#define AUDIT_CATEGORIES_H

#include <stddef.h>
#include <stdint.h>

#include <peel/facts.h>

#include "facts_rules.h"

struct categories;
struct peel_error;

/**
 * Load rules.
 * @param text a file's; NULL: the built-in ones. @param what names it in messages.
 * @return 0; PEEL_EFORMAT (with the line), PEEL_ELIMIT, PEEL_ENOMEM. Free with categories_free.
 */
int categories_load(const char *what, const char *text, size_t len,
	struct categories **ret_categories, struct peel_error *err);
/** Free; NULL is fine. */
void categories_free(struct categories *categories);

/** Categories: number; category id from 1. Strings belong to them. */
uint32_t categories_count(const struct categories *categories);
const struct peel_category *categories_get(const struct categories *categories, uint32_t id);

/** SHA-256 in hex of the rules: files sorted by others are sorted anew. */
const char *categories_digest(const struct categories *categories);

/** The category of a visible file; never 0: the last rules take what is left (owned, unowned). Thread-safe. */
uint32_t categories_of(const struct categories *categories, const struct category_file *file);

#endif
