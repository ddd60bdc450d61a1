/* SPDX-License-Identifier: Apache-2.0 */
#include "feed.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Write until all is written or nobody reads. */
static void write_pieces(int fd, const char *bytes, size_t len, size_t piece)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, piece > 0 && piece < len ? piece : len);

		if (n < 0) {
			return;
		}
		bytes += n;
		len -= (size_t)n;
	}
}

struct feed feed_start(const void *bytes, size_t len, size_t piece)
{
	struct feed feed = {.old = dup(STDIN_FILENO), .writer = -1};
	int ends[2];

	if (feed.old < 0 || pipe(ends) < 0 || (feed.writer = fork()) < 0) {
		abort();
	}
	if (feed.writer == 0) {
		signal(SIGPIPE, SIG_IGN);
		close(ends[0]);
		write_pieces(ends[1], bytes, len, piece);
		_exit(0);
	}
	close(ends[1]);
	if (dup2(ends[0], STDIN_FILENO) < 0) {
		abort();
	}
	close(ends[0]);
	return feed;
}

void feed_stop(const struct feed *feed)
{
	if (dup2(feed->old, STDIN_FILENO) < 0) {
		abort();
	}
	close(feed->old);
	if (waitpid(feed->writer, NULL, 0) != feed->writer) {
		abort();
	}
}
