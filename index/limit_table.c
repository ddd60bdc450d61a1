/* SPDX-License-Identifier: Apache-2.0 */
/* The table of limits, and its values as text. */
#include <peel/limits.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <peel/text.h>

#include "util.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)
/** Bytes of the user's text that a message shows. */
#define SHOWN_MAX 80
/** Longest "NAME=VALUE". */
#define ASSIGNMENT_MAX 64

static const struct peel_limit_info table[PEEL_LIMITS];

/** A letter after a number, and what it stands for. */
struct suffix {
	char letter;
	uint64_t factor;
};

static const struct suffix count_suffixes[] = {
	{'T', TIB},
	{'G', GIB},
	{'M', MIB},
	{'K', KIB},
	{0},
};
static const struct suffix time_suffixes[] = {
	{'d', 86400},
	{'h', 3600},
	{'m', 60},
	{'s', 1},
	{0},
};

static const struct suffix *suffixes_of(const struct peel_limit_info *info)
{
	return info->unit == PEEL_UNIT_SECONDS ? time_suffixes : count_suffixes;
}

const struct peel_limit_info *peel_limit_info(unsigned int limit)
{
	return limit < PEEL_LIMITS ? &table[limit] : NULL;
}

uint64_t peel_limit_value(const struct peel_limits *limits, enum peel_limit limit)
{
	const struct peel_limit_info *info = &table[limit];
	uint64_t value = limits && limits->values[limit] ? limits->values[limit] : info->standard;

	return min_u64(max_u64(value, info->least), info->most);
}

const char *peel_limit_text(char *buf, enum peel_limit limit, uint64_t value)
{
	const struct peel_limit_info *info = &table[limit];
	const struct suffix *suffix = suffixes_of(info);

	if (value == PEEL_NO_LIMIT) {
		snprintf(buf, PEEL_LIMIT_TEXT, "none");
		return buf;
	}
	if (info->unit == PEEL_UNIT_BYTES || info->unit == PEEL_UNIT_SECONDS) {
		for (; suffix->letter; suffix++) {
			if (value > 0 && value % suffix->factor == 0) {
				snprintf(buf, PEEL_LIMIT_TEXT, "%" PRIu64 "%c",
					value / suffix->factor, suffix->letter);
				return buf;
			}
		}
	}
	snprintf(buf, PEEL_LIMIT_TEXT, "%" PRIu64, value);
	return buf;
}

/** @return false where it is no value. */
static bool parse_value(const struct peel_limit_info *info, const char *text, uint64_t *ret_value)
{
	const struct suffix *suffix = suffixes_of(info);
	const char *digit = text;
	uint64_t value = 0;

	if (strcmp(text, "none") == 0) {
		*ret_value = PEEL_NO_LIMIT;
		return true;
	}
	for (; *digit >= '0' && *digit <= '9'; digit++) {
		if (!checked_mul(value, 10, &value) ||
			!checked_add(value, (uint64_t)(*digit - '0'), &value)) {
			return false;
		}
	}
	while (*digit && suffix->letter && suffix->letter != *digit) {
		suffix++;
	}
	if (digit == text || (*digit && (!suffix->letter || digit[1]))) {
		return false;
	}
	*ret_value = value;
	return !*digit || checked_mul(value, suffix->factor, ret_value);
}

static const struct peel_limit_info *find(const char *name, size_t len)
{
	for (size_t i = 0; i < PEEL_LIMITS; i++) {
		if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0) {
			return &table[i];
		}
	}
	return NULL;
}

static int check_range(const struct peel_limit_info *info, uint64_t value, struct peel_error *err)
{
	enum peel_limit limit = (enum peel_limit)(info - table);
	char least[PEEL_LIMIT_TEXT];
	char most[PEEL_LIMIT_TEXT];

	if (value >= info->least && value <= info->most) {
		return 0;
	}
	peel_limit_text(least, limit, info->least);
	peel_limit_text(most, limit, info->most);
	return value < info->least
		? peel_fail(err, PEEL_EUSAGE, "limit '%s' is %s at least", info->name, least)
		: peel_fail(err, PEEL_EUSAGE, "limit '%s' is %s at most: %s", info->name, most,
			  info->bound);
}

