/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing a file's bytes. */
#include "query_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "util.h"

/* Bytes read at once. */
#define CHUNK ((size_t)1 << 20)
/*
 * Largest file that is hashed, 1 TiB: a hole costs an image nothing, and would be hashed for years.
 */
#define HASHED_MAX (UINT64_C(1) << 40)

int query_sha256(struct peel_index *index, uint64_t ino, uint64_t size,
	char ret_hex[PEEL_SHA256_SIZE], struct peel_error *err)
{
	cleanup_digest struct digest *digest = NULL;
	cleanup_free char *buf = NULL;
	char text[DIGEST_TEXT_SIZE];
	uint64_t offset = 0;
	ssize_t got;
	int r;

	if (size > HASHED_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "a file of over 1 TiB is not hashed");
	}
	/* One byte at least, so that reading what is no file fails. */
	buf = malloc(min_u64(size, CHUNK) + 1);
	if (!buf) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = digest_new(NULL, &digest, err);
	if (r < 0) {
		return r;
	}
	while ((got = peel_read(index, ino, offset, buf, min_u64(size, CHUNK) + 1, err)) > 0) {
		digest_update(digest, buf, (size_t)got);
		offset += (uint64_t)got;
	}
	if (got < 0) {
		peel_wrap(err, "byte %" PRIu64, offset);
		return (int)got;
	}
	digest_text(digest, text);
	memcpy(ret_hex, strchr(text, ':') + 1, PEEL_SHA256_SIZE);
	return 0;
}

int peel_sha256(struct peel_index *index, uint64_t ino, char ret_hex[PEEL_SHA256_SIZE],
	struct peel_error *err)
{
	struct peel_node node;
	int r = peel_node_get(index, ino, &node, err);

	return r < 0 ? r : query_sha256(index, ino, node.size, ret_hex, err);
}
