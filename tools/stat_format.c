/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GNU stat's directives. A directive is %, flags, width, precision, an optional H or L, a letter. A
 * letter gives either a number or text; padding is done here, so that no format string is ever made
 * at run time. Files of an image have one time: access, modification and change show the same,
 * birth is unknown.
 */
#include "stat_format.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cmd.h"
#include "field.h"
#include "format.h"

const char *stat_default_format(const struct peel_node *node)
{
	static const char plain[] = "  File: %N\n"
				    "  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\n"
				    "Device: %Hd,%Ld\tInode: %-10i  Links: %h\n"
				    "Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\n"
				    "Access: %x\nModify: %y\nChange: %z\n Birth: %w\n";
	static const char device[] =
		"  File: %N\n"
		"  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\n"
		"Device: %Hd,%Ld\tInode: %-10i  Links: %-5h Device type: %Hr,%Lr\n"
		"Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\n"
		"Access: %x\nModify: %y\nChange: %z\n Birth: %w\n";

	return S_ISCHR(node->mode) || S_ISBLK(node->mode) ? device : plain;
}

static void print_text(FILE *out, const struct field *field, const char *text)
{
	int len = (int)format_width(text);
	int fill;

	if (field->precision >= 0 && field->precision < len) {
		len = field->precision;
	}
	fill = field->width - len;
	field_pad(out, field->left ? 0 : fill, ' ');
	for (; len > 0 && *text; len--) {
		putc(*text++, out);
		while (((unsigned char)*text & 0xc0) == 0x80) {
			putc(*text++, out);
		}
	}
	field_pad(out, field->left ? fill : 0, ' ');
}

static void print_unsigned(FILE *out, const struct field *field, uint64_t number, int base)
{
	char digits[FORMAT_SIZE];
	const char *prefix = "";

	if (base == 8) {
		snprintf(digits, sizeof(digits), "%" PRIo64, number);
		prefix = field->hash && number ? "0" : "";
	} else if (base == 16) {
		snprintf(digits, sizeof(digits), "%" PRIx64, number);
		prefix = field->hash && number ? "0x" : "";
	} else {
		format_number(digits, number);
		prefix = field->plus ? "+" : field->space ? " " : "";
	}
	field_digits(out, field, prefix, digits);
}

/*
 * Seconds since 1970, with as many digits after the point as the precision says (9 where it is
 * empty).
 */
static void print_seconds(FILE *out, const struct field *field, const struct peel_node *node)
{
	int64_t sec = node->mtime_sec;
	uint32_t nsec = node->mtime_nsec;
	struct field plain = *field;
	char text[FORMAT_SIZE];
	char fraction[16] = "";
	int count = field->precision_empty ? 9 : field->precision;

	/* -1.5 is kept as -2 seconds and half a second. */
	bool negative = sec < 0;
	uint64_t whole = negative ? 0 - (uint64_t)sec : (uint64_t)sec;
	if (negative && nsec > 0 && count > 0) {
		whole--;
		nsec = 1000000000 - nsec;
	}
	if (count > 0) {
		snprintf(fraction, sizeof(fraction), ".%09" PRIu32, nsec);
		fraction[1 + (count < 9 ? count : 9)] = 0;
	}
	snprintf(text, sizeof(text), "%" PRIu64 "%s", whole, fraction);
	plain.precision = -1;
	field_digits(out, &plain,
		negative               ? "-"
			: field->plus  ? "+"
			: field->space ? " "
				       : "",
		text);
}

static uint64_t device_number(const struct field *field, const struct peel_node *node)
{
	uint64_t whole = gnu_dev_makedev(node->rdev_major, node->rdev_minor);

	return field->half == 'H'    ? node->rdev_major
		: field->half == 'L' ? node->rdev_minor
				     : whole;
}

/* 'link' -> 'target' for -c %N, bare for the default layout, as GNU stat; always escaped. */
static void print_name(FILE *out, const struct field *field, const struct stat_file *file,
	bool quoted)
{
	cleanup_free char *name = format_escaped(file->path, strlen(file->path));
	cleanup_free char *target = format_escaped(file->link ? file->link : "", file->link_len);
	const char *quote = quoted ? "'" : "";
	const char *end = file->link ? quote : "";
	cleanup_free char *text = format_text("%s%s%s%s%s%s%s", quote, name, quote,
		file->link ? " -> " : "", end, target, end);

	print_text(out, field, text);
}

static void print_names_directive(FILE *out, const struct field *field, char letter,
	const struct stat_file *file)
{
	const struct names *names = letter == 'U' ? &file->users->users : &file->users->groups;
	const char *name = names_find(names, letter == 'U' ? file->node.uid : file->node.gid);

	print_text(out, field, name ? name : "UNKNOWN");
}

