/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_advice_copies.h"
#include "audit_advice_priv.h"
#include "peel_test.h"
#include "testindex.h"
#include "util.h"

/* Two layers, so that there are columns for layers -1, 0 and 1. */
static const struct test_entry two_layers[] = {
	{.path = "a", .data = "1"},
	{.layer = 1, .path = "b", .data = "1"},
};

#define HEAD "- id: x\n  title: t\n  action: a\n  by: layer\n"

static void rules_with_mistakes_are_told_with_their_line(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "here stands a list of 1 to 100 pieces of advice"},
		{"x: 1\n", "the advice:1"},
		{"- id: x\n", "the advice:1: advice has a text title"},
		{HEAD, "the advice:1: advice has causes, categories or what"},
		{HEAD "  causes: [no]\n", "the advice:5: there is no such cause"},
		{HEAD "  causes: deleted\n", "the advice:5: here stands a list of words"},
		{HEAD "  causes: []\n", "the advice:5: here stands a list of words"},
		{HEAD "  causes: [[deleted]]\n", "the advice:5: here stands a word"},
		{HEAD "  what: less\n", "the advice:5: what is recommends, strip or duplicates"},
		{HEAD "  what: strip\n  causes: [deleted]\n", "the advice:1: advice has causes"},
		{HEAD "  color: red\n", "the advice:5: advice has id, title, action, by"},
		{HEAD "  categories: [x]\n  packages: 1\n", "the advice:6: packages is true"},
		{HEAD "  categories: [x]\n  needs: [y]\n", "the advice:6: here stands a category"},
		{HEAD "  what: strip\n" HEAD "  what: strip\n",
			"the advice:10: this is what another"},
		{"- id: x\n  title: t\n  action: a\n  by: hider\n  what: strip\n",
			"the advice:1: advice has causes, categories or what, and hider"},
		{"- id: x\n  title: t\n  action: a\n  by: me\n  what: strip\n",
			"the advice:4: by is layer or hider"},
		{HEAD "  categories: [x]\n  except: [a, b, c, d, e, f, g, h, i]\n",
			"the advice:6: too many databases"},
		{HEAD "  what: recommends\n" HEAD "  categories: [x]\n  packages: true\n" HEAD
		      "  categories: [x]\n  packages: true\n" HEAD
		      "  categories: [x]\n  packages: true\n",
			"the advice:23: at most 3 pieces of advice are about whole packages"},
	};
	struct test_index test = test_index_new(two_layers, countof(two_layers), NULL);

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct advice_rules rules = {0};
		struct peel_error err = {0};

		assert_int_equal(advice_rules_parse(test.index, cases[i].text,
					 strlen(cases[i].text), &rules, &err),
			PEEL_EFORMAT);
		if (!strstr(err.message, cases[i].message)) {
			fail_msg("case %zu: %s", i, err.message);
		}
		advice_rules_finish(&rules);
	}
	test_index_free(&test);
}

static void the_own_rules_are_read(void **state)
{
	struct test_index test = test_index_new(two_layers, countof(two_layers), NULL);
	struct advice_rules rules = {0};
	struct peel_error err = {0};

	(void)state;
	assert_int_equal(advice_rules_read(test.index, &rules, &err), 0);
	for (int cause = 1; cause < PEEL_CAUSE_COUNT; cause++) {
		assert_true(rules.by_cause[cause] > 0);
	}
	for (int what = 1; what < ADVICE_WHAT_COUNT; what++) {
		assert_true(rules.by_what[what] > 0);
	}
	assert_int_equal(rules.package_rule_count, 3);
	for (size_t i = 0; i < rules.count; i++) {
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(rules.rules[i].id, rules.rules[k].id);
		}
	}
	advice_rules_finish(&rules);
	test_index_free(&test);
}

#define INSTALLED "Status: install ok installed\nArchitecture: amd64\n"

/*
 * git and cc were asked for; git recommends less and needs libz or libz-ng, cc is a virtual package's user, and both
 * need perl. What is a hostile name stays one.
 */
