/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a header group into memory, block by block, and what its extension headers say. The group
 * is one piece, as libarchive wants it; while it grows it moves, and the texts that point into it
 * move along.
 */
#include <inttypes.h>
#include <string.h>

#include <peel/error.h>

#include "codec.h"
#include "limit.h"
#include "scan_priv.h"
#include "util.h"

/** Of a NUL in a pax header that no entry uses. */
#define NUL_UNUSED "a NUL in a name that is not used; engines refuse the layer"

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
	size_t room = (size_t)min_u64(2 * (scanner->group_len + len), SCAN_GROUP_MAX);
	char *grown;

	if (len > SCAN_GROUP_MAX - scanner->group_len) {
		(void)peel_fail(err, PEEL_ELIMIT, "tar headers of one entry longer than %u bytes",
			SCAN_GROUP_MAX);
		return scan_wrap_offset(err, PEEL_ELIMIT, scanner->group_off);
	}
	if (!scanner->large && len + scanner->group_len > SCAN_GROUP_SMALL) {
		int code = scanner->sink->large ? scanner->sink->large(scanner->sink->arg, err) : 0;

		scanner->large = true;
		if (code < 0) {
			return code;
		}
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
		return scan_wrap_offset(err, PEEL_ETRUNCATED, offset);
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
		return scan_wrap_offset(err, PEEL_EFORMAT, offset);
	}
	code = limits_check(scanner->sink->limits, PEEL_LIMIT_HEADER_SIZE, (uint64_t)size, err);
	if (code < 0) {
		return scan_wrap_offset(err, code, offset);
	}
	code = scan_more(scanner, (size_t)size, err);
	if (code < 0) {
		return code;
	}
	if (code == 0 && size > 0) {
		(void)peel_fail(err, PEEL_ETRUNCATED, "the tar ends inside of an extension header");
		return scan_wrap_offset(err, PEEL_ETRUNCATED, offset);
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
	return code < 0 ? scan_wrap_offset(err, code, offset) : 0;
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
		code = scan_tell(scanner, "engines-differ", header->path, header->path_len,
			scanner->group_off,
			"a global pax header: umoci refuses the layer, others pass over it", err);
	}
	if (code == 0 && scanner->pax.nul_name) {
		code = scan_tell(scanner, "nul-in-name", header->path, header->path_len,
			scanner->group_off, NUL_UNUSED, err);
	}
	for (size_t i = 0; i < countof(naming) && code == 0; i++) {
		if (scanner->pax.known[naming[i]].bytes) {
			code = scan_tell(scanner, "global-header", header->path, header->path_len,
				scanner->group_off,
				"a global pax header with a path, linkpath or size; it is not applied",
				err);
			break;
		}
	}
	if (code == 0 && dropped) {
		code = scan_tell(scanner, "ambiguous-header", header->path, header->path_len,
			scanner->group_off,
			"a global pax header cuts extension headers off from their entry", err);
	}
	start_group(scanner);
	return code;
}

/** Take in an extension header, whose block is the last of the group. */
static int read_extension(struct scanner *scanner, struct peel_error *err)
{
	struct tar_text text = {0};
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
		return scan_wrap_offset(err, PEEL_EFORMAT, offset);
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
	if (scanner->has_pax && scanner->pax.nul_name) {
		int code = scan_tell(scanner, "nul-in-name", NULL, 0, scanner->group_off,
			NUL_UNUSED, err);

		if (code < 0) {
			return code;
		}
	}
	return scan_tell(scanner, "header-without-entry", NULL, 0, scanner->group_off,
		"the tar ends after an extension header", err);
}

int scan_next_group(struct scanner *scanner, struct peel_error *err)
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
			return scan_wrap_offset(err, code, offset);
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
