/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard input passes by once. Where only headers will be asked for, the contents of files in plain
 * layers are let go, and the rest is kept in a source that the later stages read as if it were the
 * file: the probe, the walk over the archive, the manifests, the scan of each layer.
 *
 * Which bytes those stages will read is not guessed: the same walkers run here first, over streams that
 * note what they read and what they go over (stream_feed.h).
 *
 *	archive  | header | manifest.json | header | layer                        | header | …
 *	outer_walk  reads    goes over       reads    goes over                      reads
 *	here               : kept, it is small        : a tar: scan_layer runs on it
 *	                                                | header | file … | header | file … |
 *	                                     scan_layer   reads   goes over  reads   goes over
 *	kept     ########################### ########## #########          #########         ##########
 *
 * What a walker reads is kept, as it will read the same bytes again. What it goes over is let go, but for
 * what can be a document, what is compressed (it must be decoded, and for that be there when the manifest is
 * known, which may come last), and the names of users. Nothing depends on that choice being right: a read of
 * what was let go is an error, never another answer.
 *
 * A root filesystem is walked by outer_walk and then scanned by scan_layer. Both go the same way over all that
 * is sound; where outer_walk meets what scan_layer may see otherwise, everything from there on is kept.
 *
 * Rejected: to index while the bytes pass. The manifest says which layers there are in which order, and
 * `docker save` writes it last.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "codec.h"
#include "image_input.h"
#include "image_outer.h"
#include "image_parts.h"
#include "limit.h"
#include "scan.h"
#include "source.h"
#include "source_kept.h"
#include "stream_feed.h"
#include "tar_header.h"

/** Most bytes kept of a file with names of users: the verbs read no more. */
#define NAMES_MAX (8u << 20)
/** Most bytes of an extent in a map at the beginning of a sparse file's data: two lines. */
#define EXTENT_TEXT (2 * 21)
/** Ranges from this size on are stored as they are. */
#define BULK_MIN (1u << 20)

/** What is to be done with the data that a walker goes over next. */
struct plan {
	/** Bytes to keep at its beginning. */
	uint64_t keep;
	/** It may be a layer or a document: look at its first block. The size is without padding. */
	bool look;
	uint64_t size;
};

struct capture {
	const struct peel_image_options *options;
	struct limit_watch *limits;
	enum peel_image_kind kind;
	struct input *input;
	struct kept *kept;
	struct plan plan;
	/** Entries that were met. */
	uint64_t entries;
	/** The walkers may part here: all that follows is kept. */
	bool keep_all;
	/** What went wrong on our side of a stream; the walkers' own failures are not ours. */
	struct peel_error failure;
};

/** Data of a member, as a stream. */
struct window {
	struct capture *capture;
	uint64_t left;
};

/** A file whose contents verbs need that read no others. */
static const char *const name_files[] = {"etc/group", "etc/passwd"};

static int keep_failure(struct capture *capture, int code, const struct peel_error *err)
{
	if (code < 0) {
		capture->failure = *err;
		capture->failure.code = code;
	}
	return code;
}

/** Let len bytes go. */
static int let_go(struct capture *capture, uint64_t len, uint64_t *ret_passed,
	struct peel_error *err)
{
	int r = input_pass(capture->input, len, ret_passed, err);

	return r < 0 ? r : kept_pass(capture->kept, *ret_passed, err);
}

/** Keep len bytes. */
static int keep(struct capture *capture, uint64_t len, uint64_t *ret_passed, struct peel_error *err)
{
	const bool bulk = len >= BULK_MIN;
	uint64_t done = 0;
	int r = 0;

	while (r == 0 && done < len) {
		const void *bytes;
		ssize_t n = input_take(capture->input, len - done, &bytes, err);

		if (n <= 0) {
			r = (int)n;
			break;
		}
		r = bulk ? kept_add_bulk(capture->kept, bytes, (size_t)n, err)
			 : kept_add(capture->kept, bytes, (size_t)n, err);
		done += (uint64_t)n;
	}
	*ret_passed = done;
	return r;
}

/** Keep the beginning, let the rest go. */
static int keep_head(struct capture *capture, uint64_t head, uint64_t len, uint64_t *ret_passed,
	struct peel_error *err)
{
	uint64_t rest = 0;
	int r;

