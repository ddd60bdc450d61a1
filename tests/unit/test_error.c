/* SPDX-License-Identifier: Apache-2.0 */
#include <peel/error.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void fail_sets_code_and_message(void **state)
{
	struct peel_error err = {0};

	(void)state;
	assert_int_equal(peel_fail(&err, PEEL_EFORMAT, "layer %d", 3), PEEL_EFORMAT);
	assert_int_equal(err.code, PEEL_EFORMAT);
	assert_string_equal(err.message, "layer 3");
}

static void fail_takes_no_error(void **state)
{
	(void)state;
	assert_int_equal(peel_fail(NULL, PEEL_EIO, "%s", "x"), PEEL_EIO);
	assert_int_equal(peel_wrap(NULL, "%s", "x"), PEEL_EINTERNAL);
}

static void fail_may_quote_itself_and_keeps_errno(void **state)
{
	struct peel_error err = {0};

	(void)state;
	peel_fail(&err, PEEL_EIO, "disk");
	errno = EAGAIN;
	assert_int_equal(peel_fail(&err, PEEL_ELIMIT, "full %s", err.message), PEEL_ELIMIT);
	assert_int_equal(errno, EAGAIN);
	assert_string_equal(err.message, "full disk");
}

static void wrap_puts_context_first(void **state)
{
	struct peel_error err = {0};

	(void)state;
	peel_fail(&err, PEEL_EDIGEST, "mismatch");
	assert_int_equal(peel_wrap(&err, "layer %d", 2), PEEL_EDIGEST);
	assert_int_equal(peel_wrap(&err, "a.tar"), PEEL_EDIGEST);
	assert_string_equal(err.message, "a.tar: layer 2: mismatch");
}

static void wrap_of_nothing_is_internal(void **state)
{
	struct peel_error err = {0};

	(void)state;
	assert_int_equal(peel_wrap(&err, "x"), PEEL_EINTERNAL);
	assert_string_equal(err.message, "");
	err.code = PEEL_ENOMEM;
	assert_int_equal(peel_wrap(&err, "x"), PEEL_ENOMEM);
	assert_string_equal(err.message, "x: out of memory");
}

/* A message that is too long is cut between characters, whatever its length is. */
static void long_messages_are_cut_at_a_character(void **state)
{
	char text[2 * PEEL_MESSAGE_SIZE];

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		struct peel_error err = {0};
		size_t len;

		memset(text, 'x', sizeof(text));
		for (size_t i = shift; i + 3 < sizeof(text); i += 3) {
			memcpy(text + i, "\xe2\x82\xac", 3);
		}
		text[sizeof(text) - 1] = '\0';
		peel_fail(&err, PEEL_EIO, "%s", text);
		peel_wrap(&err, "ä%zu", shift);
		len = strlen(err.message);
		assert_true(len >= PEEL_MESSAGE_SIZE - 4 && len < PEEL_MESSAGE_SIZE);
		assert_int_not_equal((unsigned char)err.message[len - 1], 0xe2);
		assert_int_not_equal((unsigned char)err.message[len - 1], 0x82);
	}
}

static void every_code_has_its_phrase(void **state)
{
	(void)state;
	for (int code = PEEL_OK; code >= PEEL_EINCOMPLETE; code--) {
		for (int other = PEEL_OK; other > code; other--) {
			assert_string_not_equal(peel_strerror(code), peel_strerror(other));
		}
		assert_string_not_equal(peel_strerror(code), "unknown error");
	}
	assert_string_equal(peel_strerror(PEEL_EINCOMPLETE - 1), "unknown error");
	assert_string_equal(peel_strerror(-2147483647 - 1), "unknown error");
	assert_string_equal(peel_strerror(5), "no error");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_its_phrase),
		cmocka_unit_test(fail_may_quote_itself_and_keeps_errno),
		cmocka_unit_test(fail_sets_code_and_message),
		cmocka_unit_test(fail_takes_no_error),
		cmocka_unit_test(long_messages_are_cut_at_a_character),
		cmocka_unit_test(wrap_of_nothing_is_internal),
		cmocka_unit_test(wrap_puts_context_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
