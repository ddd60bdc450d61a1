/* SPDX-License-Identifier: Apache-2.0 */
#include <peel/text.h>

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

/* Bytes, as people see them, as JSON, and whether they are valid UTF-8. */
static const struct {
	const char *bytes;
	size_t len;
	const char *escaped;
	const char *json;
	int valid;
} text_cases[] = {
#define TEXT(bytes, escaped, json, valid) \
	{ \
		bytes, sizeof(bytes) - 1, escaped, json, valid \
	}
	TEXT("", "", "\"\"", 1),
	TEXT("usr/bin", "usr/bin", "\"usr/bin\"", 1),
	TEXT("a\\b", "a\\\\b", "\"a\\\\b\"", 1),
	TEXT("\"", "\"", "\"\\\"\"", 1),
	TEXT("a\nb", "a\\x0ab", "\"a\\u000ab\"", 1),
	TEXT("\033[2J", "\\x1b[2J", "\"\\u001b[2J\"", 1),
	TEXT("a\0b", "a\\x00b", "\"a\\u0000b\"", 1),
	TEXT("\177", "\\x7f", "\"\\u007f\"", 1),
	TEXT("\xc3\xa4", "\xc3\xa4", "\"\xc3\xa4\"", 1),
	TEXT("\xc2\x85", "\\xc2\\x85", "\"\\u0085\"", 1),
	TEXT("\xe2\x80\xae", "\\xe2\\x80\\xae", "\"\\u202e\"", 1),
	TEXT("\xe2\x81\xa6", "\\xe2\\x81\\xa6", "\"\\u2066\"", 1),
	TEXT("\xd8\x9c", "\\xd8\\x9c", "\"\\u061c\"", 1),
	TEXT("\xe2\x80\xa8", "\\xe2\\x80\\xa8", "\"\\u2028\"", 1),
	TEXT("\xe2\x80\x8b", "\\xe2\\x80\\x8b", "\"\\u200b\"", 1),
	TEXT("\xc2\xad", "\\xc2\\xad", "\"\\u00ad\"", 1),
	TEXT("\xef\xbb\xbf", "\\xef\\xbb\\xbf", "\"\\ufeff\"", 1),
	TEXT("\xef\xbf\xbe", "\\xef\\xbf\\xbe", "\"\\ufffe\"", 1),
	TEXT("\xf3\xa0\x81\xa1", "\\xf3\\xa0\\x81\\xa1", "\"\\udb40\\udc61\"", 1),
	TEXT("a#b# #", "a#b# #", "\"a#b# #\"", 1),
	TEXT("a##[error]", "a#\\x23[error]", "\"a#\\u0023[error]\"", 1),
	TEXT("###", "#\\x23\\x23", "\"#\\u0023\\u0023\"", 1),
	TEXT("::error::x", "\\x3a:error::x", "\"\\u003a:error::x\"", 1),
	TEXT("  ::debug::", "  \\x3a:debug::", "\"  \\u003a:debug::\"", 1),
	TEXT("\xc2\xa0::x", "\xc2\xa0\\x3a:x", "\"\xc2\xa0\\u003a:x\"", 1),
	TEXT("A::B:", "A::B:", "\"A::B:\"", 1),
	TEXT(":a", ":a", "\":a\"", 1),
	TEXT("\xf0\x9f\x8d\x8c", "\xf0\x9f\x8d\x8c", "\"\xf0\x9f\x8d\x8c\"", 1),
	TEXT("\xff", "\\xff", "\"\xef\xbf\xbd\"", 0),
	TEXT("a\xe4z", "a\\xe4z", "\"a\xef\xbf\xbdz\"", 0),
	TEXT("\xc0\x80", "\\xc0\\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"", 0),
	TEXT("\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", 0),
	TEXT("\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", 0),
	TEXT("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",
		"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", 0),
	TEXT("\xe2\x82", "\\xe2\\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"", 0),
	TEXT("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80",
		"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", 0),
};

static void every_form_escapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(text_cases); i++) {
		cleanup_free char *escaped = NULL;
		cleanup_free char *printed = NULL;
		cleanup_free char *json = NULL;
		char buf[64];
		size_t len;
		FILE *out;

		assert_int_equal(peel_text_escape(text_cases[i].bytes, text_cases[i].len, &escaped),
			0);
		assert_string_equal(escaped, text_cases[i].escaped);
		assert_string_equal(peel_text_escape_into(buf, sizeof(buf), text_cases[i].bytes,
					    text_cases[i].len),
			text_cases[i].escaped);
		out = open_memstream(&printed, &len);
		peel_text_print(out, text_cases[i].bytes, text_cases[i].len);
		fclose(out);
		assert_string_equal(printed, text_cases[i].escaped);
		out = open_memstream(&json, &len);
		assert_int_equal(peel_text_print_json(out, text_cases[i].bytes, text_cases[i].len),
			text_cases[i].valid);
		fclose(out);
		assert_string_equal(json, text_cases[i].json);
	}
}

