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

#include "codec.h"
#include "scan_priv.h"
#include "util.h"

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

static int tell(struct scanner *scanner, const char *code, const char *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err)
{
	const struct scan_sink *sink = scanner->sink;

	return sink->finding ? sink->finding(sink->arg, code, path, path_len, offset, detail, err)
			     : 0;
}

/** Put the place before a failure's message. */
static int wrap_offset(struct peel_error *err, int code, uint64_t offset)
{
	(void)peel_wrap(err, "offset %" PRIu64, offset);
	return code;
}

/** Move a text along with the group, where it is in there. */
static void move_text(const struct scanner *scanner, struct tar_text *text, const char *to)
{
	if (text->bytes >= scanner->group && text->bytes <= scanner->group + scanner->group_len) {
		text->bytes = to + (text->bytes - scanner->group);
	}
}

/** Make room for len more bytes of the group. */
static int grow_group(struct scanner *scanner, size_t len, struct peel_error *err)
{
	struct scan_merged *merged = &scanner->merged;
	size_t room = 2 * (scanner->group_len + len);
	char *grown;

	if (len > SCAN_GROUP_MAX - scanner->group_len) {
		(void)peel_fail(err, PEEL_ELIMIT, "tar headers of one entry longer than %u bytes",
			SCAN_GROUP_MAX);
		return wrap_offset(err, PEEL_ELIMIT, scanner->group_off);
	}
	if (len <= scanner->group_room - scanner->group_len) {
		return 0;
	}
	grown = malloc(room);
	if (!grown) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory for tar headers");
	}
	memcpy(grown, scanner->group, scanner->group_len);
	move_text(scanner, &scanner->long_name, grown);
	move_text(scanner, &scanner->long_link, grown);
	move_text(scanner, &merged->path, grown);
	move_text(scanner, &merged->link, grown);
	move_text(scanner, &merged->uname, grown);
	move_text(scanner, &merged->gname, grown);
	if (scanner->has_pax) {
		tar_pax_move(&scanner->pax, scanner->group, grown);
	}
	free(scanner->group);
	scanner->group = grown;
	scanner->group_room = room;
	return 0;
}

int scan_more(struct scanner *scanner, size_t len, struct peel_error *err)
{
	uint64_t offset = stream_tell(scanner->stream);
	int code = grow_group(scanner, len, err);
	ssize_t got;

	if (code < 0) {
		return code;
	}
	got = stream_read(scanner->stream, scanner->group + scanner->group_len, len, err);
	if (got < 0) {
		return (int)got;
	}
	if (got > 0 && (size_t)got < len) {
		(void)peel_fail(err, PEEL_ETRUNCATED, "the tar ends inside of a header");
		return wrap_offset(err, PEEL_ETRUNCATED, offset);
	}
	scanner->group_len += (size_t)got;
	return got > 0;
}

static void start_group(struct scanner *scanner)
{
	scanner->group_len = 0;
	scanner->group_off = stream_tell(scanner->stream);
	scanner->note_count = 0;
	scanner->has_pax = false;
	scanner->merged = (struct scan_merged){0};
	scanner->long_name = (struct tar_text){0};
	scanner->long_link = (struct tar_text){0};
}

