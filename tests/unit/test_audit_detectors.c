/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_detectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <peel/audit.h>

#include "audit_detect_match.h"
#include "audit_detect_priv.h"
#include "facts_wanted.h"
#include "fault.h"
#include "util.h"

/* Load the built-in detectors and those of a text. */
static int load(const char *text, struct peel_detectors **ret_detectors, struct peel_error *err)
{
	char path[] = "/tmp/peel-detectors-XXXXXX";
	const char *const files[] = {path};
	int fd = mkstemp(path);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = peel_detectors_load(files, 1, ret_detectors, err);
	unlink(path);
	return r;
}

static void built_in_are_sorted_and_wanted(void **state)
{
	struct peel_detectors *detectors = NULL;
	const struct facts_wanted *wanted;

	(void)state;
	assert_int_equal(peel_detectors_load(NULL, 0, &detectors, NULL), 0);
	for (size_t i = 1; i < peel_detector_count(detectors); i++) {
		assert_true(strcmp(peel_detector_get(detectors, i - 1)->name,
				    peel_detector_get(detectors, i)->name) < 0);
	}
	assert_null(peel_detector_get(detectors, peel_detector_count(detectors)));
	wanted = detectors_wanted(detectors);
	assert_int_equal(strlen(wanted->digest), 64);
	assert_true(wanted->marker_count > 50);
	for (size_t i = 0; i < wanted->marker_count; i++) {
		assert_in_range(wanted->markers[i].len, FACTS_MARKER_MIN, FACTS_MARKER_MAX);
		assert_int_not_equal(wanted->markers[i].in, 0);
	}
	for (size_t i = 1; i < wanted->symbol_count; i++) {
		assert_null(strchr(wanted->symbols[i].text, '*'));
	}
	peel_detectors_free(detectors);
}

#define WITH(rules) "version: 1\ndetectors:\n  x:\n    title: X\n" rules
#define RULE "    rules:\n      - {id: r, tier: payload, title: t, when: {kind: elf}}\n"

static void digest_is_of_what_is_looked_for(void **state)
{
	static const char *const same = WITH(RULE);
	static const char *const texts[] = {
		WITH("    markers: {a: {text: [abc, defg]}}\n" RULE),
		WITH("    markers: {a: {text: abcdefh}}\n" RULE),
		WITH("    markers: {a: {text: abcdefg, in: [text]}}\n" RULE),
		WITH("    markers: {b: {hex: '61626364656667'}}\n" RULE),
		WITH("    rules:\n      - {id: r, tier: payload, title: t, when: {symbol: one}}\n"),
		WITH("    rules:\n      - {id: r, tier: payload, title: t, when: {symbol: one*}}\n"),
	};
	char digests[countof(texts) + 1][65];
	struct peel_detectors *detectors = NULL;

	(void)state;
	assert_int_equal(peel_detectors_load(NULL, 0, &detectors, NULL), 0);
	memcpy(digests[0], detectors_wanted(detectors)->digest, 65);
	peel_detectors_free(detectors);
	assert_int_equal(load(same, &detectors, NULL), 0);
	assert_string_equal(detectors_wanted(detectors)->digest, digests[0]);
	peel_detectors_free(detectors);
	for (size_t i = 0; i < countof(texts); i++) {
		assert_int_equal(load(texts[i], &detectors, NULL), 0);
		memcpy(digests[i + 1], detectors_wanted(detectors)->digest, 65);
		peel_detectors_free(detectors);
		for (size_t j = 0; j <= i; j++) {
			assert_string_not_equal(digests[i + 1], digests[j]);
		}
	}
}

static void a_file_replaces_by_name(void **state)
{
	static const char text[] = "version: 1\ndetectors:\n  python:\n    title: mine\n" RULE;
	struct peel_detectors *built_in = NULL;
	struct peel_detectors *detectors = NULL;

	(void)state;
	assert_int_equal(peel_detectors_load(NULL, 0, &built_in, NULL), 0);
	assert_int_equal(load(text, &detectors, NULL), 0);
	assert_int_equal(peel_detector_count(detectors), peel_detector_count(built_in));
	for (size_t i = 0; i < peel_detector_count(detectors); i++) {
		if (strcmp(peel_detector_get(detectors, i)->name, "python") == 0) {
			assert_string_equal(peel_detector_get(detectors, i)->title, "mine");
			assert_int_equal(detectors->list[i].end_rule -
					detectors->list[i].first_rule,
				1);
		}
	}
	peel_detectors_free(detectors);
	peel_detectors_free(built_in);
}