/*
 * Every size: NUL-terminated, never longer, cut only between units, and "..." exactly where it was
 * cut.
 */
static void small_buffers_are_cut_between_units(void **state)
{
	static const char bytes[] = "ab\n\xe2\x82\xac\xe2\x80\xae"
				    "cd";
	cleanup_free char *whole = NULL;

	(void)state;
	assert_int_equal(peel_text_escape(bytes, sizeof(bytes) - 1, &whole), 0);
	for (size_t size = 8; size < 40; size++) {
		char buf[48];
		size_t len;

		memset(buf, '!', sizeof(buf));
		peel_text_escape_into(buf, size, bytes, sizeof(bytes) - 1);
		assert_int_equal(buf[size], '!');
		len = strlen(buf);
		assert_true(len < size);
		if (size > strlen(whole)) {
			assert_string_equal(buf, whole);
			continue;
		}
		assert_string_equal(buf + len - 3, "...");
		assert_memory_equal(buf, whole, len - 3);
		assert_true(len == 3 || (buf[len - 4] != '\\' && buf[len - 4] != 'x'));
	}
}

static void escaping_fails_without_memory(void **state)
{
	char *escaped = NULL;

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	fault_alloc(1);
	assert_int_equal(peel_text_escape("a", 1, &escaped), PEEL_ENOMEM);
	assert_true(fault_alloc_hit());
	assert_null(escaped);
}

/* Each allocation on the way of a stream that is looked at between. */
static void streams_tell_that_memory_ran_out(void **state)
{
	char *text = NULL;
	size_t len = 0;
	size_t refused = 0;
	FILE *out = peel_text_stream(&text, &len);

	(void)state;
	assert_non_null(out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "");
	free(text);
	if (!fault_alloc_works()) {
		skip();
	}
	for (unsigned int n = 1;; n++) {
		bool fine;

		fault_alloc(n);
		out = peel_text_stream(&text, &len);
		for (int i = 0; out && i < 1000; i++) {
			fprintf(out, "%03d %s\n", i, "words enough for several pages of text");
			if (i == 500) {
				fflush(out);
			}
		}
		fine = out && fclose(out) == 0;
		if (!fault_alloc_hit()) {
			assert_true(fine);
			assert_int_equal(len, strlen(text));
			assert_int_equal(len,
				1000 * strlen("000 words enough for several pages of text\n"));
			free(text);
			break;
		}
		/* Without a buffer of its own the stream serves all the same. */
		assert_true(fine == (text != NULL));
		refused += !fine;
		free(text);
	}
	assert_true(refused >= 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(escaping_fails_without_memory),
		cmocka_unit_test(every_form_escapes),
		cmocka_unit_test(small_buffers_are_cut_between_units),
		cmocka_unit_test(streams_tell_that_memory_ran_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
