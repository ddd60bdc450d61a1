/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ustar headers with pax records, as GNU tar, bsdtar, Go's archive/tar and peel itself read them.
 *
 * A header block holds what fits: names and targets up to 100 bytes, ids below 2^21, sizes below 8
 * GiB, whole seconds from 1970 on. Whatever does not fit stands in a pax header before it, and only
 * that, so that most members cost one block. Files with holes are in GNU's sparse format 1.0:
 * records with the true name and size, and a map of decimal numbers in blocks of its own before the
 * data; all three readers make holes of it again.
 *
 * libarchive has a pax writer, and the library links it. It was tried (3.6.2) and does not give
 * these bytes: it writes -1.5 seconds as -2.5, encodes the names of xattrs ("user.a b" becomes
 * "user.a%20b", which engines take literally), and passes names through a character set: in UTF-8
 * locales some bytes change (surrogates in CESU-8), in the C locale every name that is not ASCII
 * brings a record "hdrcharset=BINARY", at which GNU tar warns once a file. It would also copy the
 * data once more. Go on using libarchive for reading, where none of this matters.
 *
 * Data is read straight into the buffer that is written, a mebibyte at a time: nothing is copied on
 * the way.
 */
#include "tar_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes written at once; reads of files are as large. */
#define BUFFER ((size_t)1 << 20)
/* A file of which less than this fits waits for an empty buffer. */
#define SMALL_ROOM ((size_t)64 << 10)
/* Longest name and target in a header block. */
#define NAME_FIELD 100
/* Largest numbers of fields with 7 and 11 octal digits. */
#define OCTAL_7 07777777u
#define OCTAL_11 UINT64_C(077777777777)
/* "offset\n" and "length\n" of an extent at most. */
#define EXTENT_TEXT 44
/* Longest decimal number with a sign and a fraction. */
#define NUMBER_TEXT 48

/* A header block. */
struct header {
	char name[NAME_FIELD];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[NAME_FIELD];
	char magic[6];
	char version[2];
	char uname[32];
	char gname[32];
	char major[8];
	char minor[8];
	char prefix[155];
	char unused[12];
};

_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header is one block");

bool tar_begin(struct tar *tar, int fd)
{
	*tar = (struct tar){.fd = fd, .buf = malloc(BUFFER)};
	return tar->buf != NULL;
}

static bool flush(struct tar *tar)
{
	for (size_t done = 0; done < tar->len && tar->failed == 0;) {
		ssize_t written = write(tar->fd, tar->buf + done, tar->len - done);

		if (written >= 0) {
			done += (size_t)written;
		} else if (errno != EINTR) {
			tar->failed = errno;
		}
	}
	tar->len = 0;
	return tar->failed == 0;
}

void *tar_place(struct tar *tar, uint64_t want, size_t *ret_room)
{
	size_t room = BUFFER - tar->len;

	if (room < want && room < SMALL_ROOM) {
		if (!flush(tar)) {
			return NULL;
		}
		room = BUFFER;
	}
	*ret_room = want < room ? (size_t)want : room;
	return tar->buf + tar->len;
}

void tar_placed(struct tar *tar, size_t len)
{
	tar->len += len;
	tar->offset += len;
}

static bool put(struct tar *tar, const void *bytes, size_t len)
{
	const char *from = bytes;

	while (len > 0) {
		size_t room;
		char *place = tar_place(tar, len, &room);

		if (!place) {
			return false;
		}
		memcpy(place, from, room);
		tar_placed(tar, room);
		from += room;
		len -= room;
	}
	return true;
}

bool tar_pad(struct tar *tar)
{
	static const char zeros[TAR_BLOCK];
	size_t over = tar->offset % TAR_BLOCK;

	return over == 0 || put(tar, zeros, TAR_BLOCK - over);
}

bool tar_finish(struct tar *tar, bool whole)
{
	static const char zeros[2 * TAR_BLOCK];
	bool good = tar->buf && (!whole || put(tar, zeros, sizeof(zeros))) && flush(tar);

	free(tar->buf);
	free(tar->pax);
	tar->buf = tar->pax = NULL;
	return good;
}

static bool add_bytes(struct tar *tar, const void *bytes, size_t len)
{
	if (tar->pax_room - tar->pax_len < len) {
		size_t room = (tar->pax_room + len) * 2;
		char *pax = realloc(tar->pax, room);

		if (!pax) {
			return false;
		}
		tar->pax = pax;
		tar->pax_room = room;
	}
	if (len > 0) {
		memcpy(tar->pax + tar->pax_len, bytes, len);
		tar->pax_len += len;
	}
	return true;
}