/* What is told of a thing: the rule that was, "" none. */
struct told {
	const struct peel_detectors *detectors;
	char rule[64];
	size_t count;
};

static int take(void *arg, uint32_t rule, const struct peel_evidence *evidence, size_t count)
{
	struct told *told = arg;

	(void)evidence;
	snprintf(told->rule, sizeof(told->rule), "%s", told->detectors->rules[rule].id);
	told->count = count;
	return 0;
}

static const char conditions[] =
	"version: 1\n"
	"detectors:\n"
	"  x:\n"
	"    title: X\n"
	"    markers: {a: {text: aaaaaa}, b: {text: bbbbbb}, c: {text: cccccc}}\n"
	"    rules:\n"
	"      - {id: least, tier: interpreter, title: t, when: {kind: elf, marker: {least: 2, of: [a, b, c]}}}\n"
	"      - {id: any, tier: embedder, title: t, when: {any: [{need: 'lib[xy]*'}, {import: start}]}}\n"
	"      - {id: alike, tier: none, title: t, when: {path: '/doc/**'}}\n"
	"      - {id: not, tier: payload, title: t, when: {name: '*.x', not: [{kind: empty}, {path: '/tmp/**'}]}}\n"
	"      - {id: nested, tier: dependent, title: t,\n"
	"         when: {all: [{symbol: 'go*'}, {any: [{kind: pe}, {not: {kind: elf}}]}]}}\n";

/* Facts of a file, and the rule that holds. */
static const struct {
	const char *path;
	enum peel_kind kind;
	const char *markers[3];
	const char *need, *symbol, *import;
	const char *rule;
	size_t evidence;
} cases[] = {
	{"/a", PEEL_KIND_ELF, {"x.a", "x.b"}, NULL, NULL, NULL, "x/least", 3},
	{"/a", PEEL_KIND_ELF, {"x.a", "x.b", "x.c"}, NULL, NULL, NULL, "x/least", 4},
	{"/a", PEEL_KIND_ELF, {"x.a"}, NULL, NULL, NULL, "", 0},
	{"/a", PEEL_KIND_ELF, {"x.a", "y.b"}, NULL, NULL, NULL, "", 0},
	{"/a", PEEL_KIND_TEXT, {"x.a", "x.b"}, NULL, NULL, NULL, "", 0},
	{"/a", PEEL_KIND_ELF, {NULL}, "/libx.so", NULL, NULL, "x/any", 1},
	{"/a", PEEL_KIND_ELF, {NULL}, "/libz.so", NULL, NULL, "", 0},
	{"/a", PEEL_KIND_ELF, {NULL}, NULL, NULL, "start", "x/any", 1},
	{"/a", PEEL_KIND_ELF, {NULL}, NULL, "start", NULL, "", 0},
	{"/a", PEEL_KIND_ELF, {NULL}, NULL, NULL, "started", "", 0},
	{"/a", PEEL_KIND_ELF, {"x.c", "x.b"}, "/liby.so", NULL, "start", "x/least", 3},
	{"/b/c.x", PEEL_KIND_TEXT, {NULL}, NULL, NULL, NULL, "x/not", 1},
	{"/b/c.x", PEEL_KIND_EMPTY, {NULL}, NULL, NULL, NULL, "", 0},
	{"/tmp/c.x", PEEL_KIND_TEXT, {NULL}, NULL, NULL, NULL, "", 0},
	{"/doc/c.x", PEEL_KIND_TEXT, {NULL}, NULL, NULL, NULL, "", 0},
	{"/doc/c.x", PEEL_KIND_ELF, {"x.a", "x.c"}, NULL, NULL, NULL, "x/least", 3},
	{"/a", PEEL_KIND_PE, {NULL}, NULL, "gopher", NULL, "x/nested", 2},
	{"/a", PEEL_KIND_TEXT, {NULL}, NULL, "go", NULL, "x/nested", 1},
	{"/a", PEEL_KIND_ELF, {NULL}, NULL, "gopher", NULL, "", 0},
};

