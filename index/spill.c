/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zstandard's fastest level takes a few milliseconds for the megabytes that a large image spills, and leaves a
 * third of them: what a first mount may write is bounded (DESIGN section 7), and the index is most of it.
 */
#include "spill.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include <peel/error.h>

#include "limit.h"
#include "tempfile.h"
#include "util_lock.h"

/** What the file is, in messages. */
#define SPILL_FILE "a temporary file"
#define SPILL_LEVEL 1

struct spill {
	int folder;
	struct limit_watch *limits;
	/** Guards all below. */
	pthread_mutex_t lock;
	/** -1: not made yet; and its end. */
	int fd;
	uint64_t end;
	ZSTD_CCtx *packer;
	ZSTD_DCtx *unpacker;
	uint8_t packed[ZSTD_COMPRESSBOUND(SPILL_PIECE_MAX)];
};

int spill_new(int folder, struct spill **ret_spill, struct peel_error *err)
{
	struct spill *spill = malloc(sizeof(*spill));

	if (!spill) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	spill->folder = folder;
	spill->limits = NULL;
	spill->fd = -1;
	spill->end = 0;
	spill->packer = NULL;
	spill->unpacker = NULL;
	pthread_mutex_init(&spill->lock, NULL);
	*ret_spill = spill;
	return 0;
}

void spill_set_limits(struct spill *spill, struct limit_watch *limits)
{
	spill->limits = limits;
}

void spill_free(struct spill *spill)
{
	if (!spill) {
		return;
	}
	ZSTD_freeCCtx(spill->packer);
	ZSTD_freeDCtx(spill->unpacker);
	if (spill->fd >= 0) {
		close(spill->fd);
	}
	pthread_mutex_destroy(&spill->lock);
	free(spill);
}

static int make_file(struct spill *spill, struct peel_error *err)
{
	int fd = spill->fd >= 0 ? spill->fd : tempfile_new(spill->folder, SPILL_FILE, err);

	spill->fd = fd >= 0 ? fd : -1;
	return fd >= 0 ? 0 : fd;
}

int spill_put(struct spill *spill, const void *bytes, size_t len, struct spill_place *ret_place,
	struct peel_error *err)
{
	scoped_lock(&spill->lock);
	size_t packed;
	int code = make_file(spill, err);

	if (code == 0 && !spill->packer && !(spill->packer = ZSTD_createCCtx())) {
		code = peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (code < 0) {
		return code;
	}
	packed = ZSTD_compressCCtx(spill->packer, spill->packed, sizeof(spill->packed), bytes, len,
		SPILL_LEVEL);
	if (ZSTD_isError(packed) || packed >= len) {
		packed = len;
	}
	code = limits_check(spill->limits, PEEL_LIMIT_INDEX_SIZE, spill->end + packed, err);
	if (code < 0) {
		return code;
	}
	code = tempfile_write(spill->fd, SPILL_FILE, packed == len ? bytes : spill->packed, packed,
		spill->end, err);
	*ret_place = (struct spill_place){spill->end, (uint32_t)packed};
	spill->end += code == 0 ? packed : 0;
	return code;
}

int spill_get(struct spill *spill, const struct spill_place *place, void *buf, size_t len,
	struct peel_error *err)
{
	scoped_lock(&spill->lock);
	int code;

	if (place->packed == len) {
		return tempfile_read(spill->fd, SPILL_FILE, buf, len, place->offset, err);
	}
	if (!spill->unpacker && !(spill->unpacker = ZSTD_createDCtx())) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	code = tempfile_read(spill->fd, SPILL_FILE, spill->packed, place->packed, place->offset,
		err);
	if (code == 0 &&
		ZSTD_decompressDCtx(spill->unpacker, buf, len, spill->packed, place->packed) !=
			len) {
		code = peel_fail(err, PEEL_EIO, SPILL_FILE " is damaged");
	}
	return code;
}