	head = min_u64(head, len);
	r = keep(capture, head, ret_passed, err);
	if (r == 0 && *ret_passed == head) {
		r = let_go(capture, len - head, &rest, err);
		*ret_passed += rest;
	}
	return r;
}

/** Give a walker the next bytes, at most to the end of a block: what it does not want of them was not read. */
static ssize_t give(struct capture *capture, uint64_t limit, const void **ret_bytes,
	struct peel_error *err)
{
	uint64_t block = TAR_BLOCK - kept_size(capture->kept) % TAR_BLOCK;
	ssize_t n = input_take(capture->input, min_u64(block, limit), ret_bytes, err);
	int r = n > 0 ? kept_add(capture->kept, *ret_bytes, (size_t)n, err) : (int)n;

	return r < 0 ? keep_failure(capture, r, err) : n;
}

static bool is_name_file(const char *path, size_t len)
{
	for (size_t i = 0; i < countof(name_files); i++) {
		size_t wanted = strlen(name_files[i]);

		if (len >= wanted && memcmp(path + len - wanted, name_files[i], wanted) == 0 &&
			(len == wanted || path[len - wanted - 1] == '/')) {
			return true;
		}
	}
	return false;
}

static ssize_t window_next(void *arg, const void **ret_bytes, struct peel_error *err)
{
	struct window *window = arg;
	ssize_t n = give(window->capture, window->left, ret_bytes, err);

	window->left -= n > 0 ? (uint64_t)n : 0;
	return n;
}

static int window_skip(void *arg, uint64_t len, uint64_t *ret_passed, struct peel_error *err)
{
	struct window *window = arg;
	struct capture *capture = window->capture;
	int r = keep_head(capture, capture->plan.keep, min_u64(len, window->left), ret_passed, err);

	capture->plan = (struct plan){0};
	window->left -= *ret_passed;
	return keep_failure(capture, r, err);
}

static int take_entry(void *arg, const struct scan_entry *entry, struct peel_error *err)
{
	struct capture *capture = arg;
	int code = limits_count(capture->limits, PEEL_LIMIT_ENTRIES, ++capture->entries, err);

	if (code < 0) {
		return keep_failure(capture, code, err);
	}
	if (entry->type == SCAN_FILE && is_name_file(entry->path, entry->path_len)) {
		capture->plan.keep = NAMES_MAX;
	}
	return 0;
}

/** Scan what may be a layer. It may be none, or a broken one: so will say who reads it. */
static int scan_window(struct window *window, struct peel_error *err)
{
	struct capture *capture = window->capture;
	const struct stream_feed feed = {.next = window_next, .skip = window_skip, .arg = window};
	const struct scan_sink sink = {
		.entry = take_entry, .arg = capture, .limits = capture->limits};
	struct scan_result result;
	struct peel_error unsound = {0};
	struct stream *stream = NULL;
	int r = stream_open_feed(&feed, &stream, err);

	if (r < 0) {
		return r;
	}
	capture->plan = (struct plan){0};
	r = scan_layer(stream, &sink, &result, &unsound);
	stream_close(stream);
	if (capture->failure.code < 0 || r == PEEL_ENOMEM) {
		return peel_fail(err, capture->failure.code ? capture->failure.code : r, "%s",
			capture->failure.code ? capture->failure.message : unsound.message);
	}
	return 0;
}

static int scan_member(struct capture *capture, uint64_t size, uint64_t *ret_passed,
	struct peel_error *err)
{
	struct window window = {.capture = capture, .left = size};
	uint64_t rest = 0;
	int r = scan_window(&window, err);

	if (r == 0) {
		r = let_go(capture, window.left, &rest, err);
	}
	*ret_passed = size - window.left + rest;
	return r;
}

/** Data of a member that may be a layer or a document. */
static int look(struct capture *capture, uint64_t size, uint64_t *ret_passed,
	struct peel_error *err)
{
	const void *head;
	ssize_t n = input_peek(capture->input, (size_t)min_u64(size, TAR_BLOCK), &head, err);

