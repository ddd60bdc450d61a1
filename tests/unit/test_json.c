/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peel/error.h>

#include "fault.h"
#include "util.h"

static const struct {
	const char *text;
	size_t len;
	int code;
	const char *message;
} json_cases[] = {
#define JSON(text, code, message) \
	{ \
		text, sizeof(text) - 1, code, message \
	}
	JSON("{}", 0, NULL),
	JSON("null", 0, NULL),
	JSON(" [1, \"a\", true] \n", 0, NULL),
	JSON("{\"a\":1,\"b\":{\"a\":1}}", 0, NULL),
	JSON("{\"Labels\":{\"x\":\"1\",\"X\":\"2\"}}", 0, NULL),
	JSON("{\"annotations\":{\"x\":\"1\",\"X\":\"2\"}}", 0, NULL),
	JSON("[\"]]]]}}}}{{{{[[[[,,,,::::\\\"\\\\\"]", 0, NULL),
	JSON("[\"\\u00e4\\u20ac\\ud83d\\ude00\\n\\\\\\u0041\xc3\xa4\"]", 0, NULL),
	JSON("{\"\\u00e4\\u20ac\":{\"\\ud83d\\ude00\":\"\"}}", 0, NULL),
	JSON("[\"\\ud83d\"]", PEEL_EFORMAT, "offset"),
	JSON("[\"\\u12", PEEL_EFORMAT, "offset"),
	JSON("[\"\\", PEEL_EFORMAT, "offset"),
	JSON("", PEEL_EFORMAT, "doc is no valid JSON"),
	JSON("{", PEEL_EFORMAT, "offset"),
	JSON("{}{}", PEEL_EFORMAT, "end of file"),
	JSON("{} x", PEEL_EFORMAT, "end of file"),
	JSON("[1,]", PEEL_EFORMAT, "offset"),
	JSON("{'a':1}", PEEL_EFORMAT, "offset"),
	JSON("\xef\xbb\xbf{}", PEEL_EFORMAT, "byte order mark"),
	JSON("[\"\\u0000\"]", PEEL_EFORMAT, "JSON_ALLOW_NUL"),
	JSON("[\"\xff\"]", PEEL_EFORMAT, "byte 0xff"),
	JSON("[\"\033\"]", PEEL_EFORMAT, "control character"),
	JSON("{}\0", PEEL_EFORMAT, "NUL byte"),
	JSON("123\0", PEEL_EFORMAT, "NUL byte"),
	JSON("{\"a\":1,\"a\":2}", PEEL_EAMBIGUOUS, "twice"),
	JSON("{\"a\":1,\"\\u0061\":2}", PEEL_EAMBIGUOUS, "twice"),
	JSON("{\"Layers\":1,\"LAYERS\":2}", PEEL_EAMBIGUOUS, "\"layers\" twice"),
	JSON("[{\"x\":{\"ab\":1,\"aB\":2}}]", PEEL_EAMBIGUOUS, "twice"),
	JSON("{\"layers\":1,\"layer\xc5\xbf\":2}", PEEL_EAMBIGUOUS, "twice"),
	JSON("{\"k\":1,\"\xe2\x84\xaa\":2}", PEEL_EAMBIGUOUS, "twice"),
	/* Only the map's own keys are the user's, not those of objects in it. */
	JSON("{\"Labels\":{\"a\":{\"x\":1,\"X\":2}}}", PEEL_EAMBIGUOUS, "twice"),
};

static void documents_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(json_cases); i++) {
		struct peel_error err = {0};
		cleanup_json json_t *json = NULL;

		assert_int_equal(json_parse("doc", json_cases[i].text, json_cases[i].len, &json,
					 &err),
			json_cases[i].code);
		if (json_cases[i].code == 0) {
			assert_non_null(json);
			continue;
		}
		assert_null(json);
		assert_non_null(strstr(err.message, json_cases[i].message));
	}
}

static char *repeat(const char *piece, size_t count, const char *end, size_t *ret_len)
{
	size_t len = strlen(piece);
	char *text = malloc(len * count + strlen(end) + 1);

	for (size_t i = 0; i < count; i++) {
		memcpy(text + i * len, piece, len);
	}
	strcpy(text + len * count, end);
	*ret_len = len * count + strlen(end);
	return text;
}

static int parse_repeated(const char *piece, size_t count, const char *end)
{
	cleanup_json json_t *json = NULL;
	cleanup_free char *text = NULL;
	size_t len;

	text = repeat(piece, count, end, &len);
	return json_parse("doc", text, len, &json, NULL);
}

static void bombs_are_refused_before_parsing(void **state)
{
	cleanup_free char *text = NULL;
	json_t *json = NULL;
	size_t len;

	(void)state;
	assert_int_equal(parse_repeated("[", 100000, ""), PEEL_ELIMIT);
	assert_int_equal(parse_repeated("{\"a\":", 65, "1"), PEEL_ELIMIT);
	assert_int_equal(parse_repeated("[", 64, ""), PEEL_EFORMAT);
	assert_int_equal(parse_repeated("[],", 200000, ""), PEEL_ELIMIT);
	text = repeat(" ", (4u << 20) - 1, "{}", &len);
	assert_int_equal(json_parse("doc", text, len, &json, NULL), PEEL_ELIMIT);
	text[1] = '1';
	assert_int_equal(json_parse("doc", text, (4u << 20), &json, NULL), PEEL_EFORMAT);
	assert_null(json);
}

static void depth_64_is_taken(void **state)
{
	char text[129] = {0};
	cleanup_json json_t *json = NULL;

	(void)state;
	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	assert_int_equal(json_parse("doc", text, 128, &json, NULL), 0);
}

static void members_are_found_in_any_case(void **state)
{
	static const char text[] = "{\"LAYERS\":\"x\",\"n\":3,\"layerS2\":1}";
	cleanup_json json_t *json = NULL;

	(void)state;
	assert_int_equal(json_parse("doc", text, sizeof(text) - 1, &json, NULL), 0);
	assert_string_equal(json_text(json, "Layers"), "x");
	assert_string_equal(json_text(json, "n"), "");
	assert_string_equal(json_text(json, "Config"), "");
	assert_string_equal(json_text(NULL, "Config"), "");
	assert_null(json_member(json, "layer"));
	assert_null(json_member(json_member(json, "n"), "x"));
}

static void every_allocation_may_fail(void **state)
{
	static const char text[] = "{\"a\":[1,\"b\",{\"c\":null}],\"d\":{}}";

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (unsigned int n = 1;; n++) {
		long before = fault_alloc_live();
		struct peel_error err = {0};
		json_t *json = NULL;
		int r;

		fault_alloc(n);
		r = json_parse("doc", text, sizeof(text) - 1, &json, &err);
		if (!fault_alloc_hit()) {
			assert_int_equal(r, 0);
			json_decref(json);
			break;
		}
		/* jansson does not always say that it was memory. */
		assert_true(r == PEEL_ENOMEM || r == PEEL_EFORMAT);
		assert_null(json);
		assert_int_equal(fault_alloc_live(), before);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bombs_are_refused_before_parsing),
		cmocka_unit_test(depth_64_is_taken),
		cmocka_unit_test(documents_are_judged),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(members_are_found_in_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
