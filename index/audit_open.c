/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one door to an index. It stands above the index because facts are gathered by what detectors look for and
 * sorted by the rules of categories, which are above it too: they go down as struct facts_rules.
 */
#include <peel/audit.h>

#include "audit_categories.h"
#include "audit_detectors.h"
#include "facts_rules.h"
#include "index_open.h"
#include "util.h"

static void cleanup_detectors(struct peel_detectors **detectors)
{
	peel_detectors_free(*detectors);
}

static void cleanup_categories(struct categories **categories)
{
	categories_free(*categories);
}

static uint32_t category_count(void *arg)
{
	return categories_count(arg);
}

static const struct peel_category *category_get(void *arg, uint32_t id)
{
	return categories_get(arg, id);
}

static uint32_t category_of(void *arg, const struct category_file *file)
{
	return categories_of(arg, file);
}

int peel_index_open(const char *reference, const struct peel_index_options *options,
	struct peel_index **ret_index, struct peel_error *err)
{
	cleanup(cleanup_detectors) struct peel_detectors *own = NULL;
	cleanup(cleanup_categories) struct categories *categories = NULL;
	struct facts_rules rules = {
		.category_count = category_count,
		.category_get = category_get,
		.category_of = category_of,
	};
	int code = 0;

	if (!options || !options->facts) {
		return index_open(reference, options, NULL, ret_index, err);
	}
	if (!options->detectors) {
		code = peel_detectors_load(NULL, 0, &own, err);
	}
	if (code == 0) {
		code = categories_load("categories", NULL, 0, &categories, err);
	}
	if (code < 0) {
		return code;
	}
	rules.wanted = detectors_wanted(own ? own : options->detectors);
	rules.categories_digest = categories_digest(categories);
	rules.arg = categories;
	return index_open(reference, options, &rules, ret_index, err);
}
