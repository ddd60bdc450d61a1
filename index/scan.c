/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tar is a row of header groups, each followed by data:
 *
 *	[x block, records…] [L block, name…] [K block, link…] [header block] [map…] [data…] [pad]
 *	`-------------------------------- group -------------------------------'
 *
 * The walker reads a group block by block, decides with Go's rules (all engines are written in Go)
 * what type and size it has and so where the next one is, and refuses what Go refuses: a block that
 * is not a header is the end of the layer, never skipped in the hope of a better one. An entry
 * whose framing is sound but whose meaning is not (a NUL in its name, a bad sparse map) costs only
 * itself, with a finding.
 *
 * libarchive sees a group only where readers are known to disagree about what it means: sparse
 * maps, ACLs and other vendors' records. Where it reads another path, type, size, link, map or
 * start of the data than we do, that is a finding, and ours stands. Plain ustar, GNU and pax groups
 * it would decode the same way at many times the cost.
 *
 * Cost: one stream_read and one stream_pass an entry, no allocation after the first entries.
 */
#include "scan.h"

#include <inttypes.h>
#include <string.h>

#include <peel/error.h>
#include <peel/text.h>

#include "codec.h"
#include "limit.h"
#include "scan_priv.h"
#include "util.h"

/** Bytes of a path that a message shows. */
#define SHOWN_PATH 96

void scan_note(struct scanner *scanner, const char *code, const char *detail)
{
	for (size_t i = 0; i < scanner->note_count; i++) {
		if (strcmp(scanner->notes[i].code, code) == 0 &&
			strcmp(scanner->notes[i].detail, detail) == 0) {
			return;
		}
	}
	if (scanner->note_count < SCAN_NOTES_MAX) {
		scanner->notes[scanner->note_count++] = (struct scan_note){code, detail};
	}
}

int scan_tell(struct scanner *scanner, const char *code, const char *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err)
{
	const struct scan_sink *sink = scanner->sink;

	return sink->finding ? sink->finding(sink->arg, code, path, path_len, offset, detail, err)
			     : 0;
}

static int pass_data(struct scanner *scanner, stream_fn *each, struct peel_error *err)
{
	const struct scan_sink *sink = scanner->sink;
	uint64_t padding = scanner->padding;
	uint64_t passed = 0;
	int code;

	if (scanner->data_len > 0) {
		code = stream_pass(scanner->stream, scanner->data_len, each, sink->arg, &passed,
			err);
		if (code < 0) {
			return code;
		}
		if (passed < scanner->data_len) {
			(void)peel_fail(err, PEEL_ETRUNCATED,
				"the tar ends after %" PRIu64 " of %" PRIu64
				" bytes of an entry's data",
				passed, scanner->data_len);
			return scan_wrap_offset(err, PEEL_ETRUNCATED, scanner->group_off);
		}
	}
	if (each && sink->end) {
		code = sink->end(sink->arg, err);
		if (code < 0) {
			return code;
		}
	}
	/* As for Go, the stream may end within padding. */
	return padding ? stream_pass(scanner->stream, padding, NULL, NULL, &passed, err) : 0;
}

/** Names in a path. */
static size_t depth_of(const char *path, size_t len)
{
	size_t depth = 0;

	for (size_t at = 0; at < len;) {
		const char *slash = memchr(path + at, '/', len - at);
		size_t part = (slash ? (size_t)(slash - path) : len) - at;

		depth += part > 1 || (part == 1 && path[at] != '.');
		at += part + 1;
	}
	return depth;
}

/** A path of so many bytes has half as many names at most: they are counted where that says too little. */
static int check_depth(struct limit_watch *limits, const struct scan_entry *entry,
	struct peel_error *err)
{
	uint64_t depth = (entry->path_len + 1) / 2;

	if (depth > limits_value(limits, PEEL_LIMIT_DEPTH)) {
		depth = depth_of(entry->path, entry->path_len);
	}
	return limits_check(limits, PEEL_LIMIT_DEPTH, depth, err);
}

/** Hold the entry against the limits of its path and its xattrs. */
static int check_limits(struct scanner *scanner, struct peel_error *err)
{
	const struct scan_entry *entry = &scanner->entry;
	struct limit_watch *limits = scanner->sink->limits;
	char shown[SHOWN_PATH];
	uint64_t xattrs = 0;
	int code = limits_check(limits, PEEL_LIMIT_PATH_LENGTH, entry->path_len, err);

	code = code < 0 ? code : check_depth(limits, entry, err);
	for (size_t i = 0; i < entry->xattr_count; i++) {
		xattrs += strlen(entry->xattrs[i].name) + entry->xattrs[i].value_len;
	}
	code = code < 0 ? code : limits_check(limits, PEEL_LIMIT_XATTR_SIZE, xattrs, err);
	if (code < 0) {
		(void)peel_wrap(err, "%s",
			peel_text_escape_into(shown, sizeof(shown), entry->path, entry->path_len));
		return scan_wrap_offset(err, code, scanner->group_off);
	}
	return 0;
}

/** Give out the entry, its findings first, and pass its data. */
static int deliver(struct scanner *scanner, bool wanted, struct peel_error *err)
{
	const struct scan_sink *sink = scanner->sink;
	const struct scan_entry *entry = &scanner->entry;
	bool data = wanted && entry->type == SCAN_FILE && sink->data;
	int limited = check_limits(scanner, err);

	if (limited < 0) {
		return limited;
	}
	for (size_t i = 0; i < scanner->note_count; i++) {
		int code = scan_tell(scanner, scanner->notes[i].code, entry->path, entry->path_len,
			scanner->group_off, scanner->notes[i].detail, err);

		if (code < 0) {
			return code;
		}
	}
	if (wanted) {
		int code = sink->entry(sink->arg, entry, err);

		if (code < 0) {
			return code;
		}
		scanner->result.entries++;
	}
	return pass_data(scanner, data ? sink->data : NULL, err);
}

/** Counts what follows the end of the tar, and keeps the first block that is not zero. */
struct tail {
	uint64_t nonzero;
	char block[TAR_BLOCK];
	size_t used;
	bool found;
};

static int count_tail(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	struct tail *tail = arg;
	const char *at = bytes;

	(void)err;
	for (size_t i = 0; i < len; i++) {
		tail->nonzero += at[i] != 0;
	}
	while (!tail->found && len > 0) {
		size_t taken = min_u64(len, sizeof(tail->block) - tail->used);

		memcpy(tail->block + tail->used, at, taken);
		tail->used += taken;
		at += taken;
		len -= taken;
		if (tail->used == sizeof(tail->block)) {
			tail->found = !tar_is_zero(tail->block);
			tail->used = 0;
		}
	}
	return 0;
}

/** Read the stream to its end, so that digests cover all of it. */
static int drain(struct scanner *scanner, struct peel_error *err)
{
	struct tail tail = {0};
	uint64_t offset = stream_tell(scanner->stream);
	uint64_t passed;
	int code = stream_pass(scanner->stream, INT64_MAX, count_tail, &tail, &passed, err);

	scanner->result.trailing = tail.nonzero;
	if (code < 0 || tail.nonzero == 0) {
		return code;
	}
	return scan_tell(scanner, "data-after-eof", NULL, 0, offset,
		tail.found && tar_checksum_ok(tail.block)
			? "what follows the end of the tar is a tar again"
			: "what follows the end of the tar is no tar",
		err);
}

/** What headers were decoded to. */
static void free_parts(struct scanner *scanner)
{
	tar_pax_finish(&scanner->pax);
	tar_sparse_finish(&scanner->sparse);
	scan_archive_free(scanner->archive);
	free(scanner->xattrs);
	free(scanner->extras);
	scanner->archive = NULL;
	scanner->xattrs = NULL;
	scanner->xattr_room = 0;
	scanner->extras = NULL;
	scanner->extras_room = 0;
	scanner->has_pax = false;
}

/** An entry with large headers is done with: give its memory back. */
static int shrink(struct scanner *scanner, struct peel_error *err)
{
	char *group = malloc(SCAN_GROUP_MIN);

	if (!group) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory for tar headers");
	}
	free(scanner->group);
	scanner->group = group;
	scanner->group_len = 0;
	scanner->group_room = SCAN_GROUP_MIN;
	free_parts(scanner);
	scanner->large = false;
	return scanner->sink->small ? scanner->sink->small(scanner->sink->arg, err) : 0;
}

static int walk(struct scanner *scanner, struct peel_error *err)
{
	int code;

	while ((code = scan_next_group(scanner, err)) > 0) {
		code = scan_decode(scanner, err);
		if (code >= 0) {
			code = deliver(scanner, code > 0, err);
		}
		if (code >= 0 && scanner->large) {
			code = shrink(scanner, err);
		}
		if (code < 0) {
			return code;
		}
	}
	return code < 0 ? code : drain(scanner, err);
}

static void finish_scanner(struct scanner *scanner)
{
	free_parts(scanner);
	free(scanner->group);
}

int scan_layer(struct stream *stream, const struct scan_sink *sink, struct scan_result *ret_result,
	struct peel_error *err)
{
	cleanup(finish_scanner) struct scanner scanner = {.stream = stream, .sink = sink};
	int code;

	scanner.group = malloc(SCAN_GROUP_MIN);
	scanner.group_room = SCAN_GROUP_MIN;
	if (!scanner.group) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory for tar headers");
	}
	code = walk(&scanner, err);
	scanner.result.size = stream_tell(stream);
	*ret_result = scanner.result;
	return code;
}
