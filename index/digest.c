/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include <peel/error.h>
#include <peel/text.h>

#include "util.h"

struct algorithm {
	/** Name with its colon. */
	const char *prefix;
	/** Bytes of the digest. */
	size_t size;
	const EVP_MD *(*md)(void);
};

struct digest {
	const struct algorithm *algorithm;
	EVP_MD_CTX *context;
};

static const struct algorithm algorithms[] = {
	{"sha256:", 32, EVP_sha256},
	{"sha512:", 64, EVP_sha512},
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
	cleanup_digest struct digest *digest = NULL;
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
	digest->context = EVP_MD_CTX_new();
	if (!digest->context || EVP_DigestInit_ex(digest->context, algorithm->md(), NULL) != 1) {
		/* The error queue is the thread's, and so the caller's too. */
		ERR_clear_error();
		return peel_fail(err, PEEL_ENOMEM, "cannot start a digest: out of memory");
	}
	*ret_digest = steal_pointer(&digest);
	return 0;
}

void digest_update(struct digest *digest, const void *bytes, size_t len)
{
	EVP_DigestUpdate(digest->context, bytes, len);
}

void digest_text(struct digest *digest, char *text)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char value[EVP_MAX_MD_SIZE] = {0};
	char *out = stpcpy(text, digest->algorithm->prefix);

	EVP_DigestFinal_ex(digest->context, value, NULL);
	for (size_t i = 0; i < digest->algorithm->size; i++) {
		*out++ = hex[value[i] >> 4];
		*out++ = hex[value[i] & 15];
	}
	*out = '\0';
}

void digest_free(struct digest *digest)
{
	if (!digest) {
		return;
	}
	EVP_MD_CTX_free(digest->context);
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
