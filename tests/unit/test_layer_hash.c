/* SPDX-License-Identifier: Apache-2.0 */
/* A digest made by another thread is the digest; nothing of it is left when it is given up. */
#include "layer_hash.h"

#include <stdlib.h>
#include <string.h>

#include "compress.h"
#include "digest.h"
#include "fault.h"
#include "peel_test.h"
#include "util.h"

#define TOTAL (5 * HASH_BLOCK + 17)

static uint8_t *make_bytes(void)
{
	uint8_t *bytes = malloc(TOTAL);

	for (size_t i = 0; i < TOTAL; i++) {
		bytes[i] = (uint8_t)(i * 31 + i / 1000);
	}
	return bytes;
}

static void digests_are_those_of_one_thread(void **state)
{
	static const size_t totals[] = {
		0, 1, HASH_BLOCK - 1, HASH_BLOCK, HASH_BLOCK + 1, HASH_BLOCKS * HASH_BLOCK, TOTAL};
	static const char *const likes[] = {"",
		"sha512:"
		"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
		"47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"};
	cleanup_free uint8_t *bytes = make_bytes();

	(void)state;
	for (size_t i = 0; i < countof(totals) * countof(likes) * 2; i++) {
		const char *like = likes[i / 2 % countof(likes)];
		size_t total = totals[i / 2 / countof(likes)];
		struct layer_hash *hash = NULL;
		struct peel_error err = {0};
		char expected[DIGEST_TEXT_SIZE];
		char text[DIGEST_TEXT_SIZE];
		uint32_t random = (uint32_t)i + 1;

		assert_good(digest_buffer(like, bytes, total, expected, &err), &err);
		assert_good(layer_hash_new(like, i % 2, &hash, &err), &err);
		for (size_t at = 0; at < total;) {
			size_t n = min_u64(total - at, test_random(&random, 2 * HASH_BLOCK));

			layer_hash_update(hash, bytes + at, n);
			at += n;
		}
		layer_hash_text(hash, text);
		assert_string_equal(text, expected);
		layer_hash_free(hash);
	}
}

static void it_may_be_given_up(void **state)
{
	cleanup_free uint8_t *bytes = make_bytes();
	struct layer_hash *hash = NULL;
	struct peel_error err = {0};

	(void)state;
	assert_good(layer_hash_new("", true, &hash, &err), &err);
	layer_hash_update(hash, bytes, TOTAL);
	layer_hash_free(hash);
	layer_hash_free(NULL);
}

static void what_cannot_be_is_told(void **state)
{
	struct layer_hash *hash = NULL;
	struct peel_error err = {0};

	(void)state;
	assert_failure(layer_hash_new("md5:00", true, &hash, &err), PEEL_EUNSUPPORTED, &err, "");
	if (!fault_alloc_works()) {
		skip();
	}
	fault_alloc(1);
	assert_failure(layer_hash_new("", true, &hash, &err), PEEL_ENOMEM, &err, "memory");
	fault_alloc(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_one_thread),
		cmocka_unit_test(it_may_be_given_up),
		cmocka_unit_test(what_cannot_be_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