static const struct test_entry packages[] = {
	{.path = "var/lib/dpkg/status",
		.data = "Package: git\n" INSTALLED
			"Depends: libz (>= 1) | libz-ng, perl:any\nRecommends: less, ghost\n\n"
			"Package: cc\n" INSTALLED "Pre-Depends: assembler,perl\n\n"
			"Package: binutils\n" INSTALLED "Provides: assembler (= 2)\n\n"
			"Package: libz\n" INSTALLED "\n"
			"Package: libz-ng\n" INSTALLED "\n"
			"Package: less\n" INSTALLED "Depends: libtinfo\n\n"
			"Package: libtinfo\n" INSTALLED "\n"
			"Package: perl\n" INSTALLED "\n"
			"Package: base\n" INSTALLED "Essential: yes\nDepends: libz-ng\n\n"
			"Package: gone\nStatus: deinstall ok config-files\nDepends: perl\n\n"
			"Package: \x1b[31m\n" INSTALLED "\n"},
	{.path = "var/lib/apt/extended_states",
		.data = "Package: libz\nArchitecture: amd64\nAuto-Installed: 1\n\n"
			"Package: libz-ng\nArchitecture: amd64\nAuto-Installed: 1\n\n"
			"Package: binutils\nArchitecture: amd64\nAuto-Installed: 1\n\n"
			"Package: less\nArchitecture: amd64\nAuto-Installed: 1\n\n"
			"Package: libtinfo\nArchitecture: amd64\nAuto-Installed: 1\n\n"
			"Package: base\nArchitecture: amd64\nAuto-Installed: 1\n\n"
			"Package: cc\nArchitecture: amd64\nAuto-Installed: 0\n\n"
			"Package: nobody\nArchitecture: amd64\nAuto-Installed: 1\n\n"
			"Package: perl\nArchitecture: amd64\nAuto-Installed: 1\n"},
};

static void expect_reach(const struct advice_graph *graph, const char *without_name,
	bool recommends, const char *expected)
{
	uint8_t without[32] = {0};
	uint8_t there[32];
	char text[256] = "";
	struct peel_error err = {0};

	assert_true(advice_graph_count(graph) <= countof(there));
	if (without_name) {
		without[advice_graph_find(graph, without_name, strlen(without_name), "")] = 1;
	}
	assert_int_equal(advice_graph_reach(graph, without, recommends, there, &err), 0);
	for (uint32_t node = 0; node < advice_graph_count(graph); node++) {
		if (there[node] && advice_graph_name(graph, node)[0] != '\x1b') {
			strcat(strcat(text, advice_graph_name(graph, node)), " ");
		}
	}
	assert_string_equal(text, expected);
}

static void what_is_left_follows_from_what_was_asked_for(void **state)
{
	struct test_index test = test_index_new(packages, countof(packages), NULL);
	struct advice_graph *graph = NULL;
	struct peel_error err = {0};

	(void)state;
	assert_int_equal(advice_graph_load(test.index, &graph, &err), 0);
	assert_non_null(graph);
	assert_int_equal(advice_graph_count(graph), 10);
	assert_int_equal(advice_graph_find(graph, "gi", 2, ""), ADVICE_NO_NODE);
	assert_int_equal(advice_graph_find(graph, "gone", 4, ""), ADVICE_NO_NODE);
	assert_true(advice_graph_is_asked(graph, advice_graph_find(graph, "git", 3, "amd64")));
	assert_false(advice_graph_is_asked(graph, advice_graph_find(graph, "less", 4, "amd64")));
	assert_false(advice_graph_is_asked(graph, advice_graph_find(graph, "base", 4, "amd64")));
	/* base needs libz-ng, so git's choice is made. */
	expect_reach(graph, NULL, true, "base binutils cc git less libtinfo libz-ng perl ");
	expect_reach(graph, NULL, false, "base binutils cc git libz-ng perl ");
	expect_reach(graph, "cc", true, "base git less libtinfo libz-ng perl ");
	expect_reach(graph, "git", true, "base binutils cc libz-ng perl ");
	advice_graph_free(graph);
	test_index_free(&test);
}

static void without_notes_of_apt_there_is_no_graph(void **state)
{
	struct test_index test = test_index_new(packages, 1, NULL);
	struct advice_graph *graph = NULL;
	struct peel_error err = {0};

	(void)state;
	assert_int_equal(advice_graph_load(test.index, &graph, &err), 0);
	assert_null(graph);
	test_index_free(&test);
}

#define SUMS 200
/* Packages of the graph above. */
#define NODES 10

