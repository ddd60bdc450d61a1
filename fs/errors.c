/* SPDX-License-Identifier: Apache-2.0 */
#include "errors.h"

#include <errno.h>
#include <stddef.h>

#include <peel/error.h>

/* Damage, limits and disagreement are all EIO to a program that only wanted to read a file. */
static const struct {
	int code;
	int number;
} table[] = {
	{PEEL_OK, 0},
	{PEEL_ENOMEM, ENOMEM},
	{PEEL_EIO, EIO},
	{PEEL_ENOENT, ENOENT},
	{PEEL_EUSAGE, EINVAL},
	{PEEL_EFORMAT, EIO},
	{PEEL_EUNSUPPORTED, EIO},
	{PEEL_ELIMIT, EIO},
	{PEEL_EDIGEST, EIO},
	{PEEL_EAMBIGUOUS, EIO},
	{PEEL_ECHANGED, EIO},
	{PEEL_EACCES, EACCES},
	{PEEL_ETRUNCATED, EIO},
	{PEEL_ENOTDIR, ENOTDIR},
	{PEEL_EISDIR, EISDIR},
	{PEEL_ELOOP, ELOOP},
	{PEEL_ECANCELED, EINTR},
	{PEEL_EINTERNAL, EIO},
	{PEEL_EINCOMPLETE, EIO},
};

int errors_to_errno(int code)
{
	if (code >= 0) {
		return 0;
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].code == code) {
			return table[i].number;
		}
	}
	return EIO;
}

int errors_from_errno(int number)
{
	switch (number) {
	case ENOMEM:
		return PEEL_ENOMEM;
	case ENOENT:
		return PEEL_ENOENT;
	case ENOTDIR:
		return PEEL_ENOTDIR;
	case EACCES:
	case EPERM:
		return PEEL_EACCES;
	case ELOOP:
		return PEEL_ELOOP;
	default:
		return PEEL_EIO;
	}
}
