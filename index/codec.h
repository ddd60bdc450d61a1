/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Codecs: compressed bytes in, plain bytes out, once in order (a stream) and then at random (a source).
 *
 * in_ is the compressed space, out_ the uncompressed one; all offsets are bytes from the start of the
 * whole blob. While a stream decodes, it drops access points into a sink; a decoded source later finds
 * the nearest point before an offset and decodes from there. Points are few: about one every POINT_SPACING bytes
 * of output, and one at each gzip member or zstd frame start that is at least POINT_MEMBER_SPACING after the last.
 */
#ifndef CODEC_H
#define CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <peel/image.h>

#include "util.h"

struct limit_watch;
struct peel_error;
struct source;
struct stream;
struct blockcache;

/** Bytes of history that DEFLATE may refer to (RFC 1951). */
#define POINT_WINDOW 32768
/** Output bytes between points inside a gzip member: worst cold read about 7 ms, windows about 0.4 % of the output. */
#define POINT_SPACING fuzz_size(4u << 20, 8u << 10)
/** Output bytes between windowless points at member and frame starts: they cost a row, no window. */
#define POINT_MEMBER_SPACING fuzz_size(256u << 10, 1u << 10)

/** A place where decoding can start. */
struct point {
	uint64_t out_off;
	/** First compressed byte to feed; with bits > 0, the byte before it holds the first bits. */
	uint64_t in_off;
	/** Unread bits (0 to 7) at the top of the byte in_off - 1. */
	uint8_t bits;
	/** Bytes of history before out_off that decoding needs; 0 at a member or frame start. */
	uint32_t window_len;
};

/** Takes points while a stream decodes; out_off ascends strictly. window is valid during the call. */
struct point_sink {
	int (*add)(void *arg, const struct point *point, const void *window,
		struct peel_error *err);
	void *arg;
};

/** Finds points for a decoded source. Safe from several threads. */
struct point_finder {
	/**
	 * The last point with out_off <= out_off; there is always one at 0.
	 * @param window receives window_len bytes, room for POINT_WINDOW.
	 * @return 0, or less than 0.
	 */
	int (*find)(void *arg, uint64_t out_off, struct point *ret_point, void *window,
		struct peel_error *err);
	/** Called once when the decoded source closes; may be NULL. */
	void (*close)(void *arg);
	void *arg;
};

/** Recognise a codec by the first bytes (gzip 1f 8b; zstd frame and skippable frame magics). */
enum peel_codec codec_probe(const void *bytes, size_t len);

/** Name of a compression that peel does not read ("xz", "bzip2", "lz4"), or NULL. */
const char *codec_probe_foreign(const void *bytes, size_t len);

/* Streams: in order, once, one thread. */

/** Takes decoded (or compressed) bytes in order. Return 0, or less than 0 to stop with that code. */
typedef int stream_fn(void *arg, const void *bytes, size_t len, struct peel_error *err);

/** Largest zstd window, as a power of two, that a stream takes without asking: 8 MiB (RFC 8878, 3.1.1.1.2). */
#define STREAM_WINDOW_SMALL 23

struct stream_options {
	/** May be NULL: no points are made. */
	const struct point_sink *points;
	/**
	 * Called with every compressed byte in order (for the blob's digest); may be NULL. Plain
	 * streams that skip do not call it.
	 */
	stream_fn *input;
	void *input_arg;
	/** Called with every decoded byte in order (for the diff ID); may be NULL. Where set, skipping reads. */
	stream_fn *output;
	void *output_arg;
	/**
	 * Asked once, before the first zstd window over STREAM_WINDOW_SMALL is made; may wait until there is memory for
	 * it. NULL: needs no permission. Return 0, or less than 0 to stop.
	 */
	int (*large)(void *arg, struct peel_error *err);
	void *large_arg;
	/** Holds what compressed bytes unpack to, and zstd windows; borrowed. NULL: windows alone are limited. */
	struct limit_watch *limits;
};