/* A made image: sums with random keys, packages that go with random sets. */
struct made {
	struct advising a;
	uint64_t total;
	/** What the told pieces are: cells, and the sum of what they save. */
	uint64_t promised;
	int told;
	bool hostile;
	/** By layer + 1: package rules followed; by rule and layer + 1: told. */
	uint8_t followed[3];
	bool chosen[ADVICE_RULES_MAX][3];
};

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16 & 0x7fff;
}

static const char made_rules[] = HEAD
	"  causes: [metadata]\n" HEAD "  causes: [deleted]\n" HEAD "  what: strip\n" HEAD
	"  what: duplicates\n" HEAD "  what: recommends\n" HEAD
	"  categories: [x]\n  packages: true\n" HEAD "  categories: [x]\n  packages: true\n" HEAD
	"  categories: [x]\n";

static void make_gone(struct made *made, unsigned *seed)
{
	made->a.gone = calloc(NODES, 1);
	assert_non_null(made->a.gone);
	for (size_t node = 0; node < NODES; node++) {
		for (unsigned set = 1; set < ADVICE_SETS; set++) {
			bool gone = next_random(seed) % 4 == 0;

			for (unsigned bit = 1; bit < ADVICE_SETS; bit <<= 1) {
				gone = gone ||
					(set & bit && made->a.gone[node] & 1u << (set & ~bit));
			}
			made->a.gone[node] |= (uint8_t)(gone ? 1u << set : 0);
		}
	}
}

static void make_sums(struct made *made, unsigned *seed)
{
	for (size_t i = 0; i < SUMS; i++) {
		bool hidden = next_random(seed) % 2;
		struct advice_key key = {
			.node = next_random(seed) % 2 ? next_random(seed) % NODES : ADVICE_NO_NODE,
			.layer = 1,
			.origin = (int16_t)(next_random(seed) % 2),
			.hider = hidden ? 1 : -1,
			.cause_rule = hidden ? (uint8_t)(1 + next_random(seed) % 2) : 0,
			.category_rule = next_random(seed) % 2
				? (uint8_t)(6 + next_random(seed) % 3)
				: 0,
			.flags = (uint8_t)(next_random(seed) % 4),
		};
		size_t at = advice_sums_get(&made->a.sums, &key);
		uint64_t bytes = next_random(seed) % 1000;

		assert_true(at != SIZE_MAX);
		assert_int_equal(advice_sums_get(&made->a.sums, &key), at);
		made->a.sums.items[at].files++;
		made->a.sums.items[at].bytes += bytes;
		made->total += bytes;
		assert_true(advice_sums_path(&made->a.sums, &made->a.sums.items[at], "/\x1b[31m", 6,
			bytes));
	}
}

/* The model: is a sum gone, when what was told so far is followed? */
static bool is_gone(const struct made *made, const struct advice_key *key)
{
	const struct advice_rules *rules = &made->a.rules;
	const struct advice_rule *rule = key->category_rule ? &rules->rules[key->category_rule - 1]
							    : NULL;

	return (key->cause_rule && made->chosen[key->cause_rule - 1][key->layer + 1]) ||
		(rule && (rule->package_bit < 0 || key->node == ADVICE_NO_NODE) &&
			made->chosen[key->category_rule - 1][key->origin + 1]) ||
		(key->flags & ADVICE_IS_STRIPPED && made->chosen[2][key->origin + 1]) ||
		(key->flags & ADVICE_IS_COPY && made->chosen[3][key->layer + 1]) ||
		(key->node != ADVICE_NO_NODE &&
			made->a.gone[key->node] & 1u << made->followed[key->origin + 1]);
}

static int take_advice(void *arg, const struct peel_advice *advice)
{
	struct made *made = arg;
	const struct advice_rules *rules = &made->a.rules;
	uint64_t gone = 0;
	size_t rule = (size_t)(advice->id[0] - '0');

	assert_true(rule < rules->count && advice->layer >= -1 && advice->layer <= 1);
	assert_false(made->chosen[rule][advice->layer + 1]);
	assert_true(advice->saves > 0 && advice->saves <= advice->gross && advice->files > 0);
	assert_true(advice->path_count > 0);
	/* Names of packages are told, hostile ones too, but never raw. */
	assert_null(strchr(advice->action, '\x1b'));
	made->hostile = made->hostile || strstr(advice->action, "\\x1b[31m");
	made->chosen[rule][advice->layer + 1] = true;
	if (rules->rules[rule].package_bit >= 0) {
		made->followed[advice->layer + 1] |= (uint8_t)(1u
			<< rules->rules[rule].package_bit);
	}
	made->promised += advice->saves;
	for (size_t i = 0; i < made->a.sums.count; i++) {
		const struct advice_sum *sum = &made->a.sums.items[i];

		gone += is_gone(made, &sum->key) ? sum->bytes : 0;
	}
	assert_int_equal(made->promised, gone);
	made->told++;
	return 0;
}

