/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML behind its caps: the tree holds what yaml.h promises, the readers of values agree with their own rules, and what
 * is printed of a tree is read as the same tree again.
 */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "fuzz.h"
#include "yaml.h"

static void check_values(const struct yaml *node)
{
	int64_t integer = 77;
	double number = 77;
	bool word = true;

	if (yaml_integer(node, &integer) == 0) {
		fuzz_check(node->type == YAML_SCALAR && !node->quoted);
		fuzz_check(strtoll(node->text, NULL, 10) == integer);
		fuzz_check(yaml_number(node, &number) == 0 && number == (double)integer);
	} else {
		fuzz_check(integer == 77);
	}
	if (yaml_number(node, &number) == 0) {
		fuzz_check(isfinite(number) && !yaml_is_null(node));
	} else {
		fuzz_check(number == 77);
	}
	if (yaml_bool(node, &word) == 0) {
		fuzz_check((node->text[0] | 0x20) == (word ? 't' : 'f'));
	}
}

/* @return nodes below it, itself and keys included. */
static size_t check_tree(const struct yaml *node, int depth, int line)
{
	size_t count = 1;

	fuzz_check(node->line >= line && depth <= YAML_DEPTH);
	if (node->type == YAML_SCALAR) {
		fuzz_check(strlen(node->text) == node->len && node->count == 0);
		check_values(node);
		return count;
	}
	fuzz_check(!node->text && (node->count == 0) == (node->items == NULL));
	for (size_t i = 0; i < node->count; i++) {
		if (node->type == YAML_MAP) {
			fuzz_check(node->keys[i]->type == YAML_SCALAR);
			fuzz_check(yaml_get(node, node->keys[i]->text) == node->items[i]);
			count += check_tree(node->keys[i], depth, line);
		}
		count += check_tree(node->items[i], depth + 1, line);
	}
	return count;
}

static void print_text(FILE *out, const char *text)
{
	(void)putc('"', out);
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
			(void)fprintf(out, "\\x%02x", c);
		} else if (c == 0xc2 && (unsigned char)text[1] < 0xa0) {
			/* A control character beyond ASCII. */
			(void)fprintf(out, "\\u%04x", (unsigned char)*++text);
		} else if (c == 0xe2 && (unsigned char)text[1] == 0x80) {
			/* Ends of lines and paragraphs are among these. */
			(void)fprintf(out, "\\u20%02x", (unsigned char)text[2] & 0x3f);
			text += 2;
		} else {
			(void)putc(c, out);
		}
	}
	(void)putc('"', out);
}

static void print_tree(FILE *out, const struct yaml *node)
{
	if (node->type == YAML_SCALAR) {
		print_text(out, node->text);
		return;
	}
	(void)putc(node->type == YAML_LIST ? '[' : '{', out);
	for (size_t i = 0; i < node->count; i++) {
		if (i) {
			(void)putc(',', out);
		}
		if (node->type == YAML_MAP) {
			/* A key of more than 1024 bytes has to say that it is one. */
			(void)fputs("? ", out);
			print_text(out, node->keys[i]->text);
			(void)fputs(": ", out);
		}
		print_tree(out, node->items[i]);
	}
	(void)putc(node->type == YAML_LIST ? ']' : '}', out);
}

static void check_same(const struct yaml *a, const struct yaml *b)
{
	fuzz_check(a->type == b->type && a->count == b->count && a->len == b->len);
	fuzz_check(a->type != YAML_SCALAR || memcmp(a->text, b->text, a->len) == 0);
	for (size_t i = 0; i < a->count; i++) {
		if (a->type == YAML_MAP) {
			check_same(a->keys[i], b->keys[i]);
		}
		check_same(a->items[i], b->items[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct yaml_document *document = NULL, *again = NULL;
	struct peel_error err = {0};
	static char text[1 << 16];
	FILE *out;
	long printed;

	if (yaml_parse("it", data, len, &document, &err) < 0) {
		fuzz_check(!document && strncmp(err.message, "it", 2) == 0);
		fuzz_check_text(err.message);
		return 0;
	}
	if (yaml_root(document)) {
		fuzz_check(check_tree(yaml_root(document), 0, 1) <= YAML_NODES);
		out = fmemopen(text, sizeof(text), "w");
		fuzz_check(out);
		print_tree(out, yaml_root(document));
		printed = ftell(out);
		(void)fclose(out);
		if (printed < (long)sizeof(text) - 8) {
			fuzz_check(yaml_parse("again", text, (size_t)printed, &again, &err) == 0);
			check_same(yaml_root(document), yaml_root(again));
		}
	}
	yaml_release(again);
	yaml_release(document);
	return 0;
}
