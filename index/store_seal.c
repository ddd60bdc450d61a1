/* SPDX-License-Identifier: Apache-2.0 */
#include "store_seal.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store_place.h"
#include "tempfile.h"
#include "util.h"

/** Bytes hashed at a time. */
#define SEAL_PIECE (256u << 10)
#define SEAL_MAGIC "peelseal"
#define SEAL_SIZE (8 + sizeof(XXH128_canonical_t))

/** The end of a sealed file. */
struct seal {
	char magic[8];
	XXH128_canonical_t hash;
};

_Static_assert(sizeof(struct seal) == SEAL_SIZE, "a seal has no padding");

/** Hash the first len bytes of a file. */
static int hash_file(int fd, uint64_t len, XXH128_canonical_t *ret_hash, struct peel_error *err)
{
	cleanup_free char *piece = malloc(SEAL_PIECE);
	XXH3_state_t *state = XXH3_createState();
	int code = piece && state ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");

	if (code == 0) {
		XXH3_128bits_reset(state);
	}
	for (uint64_t at = 0; code == 0 && at < len;) {
		ssize_t got = tempfile_get(fd, piece, (size_t)min_u64(len - at, SEAL_PIECE), at);

		if (got <= 0) {
			code = peel_fail(err, PEEL_EIO, "cannot read the index: %s",
				got < 0 ? strerror(errno) : "it ends too early");
		} else {
			XXH3_128bits_update(state, piece, (size_t)got);
			at += (uint64_t)got;
		}
	}
	if (code == 0) {
		XXH128_canonicalFromHash(ret_hash, XXH3_128bits_digest(state));
	}
	XXH3_freeState(state);
	return code;
}

int store_seal(int fd, int folder, struct peel_error *err)
{
	struct seal seal = {0};
	struct stat st;
	int place = 0;
	int code = fstat(fd, &st) < 0 ? peel_fail(err, PEEL_EIO, "%s", strerror(errno)) : 0;

	memcpy(seal.magic, SEAL_MAGIC, sizeof(seal.magic));
	if (code == 0) {
		code = hash_file(fd, (uint64_t)st.st_size, &seal.hash, err);
	}
	if (code == 0 &&
		!store_place_write(fd, folder, &place, &seal, sizeof(seal), (uint64_t)st.st_size)) {
		code = peel_fail(err, PEEL_EIO, "cannot write the index: %s", strerror(errno));
	}
	return code;
}

int store_check_seal(int fd, struct peel_error *err)
{
	XXH128_canonical_t hash;
	struct seal seal;
	struct stat st;
	ssize_t got;
	int code;

	if (fstat(fd, &st) < 0) {
		return peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	}
	if (st.st_size < (off_t)sizeof(seal)) {
		return peel_fail(err, PEEL_EFORMAT, "the index has no seal");
	}
	got = tempfile_get(fd, &seal, sizeof(seal), (uint64_t)st.st_size - sizeof(seal));
	if (got < 0) {
		return peel_fail(err, PEEL_EIO, "cannot read the index: %s", strerror(errno));
	}
	if (got != (ssize_t)sizeof(seal) ||
		memcmp(seal.magic, SEAL_MAGIC, sizeof(seal.magic)) != 0) {
		return peel_fail(err, PEEL_EFORMAT, "the index has no seal");
	}
	code = hash_file(fd, (uint64_t)st.st_size - sizeof(seal), &hash, err);
	if (code == 0 && memcmp(&hash, &seal.hash, sizeof(hash)) != 0) {
		code = peel_fail(err, PEEL_EFORMAT, "the index is not what was sealed");
	}
	return code;
}