static void feed(struct match *match, size_t i)
{
	match_begin(match, DETECTOR_FILE);
	match_text(match, DETECTOR_PATH, cases[i].path, strlen(cases[i].path), "path", NULL, -1);
	match_bits(match, DETECTOR_KIND, UINT64_C(1) << cases[i].kind, "kind", "k");
	for (size_t j = 0; j < countof(cases[i].markers) && cases[i].markers[j]; j++) {
		match_marker(match, cases[i].markers[j], NULL, (int64_t)j);
	}
	if (cases[i].need) {
		match_text(match, DETECTOR_NEED, cases[i].need, strlen(cases[i].need), "need",
			cases[i].need, -1);
	}
	if (cases[i].symbol) {
		match_symbol(match, cases[i].symbol, true);
	}
	if (cases[i].import) {
		match_symbol(match, cases[i].import, false);
	}
}

static void the_first_rule_that_holds_is_told(void **state)
{
	struct told told = {0};
	struct peel_detectors *detectors = NULL;
	struct match *match = NULL;
	bool wanted[64] = {false};

	(void)state;
	assert_int_equal(load(conditions, &detectors, NULL), 0);
	assert_in_range(peel_detector_count(detectors), 1, countof(wanted));
	for (size_t i = 0; i < peel_detector_count(detectors); i++) {
		wanted[i] = strcmp(peel_detector_get(detectors, i)->name, "x") == 0;
	}
	assert_int_equal(match_new(detectors, wanted, &match, NULL), 0);
	assert_true(match_asks(match, DETECTOR_NEED));
	assert_false(match_asks(match, DETECTOR_ENV));
	told.detectors = detectors;
	for (size_t i = 0; i < countof(cases); i++) {
		told.rule[0] = '\0';
		told.count = 0;
		feed(match, i);
		assert_int_equal(match_finish(match, take, &told), 0);
		if (strcmp(told.rule, cases[i].rule) != 0 || told.count != cases[i].evidence) {
			fail_msg("case %zu: \"%s\" with %zu, not \"%s\" with %zu", i, told.rule,
				told.count, cases[i].rule, cases[i].evidence);
		}
	}
	match_free(match);
	peel_detectors_free(detectors);
}

static void first_lines_name_commands(void **state)
{
	static const struct {
		const char *line, *command;
	} lines[] = {
		{"#!/usr/bin/python3", "/usr/bin/python3"},
		{"#! /bin/sh -e", "/bin/sh"},
		{"#!\t/bin/sh", "/bin/sh"},
		{"#!/usr/bin/env python3", "python3"},
		{"#!/usr/bin/env -S python3 -u", "python3"},
		{"#!/usr/bin/env -Spython3 -u", "python3"},
		{"#!/usr/bin/env -vS python3", "python3"},
		{"#!/usr/bin/env -S A=1 B=2 python3", "python3"},
		{"#!/usr/bin/env -i -u HOME python3", "python3"},
		{"#!/usr/bin/env --split-string=python3 -u", "python3"},
		{"#!/usr/bin/env -S -i python3", "python3"},
		{"#!/usr/bin/env", NULL},
		{"#!/usr/bin/env A=1", NULL},
		{"#!", NULL},
		{"#! ", NULL},
		{"", NULL},
		{"/bin/sh", NULL},
		{"#!/opt/my-env python3", "/opt/my-env"},
	};

	(void)state;
	for (size_t i = 0; i < countof(lines); i++) {
		const char *command = NULL;
		size_t len = 0;
		bool found = detect_script_command(lines[i].line, strlen(lines[i].line), &command,
			&len);

		assert_int_equal(found, lines[i].command != NULL);
		if (found) {
			assert_int_equal(len, strlen(lines[i].command));
			assert_memory_equal(command, lines[i].command, len);
		}
	}
}

static void allocations_fail(void **state)
{
	bool hit = true;

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	/* Thousands of allocations: each of the first, and then ever fewer. */
	for (unsigned n = 1; hit; n += 1 + n / 20) {
		struct peel_detectors *detectors = NULL;
		struct peel_error err = {0};
		const long live = fault_alloc_live();
		int r;

		fault_alloc(n);
		r = peel_detectors_load(NULL, 0, &detectors, &err);
		hit = fault_alloc_hit();
		assert_int_equal(r, hit ? PEEL_ENOMEM : 0);
		peel_detectors_free(detectors);
		assert_int_equal(fault_alloc_live(), live);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_are_sorted_and_wanted),
		cmocka_unit_test(digest_is_of_what_is_looked_for),
		cmocka_unit_test(a_file_replaces_by_name),
		cmocka_unit_test(the_first_rule_that_holds_is_told),
		cmocka_unit_test(first_lines_name_commands),
		cmocka_unit_test(allocations_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