/* Whatever overlaps: the first k pieces save the sum of what they say. */
static void each_byte_counts_once(void **state)
{
	static const char ids[ADVICE_RULES_MAX][2] = {"0", "1", "2", "3", "4", "5", "6", "7"};
	struct test_index test = test_index_new(two_layers, countof(two_layers), NULL);
	struct test_index system = test_index_new(packages, countof(packages), NULL);
	struct advice_graph *graph = NULL;
	struct peel_error err = {0};
	unsigned hostile = 0;

	(void)state;
	assert_int_equal(advice_graph_load(system.index, &graph, &err), 0);
	assert_int_equal(advice_graph_count(graph), NODES);
	for (unsigned seed = 1; seed <= 300; seed++) {
		struct made made = {.a = {.index = test.index, .graph = graph, .err = &err}};
		unsigned random = seed;

		assert_int_equal(advice_rules_parse(test.index, made_rules, strlen(made_rules),
					 &made.a.rules, &err),
			0);
		for (size_t i = 0; i < made.a.rules.count; i++) {
			made.a.rules.rules[i].id = ids[i];
		}
		make_gone(&made, &random);
		make_sums(&made, &random);
		assert_int_equal(advice_cover(&made.a, 0, take_advice, &made), 0);
		assert_true(made.told > 0 && made.promised <= made.total);
		hostile += made.hostile;
		free(made.a.gone);
		advice_sums_finish(&made.a.sums);
		advice_rules_finish(&made.a.rules);
	}
	assert_true(hostile > 0);
	advice_graph_free(graph);
	test_index_free(&system);
	test_index_free(&test);
}

static void the_largest_paths_are_kept(void **state)
{
	struct advice_sums sums = {0};
	const struct advice_key key = {.node = 7};
	size_t at = advice_sums_get(&sums, &key);
	char path[16];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/%d", i * 37 % 100);
		assert_true(advice_sums_path(&sums, &sums.items[at], path, strlen(path),
			(uint64_t)(i * 37 % 100)));
	}
	assert_int_equal(sums.items[at].path_count, ADVICE_PATHS);
	for (size_t i = 0; i < ADVICE_PATHS; i++) {
		snprintf(path, sizeof(path), "/%d", 99 - (int)i);
		assert_string_equal(sums.items[at].paths[i], path);
	}
	advice_sums_finish(&sums);
}

static void copies_and_contents_are_found_again(void **state)
{
	struct advice_contents contents = {0};
	struct advice_copies copies = {0};
	struct advice_copy *copy;

	(void)state;
	for (uint64_t i = 0; i < 5000; i++) {
		/* Few slots in the low bits: chains and probes are long. */
		const uint64_t hash[2] = {i % 7, i / 2};
		const struct advice_key key = {.node = (uint32_t)i};

		assert_int_equal(advice_contents_add(&contents, hash, 1 + i % 2), 1);
		assert_int_equal(advice_contents_add(&contents, hash, 1 + i % 2), 0);
		assert_true(advice_copies_add(&copies, i / 2, &key, i));
	}
	for (uint64_t i = 0; i < 2500; i++) {
		unsigned found = 0;

		for (copy = advice_copies_find(&copies, i, NULL); copy;
			copy = advice_copies_find(&copies, i, copy)) {
			assert_int_equal(copy->hash, i);
			found |= 1u << (copy->bytes - 2 * i);
		}
		assert_int_equal(found, 3);
	}
	assert_null(advice_copies_find(&copies, 2500, NULL));
	advice_contents_finish(&contents);
	advice_copies_finish(&copies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_with_mistakes_are_told_with_their_line),
		cmocka_unit_test(the_own_rules_are_read),
		cmocka_unit_test(what_is_left_follows_from_what_was_asked_for),
		cmocka_unit_test(without_notes_of_apt_there_is_no_graph),
		cmocka_unit_test(each_byte_counts_once),
		cmocka_unit_test(the_largest_paths_are_kept),
		cmocka_unit_test(copies_and_contents_are_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
