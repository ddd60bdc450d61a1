/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules are numbered through in the order of the file. The rules that a file's path fits come out of one set
 * of patterns,
 * ascending; rules without a path are a list of their own; both are gone through as one, and the first whose
 * other words
 * hold decides. So a file costs one look into the set and a few comparisons, whatever the number of rules.
 *
 * What packages a rule names is a set of patterns, too, over "/DB/NAME"; it is asked once a file.
 */
#include "audit_categories.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "audit_categories_priv.h"
#include "categories_yaml.h"
#include "facts_look.h"
#include "glob.h"
#include "util.h"
#include "yaml.h"

/** Most rules that one file's path or package may fit; more are not looked at. */
#define FITTING_MAX 64
/** Longest "/DB/NAME". */
#define PACKAGE_KEY_MAX 512
#define ELF_RELOCATABLE 1
#define ELF_CORE 4

/** Numbers of rules, ascending. */
struct fitting {
	uint32_t numbers[FITTING_MAX];
	size_t count;
};

/** A file, and what the sets say of it. */
struct asked {
	const struct categories *categories;
	const struct category_file *file;
	struct fitting paths, nots, packages;
};

int categories_load(const char *what, const char *text, size_t len,
	struct categories **ret_categories, struct peel_error *err)
{
	struct categories *categories = calloc(1, sizeof(*categories));
	int code;

	if (!categories) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	code = text ? categories_read(categories, what, text, len, err)
		    : categories_read(categories, "the built-in categories", categories_yaml,
			      strlen(categories_yaml), err);
	if (code < 0) {
		categories_free(categories);
		return code;
	}
	*ret_categories = categories;
	return 0;
}

void categories_free(struct categories *categories)
{
	if (!categories) {
		return;
	}
	glob_set_free(categories->paths);
	glob_set_free(categories->nots);
	glob_set_free(categories->packages);
	yaml_release(categories->document);
	free(categories->list);
	free(categories->rules);
	free(categories->anywhere);
	free(categories);
}

uint32_t categories_count(const struct categories *categories)
{
	return categories->count;
}

const struct peel_category *categories_get(const struct categories *categories, uint32_t id)
{
	return id >= 1 && id <= categories->count ? &categories->list[id - 1] : NULL;
}

const char *categories_digest(const struct categories *categories)
{
	return categories->digest;
}

static int take_number(void *arg, uint32_t number)
{
	struct fitting *fitting = arg;

	if (fitting->count == FITTING_MAX) {
		return 1;
	}
	fitting->numbers[fitting->count++] = number;
	return 0;
}

static bool has_number(const struct fitting *fitting, uint32_t number)
{
	for (size_t i = 0; i < fitting->count; i++) {
		if (fitting->numbers[i] == number) {
			return true;
		}
	}
	return false;
}

static void ask_packages(struct asked *asked)
{
	const struct peel_package *package = asked->file->package;
	char key[PACKAGE_KEY_MAX];
	int len;

	if (!package) {
		return;
	}
	len = snprintf(key, sizeof(key), "/%s/%s", package->db, package->name);
	glob_set_match(asked->categories->packages, key,
		len < (int)sizeof(key) ? (size_t)len : sizeof(key) - 1, take_number,
		&asked->packages);
}

static unsigned elf_words(const struct facts_elf *elf)
{
	static const struct {
		unsigned flag;
		enum category_elf word;
	} flags[] = {
		{FACTS_ELF_DEBUG, CATEGORY_ELF_DEBUG},
		{FACTS_ELF_GPU, CATEGORY_ELF_GPU},
		{FACTS_ELF_GO, CATEGORY_ELF_GO},
		{FACTS_ELF_RUST_AUDIT, CATEGORY_ELF_RUST},
	};
	unsigned words = 0;

	if (!elf) {
		return 0;
	}
	for (size_t i = 0; i < countof(flags); i++) {
		words |= elf->flags & flags[i].flag ? flags[i].word : 0;
	}
	words |= elf->type == ELF_RELOCATABLE ? CATEGORY_ELF_OBJECT : 0;
	return words | (elf->type == ELF_CORE ? CATEGORY_ELF_CORE : 0);
}

static bool has_magic(const struct category_rule *rule, const struct category_file *file)
{
	return rule->magic_len == 0 ||
		(file->head && file->head_len >= rule->magic_offset + rule->magic_len &&
			memcmp((const char *)file->head + rule->magic_offset, rule->magic,
				rule->magic_len) == 0);
}

/** True where all words of a rule but its paths hold. */
static bool holds(const struct asked *asked, uint32_t number)
{
	const struct category_rule *rule = &asked->categories->rules[number];
	const struct category_file *file = asked->file;

	return file->bytes >= rule->min_size &&
		(rule->owned < 0 || rule->owned == (file->package != NULL)) &&
		(rule->kinds == 0 || rule->kinds >> file->kind & 1) &&
		(rule->elf == 0 || rule->elf & elf_words(file->elf)) && has_magic(rule, file) &&
		(!rule->by_package || has_number(&asked->packages, number)) &&
		!(rule->by_not && has_number(&asked->nots, number));
}

uint32_t categories_of(const struct categories *categories, const struct category_file *file)
{
	struct asked asked = {.categories = categories, .file = file};
	size_t path = 0;
	size_t any = 0;

	glob_set_match(categories->paths, file->path, file->path_len, take_number, &asked.paths);
	glob_set_match(categories->nots, file->path, file->path_len, take_number, &asked.nots);
	ask_packages(&asked);
	while (path < asked.paths.count || any < categories->anywhere_count) {
		uint32_t number = any == categories->anywhere_count ||
				(path < asked.paths.count &&
					asked.paths.numbers[path] < categories->anywhere[any])
			? asked.paths.numbers[path++]
			: categories->anywhere[any++];

		if (holds(&asked, number)) {
			return categories->rules[number].category;
		}
	}
	return categories->count;
}