/* Directives that give a number. @return false where letter is none of them. */
static bool print_number_directive(FILE *out, const struct field *field, char letter,
	const struct peel_node *node)
{
	static const char letters[] = "abBdDfghiorRstTuW";
	const struct {
		uint64_t value;
		int base;
	} numbers[] = {
		{node->mode & 07777, 8},
		{node->allocated / 512, 10},
		{512, 10},
		{0, 10},
		{0, 16},
		{node->mode, 16},
		{node->gid, 10},
		{node->nlink, 10},
		{node->ino, 10},
		{4096, 10},
		{device_number(field, node), 10},
		{device_number(field, node), 16},
		{node->size, 10},
		{node->rdev_major, 16},
		{node->rdev_minor, 16},
		{node->uid, 10},
		{0, 10},
	};
	const char *at = letter ? strchr(letters, letter) : NULL;

	if (!at) {
		return false;
	}
	print_unsigned(out, field, numbers[at - letters].value, numbers[at - letters].base);
	return true;
}

static void print_directive(FILE *out, const struct field *field, char letter,
	const struct stat_file *file, bool quoted)
{
	const struct peel_node *node = &file->node;
	cleanup_free char *path = NULL;
	char buf[FORMAT_SIZE];

	if (print_number_directive(out, field, letter, node)) {
		return;
	}
	switch (letter) {
	case 'A':
		print_text(out, field, format_mode(buf, node->mode));
		return;
	case 'C':
		print_text(out, field, "?");
		return;
	case 'F':
		print_text(out, field, format_type(node->mode, node->size));
		return;
	case 'G':
	case 'U':
		print_names_directive(out, field, letter, file);
		return;
	case 'N':
		print_name(out, field, file, quoted);
		return;
	case 'm':
		print_text(out, field, "/");
		return;
	case 'n':
		path = format_escaped(file->path, strlen(file->path));
		print_text(out, field, path);
		return;
	case 'w':
		print_text(out, field, "-");
		return;
	case 'x':
	case 'y':
	case 'z':
		print_text(out, field, format_full_time(buf, node->mtime_sec, node->mtime_nsec));
		return;
	case 'X':
	case 'Y':
	case 'Z':
		print_seconds(out, field, node);
		return;
	default:
		print_text(out, field, "?");
	}
}

/* What stands between % and the letter. @return the letter's place. */
static const char *parse_field(const char *at, struct field *ret_field)
{
	struct field field = {.precision = -1};

	for (;; at++) {
		field.left |= *at == '-';
		field.zero |= *at == '0';
		field.hash |= *at == '#';
		field.plus |= *at == '+';
		field.space |= *at == ' ';
		if (!*at || !strchr("-0#+ '", *at)) {
			break;
		}
	}
	at = field_count(at, &field.width);
	if (*at == '.') {
		field.precision_empty = !isdigit((unsigned char)at[1]);
		at = field_count(at + 1, &field.precision);
	}
	if ((*at == 'H' || *at == 'L') && (at[1] == 'd' || at[1] == 'r')) {
		field.half = *at++;
	}
	*ret_field = field;
	return at;
}

/* One backslash escape of --printf; at points behind the backslash. @return the place behind it. */
static const char *print_escape(FILE *out, const char *at)
{
	static const char letters[] = "abefnrtv\\\"";
	static const char bytes[] = "\a\b\033\f\n\r\t\v\\\"";
	const char *letter = *at ? strchr(letters, *at) : NULL;
	char number[4] = "";

	if (letter) {
		putc(bytes[letter - letters], out);
		return at + 1;
	}
	if (*at >= '0' && *at <= '7') {
		size_t len = strspn(at, "01234567");

		len = len < 3 ? len : 3;
		memcpy(number, at, len);
		putc((int)(strtoul(number, NULL, 8) & 0xff), out);
		return at + len;
	}
	if (*at == 'x' && isxdigit((unsigned char)at[1])) {
		size_t len = isxdigit((unsigned char)at[2]) ? 2 : 1;

		memcpy(number, at + 1, len);
		putc((int)strtoul(number, NULL, 16), out);
		return at + 1 + len;
	}
	putc('\\', out);
	return at;
}

void stat_print(FILE *out, const char *format, bool escapes, const struct stat_file *file)
{
	bool quoted = format != stat_default_format(&file->node);
	const char *at = format;

	while (*at) {
		struct field field;

		if (*at == '\\' && escapes) {
			at = print_escape(out, at + 1);
		} else if (*at != '%') {
			putc(*at++, out);
		} else if (at[1] == '%') {
			putc('%', out);
			at += 2;
		} else {
			at = parse_field(at + 1, &field);
			if (!*at) {
				putc('%', out);
				return;
			}
			print_directive(out, &field, *at++, file, quoted);
		}
	}
}
