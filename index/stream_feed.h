/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A stream over plain bytes that pass by once: whoever feeds it learns which of them the reader reads
 * and which he goes over. The reader decodes nothing twice and seeks nowhere, so any walk over a tar
 * runs on it as it runs on a file.
 */
#ifndef STREAM_FEED_H
#define STREAM_FEED_H

#include <stdint.h>
#include <sys/types.h>

struct peel_error;
struct stream;

/** What feeds it. */
struct stream_feed {
	/**
	 * Give the next bytes; they count as read, all of them. @param ret_bytes valid until the next
	 * call. @return bytes, 0 at the end, or less than 0.
	 */
	ssize_t (*next)(void *arg, const void **ret_bytes, struct peel_error *err);
	/** Go over the next len bytes. @param ret_passed short only at the end. @return 0 or less. */
	int (*skip)(void *arg, uint64_t len, uint64_t *ret_passed, struct peel_error *err);
	void *arg;
};

/** Make the stream; feed is copied. Close it with stream_close. @return 0; PEEL_ENOMEM. */
int stream_open_feed(const struct stream_feed *feed, struct stream **ret_stream,
	struct peel_error *err);

#endif