	*ret_passed = 0;
	if (n < 0) {
		return (int)n;
	}
	if (codec_probe(head, (size_t)n) != PEEL_CODEC_NONE ||
		(size <= limits_value(capture->limits, PEEL_LIMIT_JSON_SIZE) &&
			!(n == TAR_BLOCK && tar_checksum_ok(head)))) {
		return keep(capture, size, ret_passed, err);
	}
	return scan_member(capture, size, ret_passed, err);
}

/**
 * May a member be a part of an image? Archives have their parts at the top, in blobs/, or in folders named by
 * an ID; a root filesystem has few files there.
 */
static bool may_be_part(const struct capture *capture, const char *name)
{
	const char *slash = strchr(name, '/');

	if (capture->kind == PEEL_IMAGE_DOCKER_ARCHIVE || capture->kind == PEEL_IMAGE_OCI_ARCHIVE ||
		!slash || strncmp(name, "blobs/", 6) == 0) {
		return true;
	}
	return strcmp(slash, "/layer.tar") == 0 ||
		strspn(name, "0123456789abcdef") == (size_t)(slash - name);
}

/** Where the scan of a root filesystem may not go on where the walk over an archive does. */
static bool may_part(const struct outer_seen *seen)
{
	const struct tar_header *header = seen->header;
	int64_t real;

	if (header->typeflag == TAR_GNU_SPARSE_FILE) {
		return header->kind != TAR_GNU ||
			!tar_number(seen->block + TAR_GNU_REALSIZE, 12, &real);
	}
	return header->typeflag == 0 && seen->slash && seen->size > 0;
}

static void see_member(void *arg, const struct outer_seen *seen)
{
	struct capture *capture = arg;
	const char type = seen->header->typeflag;

	capture->keep_all = capture->keep_all || may_part(seen);
	capture->plan = (struct plan){.size = seen->size};
	if (seen->sparse) {
		capture->plan.keep = TAR_BLOCK +
			EXTENT_TEXT * limits_value(capture->limits, PEEL_LIMIT_SPARSE_EXTENTS);
	} else if (is_name_file(seen->name, strlen(seen->name))) {
		capture->plan.keep = NAMES_MAX;
	} else {
		capture->plan.look = (type == 0 || type == '0' || type == '7') && seen->size > 0 &&
			may_be_part(capture, seen->name);
	}
}

static ssize_t archive_next(void *arg, const void **ret_bytes, struct peel_error *err)
{
	return give(arg, UINT64_MAX, ret_bytes, err);
}

static int archive_skip(void *arg, uint64_t len, uint64_t *ret_passed, struct peel_error *err)
{
	struct capture *capture = arg;
	const struct plan plan = capture->plan;
	uint64_t padding = 0;
	int r;

	capture->plan = (struct plan){0};
	*ret_passed = 0;
	if (capture->keep_all) {
		r = keep(capture, len, ret_passed, err);
	} else if (plan.look && plan.size <= len) {
		r = look(capture, plan.size, ret_passed, err);
		if (r == 0 && *ret_passed == plan.size) {
			r = let_go(capture, len - plan.size, &padding, err);
		}
	} else {
		r = keep_head(capture, plan.keep, len, ret_passed, err);
	}
	*ret_passed += padding;
	return keep_failure(capture, r, err);
}

/** As the probe decides it (image_probe.c): such an archive is never taken for a root filesystem. */
static bool is_image(const struct outer *outer)
{
	return outer->marks & OUTER_DOCKER ||
		(outer->marks & OUTER_INDEX && outer->marks & (OUTER_LAYOUT | OUTER_BLOBS));
}

static int walk_archive(struct capture *capture, struct peel_error *err)
{
	const struct stream_feed feed = {
		.next = archive_next, .skip = archive_skip, .arg = capture};
	const struct outer_watch watch = {
		.member = see_member, .arg = capture, .limits = capture->limits};
	cleanup_outer struct outer *outer = NULL;
	struct stream *stream = NULL;
	uint64_t passed = 0;
	int r = stream_open_feed(&feed, &stream, err);

	if (r < 0) {
		return r;
	}
	r = outer_walk(stream, &watch, &outer, err);
	stream_close(stream);
	if (capture->failure.code < 0) {
		return peel_fail(err, capture->failure.code, "%s", capture->failure.message);
	}
	/* What does not even begin as a tar is no image, however long it goes on. */
	if (r < 0 || outer->failure.code == 0 || !outer->any) {
		return r;
	}
	return is_image(outer) ? let_go(capture, UINT64_MAX, &passed, err)
			       : keep(capture, UINT64_MAX, &passed, err);
}

