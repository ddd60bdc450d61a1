/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <peel/error.h>

#include "fault.h"
#include "util.h"

#define HEX64 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA256_ABC "sha256:" HEX64
#define SHA512_ABC \
	"sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" \
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static void grammar_is_exact(void **state)
{
	static const char *const bad[] = {
		"",
		"sha256:",
		"sha256",
		HEX64,
		"sha256:" HEX64 "0",
		"sha256:../../../../../../../../../../../../../../../../../../../../../x",
		"sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
		"sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha512:" HEX64,
		"blake3:" HEX64,
		"SHA256:" HEX64,
		"sha256:" HEX64 "\n",
	};

	(void)state;
	assert_true(digest_valid(SHA256_ABC));
	assert_true(digest_valid(SHA512_ABC));
	assert_false(digest_valid(NULL));
	for (size_t i = 0; i < countof(bad); i++) {
		assert_false(digest_valid(bad[i]));
	}
}

static void known_answers(void **state)
{
	char text[DIGEST_TEXT_SIZE];

	(void)state;
	assert_int_equal(digest_buffer("", "abc", 3, text, NULL), 0);
	assert_string_equal(text, SHA256_ABC);
	assert_int_equal(digest_buffer(NULL, "abc", 3, text, NULL), 0);
	assert_string_equal(text, SHA256_ABC);
	assert_int_equal(digest_buffer("sha512:x", "abc", 3, text, NULL), 0);
	assert_string_equal(text, SHA512_ABC);
	assert_int_equal(digest_buffer("sha256:", "", 0, text, NULL), 0);
	assert_string_equal(text,
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void pieces_make_the_whole(void **state)
{
	cleanup_digest struct digest *digest = NULL;
	char text[DIGEST_TEXT_SIZE];

	(void)state;
	assert_int_equal(digest_new("sha256:", &digest, NULL), 0);
	digest_update(digest, "a", 1);
	digest_update(digest, "", 0);
	digest_update(digest, "bc", 2);
	digest_text(digest, text);
	assert_string_equal(text, SHA256_ABC);
}

static void unknown_algorithm_is_unsupported(void **state)
{
	struct digest *digest = NULL;
	struct peel_error err = {0};

	(void)state;
	assert_int_equal(digest_new("blake3:\033", &digest, &err), PEEL_EUNSUPPORTED);
	assert_null(digest);
	assert_non_null(strstr(err.message, "blake3:\\x1b"));
	digest_free(NULL);
}

static void no_memory_is_reported(void **state)
{
	struct digest *digest = NULL;

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	fault_alloc(1);
	assert_int_equal(digest_new("", &digest, NULL), PEEL_ENOMEM);
	assert_true(fault_alloc_hit());
	assert_null(digest);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar_is_exact),
		cmocka_unit_test(known_answers),
		cmocka_unit_test(no_memory_is_reported),
		cmocka_unit_test(pieces_make_the_whole),
		cmocka_unit_test(unknown_algorithm_is_unsupported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
