/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/text.h>

#include "fault.h"
#include "peel_test.h"
#include "util.h"

/* A tree as one line: ( ) a list, { } a map, quotes where they stood, each scalar with its line. */
static void print_node(FILE *out, const struct yaml *node)
{
	if (node->type == YAML_SCALAR) {
		fputs(node->quoted ? "\"" : "", out);
		peel_text_print(out, node->text, node->len);
		fprintf(out, "%s@%d", node->quoted ? "\"" : "", node->line);
		return;
	}
	fprintf(out, "%s%d:", node->type == YAML_MAP ? "{" : "(", node->line);
	for (size_t i = 0; i < node->count; i++) {
		fputc(' ', out);
		if (node->keys) {
			print_node(out, node->keys[i]);
			fputc('=', out);
		}
		print_node(out, node->items[i]);
	}
	fputc(node->type == YAML_MAP ? '}' : ')', out);
}

static char *shown(const struct yaml_document *document)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (yaml_root(document)) {
		print_node(out, yaml_root(document));
	}
	fclose(out);
	return text;
}

static const struct {
	const char *text;
	const char *tree;
} good_cases[] = {
	{"", ""},
	{"# only this\n\n", ""},
	{"---\n", "@2"},
	{"%YAML 1.2\n---\na: 1\n...\n# end\n", "{3: a@3=1@3}"},
	{"word", "word@1"},
	{"a: 1\nb: two words\n", "{1: a@1=1@1 b@2=two words@2}"},
	{"a: 'it''s'\nb: \"\\x41\\t\\u00e4\\/\"\n",
		"{1: a@1=\"it's\"@1 b@2=\"A\\x09\xc3\xa4/\"@2}"},
	{"a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{1: a@1=\"x\\x0ay\\x0a\"@1 b@4=\"x y\"@4}"},
	{"- a\n-\n- [b, [c]]\n- {}\n- []\n", "(1: a@1 @2 (3: b@3 (3: c@3)) {4:} (5:))"},
	{"a:\nb: ~\n", "{1: a@1=@1 b@2=~@2}"},
	{"l:\n- x: 1\n  y: 2\n- x: 3\n", "{1: l@1=(2: {2: x@2=1@2 y@3=2@3} {4: x@4=3@4})}"},
	{"{\"a\":1,\"b\":[true,null],\"c\":{\"a\":\"\"}}",
		"{1: \"a\"@1=1@1 \"b\"@1=(1: true@1 null@1) \"c\"@1={1: \"a\"@1=\"\"@1}}"},
	{"{\n\t\"a\": [\n\t\t1\n\t]\n}\n", "{1: \"a\"@2=(2: 1@3)}"},
	{"a: 1\r\nb: 2\r\n", "{1: a@1=1@1 b@2=2@2}"},
	{"'<<': 1\nx: <<\n", "{1: \"<<\"@1=1@1 x@2=<<@2}"},
	{"a: x # y\nb: x#y\nc: http://h/p\n", "{1: a@1=x@1 b@2=x#y@2 c@3=http://h/p@3}"},
	{"a: {x: 1}\nb: {x: 1}\n", "{1: a@1={1: x@1=1@1} b@2={2: x@2=1@2}}"},
};

static void trees_hold_text_and_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(good_cases); i++) {
		cleanup_yaml struct yaml_document *document = NULL;
		cleanup_free char *tree = NULL;
		struct peel_error err = {0};

		assert_good(yaml_parse("f", good_cases[i].text, strlen(good_cases[i].text),
				    &document, &err),
			&err);
		tree = shown(document);
		assert_string_equal(tree, good_cases[i].tree);
	}
}

static void no_bytes_are_an_empty_document(void **state)
{
	cleanup_yaml struct yaml_document *document = NULL;
	struct peel_error err = {0};

	(void)state;
	assert_good(yaml_parse("f", NULL, 0, &document, &err), &err);
	assert_null(yaml_root(document));
}