/** Read what follows an extension header into the group. */
static int read_payload(struct scanner *scanner, struct tar_text *ret_text, struct peel_error *err)
{
	uint64_t offset = stream_tell(scanner->stream) - TAR_BLOCK;
	int64_t size = scanner->header.size;
	size_t padding = (size_t)tar_padding((uint64_t)size);
	ssize_t got;
	int code;

	if (size < 0) {
		(void)peel_fail(err, PEEL_EFORMAT, "tar extension header with a negative size");
		return wrap_offset(err, PEEL_EFORMAT, offset);
	}
	if (size > SCAN_HEADER_MAX) {
		(void)peel_fail(err, PEEL_ELIMIT,
			"tar extension header of %" PRId64 " bytes, more than %u", size,
			SCAN_HEADER_MAX);
		return wrap_offset(err, PEEL_ELIMIT, offset);
	}
	code = scan_more(scanner, (size_t)size, err);
	if (code < 0) {
		return code;
	}
	if (code == 0 && size > 0) {
		(void)peel_fail(err, PEEL_ETRUNCATED, "the tar ends inside of an extension header");
		return wrap_offset(err, PEEL_ETRUNCATED, offset);
	}
	code = grow_group(scanner, padding, err);
	if (code < 0) {
		return code;
	}
	*ret_text = (struct tar_text){scanner->group + scanner->group_len - size, (size_t)size};
	/* As for Go, the stream may end within padding. */
	memset(scanner->group + scanner->group_len, 0, padding);
	got = stream_read(scanner->stream, scanner->group + scanner->group_len, padding, err);
	scanner->group_len += padding;
	return got < 0 ? (int)got : 0;
}

/** Note what was said already by an earlier header of the group and does not count. */
static void replace_text(struct scanner *scanner, struct tar_text *text, struct tar_text with,
	const char *what)
{
	with.len = strnlen(with.bytes, with.len);
	if (text->bytes) {
		scan_note(scanner, "ambiguous-header", what);
	}
	*text = with;
}

static int parse_pax(struct scanner *scanner, struct tar_text text, struct peel_error *err)
{
	uint64_t offset = scanner->group_off + (uint64_t)(text.bytes - scanner->group) - TAR_BLOCK;
	/* Go refuses a NUL in a header that is replaced later as well. */
	bool nul_name = scanner->has_pax && scanner->pax.nul_name;
	int code = tar_pax_parse(&scanner->pax, text.bytes, text.len, err);

	scanner->pax.nul_name = scanner->pax.nul_name || nul_name;
	return code < 0 ? wrap_offset(err, code, offset) : 0;
}

/**
 * A global pax header: all engines but umoci pass over it, umoci refuses it, and so it means
 * nothing for us.
 */
static int read_global(struct scanner *scanner, struct tar_text text, struct peel_error *err)
{
	static const enum tar_pax_key naming[] = {TAR_PAX_PATH, TAR_PAX_LINKPATH, TAR_PAX_SIZE};
	const struct tar_header *header = &scanner->header;
	bool dropped = scanner->has_pax || scanner->long_name.bytes || scanner->long_link.bytes;
	int code = parse_pax(scanner, text, err);

	if (code == 0) {
		code = tell(scanner, "engines-differ", header->path, header->path_len,
			scanner->group_off,
			"a global pax header: umoci refuses the layer, others pass over it", err);
	}
	for (size_t i = 0; i < countof(naming) && code == 0; i++) {
		if (scanner->pax.known[naming[i]].bytes) {
			code = tell(scanner, "global-header", header->path, header->path_len,
				scanner->group_off,
				"a global pax header with a path, linkpath or size; it is not applied",
				err);
			break;
		}
	}
	if (code == 0 && dropped) {
		code = tell(scanner, "ambiguous-header", header->path, header->path_len,
			scanner->group_off,
			"a global pax header cuts extension headers off from their entry", err);
	}
	start_group(scanner);
	return code;
}

/** Take in an extension header, whose block is the last of the group. */
static int read_extension(struct scanner *scanner, struct peel_error *err)
{
	struct tar_text text;
	int code = read_payload(scanner, &text, err);

	if (code < 0) {
		return code;
	}
	switch (scanner->header.typeflag) {
	case TAR_PAX:
		if (scanner->has_pax) {
			scan_note(scanner, "ambiguous-header",
				"two pax headers; the last one counts");
		}
		code = parse_pax(scanner, text, err);
		scanner->has_pax = true;
		return code;
	case TAR_GNU_LONGNAME:
		replace_text(scanner, &scanner->long_name, text,
			"two GNU long names; the last one counts");
		return 0;
	case TAR_GNU_LONGLINK:
		replace_text(scanner, &scanner->long_link, text,
			"two GNU long links; the last one counts");
		return 0;
	default:
		return read_global(scanner, text, err);
	}
}

