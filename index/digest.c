/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain functions of libcrypto, not EVP: those read openssl.cnf and set up providers at their
 * first use, which takes longer than opening an index. The code that hashes is the same.
 */
#include "digest.h"

#include <string.h>

/* The plain functions are kept, but marked as those of OpenSSL 1.1. */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/sha.h>

#include <peel/error.h>
#include <peel/text.h>

#include "util.h"

struct algorithm {
	/** Name with its colon. */
	const char *prefix;
	/** Bytes of the digest. */
	size_t size;
	void (*start)(struct digest *digest);
	void (*add)(struct digest *digest, const void *bytes, size_t len);
	void (*finish)(struct digest *digest, unsigned char *value);
};

struct digest {
	const struct algorithm *algorithm;
	union {
		SHA256_CTX sha256;
		SHA512_CTX sha512;
	} state;
};

static void sha256_start(struct digest *digest)
{
	SHA256_Init(&digest->state.sha256);
}

static void sha256_add(struct digest *digest, const void *bytes, size_t len)
{
	SHA256_Update(&digest->state.sha256, bytes, len);
}

static void sha256_finish(struct digest *digest, unsigned char *value)
{
	SHA256_Final(value, &digest->state.sha256);
}

static void sha512_start(struct digest *digest)
{
	SHA512_Init(&digest->state.sha512);
}

static void sha512_add(struct digest *digest, const void *bytes, size_t len)
{
	SHA512_Update(&digest->state.sha512, bytes, len);
}

static void sha512_finish(struct digest *digest, unsigned char *value)
{
	SHA512_Final(value, &digest->state.sha512);
}

static const struct algorithm algorithms[] = {
	{"sha256:", SHA256_DIGEST_LENGTH, sha256_start, sha256_add, sha256_finish},
	{"sha512:", SHA512_DIGEST_LENGTH, sha512_start, sha512_add, sha512_finish},
};

static const struct algorithm *find_algorithm(const char *text)
{
	if (!text || !text[0]) {
		return &algorithms[0];
	}
	for (size_t i = 0; i < countof(algorithms); i++) {
		if (strncmp(text, algorithms[i].prefix, strlen(algorithms[i].prefix)) == 0) {
			return &algorithms[i];
		}
	}
	return NULL;
}

bool digest_valid(const char *text)
{
	const struct algorithm *algorithm;
	const char *hex;

	if (!text || !text[0]) {
		return false;
	}
	algorithm = find_algorithm(text);
	if (!algorithm) {
		return false;
	}
	hex = text + strlen(algorithm->prefix);
	return strspn(hex, "0123456789abcdef") == 2 * algorithm->size &&
		hex[2 * algorithm->size] == '\0';
}

int digest_new(const char *text, struct digest **ret_digest, struct peel_error *err)
{
	const struct algorithm *algorithm = find_algorithm(text);
	struct digest *digest;
	char shown[48];

	if (!algorithm) {
		return peel_fail(err, PEEL_EUNSUPPORTED, "digest algorithm of \"%s\" is not known",
			peel_text_escape_into(shown, sizeof(shown), text, strlen(text)));
	}
	digest = calloc(1, sizeof(*digest));
	if (!digest) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	digest->algorithm = algorithm;
	algorithm->start(digest);
	*ret_digest = digest;
	return 0;
}

void digest_update(struct digest *digest, const void *bytes, size_t len)
{
	digest->algorithm->add(digest, bytes, len);
}

void digest_text(struct digest *digest, char *text)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char value[SHA512_DIGEST_LENGTH] = {0};
	char *out = stpcpy(text, digest->algorithm->prefix);

	digest->algorithm->finish(digest, value);
	for (size_t i = 0; i < digest->algorithm->size; i++) {
		*out++ = hex[value[i] >> 4];
		*out++ = hex[value[i] & 15];
	}
	*out = '\0';
}

void digest_free(struct digest *digest)
{
	free(digest);
}

int digest_buffer(const char *like, const void *bytes, size_t len, char *text,
	struct peel_error *err)
{
	cleanup_digest struct digest *digest = NULL;
	int r = digest_new(like, &digest, err);

	if (r < 0) {
		return r;
	}
	digest_update(digest, bytes, len);
	digest_text(digest, text);
	return 0;
}