static const struct {
	const char *text;
	size_t len;
	const char *message;
} bad_cases[] = {
#define BAD(text, message) \
	{ \
		text, sizeof(text) - 1, message \
	}
	BAD("a: &x 1\n", "f:1: anchors are not taken"),
	BAD("a:\n- &x [b]\n", "f:2: anchors are not taken"),
	BAD("a: &x {b: 1}\n", "f:1: anchors are not taken"),
	BAD("a: 1\nb: *x\n", "f:2: aliases are not taken"),
	BAD("a: &x [*x, *x]\n", "f:1: anchors are not taken"),
	BAD("a: 1\n<<: {b: 1}\n", "f:2: merge keys are not taken"),
	BAD("a: !!str 1\n", "f:1: tags are not taken"),
	BAD("a: !x [b]\n", "f:1: tags are not taken"),
	BAD("- !<tag:x> {}\n", "f:1: tags are not taken"),
	BAD("a: ! x\n", "f:1: tags are not taken"),
	BAD("%TAG ! tag:x,2000:\n---\na: 1\n", "tags are not taken"),
	BAD("a: 1\nb: 2\n\"a\": 3\nb: 4\n",
		"f:3: the key \"a\" stands here a second time; the first is in line 1"),
	BAD("- {\"\\x1b\": 1, \"\\e\": 2}\n", "the key \"\\x1b\" stands here a second time"),
	BAD("? [a]\n: b\n", "f:1: a key that is a list or a map"),
	BAD("{{a: 1}: b}\n", "f:1: a key that is a list or a map"),
	BAD("a: 1\n---\nb: 2\n", "f:2: a second document"),
	BAD("a: 1\n...\n---\n", "f:3: a second document"),
	BAD("a: 1\n...\nb: 1\n", "f:3: "),
	BAD("a: \"x\\0y\"\n", "f:1: a NUL character in a text"),
	BAD("a: 1\n\"\\u0000\": 1\n", "f:2: a NUL character in a text"),
	BAD("a: 1\nb: \0\n", "f:2: a NUL byte"),
	BAD("a\0", "f:1: a NUL byte"),
	BAD("\xef\xbb\xbf"
	    "a: 1\n",
		"f:1: a byte order mark"),
	BAD("\xff\xfe"
	    "a\0",
		"f:1: a NUL byte"),
	BAD("\xfe\xff\xff", "f:1: "),
	BAD("a: 1\nb: \xff\n", "f:2: invalid leading UTF-8"),
	BAD("a: 1\n\nb: \xc3\n", "f:3: invalid trailing UTF-8"),
	BAD("a: \xe2\x82", "f:1: incomplete UTF-8"),
	BAD("a: \xc0\x80\n", "f:1: invalid length of a UTF-8"),
	BAD("a: \xed\xa0\x80\n", "f:1: invalid Unicode"),
	BAD("a: \"\\ud800\"\n", "f:1: "),
	BAD("a: \"\\U00110000\"\n", "f:1: "),
	BAD("a: 1\nb: \x1b[31m\n", "f:2: control characters"),
	BAD("a:\n\t- b\n", "f:2: found character that cannot start any token"),
	BAD("a:\n\t- b\n", "(a tab does not indent)"),
	BAD("a: 1\n  \tb: 2\n", "(a tab does not indent)"),
	BAD("a: b: c\n", "f:1: mapping values are not allowed"),
	BAD("a: 1\nb: \"x\n\n",
		"f:4: found unexpected end of stream while scanning a quoted "
		"scalar from line 2 on"),
	BAD("a: [1, 2\nb: 3\n", "f:2: "),
	BAD("a: @x\n", "f:1: found character that cannot start any token"),
	BAD("%YAML 3.0\n---\na\n", "f:"),
	BAD("{]", "f:1: "),
	BAD("]", "f:1: "),
	BAD("\"\\", "f:1: "),
};

static void bad_documents_name_their_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bad_cases); i++) {
		struct yaml_document *document = NULL;
		struct peel_error err = {0};

		assert_failure(yaml_parse("f", bad_cases[i].text, bad_cases[i].len, &document,
				       &err),
			PEEL_EFORMAT, &err, bad_cases[i].message);
		assert_null(document);
		/* Without an error to fill in, the code is the same. */
		assert_int_equal(yaml_parse("f", bad_cases[i].text, bad_cases[i].len, &document,
					 NULL),
			PEEL_EFORMAT);
	}
}

