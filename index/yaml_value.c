/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of maps by name, and scalars as values: the core schema of YAML 1.2, less what people
 * read in two ways (octal, hexadecimal, infinities).
 */
#include "yaml.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
	if (!map || map->type != YAML_MAP) {
		return NULL;
	}
	for (size_t i = 0; i < map->count; i++) {
		if (strcmp(map->keys[i]->text, key) == 0) {
			return map->items[i];
		}
	}
	return NULL;
}

static bool is_one_of(const char *text, const char *const *words)
{
	while (*words && strcmp(text, *words) != 0) {
		words++;
	}
	return *words;
}

const struct yaml *yaml_unknown(const struct yaml *map, const char *const *known)
{
	if (!map || map->type != YAML_MAP) {
		return NULL;
	}
	for (size_t i = 0; i < map->count; i++) {
		if (!is_one_of(map->keys[i]->text, known)) {
			return map->keys[i];
		}
	}
	return NULL;
}

/* Text of a plain scalar, else NULL. */
static const char *plain(const struct yaml *node)
{
	return node && node->type == YAML_SCALAR && !node->quoted ? node->text : NULL;
}

bool yaml_is_null(const struct yaml *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
	const char *text = plain(node);

	return !node || (text && is_one_of(text, words));
}

int yaml_bool(const struct yaml *node, bool *ret_value)
{
	static const char *const yes[] = {"true", "True", "TRUE", NULL};
	static const char *const no[] = {"false", "False", "FALSE", NULL};
	const char *text = plain(node);
	bool value;

	if (!text) {
		return -1;
	}
	value = is_one_of(text, yes);
	if (!value && !is_one_of(text, no)) {
		return -1;
	}
	*ret_value = value;
	return 0;
}

static const char *skip_sign(const char *text)
{
	return text + (*text == '-' || *text == '+');
}

static const char *skip_digits(const char *text)
{
	return text + strspn(text, "0123456789");
}

int yaml_integer(const struct yaml *node, int64_t *ret_value)
{
	const char *text = plain(node);
	const char *digits;
	const char *end;
	intmax_t value;

	if (!text) {
		return -1;
	}
	digits = skip_sign(text);
	end = skip_digits(digits);
	if (end == digits || *end || (*digits == '0' && end - digits > 1)) {
		return -1;
	}
	errno = 0;
	value = strtoimax(text, NULL, 10);
	if (errno == ERANGE) {
		return -1;
	}
	*ret_value = value;
	return 0;
}

/* [+-] digits [. digits] [e [+-] digits], where digits stand on one side of the point at least. */
static bool is_number(const char *text)
{
	const char *at = skip_sign(text);
	const char *end = skip_digits(at);
	size_t digits = (size_t)(end - at);

	if (*end == '.') {
		at = end + 1;
		end = skip_digits(at);
		digits += (size_t)(end - at);
	}
	if (digits == 0) {
		return false;
	}
	if (*end == 'e' || *end == 'E') {
		at = skip_sign(end + 1);
		end = skip_digits(at);
		digits = (size_t)(end - at);
	}
	return digits > 0 && *end == '\0';
}

int yaml_number(const struct yaml *node, double *ret_value)
{
	const char *text = plain(node);
	locale_t c_locale;
	double value;

	if (!text || !is_number(text)) {
		return -1;
	}
	/* The C locale is a constant of libc: this neither allocates nor fails. */
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	value = strtod_l(text, NULL, c_locale);
	freelocale(c_locale);
	if (!isfinite(value)) {
		return -1;
	}
	*ret_value = value;
	return 0;
}
