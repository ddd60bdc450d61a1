/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compressed image file is decoded once from end to end, for its list of members, its size and
 * its checksums, and access points are kept on the way; afterwards its members are read at random
 * through them. The points stay in memory (0.4 % of the decoded size) until an index takes them
 * over.
 */
#include "image_parts.h"

#include "blockcache.h"
#include "codec.h"
#include "image_outer.h"
#include "points.h"
#include "source.h"

/* Decoded spans kept while manifests are read. */
#define CACHE_BUDGET (4u << 20)

static int walk(struct peel_image *image, struct peel_error *err)
{
	struct point_sink sink = {0};
	struct stream_options options = {.limits = &image->limits};
	const struct outer_watch watch = {.limits = &image->limits};
	struct stream *stream = NULL;
	int r = 0;

	if (image->codec != PEEL_CODEC_NONE) {
		r = point_list_new(&image->points, err);
	}
	if (r == 0 && image->points) {
		sink = point_list_sink(image->points);
		options.points = &sink;
	}
	r = r < 0 ? r : stream_open(image->file, image->codec, &options, &stream, err);
	if (r < 0) {
		return r;
	}
	r = outer_walk(stream, &watch, &image->outer, err);
	if (r == 0 && image->codec != PEEL_CODEC_NONE && image->outer->failure.code == 0 &&
		stream_trailing(stream) > 0) {
		image_finding(image, "trailing-data", -1, NULL, stream_tell_in(stream),
			"%llu bytes follow the compressed data of the image file",
			(unsigned long long)stream_trailing(stream));
	}
	stream_close(stream);
	return r;
}

int image_outer_open(struct peel_image *image, struct peel_error *err)
{
	struct codec_options options = {
		.spool_dir = -1, .spool_limit = image_spool_limit(&image->options)};
	struct point_finder finder;
	int r = walk(image, err);

	if (r < 0) {
		return r;
	}
	image->plain_size = image->outer->size;
	if (image->codec == PEEL_CODEC_NONE) {
		image->plain = source_grab(image->file);
		return 0;
	}
	/*
	 * Where there is no folder for a spool, one big zstd frame is decoded from its start:
	 * slower, no failure.
	 */
	if (image->spool_fd < 0 &&
		image_spool_folder(&image->options, &image->spool_fd, NULL) < 0) {
		image->spool_fd = -1;
	}
	r = blockcache_new(CACHE_BUDGET, &image->cache, err);
	if (r < 0) {
		return r;
	}
	options.spool_dir = image->spool_fd;
	options.cache = image->cache;
	finder = point_list_finder(image->points);
	return codec_open(image->file, image->codec, image->plain_size, &finder, &options,
		&image->plain, err);
}