/* begin, count times piece, end. */
static char *repeat(const char *begin, const char *piece, size_t count, const char *end,
	size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	fputs(begin, out);
	for (size_t i = 0; i < count; i++) {
		fputs(piece, out);
	}
	fputs(end, out);
	fclose(out);
	return text;
}

static const struct {
	const char *begin;
	const char *piece;
	size_t count;
	const char *end;
	int code;
	const char *message;
} limit_cases[] = {
	{"", "[", YAML_DEPTH, "", PEEL_EFORMAT, "f:2: did not find expected node content"},
	{"", "[", YAML_DEPTH + 1, "", PEEL_ELIMIT, "f:1: nested deeper than 32 levels"},
	{"", "[", 1000000, "", PEEL_ELIMIT, "f:1: nested deeper than 32 levels"},
	{"", "{a: ", 1000000, "", PEEL_ELIMIT, "nested deeper"},
	{"", "- ", 1000000, "", PEEL_ELIMIT, "nested deeper"},
	{"", "? ", 1000000, "", PEEL_EFORMAT, "a key that is a list or a map"},
	{"\n[", "x,", YAML_NODES, "]", PEEL_ELIMIT, "f:2: more than 200000 nodes"},
	{"", "x: 1\n", 90000, "", PEEL_EFORMAT, "f:2: the key \"x\" stands here"},
	{"{", "x,", 90000, "}", PEEL_EFORMAT, "f:1: the key \"x\" stands here"},
	{"", "%TAG !a! b\n", 300000, "---\n", PEEL_ELIMIT, "more than 100 lines"},
	{"", "%TAG !a! b\xc2\x85", 300000, "---\n", PEEL_ELIMIT, "more than 100 lines"},
	{"", "%TAG !a! b\r", 300000, "---\n", PEEL_ELIMIT, "more than 100 lines"},
	{"a\n...\n", "%TAG !a! b\n", 300000, "---\n", PEEL_ELIMIT, "more than 100 lines"},
	{"", "\n", YAML_MAX + 1, "", PEEL_ELIMIT, "f is larger than 4194304 bytes"},
};

static void limits_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(limit_cases); i++) {
		cleanup_free char *text = NULL;
		struct yaml_document *document = NULL;
		struct peel_error err = {0};
		size_t len;

		text = repeat(limit_cases[i].begin, limit_cases[i].piece, limit_cases[i].count,
			limit_cases[i].end, &len);
		assert_failure(yaml_parse("f", text, len, &document, &err), limit_cases[i].code,
			&err, limit_cases[i].message);
		assert_null(document);
	}
}

static void what_is_within_the_limits_is_taken(void **state)
{
	static const struct {
		const char *begin;
		const char *piece;
		size_t count;
		const char *end;
		size_t members;
	} cases[] = {
		{"[", "x,", YAML_NODES - 1, "]", YAML_NODES - 1},
		{"", "- \"\\L\\L\\L\"\n", 100000, "", 100000},
		{"a: \"", "\\L", (YAML_MAX - 5) / 2, "\"", 1},
		{"", "\n", YAML_MAX, "", 0},
		{"a: 1\n", "#\n", YAML_MAX / 2 - 10, "", 1},
		{"a: |\n", " %\n", 1000000, "", 1},
		{"a: |\n", " x\n", 1000000, "", 1},
		{"a: x", "\n  x", 1000000, "", 1},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		cleanup_yaml struct yaml_document *document = NULL;
		cleanup_free char *text = NULL;
		struct peel_error err = {0};
		size_t len;

		text = repeat(cases[i].begin, cases[i].piece, cases[i].count, cases[i].end, &len);
		assert_good(yaml_parse("f", text, len, &document, &err), &err);
		assert_int_equal(yaml_root(document) ? yaml_root(document)->count : 0,
			cases[i].members);
	}
}

/* A map of a hundred thousand keys that differ. */
static void large_maps_are_taken(void **state)
{
	cleanup_yaml struct yaml_document *document = NULL;
	cleanup_free char *text = NULL;
	struct peel_error err = {0};
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	for (int i = 0; i < 99999; i++) {
		fprintf(out, "k%d: %d\n", i, i);
	}
	fclose(out);
	assert_good(yaml_parse("f", text, len, &document, &err), &err);
	assert_int_equal(yaml_root(document)->count, 99999);
	assert_string_equal(yaml_get(yaml_root(document), "k99998")->text, "99998");
}

