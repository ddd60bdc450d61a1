/* SPDX-License-Identifier: Apache-2.0 */
/** Rules of advice (advice.yaml), and what each of them comes to. */
#ifndef AUDIT_ADVICE_H
#define AUDIT_ADVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/advice.h>

struct yaml_document;

/** Most rules, paths that a piece of advice names, and longest of them that is kept, bytes. */
#define ADVICE_RULES_MAX 100
#define ADVICE_PATHS 5

/** One rule. Texts belong to the document. */
struct advice_rule {
	const char *id, *title, *action;
	/** A set of bits by enum peel_cause, 0: by categories. */
	unsigned int causes;
	/** The layer that hid the bytes is the one to change, not the one that shipped them. */
	bool by_hider;
};

struct advice_rules {
	struct yaml_document *document;
	struct advice_rule rules[ADVICE_RULES_MAX];
	size_t count;
	/** By category id: number of its rule plus 1, 0 none. Has category_count + 1 members. */
	uint8_t *by_category;
	uint32_t category_count;
	/** By cause, the same. */
	uint8_t by_cause[PEEL_CAUSE_COUNT];
};

/**
 * Read the built-in rules.
 * @param index tells the numbers of categories. @param rules empty; free with advice_rules_finish, on failure too.
 * @return 0; PEEL_EFORMAT (with the line), PEEL_ENOMEM.
 */
int advice_rules_read(const struct peel_index *index, struct advice_rules *rules,
	struct peel_error *err);
/** The same of a text, for the tests. */
int advice_rules_parse(const struct peel_index *index, const char *text, size_t len,
	struct advice_rules *rules, struct peel_error *err);
/** Free what they hold. */
void advice_rules_finish(struct advice_rules *rules);

#endif
