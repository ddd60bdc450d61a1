/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imagecheck.h"

#include <peel/image.h>

#include "image_priv.h"
#include "source.h"

struct peel_image *imagecheck_open(const char *reference)
{
	struct peel_image *image = NULL;
	struct peel_error err = {0};

	if (peel_image_open(reference, NULL, &image, &err) < 0) {
		fail_msg("%s", err.message);
	}
	return image;
}

void imagecheck_refused(const char *reference, int code, const char *part)
{
	struct peel_image *image = NULL;
	struct peel_error err = {0};
	int r = peel_image_open(reference, NULL, &image, &err);

	if (r != code || !strstr(err.message, part)) {
		fail_msg("%d \"%s\" and not %d \"%s\"", r, err.message, code, part);
	}
	assert_int_equal(err.code, code);
	assert_null(image);
}

bool imagecheck_finding(const struct peel_image *image, const char *code)
{
	for (int i = 0; i < peel_image_finding_count(image); i++) {
		if (strcmp(peel_image_finding(image, i)->code, code) == 0) {
			return true;
		}
	}
	return false;
}

void imagecheck_layer(struct peel_image *image, int i, int number)
{
	struct source *source = NULL;
	char block[512];
	char name[16];

	assert_int_equal(peel_image_layer(image, i)->state, PEEL_LAYER_OK);
	assert_int_equal(image_layer_source(image, i, &source, NULL), 0);
	assert_int_equal(source_read_at(source, 0, block, sizeof(block), NULL), sizeof(block));
	source_drop(source);
	snprintf(name, sizeof(name), "l%d", number);
	assert_string_equal(block, name);
}

char *imagecheck_read(const char *path, size_t *ret_len)
{
	FILE *in = fopen(path, "rb");
	char *bytes = malloc(1 << 20);

	assert_non_null(in);
	assert_non_null(bytes);
	*ret_len = fread(bytes, 1, 1 << 20, in);
	fclose(in);
	return bytes;
}
