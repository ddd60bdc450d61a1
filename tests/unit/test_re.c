/* SPDX-License-Identifier: Apache-2.0 */
#include "re.h"

#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "peel_test.h"
#include "util.h"

/* A pattern, a text that it matches, one that it does not; NULL: none. */
static const struct {
	const char *pattern;
	const char *yes;
	const char *no;
} cases[] = {
	{"", "", NULL},
	{"a", "xax", "b"},
	{"^a$", "a", "a\n"},
	{"(?m)^a$", "x\na\ny", "xa\nay"},
	{"\\Aa\\z", "a", "\na"},
	{"a|b|", "", NULL},
	{"^(?:a|bc)*$", "abcbca", "abb"},
	{"a.c", "abc", "a\nc"},
	{"(?s)a.c", "a\nc", "ac"},
	{"^.$", "\xc3\xa9", "ab"},
	{"^..$", "\xc3\xff", "\xc3\xa9"},
	{"^[^a]$", "\n", "a"},
	{"^\xef\xbf\xbd$", "\xff", "\xfe\xfe"},
	{"[[:alpha:]][[:^digit:]]", "ab", "a1"},
	{"^[]a-]+$", "]a-", "b"},
	{"^[\\w.-]+@\\w+\\.(?P<top>com|org)$", "a.b-c@d.org", "a@b.net"},
	{"\\d{3}-\\d{2,}", "123-4567", "123-4"},
	{"^a{0}b{2}$", "bb", "abb"},
	{"^x{,3}$", "x{,3}", "xxx"},
	{"^a{1,2}?$", "aa", "aaa"},
	{"\\bfoo\\b", "a foo.", "afoo foo_"},
	{"\\B", "", "a"},
	{"(?i)straSSe", "STRASSE", "strase"},
	{"(?i)k", "\xe2\x84\xaa", "j"},
	{"(?i)[s]", "\xc5\xbf", "t"},
	{"(?i:a)b", "Ab", "AB"},
	{"a(?i)b", "aB", "AB"},
	{"\\Qa.b*\\E+", "a.b**", "aXb"},
	{"\\x41\\x{42}\\103\\t", "ABC\t", "ABC"},
	{"[\\x{4e00}-\\x{9fff}]", "\xe4\xb8\xad", "\xc3\xa9"},
	{"(a*)*b", "aaab", "aaaa"},
	{"AKIA[0-9A-Z]{16}", "x AKIA0123456789ABCDEF y", "AKIA0123456789ABCDE"},
	{"^(([a-z])+.)+[A-Z]([a-z])+$", "aaaaaaBb", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
};

/* Patterns that Go refuses, and those that are read by Go alone. */
static const char *const wrong[] = {"(", ")", "a)", "[a", "[b-a]", "[[:no:]]", "*", "a**",
	"a{2}{3}", "a{1001}", "a{3,2}", "(?:a{500}){3}", "\\", "\\1", "\\y", "\\Z", "\\x{110000}",
	"\\xg", "(?", "(?z)", "(?P<>a)", "(?-)", "a|*", "\xff", "\\C"};
static const char *const unknown[] = {"\\pL", "[\\p{Greek}]", "(?i)\xc3\xa9", "\\P{N}"};

static int match(const char *pattern, const char *text, size_t piece)
{
	struct re *re = NULL;
	struct re_scan *scan = NULL;
	const size_t len = strlen(text);
	int r;

	assert_int_equal(re_compile(pattern, strlen(pattern), &re, NULL), 0);
	assert_int_equal(re_scan_new(re, &scan, NULL), 0);
	re_scan_begin(scan);
	r = 0;
	for (size_t i = 0; r == 0 && i < len; i += piece) {
		r = re_scan_feed(scan, text + i, min_u64(piece, len - i), NULL);
	}
	r = r == 0 ? re_scan_end(scan, NULL) : r;
	re_scan_free(scan);
	re_free(re);
	return r;
}

static void patterns_match_as_go_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		for (size_t piece = 1; piece < 5; piece++) {
			if (match(cases[i].pattern, cases[i].yes, piece) != 1) {
				fail_msg("%s does not match %s", cases[i].pattern, cases[i].yes);
			}
			if (cases[i].no && match(cases[i].pattern, cases[i].no, piece) != 0) {
				fail_msg("%s matches %s", cases[i].pattern, cases[i].no);
			}
		}
	}
}

static void what_go_refuses_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(wrong) + countof(unknown); i++) {
		const bool go = i >= countof(wrong);
		const char *pattern = go ? unknown[i - countof(wrong)] : wrong[i];
		struct re *re = NULL;
		struct peel_error err = {0};

		if (re_compile(pattern, strlen(pattern), &re, &err) !=
			(go ? PEEL_EUNSUPPORTED : PEEL_EFORMAT)) {
			fail_msg("%s: %d %s", pattern, err.code, err.message);
		}
		assert_null(re);
	}
}

/* Many states: more than are kept, with the same answer. */
static void states_that_are_forgotten_change_nothing(void **state)
{
	const char pattern[] = "^(?:[ab]*a[ab]{14}c)+$";
	char text[60000];
	uint32_t random = 1;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		random = random * 1664525 + 1013904223;
		text[i] = random >> 31 ? 'a' : 'b';
	}
	text[sizeof(text) - 1] = 0;
	assert_int_equal(match(pattern, text, 1000), 0);
	text[sizeof(text) - 2] = 'c';
	text[sizeof(text) - 17] = 'a';
	assert_int_equal(match(pattern, text, 1000), 1);
	text[sizeof(text) - 17] = 'b';
	assert_int_equal(match(pattern, text, 1000), 0);
}

static void too_large_is_a_limit(void **state)
{
	char pattern[400] = "";
	struct re *re = NULL;

	(void)state;
	for (int i = 0; i < 30; i++) {
		strcat(pattern, "a{1000}");
	}
	assert_int_equal(re_compile(pattern, strlen(pattern), &re, NULL), PEEL_ELIMIT);
}

static void each_allocation_may_fail(void **state)
{
	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (unsigned int n = 1;; n++) {
		const char pattern[] = "(?i)(a|[b-d]{2,3}|\\bx)*\\Qy\\E$";
		long before = fault_alloc_live();
		struct re *re = NULL;
		struct peel_error err = {0};
		int r;

		fault_alloc(n);
		r = re_compile(pattern, strlen(pattern), &re, &err);
		r = r < 0 ? r : re_matches(re, "bcdxy", 5, &err);
		if (!fault_alloc_hit()) {
			assert_int_equal(r, 1);
			re_free(re);
			break;
		}
		assert_int_equal(r, PEEL_ENOMEM);
		re_free(re);
		assert_int_equal(fault_alloc_live(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_go_does),
		cmocka_unit_test(what_go_refuses_is_refused),
		cmocka_unit_test(states_that_are_forgotten_change_nothing),
		cmocka_unit_test(too_large_is_a_limit),
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