static int walk_rootfs(struct capture *capture, struct peel_error *err)
{
	struct window window = {.capture = capture, .left = UINT64_MAX};
	uint64_t passed = 0;
	int r = scan_window(&window, err);

	return r < 0 ? r : let_go(capture, UINT64_MAX, &passed, err);
}

static int capture_all(struct capture *capture, struct peel_error *err)
{
	const void *head;
	uint64_t passed = 0;
	ssize_t n = input_peek(capture->input, INPUT_PEEK, &head, err);

	if (n < 0) {
		return (int)n;
	}
	if (codec_probe(head, (size_t)n) != PEEL_CODEC_NONE || !capture->options->headers_only) {
		return keep(capture, UINT64_MAX, &passed, err);
	}
	return capture->kind == PEEL_IMAGE_ROOTFS ? walk_rootfs(capture, err)
						  : walk_archive(capture, err);
}

static int make_file(void *arg, struct peel_error *err)
{
	struct capture *capture = arg;

	return image_spool_file(capture->options, err);
}

static int tell_spooled(const struct peel_image_options *options, uint64_t bytes,
	struct peel_error *err)
{
	cleanup_free char *folder = NULL;
	int r;

	if (bytes == 0 || !options->spooled) {
		return 0;
	}
	r = image_spool_path(options, &folder, err);
	if (r == 0) {
		options->spooled(options->spooled_arg, folder, bytes);
	}
	return r;
}

static int read_once(const struct peel_image_options *options, enum peel_image_kind kind,
	struct limit_watch *limits, struct source **ret_source, struct peel_error *err)
{
	struct capture capture = {.options = options, .limits = limits, .kind = kind};
	const struct kept_options kept_options = {
		.memory = KEPT_MEMORY,
		.limit = image_spool_limit(options),
		.make_file = make_file,
		.arg = &capture,
	};
	cleanup_input struct input *input = NULL;
	cleanup_kept struct kept *kept = NULL;
	cleanup_source struct source *source = NULL;
	int r = input_open(STDIN_FILENO, options->progress, options->progress_arg, &input, err);

	r = r < 0 ? r : kept_new(&kept_options, &kept, err);
	if (r < 0) {
		return r;
	}
	capture.input = input;
	capture.kept = kept;
	r = capture_all(&capture, err);
	r = r < 0 ? r : kept_source(kept, &source, err);
	if (r < 0) {
		return r;
	}
	/* It is the source's now. */
	r = tell_spooled(options, kept_written(steal_pointer(&kept)), err);
	if (r == 0) {
		*ret_source = steal_pointer(&source);
	}
	return r;
}

int image_capture(const struct peel_image_options *options, enum peel_image_kind kind,
	struct limit_watch *limits, struct source **ret_source, struct peel_error *err)
{
	cleanup_fd int fd = -1;
	struct stat st;
	int r;

	if (fstat(STDIN_FILENO, &st) < 0) {
		return peel_fail(err, PEEL_EIO, "cannot read it: %s", strerror(errno));
	}
	if (S_ISDIR(st.st_mode) || isatty(STDIN_FILENO)) {
		return peel_fail(err, PEEL_EUSAGE,
			S_ISDIR(st.st_mode) ? "a folder; only oci:PATH reads folders"
					    : "a terminal; an image comes from a pipe or a file");
	}
	if (!S_ISREG(st.st_mode) || lseek(STDIN_FILENO, 0, SEEK_CUR) != 0) {
		return read_once(options, kind, limits, ret_source, err);
	}
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		return peel_fail(err, PEEL_EIO, "cannot read it: %s", strerror(errno));
	}
	r = source_open_fd(fd, ret_source, err);
	fd = r == 0 ? -1 : fd;
	return r;
}
