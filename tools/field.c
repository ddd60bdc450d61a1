/* SPDX-License-Identifier: Apache-2.0 */
#include "field.h"

#include <ctype.h>
#include <string.h>

const char *field_count(const char *at, int *ret_count)
{
	int count = 0;

	for (; isdigit((unsigned char)*at); at++) {
		count = count < FIELD_MAX ? count * 10 + (*at - '0') : FIELD_MAX;
	}
	*ret_count = count < FIELD_MAX ? count : FIELD_MAX;
	return at;
}

void field_pad(FILE *out, int count, char with)
{
	while (count-- > 0) {
		putc(with, out);
	}
}

void field_digits(FILE *out, const struct field *field, const char *prefix, const char *digits)
{
	int len = (int)strlen(digits);
	int zeros = field->precision > len ? field->precision - len : 0;
	int fill = field->width - len - zeros - (int)strlen(prefix);

	if (field->zero && !field->left && field->precision < 0) {
		zeros = fill > 0 ? fill : 0;
		fill = 0;
	}
	field_pad(out, field->left ? 0 : fill, ' ');
	fputs(prefix, out);
	field_pad(out, zeros, '0');
	fputs(digits, out);
	field_pad(out, field->left ? fill : 0, ' ');
}

void field_bytes(FILE *out, const struct field *field, const char *bytes, size_t len)
{
	int fill;

	if (field->precision >= 0 && (size_t)field->precision < len) {
		len = (size_t)field->precision;
	}
	fill = len < (size_t)field->width ? field->width - (int)len : 0;
	field_pad(out, field->left ? 0 : fill, ' ');
	fwrite(bytes, 1, len, out);
	field_pad(out, field->left ? fill : 0, ' ');
}