static void nesting_to_the_limit_is_taken(void **state)
{
	cleanup_yaml struct yaml_document *document = NULL;
	char text[2 * YAML_DEPTH];
	struct peel_error err = {0};

	(void)state;
	memset(text, '[', YAML_DEPTH);
	memset(text + YAML_DEPTH, ']', YAML_DEPTH);
	assert_good(yaml_parse("f", text, sizeof(text), &document, &err), &err);
	assert_int_equal(yaml_root(document)->count, 1);
}

static void names_are_escaped_in_messages(void **state)
{
	struct yaml_document *document = NULL;
	struct peel_error err = {0};
	char name[1000];

	(void)state;
	assert_failure(yaml_parse("a\033[2J\n.yaml", "]", 1, &document, &err), PEEL_EFORMAT, &err,
		"a\\x1b[2J\\x0a.yaml:1: ");
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_failure(yaml_parse(name, "]", 1, &document, &err), PEEL_EFORMAT, &err, "nnn...:1: ");
}

static void maps_are_asked(void **state)
{
	static const char text[] = "b: 1\na: {c: 2}\n'': 3\nB: 4\n";
	static const char *const all[] = {"a", "b", "", "B", NULL};
	static const char *const some[] = {"b", "B", "", NULL};
	cleanup_yaml struct yaml_document *document = NULL;
	struct peel_error err = {0};
	const struct yaml *root;

	(void)state;
	assert_good(yaml_parse("f", text, sizeof(text) - 1, &document, &err), &err);
	root = yaml_root(document);
	assert_string_equal(yaml_get(root, "b")->text, "1");
	assert_string_equal(yaml_get(root, "")->text, "3");
	assert_string_equal(yaml_get(yaml_get(root, "a"), "c")->text, "2");
	assert_null(yaml_get(root, "c"));
	assert_null(yaml_get(NULL, "c"));
	assert_null(yaml_get(yaml_get(root, "b"), "c"));
	assert_null(yaml_unknown(root, all));
	assert_null(yaml_unknown(NULL, some));
	assert_null(yaml_unknown(yaml_get(root, "b"), some));
	assert_string_equal(yaml_unknown(root, some)->text, "a");
	assert_int_equal(yaml_unknown(root, some)->line, 2);
	assert_int_equal(yaml_fail(document, yaml_get(root, "a"), &err, "no %s", "good"),
		PEEL_EFORMAT);
	assert_string_equal(err.message, "f:2: no good");
	yaml_fail(document, NULL, &err, "no %d", 7);
	assert_string_equal(err.message, "f: no 7");
}

/* Values as their types; "-": it is none. */
static const struct {
	const char *text;
	const char *null;
	const char *boolean;
	const char *integer;
	const char *number;
} value_cases[] = {
	{"''", "-", "-", "-", "-"},
	{"", "null", "-", "-", "-"},
	{"~", "null", "-", "-", "-"},
	{"null", "null", "-", "-", "-"},
	{"Null", "null", "-", "-", "-"},
	{"NULL", "null", "-", "-", "-"},
	{"nULL", "-", "-", "-", "-"},
	{"'null'", "-", "-", "-", "-"},
	{"true", "-", "true", "-", "-"},
	{"TRUE", "-", "true", "-", "-"},
	{"False", "-", "false", "-", "-"},
	{"'true'", "-", "-", "-", "-"},
	{"\"true\"", "-", "-", "-", "-"},
	{"yes", "-", "-", "-", "-"},
	{"off", "-", "-", "-", "-"},
	{"tRUE", "-", "-", "-", "-"},
	{"[true]", "-", "-", "-", "-"},
	{"{}", "-", "-", "-", "-"},
	{"0", "-", "-", "0", "0"},
	{"-0", "-", "-", "0", "-0"},
	{"7", "-", "-", "7", "7"},
	{"+7", "-", "-", "7", "7"},
	{"-12", "-", "-", "-12", "-12"},
	{"'7'", "-", "-", "-", "-"},
	{"007", "-", "-", "-", "7"},
	{"0644", "-", "-", "-", "644"},
	{"0x10", "-", "-", "-", "-"},
	{"0o10", "-", "-", "-", "-"},
	{"1_000", "-", "-", "-", "-"},
	{"9223372036854775807", "-", "-", "9223372036854775807", "9.2233720368547758e+18"},
	{"9223372036854775808", "-", "-", "-", "9.2233720368547758e+18"},
	{"-9223372036854775808", "-", "-", "-9223372036854775808", "-9.2233720368547758e+18"},
	{"-9223372036854775809", "-", "-", "-", "-9.2233720368547758e+18"},
	{"0.5", "-", "-", "-", "0.5"},
	{".5", "-", "-", "-", "0.5"},
	{"5.", "-", "-", "-", "5"},
	{".", "-", "-", "-", "-"},
	{"+", "-", "-", "-", "-"},
	{"1e3", "-", "-", "-", "1000"},
	{"1.5E-1", "-", "-", "-", "0.14999999999999999"},
	{"1e", "-", "-", "-", "-"},
	{"e1", "-", "-", "-", "-"},
	{"1e+", "-", "-", "-", "-"},
	{"1e999", "-", "-", "-", "-"},
	{"-1e999", "-", "-", "-", "-"},
	{"1e-999", "-", "-", "-", "0"},
	{".inf", "-", "-", "-", "-"},
	{"inf", "-", "-", "-", "-"},
	{".nan", "-", "-", "-", "-"},
	{"nan", "-", "-", "-", "-"},
	{"1,5", "-", "-", "-", "-"},
	{"1 2", "-", "-", "-", "-"},
	{"20MB", "-", "-", "-", "-"},
};