/** One "NAME=VALUE". */
static int set_one(struct peel_limits *limits, const char *text, size_t len, struct peel_error *err)
{
	const char *equals = memchr(text, '=', len);
	const struct peel_limit_info *info = equals ? find(text, (size_t)(equals - text)) : NULL;
	char shown[SHOWN_MAX];
	char copy[ASSIGNMENT_MAX] = "";
	uint64_t value = 0;
	int code;

	peel_text_escape_into(shown, sizeof(shown), text, len);
	if (!info) {
		return peel_fail(err, PEEL_EUSAGE, "'%s' is no NAME=VALUE of a limit%s", shown,
			equals ? ": there is none of that name" : "");
	}
	equals++;
	len -= (size_t)(equals - text);
	if (len < sizeof(copy)) {
		memcpy(copy, equals, len);
	}
	if (strlen(copy) != len || !parse_value(info, copy, &value)) {
		return peel_fail(err, PEEL_EUSAGE, "limit '%s': no %s: '%s'", info->name,
			info->unit == PEEL_UNIT_SECONDS ? "time (as 90s, 10m, 2h)"
							: "number (as 5000, 64K, 20G)",
			shown);
	}
	code = check_range(info, value, err);
	if (code == 0) {
		limits->values[info - table] = value;
	}
	return code;
}

int peel_limits_set(struct peel_limits *limits, const char *text, struct peel_error *err)
{
	struct peel_limits set = *limits;
	int code = 0;

	while (code == 0) {
		size_t len = strcspn(text, ",");

		code = set_one(&set, text, len, err);
		if (text[len] == '\0') {
			break;
		}
		text += len + 1;
	}
	if (code == 0) {
		*limits = set;
	}
	return code;
}

