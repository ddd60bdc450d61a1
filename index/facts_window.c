/* SPDX-License-Identifier: Apache-2.0 */
#include "facts_window.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "facts_look.h"
#include "util.h"

void facts_window_finish(struct facts_window *window)
{
	free(window->bytes);
	window->bytes = NULL;
	window->len = 0;
}

/* Hold what begins at an offset, as much as there is room and file for. */
static int fill(struct facts_window *window, uint64_t offset, struct peel_error *err)
{
	const size_t len = min_u64(window->room, window->file->size - offset);
	int result;

	if (!window->bytes) {
		window->bytes = malloc(window->room);
		if (!window->bytes) {
			return peel_fail(err, PEEL_ENOMEM, "out of memory");
		}
	}
	window->len = 0;
	if (*window->spent > FACTS_LOOK_BYTES_MAX - len) {
		*window->spent = FACTS_LOOK_BYTES_MAX + 1;
		return 0;
	}
	*window->spent += len;
	result = window->file->read(window->file->arg, offset, window->bytes, len, err);
	if (result < 0) {
		return result;
	}
	window->offset = offset;
	window->len = len;
	return 1;
}

int facts_window_at(struct facts_window *window, uint64_t offset, size_t len,
	const uint8_t **ret_bytes, struct peel_error *err)
{
	const uint64_t size = window->file->size;

	if (offset > size || len > size - offset || len > window->room) {
		return 0;
	}
	if (window->len == 0 || offset < window->offset ||
		offset - window->offset + len > window->len) {
		int result = fill(window, offset, err);

		if (result <= 0) {
			return result;
		}
	}
	*ret_bytes = window->bytes + (offset - window->offset);
	return 1;
}

int facts_window_string(struct facts_window *window, uint64_t offset, uint64_t left, char end,
	char *ret_text, size_t size, bool *ret_whole, struct peel_error *err)
{
	const uint64_t file_left = offset < window->file->size ? window->file->size - offset : 0;
	const size_t most = min_u64(min_u64(left, file_left), size);
	const uint8_t *bytes;
	size_t len = 0;
	int result = most > 0 ? facts_window_at(window, offset, most, &bytes, err) : 0;

	*ret_whole = false;
	ret_text[0] = '\0';
	if (result <= 0) {
		return result;
	}
	while (len < most && bytes[len] != '\0' && (end == '\0' || bytes[len] != (uint8_t)end)) {
		len++;
	}
	*ret_whole = len < most;
	len = min_u64(len, size - 1);
	memcpy(ret_text, bytes, len);
	ret_text[len] = '\0';
	return (int)len;
}