/* A record begins with its length in decimal, which counts its own digits. */
static bool add_record(struct tar *tar, const char *prefix, const char *key, const void *value,
	size_t len)
{
	/* Blank, '=' and newline. */
	size_t rest = strlen(prefix) + strlen(key) + len + 3;
	size_t total = rest + 1;
	char digits[NUMBER_TEXT];
	int count = snprintf(digits, sizeof(digits), "%zu", total);

	while (rest + (size_t)count != total) {
		total = rest + (size_t)count;
		count = snprintf(digits, sizeof(digits), "%zu", total);
	}
	return add_bytes(tar, digits, (size_t)count) && add_bytes(tar, " ", 1) &&
		add_bytes(tar, prefix, strlen(prefix)) && add_bytes(tar, key, strlen(key)) &&
		add_bytes(tar, "=", 1) && add_bytes(tar, value, len) && add_bytes(tar, "\n", 1);
}

bool tar_xattr(struct tar *tar, const char *name, const void *value, size_t len)
{
	return add_record(tar, "SCHILY.xattr.", name, value, len);
}

static bool add_number(struct tar *tar, const char *key, uint64_t number)
{
	char text[NUMBER_TEXT];
	int len = snprintf(text, sizeof(text), "%" PRIu64, number);

	return add_record(tar, "", key, text, (size_t)len);
}

/*
 * Seconds with a sign of its own: the fraction counts away from zero, as in every decimal number.
 */
static bool add_time(struct tar *tar, int64_t sec, uint32_t nsec)
{
	bool negative = sec < 0;
	uint64_t whole = negative ? 0 - (uint64_t)sec : (uint64_t)sec;
	uint32_t fraction = nsec;
	char text[NUMBER_TEXT];
	int len;

	if (negative && nsec > 0) {
		whole--;
		fraction = 1000000000 - nsec;
	}
	len = snprintf(text, sizeof(text), "%s%" PRIu64 ".%09" PRIu32, negative ? "-" : "", whole,
		fraction);
	while (text[len - 1] == '0') {
		len--;
	}
	len -= text[len - 1] == '.';
	return add_record(tar, "", "mtime", text, (size_t)len);
}

static bool add_records(struct tar *tar, const struct tar_member *member)
{
	const char *name_key = member->sparse ? "GNU.sparse.name" : "path";
	bool good = true;

	if (member->sparse) {
		good = add_record(tar, "", "GNU.sparse.major", "1", 1) &&
			add_record(tar, "", "GNU.sparse.minor", "0", 1) &&
			add_number(tar, "GNU.sparse.realsize", member->size);
	}
	if (member->sparse || member->path_len > NAME_FIELD) {
		good = good && add_record(tar, "", name_key, member->path, member->path_len);
	}
	if (member->link_len > NAME_FIELD) {
		good = good && add_record(tar, "", "linkpath", member->link, member->link_len);
	}
	if (member->uid > OCTAL_7) {
		good = good && add_number(tar, "uid", member->uid);
	}
	if (member->gid > OCTAL_7) {
		good = good && add_number(tar, "gid", member->gid);
	}
	if (member->mtime_nsec > 0 || member->mtime_sec < 0 ||
		(uint64_t)member->mtime_sec > OCTAL_11) {
		good = good && add_time(tar, member->mtime_sec, member->mtime_nsec);
	}
	return good;
}

/* An octal number, the largest one where it does not fit: a pax record has the true one. */
static void set_octal(char *field, size_t size, uint64_t number)
{
	for (size_t i = size - 1; i > 0; i--) {
		field[i - 1] = (char)('0' + (number & 7));
		number >>= 3;
	}
	if (number > 0) {
		memset(field, '7', size - 1);
	}
}

/* A device number, which has no pax record of its own: past octal as GNU has it, in base 256. */
static void set_device(char field[8], uint32_t number)
{
	if (number <= OCTAL_7) {
		set_octal(field, 8, number);
		return;
	}
	field[0] = (char)0x80;
	for (int i = 7; i > 0; i--) {
		field[i] = (char)(number & 0xff);
		number >>= 8;
	}
}