/* By enum peel_limit. */
static const struct peel_limit_info table[PEEL_LIMITS] = {
	[PEEL_LIMIT_DEPTH] = {"depth", PEEL_UNIT_COUNT, PEEL_LIMIT_CUTS, 8192, 1, 32767,
		"names in a path", "four times as many as the longest path that a kernel takes has",
		"the longest path that can be asked for has no more"},
	[PEEL_LIMIT_ENTRIES] = {"entries", PEEL_UNIT_COUNT, PEEL_LIMIT_STOPS, 10000000, 1,
		1000000000, "tar entries of all layers",
		"twice the largest images that are known; about 2 GB of index",
		"an index numbers no more"},
	[PEEL_LIMIT_FOLDERS] = {"folders", PEEL_UNIT_COUNT, PEEL_LIMIT_STOPS, 3000000, 1,
		4000000000, "folders of all paths",
		"ten files a folder are usual, but one path can name thousands that have no entry",
		"an index numbers no more"},
	[PEEL_LIMIT_HEADER_SIZE] = {"header-size", PEEL_UNIT_BYTES, PEEL_LIMIT_CUTS, MIB, 512,
		4 * MIB, "one pax or GNU header of a tar", "container engines refuse larger ones",
		"the headers of one entry have 8 MiB together"},
	[PEEL_LIMIT_INDEX_SIZE] = {"index-size", PEEL_UNIT_BYTES, PEEL_LIMIT_STOPS, 4 * GIB,
		256 * KIB, PEEL_NO_LIMIT,
		"the index of an image, its facts, and each of their temporary files",
		"what the cache has room for; 5,000,000 files take 1 GB", ""},
	[PEEL_LIMIT_JSON_DEPTH] = {"json-depth", PEEL_UNIT_COUNT, PEEL_LIMIT_STOPS, 64, 4, 1000,
		"levels of a manifest, an index or a configuration", "real ones have six",
		"a parser's stack has room for no more"},
	[PEEL_LIMIT_JSON_SIZE] = {"json-size", PEEL_UNIT_BYTES, PEEL_LIMIT_STOPS, 4 * MIB, KIB,
		16 * MIB,
		"a manifest, an index or a configuration; all together, sixteen times as much",
		"container engines refuse larger ones", "parsed, it takes ten times its size"},
	[PEEL_LIMIT_LAYER_BYTES] = {"layer-bytes", PEEL_UNIT_BYTES, PEEL_LIMIT_CUTS, 512 * GIB, 512,
		PEEL_NO_LIMIT, "what one compressed layer, or image file, unpacks to",
		"more than any disk of a CI machine holds", ""},
	[PEEL_LIMIT_LAYERS] = {"layers", PEEL_UNIT_COUNT, PEEL_LIMIT_STOPS, 1024, 1, 4096,
		"layers of an image; four times as many lines of history",
		"engines stop at 127, overlay drivers at 500", "an index numbers no more"},
	[PEEL_LIMIT_MANIFESTS] = {"manifests", PEEL_UNIT_COUNT, PEEL_LIMIT_STOPS, 10000, 1, 100000,
		"images and artifacts that a file lists",
		"a registry's largest multi-platform index has hundreds",
		"each is looked at before one is chosen"},
	[PEEL_LIMIT_MEMBERS] = {"members", PEEL_UNIT_COUNT, PEEL_LIMIT_STOPS, 65536, 1, 1000000,
		"files of the archive that holds an image", "sixty for each of 1,024 layers",
		"the list is held in memory"},
	[PEEL_LIMIT_MEMORY] = {"memory", PEEL_UNIT_BYTES, PEEL_LIMIT_STOPS, 512 * MIB, 64 * MIB,
		PEEL_NO_LIMIT, "what reading an image allocates; a zstd window has a quarter of it",
		"reading takes 64 MiB, a zstd window of zstd's own greatest default 128 MiB", ""},
	[PEEL_LIMIT_PATH_LENGTH] = {"path-length", PEEL_UNIT_BYTES, PEEL_LIMIT_CUTS, 16383, 16,
		65535, "the path of an entry",
		"a kernel takes 4,095; odd images should still be shown",
		"its buffers are made before it is known"},
	[PEEL_LIMIT_RATIO] = {"ratio", PEEL_UNIT_RATIO, PEEL_LIMIT_STOPS, 200, 2, PEEL_NO_LIMIT,
		"unpacked bytes for one compressed byte, all layers together",
		"real images have 2 to 10; gzip reaches 1,030, zstd 31,892", ""},
	[PEEL_LIMIT_RATIO_FROM] = {"ratio-from", PEEL_UNIT_BYTES, PEEL_LIMIT_STOPS, 24 * GIB, MIB,
		PEEL_NO_LIMIT, "unpacked bytes from which on the ratio counts",
		"a file of 20 GiB of zeros passes; more zeros are unpacked in half a minute", ""},
	[PEEL_LIMIT_SPARSE_EXTENTS] = {"sparse-extents", PEEL_UNIT_COUNT, PEEL_LIMIT_CUTS, 65536, 1,
		200000, "pieces of a sparse file", "a file of 4 GiB with a hole every 64 KiB",
		"its map must fit into 8 MiB of headers"},
	[PEEL_LIMIT_SPOOL] = {"spool", PEEL_UNIT_BYTES, PEEL_LIMIT_STOPS, 64 * GIB, 1,
		PEEL_NO_LIMIT,
		"what is kept on disk of standard input, or of a zstd layer that is one frame; as --spool-limit",
		"three images of 20 GB", ""},
	[PEEL_LIMIT_SYMLINK_HOPS] = {"symlink-hops", PEEL_UNIT_COUNT, PEEL_LIMIT_STOPS, 40, 1, 40,
		"symlinks on the way along one path", "the kernel's own",
		"the kernel follows no more, so nothing that runs does"},
	[PEEL_LIMIT_TIME] = {"time", PEEL_UNIT_SECONDS, PEEL_LIMIT_STOPS, 3600, 1, PEEL_NO_LIMIT,
		"building an index, and gathering facts, each; waiting for standard input is free",
		"20 GB take a minute; a job of CI should end", ""},
	[PEEL_LIMIT_TOTAL_BYTES] = {"total-bytes", PEEL_UNIT_BYTES, PEEL_LIMIT_STOPS, 2 * TIB, 512,
		PEEL_NO_LIMIT, "what all compressed layers unpack to",
		"four layers of the largest size", ""},
	[PEEL_LIMIT_XATTR_SIZE] = {"xattr-size", PEEL_UNIT_BYTES, PEEL_LIMIT_CUTS, 256 * KIB, 1,
		4 * MIB, "names and values of the extended attributes of an entry",
		"the kernel takes 64 KiB a value, and 64 KiB of names",
		"they must fit into one header"},
};
