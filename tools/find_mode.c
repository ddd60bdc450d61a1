/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -perm: a mode as chmod takes it, octal or symbolic, applied to nothing. What comes out are the bits to look for;
 * X, and u=g and the like, make them depend on whether it is a folder, so that there are two sets.
 */
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "find.h"

#define MODE_ALL 07777u
#define READ_ALL 0444u
#define WRITE_ALL 0222u
#define EXECUTE_ALL 0111u

/* Bits that a letter before the operator stands for. */
static const struct {
	char letter;
	uint32_t bits;
} classes[] = {
	{'u', S_ISUID | S_IRWXU},
	{'g', S_ISGID | S_IRWXG},
	{'o', S_ISVTX | S_IRWXO},
	{'a', MODE_ALL},
};

/* Bits of a letter behind it. */
static const struct {
	char letter;
	uint32_t bits;
} rights[] = {
	{'r', READ_ALL},
	{'w', WRITE_ALL},
	{'x', EXECUTE_ALL},
	{'s', S_ISUID | S_ISGID},
	{'t', S_ISVTX},
};

/* Digits up to 07777. @return false where there is anything else. */
static bool parse_octal(const char *text, uint32_t *ret_bits)
{
	uint32_t bits = 0;

	for (; *text >= '0' && *text <= '7'; text++) {
		bits = bits * 8 + (uint32_t)(*text - '0');
		if (bits > MODE_ALL) {
			return false;
		}
	}
	*ret_bits = bits;
	return *text == 0;
}

/* The bits of one class, given to all three. */
static uint32_t copy_class(uint32_t mode, uint32_t class)
{
	mode &= class;
	return (mode & READ_ALL ? READ_ALL : 0) | (mode & WRITE_ALL ? WRITE_ALL : 0) |
		(mode & EXECUTE_ALL ? EXECUTE_ALL : 0);
}

/* What follows an operator: letters of rights, or one of a class. @return the place behind. */
static const char *parse_rights(const char *at, uint32_t mode, bool folder, uint32_t *ret_bits)
{
	*ret_bits = 0;
	if (*at == 'u' || *at == 'g' || *at == 'o') {
		*ret_bits = copy_class(mode, *at == 'u' ? S_IRWXU : *at == 'g' ? S_IRWXG : S_IRWXO);
		return at + 1;
	}
	for (;; at++) {
		uint32_t bits = 0;

		for (size_t i = 0; i < countof(rights); i++) {
			bits |= rights[i].letter == *at ? rights[i].bits : 0;
		}
		if (*at == 'X') {
			bits = folder || mode & EXECUTE_ALL ? EXECUTE_ALL : 0;
		} else if (!bits) {
			return at;
		}
		*ret_bits |= bits;
	}
}

/* Octal digits behind an operator, which no class may stand before. @return the place behind, NULL: wrong. */
static const char *parse_digits(const char *at, uint32_t affected, uint32_t *ret_bits)
{
	uint32_t bits = 0;

	for (; *at >= '0' && *at <= '7'; at++) {
		bits = bits * 8 + (uint32_t)(*at - '0');
		if (bits > MODE_ALL) {
			return NULL;
		}
	}
	*ret_bits = bits;
	return affected || (*at && *at != ',') ? NULL : at;
}

/* One clause, as u=rw or go+x-w. @return the place behind, NULL where it is none. */
static const char *apply_clause(const char *at, bool folder, uint32_t *mode)
{
	uint32_t affected = 0;

	for (;; at++) {
		uint32_t bits = 0;

		for (size_t i = 0; i < countof(classes); i++) {
			bits |= classes[i].letter == *at ? classes[i].bits : 0;
		}
		if (!bits) {
			break;
		}
		affected |= bits;
	}
	if (!*at || !strchr("=+-", *at)) {
		return NULL;
	}
	while (*at && strchr("=+-", *at)) {
		char op = *at++;
		uint32_t mask = affected ? affected : MODE_ALL;
		/* A folder keeps these bits but where they are named; it has none to begin with. */
		uint32_t kept = 0;
		uint32_t bits;

		if (*at >= '0' && *at <= '7') {
			at = parse_digits(at, affected, &bits);
			if (!at) {
				return NULL;
			}
		} else {
			at = parse_rights(at, *mode, folder, &bits);
			kept = folder ? (S_ISUID | S_ISGID) & ~(affected ? affected & bits : bits)
				      : 0;
		}
		bits &= mask & ~kept;
		*mode = op == '+'   ? *mode | bits
			: op == '-' ? *mode & ~bits
				    : (*mode & ((affected ? ~affected : 0) | kept)) | bits;
	}
	return at;
}

static bool apply_symbolic(const char *text, bool folder, uint32_t *ret_bits)
{
	const char *at = text;

	*ret_bits = 0;
	for (;;) {
		at = apply_clause(at, folder, ret_bits);
		if (!at || (*at && *at != ',')) {
			return false;
		}
		if (*at++ == 0) {
			return true;
		}
	}
}

bool find_mode_parse(const char *text, struct find_mode *mode)
{
	bool folder = false;

	if (*text >= '0' && *text <= '7') {
		mode->bits[1] = 0;
		return parse_octal(text, &mode->bits[0]) && parse_octal(text, &mode->bits[1]);
	}
	return apply_symbolic(text, folder, &mode->bits[0]) &&
		apply_symbolic(text, !folder, &mode->bits[1]);
}

bool find_parse_perm(struct find *find, struct find_node *node, const char *arg)
{
	struct find_mode *mode = &node->mode;

	(void)find;
	mode->kind = *arg == '-' || *arg == '/' ? *arg : 0;
	/* An old way to ask for any of the bits; chmod takes it otherwise. */
	if ((arg[0] == '+' && arg[1] >= '0' && arg[1] <= '7') ||
		!find_mode_parse(arg + (mode->kind != 0), mode)) {
		char shown[256];

		complain("invalid mode '%s'",
			peel_text_escape_into(shown, sizeof(shown), arg, strlen(arg)));
		return false;
	}
	if (mode->kind == '/' && mode->bits[0] == 0 && mode->bits[1] == 0) {
		complain(
			"warning: you have specified a mode pattern %s (which is equivalent to /000). It matches all"
			" files, as -perm -000 does.",
			arg);
		mode->kind = '-';
	}
	return true;
}

bool find_eval_perm(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	uint32_t mode = entry->step->node->mode;
	uint32_t bits = node->mode.bits[S_ISDIR(mode) != 0];

	(void)find;
	switch (node->mode.kind) {
	case '-':
		return (mode & bits) == bits;
	case '/':
		return bits == 0 || mode & bits;
	default:
		return (mode & MODE_ALL) == bits;
	}
}
