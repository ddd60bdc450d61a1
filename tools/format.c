/* SPDX-License-Identifier: Apache-2.0 */
#include "format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <peel/text.h>

#define countof(array) (sizeof(array) / sizeof((array)[0]))

const char *format_bytes(char *buf, uint64_t bytes)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	uint64_t unit = 1000;
	size_t i = 0;
	uint64_t tenths;

	if (bytes < 1000) {
		snprintf(buf, FORMAT_SIZE, "%" PRIu64 " B", bytes);
		return buf;
	}
	/* Half a tenth below the next unit it is "1.0" of that one, not "1000.0". */
	while (i + 1 < countof(units) &&
		bytes / unit + (bytes % unit >= unit - unit / 20) >= 1000) {
		unit *= 1000;
		i++;
	}
	tenths = bytes / unit * 10 + (bytes % unit + unit / 20) / (unit / 10);
	snprintf(buf, FORMAT_SIZE, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
		units[i]);
	return buf;
}

const char *format_human(char *buf, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	uint64_t unit = 1024;
	uint64_t tenths;
	size_t i = 0;

	if (bytes < 1024) {
		return format_number(buf, bytes);
	}
	while (i + 2 < sizeof(units) && bytes / unit + (bytes % unit != 0) >= 1024) {
		unit *= 1024;
		i++;
	}
	/* Rounded up: one digit after the point up to 9.9, whole numbers from there on. */
	tenths = bytes / unit * 10 + (bytes % unit * 10 + unit - 1) / unit;
	if (tenths < 100) {
		snprintf(buf, FORMAT_SIZE, "%" PRIu64 ".%" PRIu64 "%c", tenths / 10, tenths % 10,
			units[i]);
	} else {
		snprintf(buf, FORMAT_SIZE, "%" PRIu64 "%c", bytes / unit + (bytes % unit != 0),
			units[i]);
	}
	return buf;
}

const char *format_number(char *buf, uint64_t number)
{
	snprintf(buf, FORMAT_SIZE, "%" PRIu64, number);
	return buf;
}

static const char *format_strftime(char *buf, int64_t sec, const char *pattern)
{
	time_t when = (time_t)sec;
	struct tm tm;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (!gmtime_r(&when, &tm) || strftime(buf, FORMAT_SIZE, pattern, &tm) == 0) {
		snprintf(buf, FORMAT_SIZE, "%" PRId64, sec);
	}
#pragma GCC diagnostic pop
	return buf;
}

const char *format_time(char *buf, int64_t sec)
{
	return format_strftime(buf, sec, "%Y-%m-%d %H:%M:%S");
}

const char *format_minutes(char *buf, int64_t sec)
{
	return format_strftime(buf, sec, "%Y-%m-%d %H:%M");
}

const char *format_full_time(char *buf, int64_t sec, uint32_t nsec)
{
	char whole[FORMAT_SIZE];

	format_time(whole, sec);
	snprintf(buf, FORMAT_SIZE, "%.40s.%09" PRIu32 " +0000", whole, nsec);
	return buf;
}

/* "Z", "+hh:mm" or "-hh:mm" to the end of the text, as seconds. */
static bool parse_zone(const char *text, int64_t *ret_offset)
{
	int hours;
	int minutes;
	int len = 0;

	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
		*ret_offset = 0;
		return true;
	}
	if ((*text != '+' && *text != '-') ||
		sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &len) != 2 || len != 5 || text[6] ||
		hours < 0 || minutes < 0) {
		return false;
	}
	*ret_offset = (hours * 60 + minutes) * 60 * (*text == '-' ? -1 : 1);
	return true;
}

const char *format_rfc3339(char *buf, const char *text)
{
	struct tm tm = {0};
	int64_t offset;
	int len = 0;

	if (sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		    &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &len) != 6 ||
		len != 19) {
		return NULL;
	}
	if (text[len] == '.') {
		len += 1 + (int)strspn(text + len + 1, "0123456789");
	}
	if (!parse_zone(text + len, &offset)) {
		return NULL;
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return format_time(buf, (int64_t)timegm(&tm) - offset);
}

/* One rwx triple; special is the set-id or sticky letter, or 0. */
static void format_triple(char *buf, uint32_t bits, char special)
{
	buf[0] = bits & 4 ? 'r' : '-';
	buf[1] = bits & 2 ? 'w' : '-';
	buf[2] = bits & 1 ? 'x' : '-';
	if (special) {
		buf[2] = bits & 1 ? special : (char)(special - 'a' + 'A');
	}
}

