/* SPDX-License-Identifier: Apache-2.0 */
#include "json_writer.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <peel/text.h>

#include "format.h"

static void break_line(const struct json *json)
{
	if (!json->compact) {
		fprintf(json->out, "\n%*s", 2 * json->depth, "");
	}
}

/* Comma, newline, indentation and key: what comes before every value. */
static void begin_value(struct json *json, const char *key)
{
	if (json->depth == 0) {
		assert(!key);
		return;
	}
	assert((json->kinds[json->depth - 1] == '{') == (key != NULL));
	if (json->filled[json->depth - 1]) {
		putc(',', json->out);
	}
	break_line(json);
	json->filled[json->depth - 1] = true;
	if (key) {
		peel_text_print_json(json->out, key, strlen(key));
		fputs(json->compact ? ":" : ": ", json->out);
	}
}

static void open_level(struct json *json, const char *key, char kind)
{
	begin_value(json, key);
	assert(json->depth < JSON_WRITER_DEPTH);
	json->kinds[json->depth] = kind;
	json->filled[json->depth] = false;
	json->depth++;
	putc(kind, json->out);
}

void json_object(struct json *json, const char *key)
{
	open_level(json, key, '{');
}

void json_array(struct json *json, const char *key)
{
	open_level(json, key, '[');
}

void json_close(struct json *json)
{
	assert(json->depth > 0);
	if (json->depth == 1 && json->finish) {
		json->finish(json);
	}
	json->depth--;
	if (json->filled[json->depth]) {
		break_line(json);
	}
	putc(json->kinds[json->depth] == '{' ? '}' : ']', json->out);
	if (json->depth == 0) {
		putc('\n', json->out);
	}
}

void json_string(struct json *json, const char *key, const char *text)
{
	begin_value(json, key);
	peel_text_print_json(json->out, text, strlen(text));
}

void json_unsigned(struct json *json, const char *key, uint64_t number)
{
	begin_value(json, key);
	fprintf(json->out, "%" PRIu64, number);
}

void json_integer(struct json *json, const char *key, int64_t number)
{
	begin_value(json, key);
	fprintf(json->out, "%" PRId64, number);
}

void json_real(struct json *json, const char *key, double number)
{
	begin_value(json, key);
	if (isfinite(number)) {
		fprintf(json->out, "%.17g", number);
	} else {
		fputs("null", json->out);
	}
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin_value(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *key)
{
	begin_value(json, key);
	fputs("null", json->out);
}

void json_element(struct json *json, const char *text)
{
	const size_t len = strlen(text);
	char *escaped = peel_text_is_utf8(text, len) ? NULL : format_escaped(text, len);

	json_string(json, NULL, escaped ? escaped : text);
	free(escaped);
}

static void print_base64(FILE *out, const unsigned char *bytes, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		uint32_t group = (uint32_t)bytes[i] << 16 |
			(uint32_t)(i + 1 < len ? bytes[i + 1] : 0) << 8 |
			(i + 2 < len ? bytes[i + 2] : 0);

		putc(digits[group >> 18], out);
		putc(digits[group >> 12 & 63], out);
		putc(i + 1 < len ? digits[group >> 6 & 63] : '=', out);
		putc(i + 2 < len ? digits[group & 63] : '=', out);
	}
}

void json_bytes(struct json *json, const char *key, const void *bytes, size_t len)
{
	char b64_key[128];

	begin_value(json, key);
	if (peel_text_print_json(json->out, bytes, len)) {
		return;
	}
	snprintf(b64_key, sizeof(b64_key), "%.120s_b64", key);
	begin_value(json, b64_key);
	putc('"', json->out);
	print_base64(json->out, bytes, len);
	putc('"', json->out);
}