static void check_values(size_t i, const struct yaml *node)
{
	char text[64];
	int64_t integer;
	double number;
	bool boolean;

	assert_string_equal(yaml_is_null(node) ? "null" : "-", value_cases[i].null);
	assert_string_equal(yaml_bool(node, &boolean) < 0 ? "-"
			: boolean                         ? "true"
							  : "false",
		value_cases[i].boolean);
	strcpy(text, "-");
	if (yaml_integer(node, &integer) == 0) {
		snprintf(text, sizeof(text), "%" PRId64, integer);
	}
	assert_string_equal(text, value_cases[i].integer);
	strcpy(text, "-");
	if (yaml_number(node, &number) == 0) {
		snprintf(text, sizeof(text), "%.17g", number);
	}
	assert_string_equal(text, value_cases[i].number);
}

static void scalars_are_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(value_cases); i++) {
		cleanup_yaml struct yaml_document *document = NULL;
		struct peel_error err = {0};
		char text[100];

		snprintf(text, sizeof(text), "v: %s\n", value_cases[i].text);
		assert_good(yaml_parse("f", text, strlen(text), &document, &err), &err);
		check_values(i, yaml_get(yaml_root(document), "v"));
	}
	assert_true(yaml_is_null(NULL));
	assert_int_equal(yaml_bool(NULL, NULL), -1);
	assert_int_equal(yaml_integer(NULL, NULL), -1);
	assert_int_equal(yaml_number(NULL, NULL), -1);
}

static void every_allocation_may_fail(void **state)
{
	static const char text[] = "a: [1, \"b\", {c: }]\nd: {}\ne: |\n  x\n";

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (unsigned int n = 1;; n++) {
		long before = fault_alloc_live();
		struct yaml_document *document = NULL;
		struct peel_error err = {0};
		int r;

		fault_alloc(n);
		r = yaml_parse("f", text, sizeof(text) - 1, &document, &err);
		if (!fault_alloc_hit()) {
			assert_int_equal(r, 0);
			yaml_release(document);
			assert_true(n > 20);
			break;
		}
		assert_int_equal(r, PEEL_ENOMEM);
		assert_null(document);
		assert_int_equal(fault_alloc_live(), before);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_documents_name_their_line),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(large_maps_are_taken),
		cmocka_unit_test(limits_are_told),
		cmocka_unit_test(maps_are_asked),
		cmocka_unit_test(names_are_escaped_in_messages),
		cmocka_unit_test(nesting_to_the_limit_is_taken),
		cmocka_unit_test(no_bytes_are_an_empty_document),
		cmocka_unit_test(scalars_are_values),
		cmocka_unit_test(trees_hold_text_and_lines),
		cmocka_unit_test(what_is_within_the_limits_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
