/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Digests: streaming SHA-256 and SHA-512, and the grammar "algorithm:hex" (OCI image-spec,
 * descriptor.md).
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stdbool.h>
#include <stddef.h>

struct peel_error;
struct digest;

/** Room for "sha512:" + 128 hex digits + NUL. */
#define DIGEST_TEXT_SIZE 136

/**
 * True for a well-formed sha256 or sha512 digest: lower-case hex of the right length and nothing
 * else.
 */
bool digest_valid(const char *text);

/**
 * Start a digest of the same algorithm as text ("sha256:…", "sha512:…"); "" or NULL means sha256.
 * @param ret_digest free with digest_free.
 * @return 0; PEEL_EUNSUPPORTED (algorithm); PEEL_ENOMEM.
 */
int digest_new(const char *text, struct digest **ret_digest, struct peel_error *err);

/** Add bytes. Cannot fail after digest_new. */
void digest_update(struct digest *digest, const void *bytes, size_t len);

/**
 * Finish, and write "algorithm:hex" to text (DIGEST_TEXT_SIZE bytes). The digest takes no further
 * bytes.
 */
void digest_text(struct digest *digest, char *text);

/** Free; NULL is fine. */
void digest_free(struct digest *digest);

/** Digest of a buffer in one go, as digest_text writes it. @return 0, or as digest_new. */
int digest_buffer(const char *like, const void *bytes, size_t len, char *text,
	struct peel_error *err);

static inline void cleanup_digest_(struct digest **digest)
{
	digest_free(*digest);
}

#define cleanup_digest cleanup(cleanup_digest_)

#endif