static bool put_header(struct tar *tar, struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	unsigned int sum = 0;

	memcpy(header->magic, "ustar", 6);
	memcpy(header->version, "00", 2);
	memset(header->checksum, ' ', sizeof(header->checksum));
	for (size_t i = 0; i < sizeof(*header); i++) {
		sum += bytes[i];
	}
	set_octal(header->checksum, 7, sum);
	header->checksum[6] = 0;
	return put(tar, header, sizeof(*header));
}

static void set_name(char field[NAME_FIELD], const char *before, const char *name, size_t len)
{
	size_t used = strlen(before);

	memcpy(field, before, used);
	memcpy(field + used, name, len < NAME_FIELD - used ? len : NAME_FIELD - used);
}

/* The last component of a path, without the slash that ends a folder's. */
static const char *last_component(const char *path, size_t len, size_t *ret_len)
{
	size_t end = len > 0 && path[len - 1] == '/' ? len - 1 : len;
	size_t start = end;

	while (start > 0 && path[start - 1] != '/') {
		start--;
	}
	*ret_len = end - start;
	return path + start;
}

static bool put_pax(struct tar *tar, const char *name, size_t name_len)
{
	struct header header = {.type = 'x'};
	bool good;

	set_name(header.name, "PaxHeaders/", name, name_len);
	set_octal(header.mode, sizeof(header.mode), 0644);
	set_octal(header.uid, sizeof(header.uid), 0);
	set_octal(header.gid, sizeof(header.gid), 0);
	set_octal(header.size, sizeof(header.size), tar->pax_len);
	set_octal(header.mtime, sizeof(header.mtime), 0);
	good = put_header(tar, &header) && put(tar, tar->pax, tar->pax_len) && tar_pad(tar);
	tar->pax_len = 0;
	return good;
}

/*
 * The sparse map as text, and how many bytes of data there are. @return NULL where memory is
 * exhausted.
 */
static char *make_map(const struct tar_member *member, size_t *ret_len, uint64_t *ret_data)
{
	size_t count = member->extent_count;
	const struct tar_extent *extents = member->extents;
	/* A hole at the end is shown by an extent without bytes there. */
	bool hole = count == 0 ||
		extents[count - 1].offset + extents[count - 1].length < member->size;
	char *map = malloc((count + 2) * EXTENT_TEXT + TAR_BLOCK);
	size_t len;

	if (!map) {
		return NULL;
	}
	*ret_data = 0;
	len = (size_t)sprintf(map, "%zu\n", count + hole);
	for (size_t i = 0; i < count; i++) {
		len += (size_t)sprintf(map + len, "%" PRIu64 "\n%" PRIu64 "\n", extents[i].offset,
			extents[i].length);
		*ret_data += extents[i].length;
	}
	if (hole) {
		len += (size_t)sprintf(map + len, "%" PRIu64 "\n0\n", member->size);
	}
	*ret_len = (len + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	memset(map + len, 0, *ret_len - len);
	return map;
}

static bool put_member(struct tar *tar, const struct tar_member *member, uint64_t stored)
{
	struct header header = {.type = member->type};
	size_t len;
	const char *name = last_component(member->path, member->path_len, &len);

	if (!add_records(tar, member) || (stored > OCTAL_11 && !add_number(tar, "size", stored)) ||
		(tar->pax_len > 0 && !put_pax(tar, name, len))) {
		return false;
	}
	if (member->sparse) {
		set_name(header.name, "GNUSparseFile.0/", name, len);
	} else {
		set_name(header.name, "", member->path, member->path_len);
	}
	if (member->link_len > 0) {
		set_name(header.link, "", member->link, member->link_len);
	}
	set_octal(header.mode, sizeof(header.mode), member->mode);
	set_octal(header.uid, sizeof(header.uid), member->uid);
	set_octal(header.gid, sizeof(header.gid), member->gid);
	set_octal(header.size, sizeof(header.size), stored);
	set_octal(header.mtime, sizeof(header.mtime),
		member->mtime_sec > 0 ? (uint64_t)member->mtime_sec : 0);
	set_device(header.major, member->major);
	set_device(header.minor, member->minor);
	return put_header(tar, &header);
}

bool tar_member(struct tar *tar, const struct tar_member *member)
{
	char *map;
	size_t map_len;
	uint64_t data;
	bool good;

	if (!member->sparse) {
		return put_member(tar, member, member->size);
	}
	map = make_map(member, &map_len, &data);
	good = map && put_member(tar, member, map_len + data) && put(tar, map, map_len);
	free(map);
	return good;
}
