/* SPDX-License-Identifier: Apache-2.0 */
#include "tar_header.h"

#include <string.h>

#include <peel/error.h>

/** Offset and length of a field in the block. */
struct field {
	uint16_t offset;
	uint16_t len;
};

static const struct field name_field = {0, 100};
static const struct field link_field = {157, 100};
static const struct field checksum_field = {148, 8};
static const struct field magic_field = {257, 6};
static const struct field uname_field = {265, 32};
static const struct field gname_field = {297, 32};
static const struct field prefix_field = {345, 155};
static const struct field star_prefix_field = {345, 131};
static const struct field star_trailer_field = {508, 4};
static const struct field gnu_times[] = {{345, 12}, {357, 12}};
static const struct field star_times[] = {{476, 12}, {488, 12}};

bool tar_is_zero(const void *block)
{
	const unsigned char *bytes = block;

	/* A block that starts with a zero byte and equals itself shifted by one is all zero. */
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, TAR_BLOCK - 1) == 0;
}

static bool parse_base256(const unsigned char *bytes, size_t len, int64_t *ret)
{
	unsigned char invert = bytes[0] & 0x40 ? 0xff : 0;
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = bytes[i] ^ invert;

		if (i == 0) {
			byte &= 0x7f;
		}
		if (value >> 56) {
			return false;
		}
		value = value << 8 | byte;
	}
	if (value >> 63) {
		return false;
	}
	*ret = invert ? (int64_t)~value : (int64_t)value;
	return true;
}

static bool parse_octal(const unsigned char *bytes, size_t len, int64_t *ret)
{
	uint64_t value = 0;

	while (len > 0 && (bytes[0] == ' ' || bytes[0] == 0)) {
		bytes++;
		len--;
	}
	while (len > 0 && (bytes[len - 1] == ' ' || bytes[len - 1] == 0)) {
		len--;
	}
	for (size_t i = 0; i < len && bytes[i] != 0; i++) {
		if (bytes[i] < '0' || bytes[i] > '7' || value >> 61) {
			return false;
		}
		value = value << 3 | (uint64_t)(bytes[i] - '0');
	}
	*ret = (int64_t)value;
	return true;
}

bool tar_number(const void *field, size_t len, int64_t *ret)
{
	const unsigned char *bytes = field;

	if (len > 0 && bytes[0] & 0x80) {
		return parse_base256(bytes, len, ret);
	}
	return parse_octal(bytes, len, ret);
}

bool tar_checksum_ok(const void *block)
{
	const unsigned char *bytes = block;
	/* The field itself counts as spaces. */
	int32_t sum = 8 * ' ';
	int32_t high = 0;
	int64_t wanted;

	if (!parse_octal(bytes + checksum_field.offset, checksum_field.len, &wanted)) {
		return false;
	}
	for (int i = 0; i < TAR_BLOCK; i++) {
		sum += bytes[i];
		high += bytes[i] >> 7;
	}
	for (int i = checksum_field.offset; i < checksum_field.offset + checksum_field.len; i++) {
		sum -= bytes[i];
		high -= bytes[i] >> 7;
	}
	return wanted == sum || wanted == sum - high * 256;
}

static enum tar_kind kind_of(const char *block)
{
	if (memcmp(block + magic_field.offset, "ustar\0", 6) == 0) {
		if (memcmp(block + star_trailer_field.offset, "tar\0", 4) == 0) {
			return TAR_STAR;
		}
		return TAR_USTAR;
	}
	/* Magic and version in one: "ustar " " \0". */
	if (memcmp(block + magic_field.offset, "ustar  \0", 8) == 0) {
		return TAR_GNU;
	}
	return TAR_V7;
}

static size_t copy_text(char *to, const char *block, const struct field *field)
{
	size_t len = strnlen(block + field->offset, field->len);

	memcpy(to, block + field->offset, len);
	to[len] = 0;
	return len;
}

