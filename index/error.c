/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <peel/error.h>
#include <peel/text.h>

__attribute__((format(printf, 2, 0))) static void print_into(char *text, const char *format,
	va_list args)
{
	int len = vsnprintf(text, PEEL_MESSAGE_SIZE, format, args);

	if (len < 0) {
		text[0] = '\0';
	} else if (len >= PEEL_MESSAGE_SIZE) {
		peel_text_trim(text);
	}
}

int peel_fail(struct peel_error *err, int code, const char *format, ...)
{
	/* Printed aside first: an argument may be the old message. */
	char text[PEEL_MESSAGE_SIZE];
	int saved_errno = errno;
	va_list args;

	if (!err) {
		return code;
	}
	va_start(args, format);
	print_into(text, format, args);
	va_end(args);
	err->code = code;
	memcpy(err->message, text, strlen(text) + 1);
	errno = saved_errno;
	return code;
}

int peel_wrap(struct peel_error *err, const char *format, ...)
{
	char text[PEEL_MESSAGE_SIZE];
	size_t len;
	va_list args;

	if (!err || err->code >= 0) {
		return PEEL_EINTERNAL;
	}
	va_start(args, format);
	print_into(text, format, args);
	va_end(args);
	len = strlen(text);
	if (!err->message[0]) {
		strcpy(err->message, peel_strerror(err->code));
	}
	if ((size_t)snprintf(text + len, sizeof(text) - len, ": %s", err->message) >=
		sizeof(text) - len) {
		peel_text_trim(text);
	}
	memcpy(err->message, text, strlen(text) + 1);
	return err->code;
}

/* Indexed by the negated code. */
static const char *const phrases[] = {
	"no error",
	"out of memory",
	"input/output error",
	"not found",
	"wrong usage",
	"malformed data",
	"not supported",
	"limit reached",
	"digest or size mismatch",
	"ambiguous",
	"the image file changed",
	"not permitted",
	"the data ends too early",
	"not a folder",
	"is a folder",
	"too many symbolic links",
	"canceled",
	"internal error",
	"the image is incomplete",
};

const char *peel_strerror(int code)
{
	if (code >= 0) {
		return phrases[0];
	}
	if (code < -(int)(sizeof(phrases) / sizeof(phrases[0]) - 1)) {
		return "unknown error";
	}
	return phrases[-code];
}
