/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinds are rows: bytes at an offset, and a check where those alone would be too weak. The first row that fits decides,
 * so the longer of two magics that begin alike comes first. What no row knows is text or data.
 *
 * Text is what a terminal and grep take as such: valid UTF-8 without control characters but those that move the cursor.
 */
#include "facts.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "util.h"

/* Bytes of a DOS header, and how far from the begin of the file the real one may be. */
#define DOS_HEADER 64
#define PE_OFFSET_MAX (1u << 20)

/* Bytes of a file, for checks. */
struct head {
	const uint8_t *bytes;
	size_t len;
};

typedef bool check_fn(const struct head *head);

struct magic {
	enum peel_kind kind;
	unsigned int offset;
	unsigned int len;
	const char *bytes;
	check_fn *check;
};

static uint16_t read_le16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

/* "BZh" could begin a word; the first block's magic, or the end's of an empty stream, could not. */
static bool is_bzip2(const struct head *head)
{
	return head->len >= 10 && head->bytes[3] >= '1' && head->bytes[3] <= '9' &&
		(memcmp(head->bytes + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0 ||
			memcmp(head->bytes + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
}

/* "EFI PART", the header of a partition table, is behind a sector that may boot. */
static bool is_gpt(const struct head *head)
{
	return head->len >= 1024 && head->bytes[510] == 0x55 && head->bytes[511] == 0xaa;
}

/* The superblock of ext2 to ext4: its magic is short, so the state, block size and revision must be possible too. */
static bool is_ext(const struct head *head)
{
	return head->len >= 2048 && head->bytes[1082] <= 7 && head->bytes[1083] == 0 &&
		read_le16(head->bytes + 1048) <= 6 && read_le16(head->bytes + 1050) == 0 &&
		head->bytes[1100] <= 1 && head->bytes[1101] == 0;
}

/* Two zero words follow a bitmap's size. */
static bool is_bmp(const struct head *head)
{
	return head->len >= 26 && memcmp(head->bytes + 6, "\0\0\0\0", 4) == 0;
}

/* A count of icons; what else begins with these zeros is bigger there. */
static bool is_ico(const struct head *head)
{
	return head->len >= 22 && head->bytes[4] > 0 && head->bytes[5] == 0 && head->bytes[9] == 0;
}

/* The same magic begins a fat Mach-O file, which counts its architectures where a class has its version, 45 or more. */
static bool is_java_class(const struct head *head)
{
	return head->len >= 8 && (head->bytes[6] << 8 | head->bytes[7]) >= 45;
}

/*
 * CR LF follows the number of a version of Python: 50823 to 62211 for Python 2, from 3000 on for Python 3, which has
 * used 3000 to 3700 until now.
 */
static bool is_pyc(const struct head *head)
{
	uint16_t version = head->len >= 8 ? read_le16(head->bytes) : 0;

	return (version >= 3000 && version < 4000) || version == 50823 || version == 60202 ||
		version == 60717 || (version >= 62001 && version <= 62299);
}

/* A DOS header says where the real one is; in a text that begins so these bytes are a large number. */
static bool is_pe(const struct head *head)
{
	const uint32_t at = head->len >= DOS_HEADER
		? read_le16(head->bytes + 60) | (uint32_t)read_le16(head->bytes + 62) << 16
		: PE_OFFSET_MAX;

	return at < PE_OFFSET_MAX &&
		(at + 4 > head->len ? head->len == FACTS_HEAD
				    : memcmp(head->bytes + at, "PE\0\0", 4) == 0);
}

static bool is_webp(const struct head *head)
{
	return head->len >= 12 && memcmp(head->bytes + 8, "WEBP", 4) == 0;
}

#define MAGIC(kind, offset, bytes, check) \
	{ \
		kind, offset, sizeof(bytes) - 1, bytes, check \
	}

static const struct magic magics[] = {
	MAGIC(PEEL_KIND_ELF, 0, "\177ELF", NULL),
	MAGIC(PEEL_KIND_SCRIPT, 0, "#!", NULL),
	MAGIC(PEEL_KIND_DEB, 0, "!<arch>\ndebian-binary", NULL),
	MAGIC(PEEL_KIND_AR, 0, "!<arch>\n", NULL),
	MAGIC(PEEL_KIND_AR, 0, "!<thin>\n", NULL),
	MAGIC(PEEL_KIND_BZIP2, 0, "BZh", is_bzip2),
	MAGIC(PEEL_KIND_CLASS, 0, "\xca\xfe\xba\xbe", is_java_class),
	MAGIC(PEEL_KIND_COMPRESS, 0, "\x1f\x9d", NULL),
	MAGIC(PEEL_KIND_CPIO, 0, "070701", NULL),
	MAGIC(PEEL_KIND_CPIO, 0, "070702", NULL),
	MAGIC(PEEL_KIND_CPIO, 0, "070707", NULL),
	MAGIC(PEEL_KIND_CPIO, 0, "\xc7\x71", NULL),
	MAGIC(PEEL_KIND_FONT, 0, "wOFF", NULL),
	MAGIC(PEEL_KIND_FONT, 0, "wOF2", NULL),
	MAGIC(PEEL_KIND_FONT, 0, "OTTO", NULL),
	MAGIC(PEEL_KIND_FONT, 0, "\0\1\0\0\0", NULL),
	MAGIC(PEEL_KIND_FONT, 0, "ttcf", NULL),
	MAGIC(PEEL_KIND_GGUF, 0, "GGUF", NULL),
	MAGIC(PEEL_KIND_GIF, 0, "GIF87a", NULL),
	MAGIC(PEEL_KIND_GIF, 0, "GIF89a", NULL),
	MAGIC(PEEL_KIND_GITPACK, 0, "PACK\0\0\0", NULL),
	MAGIC(PEEL_KIND_GZIP, 0, "\x1f\x8b", NULL),
	MAGIC(PEEL_KIND_HDF5, 0, "\x89HDF\r\n\x1a\n", NULL),
	MAGIC(PEEL_KIND_JPEG, 0, "\xff\xd8\xff", NULL),
	MAGIC(PEEL_KIND_LZ4, 0, "\x04\x22\x4d\x18", NULL),
	MAGIC(PEEL_KIND_LZIP, 0, "LZIP\1", NULL),
	MAGIC(PEEL_KIND_MACHO, 0, "\xca\xfe\xba\xbe", NULL),
	MAGIC(PEEL_KIND_MACHO, 0, "\xfe\xed\xfa\xce", NULL),
	MAGIC(PEEL_KIND_MACHO, 0, "\xfe\xed\xfa\xcf", NULL),
	MAGIC(PEEL_KIND_MACHO, 0, "\xce\xfa\xed\xfe", NULL),
	MAGIC(PEEL_KIND_MACHO, 0, "\xcf\xfa\xed\xfe", NULL),
	MAGIC(PEEL_KIND_PDF, 0, "%PDF-", NULL),
	MAGIC(PEEL_KIND_PE, 0, "MZ", is_pe),
	MAGIC(PEEL_KIND_PNG, 0, "\x89PNG\r\n\x1a\n", NULL),
	MAGIC(PEEL_KIND_PYC, 2, "\r\n", is_pyc),
	MAGIC(PEEL_KIND_RAR, 0, "Rar!\x1a\x07", NULL),
	MAGIC(PEEL_KIND_RPM, 0, "\xed\xab\xee\xdb", NULL),
	MAGIC(PEEL_KIND_SEVENZIP, 0, "7z\xbc\xaf\x27\x1c", NULL),
	MAGIC(PEEL_KIND_SQLITE, 0, "SQLite format 3\0", NULL),
	MAGIC(PEEL_KIND_SQUASHFS, 0, "hsqs", NULL),
	MAGIC(PEEL_KIND_TAR, 257, "ustar", NULL),
	MAGIC(PEEL_KIND_TIFF, 0, "II*\0", NULL),
	MAGIC(PEEL_KIND_TIFF, 0, "MM\0*", NULL),
	MAGIC(PEEL_KIND_WASM, 0, "\0asm", NULL),
	MAGIC(PEEL_KIND_WEBP, 0, "RIFF", is_webp),
	MAGIC(PEEL_KIND_XZ, 0,
		"\xfd"
		"7zXZ\0",
		NULL),
	MAGIC(PEEL_KIND_ZIP, 0, "PK\3\4", NULL),
	MAGIC(PEEL_KIND_ZIP, 0, "PK\5\6", NULL),
	MAGIC(PEEL_KIND_ZIP, 0, "PK\7\x8", NULL),
	MAGIC(PEEL_KIND_ZSTD, 0, "\x28\xb5\x2f\xfd", NULL),
	MAGIC(PEEL_KIND_CAB, 0, "MSCF\0\0\0\0", NULL),
	MAGIC(PEEL_KIND_DISK, 0, "QFI\xfb", NULL),
	MAGIC(PEEL_KIND_DISK, 0, "KDMV\1\0\0\0", NULL),
	MAGIC(PEEL_KIND_DISK, 0, "KDMV\2\0\0\0", NULL),
	MAGIC(PEEL_KIND_DISK, 0, "KDMV\3\0\0\0", NULL),
	MAGIC(PEEL_KIND_DISK, 0, "conectix", NULL),
	MAGIC(PEEL_KIND_DISK, 0, "vhdxfile", NULL),
	MAGIC(PEEL_KIND_DISK, 64, "\x7f\x10\xda\xbe", NULL),
	MAGIC(PEEL_KIND_DISK, 512, "EFI PART", is_gpt),
	MAGIC(PEEL_KIND_FILESYSTEM, 0, "XFSB", NULL),
	MAGIC(PEEL_KIND_FILESYSTEM, 0, "\x45\x3d\xcd\x28", NULL),
	MAGIC(PEEL_KIND_FILESYSTEM, 0, "-rom1fs-", NULL),
	MAGIC(PEEL_KIND_FILESYSTEM, 1024, "\xe2\xe1\xf5\xe0", NULL),
	MAGIC(PEEL_KIND_FILESYSTEM, 1080, "\x53\xef", is_ext),
	MAGIC(PEEL_KIND_BMP, 0, "BM", is_bmp),
	MAGIC(PEEL_KIND_ICO, 0, "\0\0\1\0", is_ico),
};

/* Names by kind; the order is the enum's. */
static const char *const names[] = {
	[PEEL_KIND_EMPTY] = "empty",
	[PEEL_KIND_TEXT] = "text",
	[PEEL_KIND_DATA] = "data",
	[PEEL_KIND_AR] = "ar",
	[PEEL_KIND_BMP] = "bmp",
	[PEEL_KIND_BZIP2] = "bzip2",
	[PEEL_KIND_CLASS] = "class",
	[PEEL_KIND_COMPRESS] = "compress",
	[PEEL_KIND_CPIO] = "cpio",
	[PEEL_KIND_DEB] = "deb",
	[PEEL_KIND_ELF] = "elf",
	[PEEL_KIND_FONT] = "font",
	[PEEL_KIND_GGUF] = "gguf",
	[PEEL_KIND_GIF] = "gif",
	[PEEL_KIND_GITPACK] = "gitpack",
	[PEEL_KIND_GZIP] = "gzip",
	[PEEL_KIND_HDF5] = "hdf5",
	[PEEL_KIND_ICO] = "ico",
	[PEEL_KIND_JPEG] = "jpeg",
	[PEEL_KIND_LZ4] = "lz4",
	[PEEL_KIND_LZIP] = "lzip",
	[PEEL_KIND_MACHO] = "macho",
	[PEEL_KIND_PDF] = "pdf",
	[PEEL_KIND_PE] = "pe",
	[PEEL_KIND_PNG] = "png",
	[PEEL_KIND_PYC] = "pyc",
	[PEEL_KIND_RAR] = "rar",
	[PEEL_KIND_RPM] = "rpm",
	[PEEL_KIND_SCRIPT] = "script",
	[PEEL_KIND_SEVENZIP] = "7z",
	[PEEL_KIND_SQLITE] = "sqlite",
	[PEEL_KIND_SQUASHFS] = "squashfs",
	[PEEL_KIND_TAR] = "tar",
	[PEEL_KIND_TIFF] = "tiff",
	[PEEL_KIND_WASM] = "wasm",
	[PEEL_KIND_WEBP] = "webp",
	[PEEL_KIND_XZ] = "xz",
	[PEEL_KIND_ZIP] = "zip",
	[PEEL_KIND_ZSTD] = "zstd",
	[PEEL_KIND_CAB] = "cab",
	[PEEL_KIND_DISK] = "disk",
	[PEEL_KIND_FILESYSTEM] = "filesystem",
};

const char *peel_kind_name(enum peel_kind kind)
{
	return kind >= PEEL_KIND_EMPTY && (size_t)kind < countof(names) ? names[kind] : NULL;
}

enum peel_kind facts_kind_known(int number)
{
	return peel_kind_name((enum peel_kind)number) ? (enum peel_kind)number : 0;
}

/* Bytes of the UTF-8 character at a place; 0: none is there. Less than its length may be left at the end. */
static size_t character_length(const uint8_t *at, size_t left)
{
	const size_t len = *at < 0x80 ? 1
		: *at < 0xc2          ? 0
		: *at < 0xe0          ? 2
		: *at < 0xf0          ? 3
		: *at < 0xf5          ? 4
				      : 0;

	for (size_t i = 1; i < len && i < left; i++) {
		if ((at[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return len;
}

/* Characters of one byte that a text has: most of what there is to look at. */
static const bool is_plain[256] = {
	['\b'] = true,
	['\t'] = true,
	['\n'] = true,
	['\v'] = true,
	['\f'] = true,
	['\r'] = true,
	['\033'] = true,
	[' ' ... '~'] = true,
};

/* The next place with another byte, eight looked at together: most files begin with nothing else. */
static size_t pass_plain(const struct head *head, size_t at)
{
	const uint8_t *bytes = head->bytes;

	while (at + 8 <= head->len &&
		(is_plain[bytes[at]] & is_plain[bytes[at + 1]] & is_plain[bytes[at + 2]] &
			is_plain[bytes[at + 3]] & is_plain[bytes[at + 4]] &
			is_plain[bytes[at + 5]] & is_plain[bytes[at + 6]] &
			is_plain[bytes[at + 7]])) {
		at += 8;
	}
	while (at < head->len && is_plain[bytes[at]]) {
		at++;
	}
	return at;
}

static bool is_text(const struct head *head)
{
	size_t at = pass_plain(head, 0);

	while (at < head->len) {
		const size_t len = head->bytes[at] < 0x80
			? 0
			: character_length(head->bytes + at, head->len - at);

		if (len == 0) {
			return false;
		}
		if (at + len > head->len && head->len < FACTS_HEAD) {
			return false;
		}
		at = pass_plain(head, at + len);
	}
	return true;
}

enum peel_kind facts_kind(const void *bytes, size_t len)
{
	const struct head head = {.bytes = bytes, .len = len};

	if (len == 0) {
		return PEEL_KIND_EMPTY;
	}
	for (size_t i = 0; i < countof(magics); i++) {
		const struct magic *magic = &magics[i];

		if (magic->offset + magic->len <= len &&
			memcmp(head.bytes + magic->offset, magic->bytes, magic->len) == 0 &&
			(!magic->check || magic->check(&head))) {
			return magic->kind;
		}
	}
	return is_text(&head) ? PEEL_KIND_TEXT : PEEL_KIND_DATA;
}