/**
 * Start decoding. CRC32 and size of every gzip member, and zstd checksums where present, are checked;
 * bytes after the last member are a finding (stream_trailing), not a failure.
 * @param raw grabbed.
 * @param options copied; may be NULL.
 * @return 0; PEEL_ENOMEM; PEEL_EUNSUPPORTED.
 */
int stream_open(struct source *raw, enum peel_codec codec, const struct stream_options *options,
	struct stream **ret_stream, struct peel_error *err);

/**
 * Read exactly len bytes, short only at the end.
 * @return bytes read; PEEL_EFORMAT (corrupt, CRC), PEEL_ETRUNCATED, PEEL_ELIMIT (a zstd window, what comes out),
 *   PEEL_EUNSUPPORTED (a zstd dictionary), PEEL_EIO, PEEL_ECHANGED, or what a callback returned. The message names
 *   the compressed offset. A read that ends before the place of a failure succeeds; any later one fails the same way.
 */
ssize_t stream_read(struct stream *stream, void *buf, size_t len, struct peel_error *err);

/**
 * Pass the next len bytes to each (NULL: over them) without a copy where the codec allows it.
 * Plain streams seek over them where neither each nor output wants them.
 * @return 0 and *ret_passed (short only at the end), or as stream_read.
 */
int stream_pass(struct stream *stream, uint64_t len, stream_fn *each, void *arg,
	uint64_t *ret_passed, struct peel_error *err);

/** Output offset of the next byte. */
uint64_t stream_tell(const struct stream *stream);
/** Compressed bytes consumed so far, for progress. */
uint64_t stream_tell_in(const struct stream *stream);
/**
 * At the end of the stream: bytes of the blob after the last member or frame (0: none). They
 * went through input too.
 */
uint64_t stream_trailing(const struct stream *stream);
/** Free; NULL is fine. */
void stream_close(struct stream *stream);

/* Decoded sources: at random, many threads. */

/** Most bytes to spool where nothing else was said. */
#define CODEC_SPOOL_LIMIT (UINT64_C(64) << 30)

struct codec_options {
	/** Folder for the spool of a zstd blob that is one big frame; -1: such blobs are decoded from the start. */
	int spool_dir;
	/** Most bytes to spool; 0: CODEC_SPOOL_LIMIT. */
	uint64_t spool_limit;
	/** Largest zstd window, as a power of two; 0: ZSTD_WINDOW_LOG_MAX. */
	unsigned window_log;
	/** Decoded spans are cached here; required. Must outlive the source. */
	struct blockcache *cache;
};

/**
 * A decoded source over raw. raw is grabbed; finder is copied and closed with the source (on failure too).
 * @param out_size uncompressed size as the stream found it.
 * @return 0; PEEL_ELIMIT (a spool is needed and over its limit); PEEL_EIO (no spool file can be made); PEEL_ENOMEM;
 *   PEEL_EUNSUPPORTED; what finder gave.
 */
int codec_open(struct source *raw, enum peel_codec codec, uint64_t out_size,
	const struct point_finder *finder, const struct codec_options *options,
	struct source **ret_source, struct peel_error *err);

/* Per-codec implementations, used by codec.c alone. */
struct stream_ops {
	/**
	 * Give the next decoded bytes: at least one, or none at the end. err is the stream's own and never NULL:
	 * a call that meets a failure after some bytes gives those, and leaves the failure in err for later.
	 * @param ret_bytes stays valid until the next call.
	 * @return bytes given, 0 at the end, or less than 0.
	 */
	ssize_t (*next)(struct stream *stream, const void **ret_bytes, struct peel_error *err);
	/** Go over up to len bytes without reading them; short only at the end. NULL where the codec cannot. */
	int (*skip)(struct stream *stream, uint64_t len, uint64_t *ret_skipped,
		struct peel_error *err);
	/** Free the stream and what it holds, the base (stream_finish) included. */
	void (*close)(struct stream *stream);
};

#endif
