/* SPDX-License-Identifier: Apache-2.0 */
/** Rules of advice (advice.yaml), and what each of them comes to. audit_advice.c has the design note. */
#ifndef AUDIT_ADVICE_H
#define AUDIT_ADVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/advice.h>

struct yaml_document;

/** Most rules; rules that have a category; databases that rules leave out. */
#define ADVICE_RULES_MAX 100
#define ADVICE_CATEGORY_RULES 3
#define ADVICE_DATABASES_MAX 8
/** Most rules that take whole packages away: of each set of them it is reckoned what is left. */
#define ADVICE_PACKAGE_RULES 3
#define ADVICE_SETS (1u << ADVICE_PACKAGE_RULES)

/** What a rule is about that is neither cause nor category. */
enum advice_what {
	ADVICE_NOTHING,
	/** Packages of dpkg that are there only because others recommend them. */
	ADVICE_RECOMMENDS,
	/** Debug sections and symbol tables. */
	ADVICE_STRIP,
	/** Files with the content of another one. */
	ADVICE_DUPLICATES,
	ADVICE_WHAT_COUNT,
};

/** One rule. Texts belong to the document. */
struct advice_rule {
	const char *id, *title, *action;
	/** A set of bits by enum peel_cause, 0: by something else. */
	unsigned int causes;
	enum advice_what what;
	/** The layer that hid the bytes is the one to change, not the one that shipped them. */
	bool by_hider;
	/** Packages that nothing else needs go as a whole: which of rules.package_rules it is, -1: none. */
	int package_bit;
	/** Databases (bits by rules.databases) whose packages' files do not count. */
	unsigned int except;
	/** Category that the image must have files of, and whose code for GPUs counts, too; 0: none. */
	uint32_t needs;
	/** Libraries count only where one of the same name has this category; 0: any file counts. */
	uint32_t twin;
};

struct advice_rules {
	struct yaml_document *document;
	struct advice_rule rules[ADVICE_RULES_MAX];
	size_t count;
	/** By category id: numbers of its rules plus 1, in order, 0 ends. Has category_count + 1 members. */
	uint8_t (*by_category)[ADVICE_CATEGORY_RULES];
	uint32_t category_count;
	/** By cause and by enum advice_what: number of the rule plus 1, 0 none. */
	uint8_t by_cause[PEEL_CAUSE_COUNT];
	uint8_t by_what[ADVICE_WHAT_COUNT];
	/** Numbers of the rules that take whole packages away. */
	uint8_t package_rules[ADVICE_PACKAGE_RULES];
	int package_rule_count;
	const char *databases[ADVICE_DATABASES_MAX];
	int database_count;
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
