/* SPDX-License-Identifier: Apache-2.0 */
#include "pkgdb_control.h"

#include <string.h>

#include "util.h"

/* dpkg counts installed sizes in these. */
#define KIB 1024

void pkgdb_copy(char *to, const char *bytes, size_t len)
{
	len = min_u64(len, PKGDB_NAME_MAX);
	memcpy(to, bytes, len);
	to[len] = '\0';
}

int64_t pkgdb_number(const char *bytes, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] < '0' || bytes[i] > '9' || !checked_mul(number, 10, &number) ||
			!checked_add(number, (uint64_t)(bytes[i] - '0'), &number)) {
			return -1;
		}
	}
	return len > 0 && number <= INT64_MAX ? (int64_t)number : -1;
}

const char *pkgdb_value(const char *line, size_t len, const char *key, size_t *ret_len)
{
	size_t key_len = strlen(key);

	if (len <= key_len || memcmp(line, key, key_len) != 0 || line[key_len] != ':') {
		return NULL;
	}
	line += key_len + 1;
	len -= key_len + 1;
	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\r')) {
		len--;
	}
	*ret_len = len;
	return line;
}

/* Fields that are copied. */
static const struct {
	const char *key;
	size_t offset;
} fields[] = {
	{"Package", offsetof(struct pkgdb_paragraph, name)},
	{"Name", offsetof(struct pkgdb_paragraph, name)},
	{"Version", offsetof(struct pkgdb_paragraph, version)},
	{"Architecture", offsetof(struct pkgdb_paragraph, arch)},
	{"Source", offsetof(struct pkgdb_paragraph, source)},
};

static bool ends_with(const char *bytes, size_t len, const char *end)
{
	const size_t end_len = strlen(end);

	return len >= end_len && memcmp(bytes + len - end_len, end, end_len) == 0;
}

static void take_line(struct pkgdb_paragraph *paragraph, const char *line, size_t len)
{
	const char *value;
	size_t value_len;

	for (size_t i = 0; i < countof(fields); i++) {
		value = pkgdb_value(line, len, fields[i].key, &value_len);
		if (value) {
			pkgdb_copy((char *)paragraph + fields[i].offset, value, value_len);
			return;
		}
	}
	if ((value = pkgdb_value(line, len, "Status", &value_len)) != NULL) {
		paragraph->has_status = true;
		paragraph->installed = ends_with(value, value_len, " installed");
	} else if ((value = pkgdb_value(line, len, "Installed-Size", &value_len)) != NULL) {
		const int64_t kib = pkgdb_number(value, value_len);

		paragraph->claimed = kib >= 0 && kib <= INT64_MAX / KIB ? kib * KIB : -1;
	}
}

bool pkgdb_paragraph(struct pkgdb_text *text, struct pkgdb_paragraph *ret_paragraph)
{
	const char *line;
	size_t len;

	*ret_paragraph = (struct pkgdb_paragraph){.claimed = -1};
	while (pkgdb_line(text, &line, &len)) {
		const bool blank = len == 0 || (len == 1 && line[0] == '\r');

		if (blank && ret_paragraph->line) {
			return true;
		}
		if (blank) {
			continue;
		}
		if (!ret_paragraph->line) {
			ret_paragraph->line = text->line;
		}
		if (!ret_paragraph->bad_line && line[0] != ' ' && line[0] != '\t' &&
			(!memchr(line, ':', len) || memchr(line, '\0', len))) {
			ret_paragraph->bad_line = text->line;
		}
		take_line(ret_paragraph, line, len);
	}
	return ret_paragraph->line > 0;
}