const char *format_mode(char *buf, uint32_t mode)
{
	buf[0] = S_ISDIR(mode)   ? 'd'
		: S_ISLNK(mode)  ? 'l'
		: S_ISCHR(mode)  ? 'c'
		: S_ISBLK(mode)  ? 'b'
		: S_ISFIFO(mode) ? 'p'
		: S_ISSOCK(mode) ? 's'
		: S_ISREG(mode)  ? '-'
				 : '?';
	format_triple(buf + 1, mode >> 6 & 7, mode & S_ISUID ? 's' : 0);
	format_triple(buf + 4, mode >> 3 & 7, mode & S_ISGID ? 's' : 0);
	format_triple(buf + 7, mode & 7, mode & S_ISVTX ? 't' : 0);
	buf[10] = 0;
	return buf;
}

const char *format_type(uint32_t mode, uint64_t size)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return size ? "regular file" : "regular empty file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symbolic link";
	case S_IFCHR:
		return "character special file";
	case S_IFBLK:
		return "block special file";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "weird file";
	}
}

const char *format_state(enum peel_layer_state state)
{
	switch (state) {
	case PEEL_LAYER_OK:
		return "ok";
	case PEEL_LAYER_MISSING:
		return "missing";
	case PEEL_LAYER_UNSUPPORTED:
		return "unsupported";
	case PEEL_LAYER_BROKEN:
		return "broken";
	}
	return "unknown";
}

const char *format_short_digest(char *buf, const char *digest)
{
	const char *colon = strchr(digest, ':');
	const char *digits = colon ? colon + 1 : digest;

	/* Claimed by the image, so anything may be in it. */
	return peel_text_escape_into(buf, FORMAT_SIZE, digits, strnlen(digits, 12));
}

size_t format_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++) {
		width += ((unsigned char)*text & 0xc0) != 0x80;
	}
	return width;
}

/* Cut escaped text to max characters in place, the last three being dots. */
static void cut_text(char *text, size_t max)
{
	size_t keep = max > 3 ? max - 3 : 0;
	char *at = text;

	if (format_width(text) <= max) {
		return;
	}
	while (keep > 0) {
		at++;
		while (((unsigned char)*at & 0xc0) == 0x80) {
			at++;
		}
		keep--;
	}
	memcpy(at, "...", 4);
}

/* Runs of blanks, tabs and newlines become one blank; none at the ends. In place. */
static void squeeze_blanks(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		if (!strchr(" \t\r\n", *from)) {
			*to++ = *from;
		} else if (to > text && to[-1] != ' ') {
			*to++ = ' ';
		}
	}
	while (to > text && to[-1] == ' ') {
		to--;
	}
	*to = 0;
}

static void drop_suffix(char *text, const char *suffix)
{
	size_t len = strlen(text);
	size_t suffix_len = strlen(suffix);

	if (len >= suffix_len && strcmp(text + len - suffix_len, suffix) == 0) {
		text[len - suffix_len] = 0;
	}
}

_Noreturn void end_without_memory(void)
{
	fprintf(stderr, "peel: %s\n", peel_strerror(PEEL_ENOMEM));
	exit(2);
}

char *format_escaped(const void *bytes, size_t len)
{
	char *escaped;

	if (peel_text_escape(bytes, len, &escaped) < 0) {
		end_without_memory();
	}
	return escaped;
}

char *format_text(const char *format, ...)
{
	char *text;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0) {
		end_without_memory();
	}
	return text;
}

const char *format_next_line(const char **text, int *ret_len)
{
	const char *line = *text;
	size_t len;

	if (!line || !*line) {
		return NULL;
	}
	len = strcspn(line, "\n");
	*text = line + len + (line[len] == '\n');
	*ret_len = (int)len;
	return line;
}

char *format_instruction(const char *instruction, size_t max)
{
	static const struct {
		const char *prefix;
		const char *instead;
	} shells[] = {
		{"/bin/sh -c #(nop) ", ""},
		{"RUN /bin/sh -c ", "RUN "},
		{"/bin/sh -c ", "RUN "},
	};
	char *text = format_text("%s", instruction);
	const char *rest = text;
	const char *instead = "";
	char *plain;
	char *escaped;

	squeeze_blanks(text);
	drop_suffix(text, " # buildkit");
	for (size_t i = 0; i < countof(shells); i++) {
		if (strncmp(text, shells[i].prefix, strlen(shells[i].prefix)) == 0) {
			instead = shells[i].instead;
			rest = text + strlen(shells[i].prefix);
			break;
		}
	}
	plain = format_text("%s%s", instead, rest);
	escaped = format_escaped(plain, strlen(plain));
	free(plain);
	free(text);
	if (max > 0) {
		cut_text(escaped, max);
	}
	return escaped;
}