static bool numbers_ok(const char *block, const struct field *fields, size_t count)
{
	int64_t value;

	for (size_t i = 0; i < count; i++) {
		if (!tar_number(block + fields[i].offset, fields[i].len, &value)) {
			return false;
		}
	}
	return true;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text >= 0x80) {
			return false;
		}
	}
	return true;
}

/** The prefix of the path; prefix has room for 156 bytes. */
static size_t copy_prefix(char *prefix, const char *block, enum tar_kind kind)
{
	size_t len = 0;

	prefix[0] = 0;
	if (kind == TAR_USTAR) {
		return copy_text(prefix, block, &prefix_field);
	}
	if (kind == TAR_STAR) {
		return copy_text(prefix, block, &star_prefix_field);
	}
	/*
	 * Go before 1.8 wrote GNU headers with a prefix over the times. As Go does, take it for one
	 * where the times are no numbers.
	 */
	if (kind == TAR_GNU) {
		for (size_t i = 0; i < 2; i++) {
			if (block[gnu_times[i].offset] != 0 &&
				!numbers_ok(block, &gnu_times[i], 1)) {
				len = copy_text(prefix, block, &prefix_field);
				return is_ascii(prefix) ? len : 0;
			}
		}
	}
	return 0;
}

static void copy_path(struct tar_header *header, const char *block)
{
	size_t len = copy_prefix(header->path, block, header->kind);

	if (len > 0) {
		header->path[len++] = '/';
	}
	header->path_len = len + copy_text(header->path + len, block, &name_field);
}

/** Number fields and where they go; the last two are not in v7 headers. */
static const struct {
	struct field field;
	size_t member;
	const char *name;
} numbers[] = {
	{{100, 8}, offsetof(struct tar_header, mode), "mode"},
	{{108, 8}, offsetof(struct tar_header, uid), "uid"},
	{{116, 8}, offsetof(struct tar_header, gid), "gid"},
	{{124, 12}, offsetof(struct tar_header, size), "size"},
	{{136, 12}, offsetof(struct tar_header, mtime), "mtime"},
	{{329, 8}, offsetof(struct tar_header, devmajor), "devmajor"},
	{{337, 8}, offsetof(struct tar_header, devminor), "devminor"},
};

static int parse_numbers(struct tar_header *header, const char *block, struct peel_error *err)
{
	size_t count = sizeof(numbers) / sizeof(numbers[0]) - (header->kind == TAR_V7 ? 2 : 0);

	header->devmajor = 0;
	header->devminor = 0;
	for (size_t i = 0; i < count; i++) {
		int64_t *value = (int64_t *)((char *)header + numbers[i].member);

		if (!tar_number(block + numbers[i].field.offset, numbers[i].field.len, value)) {
			return peel_fail(err, PEEL_EFORMAT,
				"tar header with a bad number in field %s", numbers[i].name);
		}
	}
	if (header->kind == TAR_STAR && !numbers_ok(block, star_times, 2)) {
		return peel_fail(err, PEEL_EFORMAT,
			"tar header with a bad number in field atime or ctime");
	}
	return 0;
}

int tar_header_parse(const void *block, struct tar_header *ret_header, struct peel_error *err)
{
	const char *bytes = block;
	struct tar_header header;
	int code;

	if (!tar_checksum_ok(block)) {
		return peel_fail(err, PEEL_EFORMAT, "tar header with a bad checksum");
	}
	header.kind = kind_of(bytes);
	header.typeflag = bytes[156];
	code = parse_numbers(&header, bytes, err);
	if (code < 0) {
		return code;
	}
	copy_path(&header, bytes);
	header.link_len = copy_text(header.link, bytes, &link_field);
	header.uname[0] = 0;
	header.gname[0] = 0;
	if (header.kind != TAR_V7) {
		copy_text(header.uname, bytes, &uname_field);
		copy_text(header.gname, bytes, &gname_field);
	}
	*ret_header = header;
	return 0;
}

bool tar_has_data(char typeflag)
{
	return typeflag < '1' || typeflag > '6';
}
