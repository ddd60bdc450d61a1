/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open_memstream with failures that show. Where the C library's own finds no memory it drops what was written, sets no
 * error, and closes well (_IO_str_overflow in glibc 2.36): a document would lack its end, or a list of reasons all of
 * them, and nobody would know.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <peel/text.h>

/* Bytes that the first write makes room for, at least. */
#define ROOM_MIN 128

/** What a stream writes to. */
struct text_stream {
	char **ret_text;
	size_t *ret_len;
	size_t room;
	bool failed;
};

/* Room for len bytes more and a NUL. */
static bool make_room(struct text_stream *stream, size_t len)
{
	const size_t used = *stream->ret_len;
	size_t wanted = stream->room ? stream->room : ROOM_MIN;
	char *grown;

	if (len >= SIZE_MAX / 4 - used) {
		return false;
	}
	while (wanted < used + len + 1) {
		wanted *= 2;
	}
	if (wanted > stream->room) {
		grown = realloc(*stream->ret_text, wanted);
		if (!grown) {
			return false;
		}
		*stream->ret_text = grown;
		stream->room = wanted;
	}
	return true;
}

static ssize_t write_text(void *arg, const char *bytes, size_t len)
{
	struct text_stream *stream = arg;

	if (stream->failed || !make_room(stream, len)) {
		stream->failed = true;
		return 0;
	}
	memcpy(*stream->ret_text + *stream->ret_len, bytes, len);
	*stream->ret_len += len;
	(*stream->ret_text)[*stream->ret_len] = '\0';
	return (ssize_t)len;
}

static int close_text(void *arg)
{
	struct text_stream *stream = arg;
	const bool failed = stream->failed;

	if (failed) {
		free(*stream->ret_text);
		*stream->ret_text = NULL;
		*stream->ret_len = 0;
	}
	free(stream);
	return failed ? EOF : 0;
}

FILE *peel_text_stream(char **ret_text, size_t *ret_len)
{
	const cookie_io_functions_t functions = {.write = write_text, .close = close_text};
	struct text_stream *stream = calloc(1, sizeof(*stream));
	FILE *out;

	*ret_text = NULL;
	*ret_len = 0;
	if (!stream) {
		return NULL;
	}
	*stream = (struct text_stream){.ret_text = ret_text, .ret_len = ret_len};
	/* Text of nothing is a text too. */
	if (!make_room(stream, 0)) {
		free(stream);
		return NULL;
	}
	**ret_text = '\0';
	out = fopencookie(stream, "w", functions);
	if (!out) {
		free(*ret_text);
		*ret_text = NULL;
		free(stream);
	}
	return out;
}
