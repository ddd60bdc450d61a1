/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A window over a file that somebody else may have made: what lies outside of the file is not there, reads are few and
 * bounded, and numbers are taken in the file's byte order.
 */
#ifndef FACTS_WINDOW_H
#define FACTS_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct facts_file;
struct peel_error;

/** Bytes that looking into one file reads at most, all windows together: tables that point everywhere make it end. */
#define FACTS_LOOK_BYTES_MAX (UINT64_C(512) << 20)

/** {0} with file, room and spent set is a window; its buffer comes with the first read. */
struct facts_window {
	const struct facts_file *file;
	/** Most bytes that are held. */
	size_t room;
	/** Bytes read so far by all windows that share it; more than FACTS_LOOK_BYTES_MAX once that has refused a read.
	 *  */
	uint64_t *spent;
	/** What is held, and where in the file. */
	uint8_t *bytes;
	uint64_t offset;
	size_t len;
};

/** Free what it holds; the window itself is the caller's. */
void facts_window_finish(struct facts_window *window);

/**
 * Some bytes of the file.
 * @param len at most room. @param ret_bytes receives them; valid until the next call.
 * @return 1; 0 where not all are in the file, or FACTS_LOOK_BYTES_MAX is reached; PEEL_ENOMEM, as file->read.
 */
int facts_window_at(struct facts_window *window, uint64_t offset, size_t len,
	const uint8_t **ret_bytes, struct peel_error *err);

/**
 * Copy a string that ends with NUL or some other byte.
 * @param left most bytes of it in the file. @param end the other byte that ends it; 0 for none.
 * @param ret_text receives it with a NUL, cut to size - 1 bytes. @param ret_whole false where it was cut, or has no
 * end. @return its length as copied, 0 where nothing of it is in the file; PEEL_ENOMEM, as file->read.
 */
int facts_window_string(struct facts_window *window, uint64_t offset, uint64_t left, char end,
	char *ret_text, size_t size, bool *ret_whole, struct peel_error *err);

/** Numbers of 2, 4 and 8 bytes. */
static inline uint16_t facts_get16(const uint8_t *at, bool big)
{
	return (uint16_t)(big ? at[0] << 8 | at[1] : at[1] << 8 | at[0]);
}

static inline uint32_t facts_get32(const uint8_t *at, bool big)
{
	const uint32_t low = facts_get16(at + (big ? 2 : 0), big);

	return (uint32_t)facts_get16(at + (big ? 0 : 2), big) << 16 | low;
}

static inline uint64_t facts_get64(const uint8_t *at, bool big)
{
	const uint64_t low = facts_get32(at + (big ? 4 : 0), big);

	return (uint64_t)facts_get32(at + (big ? 0 : 4), big) << 32 | low;
}

#endif