static bool is_extension(char typeflag)
{
	return typeflag == TAR_PAX || typeflag == TAR_PAX_GLOBAL || typeflag == TAR_GNU_LONGNAME ||
		typeflag == TAR_GNU_LONGLINK;
}

/** After a zero block: a second one or nothing at all must follow. */
static int read_end(struct scanner *scanner, struct peel_error *err)
{
	uint64_t offset = stream_tell(scanner->stream) - TAR_BLOCK;
	int code = scan_more(scanner, TAR_BLOCK, err);

	if (code <= 0) {
		return code;
	}
	if (!tar_is_zero(scanner->group + scanner->group_len - TAR_BLOCK)) {
		(void)peel_fail(err, PEEL_EFORMAT, "a lone zero block in the tar");
		return wrap_offset(err, PEEL_EFORMAT, offset);
	}
	scanner->result.ended = true;
	return 0;
}

/** Extension headers that no entry follows. */
static int check_unused(struct scanner *scanner, struct peel_error *err)
{
	if (!scanner->has_pax && !scanner->long_name.bytes && !scanner->long_link.bytes) {
		return 0;
	}
	return tell(scanner, "header-without-entry", NULL, 0, scanner->group_off,
		"the tar ends after an extension header", err);
}

/** @return 1 with a whole group up to its header block, 0 at the end of the tar. */
static int next_group(struct scanner *scanner, struct peel_error *err)
{
	start_group(scanner);
	for (;;) {
		uint64_t offset = stream_tell(scanner->stream);
		int code = scan_more(scanner, TAR_BLOCK, err);

		if (code < 0) {
			return code;
		}
		scanner->header_at = scanner->group_len - TAR_BLOCK;
		if (code == 0 || tar_is_zero(scanner->group + scanner->header_at)) {
			code = code == 0 ? 0 : read_end(scanner, err);
			return code < 0 ? code : check_unused(scanner, err);
		}
		code = tar_header_parse(scanner->group + scanner->header_at, &scanner->header, err);
		if (code < 0) {
			return wrap_offset(err, code, offset);
		}
		if (!is_extension(scanner->header.typeflag)) {
			return 1;
		}
		code = read_extension(scanner, err);
		if (code < 0) {
			return code;
		}
	}
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
			return wrap_offset(err, PEEL_ETRUNCATED, scanner->group_off);
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

/** Give out the entry, its findings first, and pass its data. */
static int deliver(struct scanner *scanner, bool wanted, struct peel_error *err)
{
	const struct scan_sink *sink = scanner->sink;
	const struct scan_entry *entry = &scanner->entry;
	bool data = wanted && entry->type == SCAN_FILE && sink->data;

	for (size_t i = 0; i < scanner->note_count; i++) {
		int code = tell(scanner, scanner->notes[i].code, entry->path, entry->path_len,
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
	return tell(scanner, "data-after-eof", NULL, 0, offset,
		tail.found && tar_checksum_ok(tail.block)
			? "what follows the end of the tar is a tar again"
			: "what follows the end of the tar is no tar",
		err);
}

static int walk(struct scanner *scanner, struct peel_error *err)
{
	int code;

	while ((code = next_group(scanner, err)) > 0) {
		code = scan_decode(scanner, err);
		if (code >= 0) {
			code = deliver(scanner, code > 0, err);
		}
		if (code < 0) {
			return code;
		}
	}
	return code < 0 ? code : drain(scanner, err);
}

static void finish_scanner(struct scanner *scanner)
{
	tar_pax_finish(&scanner->pax);
	tar_sparse_finish(&scanner->sparse);
	scan_archive_free(scanner->archive);
	free(scanner->group);
	free(scanner->xattrs);
	free(scanner->extras);
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
