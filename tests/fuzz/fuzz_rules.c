/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of rules that are YAML: detectors, categories, advice. Rules that are taken can be asked. First byte: which.
 */
#include <stdlib.h>
#include <string.h>

#include <peel/audit.h>
#include <peel/error.h>

#include "audit_advice.h"
#include "audit_categories.h"
#include "audit_detectors.h"
#include "facts_look.h"
#include "facts_wanted.h"
#include "fuzz.h"
#include "index_priv.h"
#include "util.h"

#define DIGEST_LEN 64

/* Categories that advice may name. */
static struct peel_category named[] = {
	{1, "pip-cache", "pip cache", "caches"}, {2, "static-libraries", "static libraries", "x"}};
static struct peel_index index_of_names = {.facts = {.categories = named, .category_count = 2}};

static void read_detectors(const char *text, size_t len)
{
	struct peel_detectors *detectors = NULL;
	struct peel_error err = {0};

	if (detectors_parse("it", text, len, &detectors, &err) < 0) {
		fuzz_check(!detectors && err.message[0]);
		fuzz_check_text(err.message);
		return;
	}
	for (size_t i = 0; i < peel_detector_count(detectors); i++) {
		const struct peel_detector *one = peel_detector_get(detectors, i);

		fuzz_check(one->name[0] && one->title);
		fuzz_check(i == 0 ||
			strcmp(peel_detector_get(detectors, i - 1)->name, one->name) < 0);
	}
	const struct facts_wanted *wanted = detectors_wanted(detectors);

	fuzz_check(strlen(wanted->digest) == DIGEST_LEN);
	fuzz_check(wanted->marker_count <= FACTS_MARKERS_MAX &&
		wanted->symbol_count <= FACTS_SYMBOLS_MAX);
	for (size_t i = 0; i < wanted->marker_count; i++) {
		fuzz_check(wanted->markers[i].len >= FACTS_MARKER_MIN &&
			wanted->markers[i].len <= FACTS_MARKER_MAX && wanted->markers[i].in);
	}
	peel_detectors_free(detectors);
}

static void read_categories(const char *text, size_t len)
{
	static struct facts_elf elf = {.bits = 64, .machine = 62, .type = 3};
	static const struct peel_package package = {.id = 1, .db = "dpkg", .name = "git"};
	const struct category_file files[] = {
		{.path = "/usr/bin/git",
			.path_len = 12,
			.bytes = 5000000,
			.kind = PEEL_KIND_ELF,
			.elf = &elf,
			.package = &package},
		{.path = "/root/.cache/pip/x",
			.path_len = 18,
			.bytes = 1,
			.kind = PEEL_KIND_DATA,
			.head = "0123456789abcdef0123456789abcdef",
			.head_len = FACTS_RULES_HEAD},
		{.path = "/a", .path_len = 2, .kind = PEEL_KIND_EMPTY},
	};
	struct categories *categories = NULL;
	struct peel_error err = {0};

	if (categories_load("it", text, len, &categories, &err) < 0) {
		fuzz_check(!categories && err.message[0]);
		fuzz_check_text(err.message);
		return;
	}
	fuzz_check(strlen(categories_digest(categories)) == DIGEST_LEN);
	for (size_t i = 0; i < countof(files); i++) {
		const uint32_t id = categories_of(categories, &files[i]);

		fuzz_check(id <= categories_count(categories));
		fuzz_check(!id || categories_get(categories, id)->name[0]);
	}
	categories_free(categories);
}

static void read_advice(const char *text, size_t len)
{
	struct advice_rules rules = {0};
	struct peel_error err = {0};

	if (advice_rules_parse(&index_of_names, text, len, &rules, &err) < 0) {
		fuzz_check(err.message[0]);
		fuzz_check_text(err.message);
	} else {
		fuzz_check(rules.count > 0 && rules.count <= ADVICE_RULES_MAX);
		fuzz_check(rules.package_rule_count <= ADVICE_PACKAGE_RULES);
	}
	advice_rules_finish(&rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const readers[])(const char *text, size_t len) = {
		read_detectors, read_categories, read_advice};
	struct fuzz_input input = {data, len};
	const unsigned int which = fuzz_byte(&input) % countof(readers);

	readers[which]((const char *)input.at, input.left);
	return 0;
}
