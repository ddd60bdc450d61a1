/* SPDX-License-Identifier: Apache-2.0 */
/* Image references, platforms and names: "A \0 B", of which A is a reference and a platform, and both are names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "image_parts.h"

static void check_reference(const char *text)
{
	struct image_reference reference = {0};
	struct peel_error err = {0};

	if (image_reference_parse(text, &reference, &err) < 0) {
		fuzz_check(err.code == PEEL_EUSAGE && !reference.path && !reference.tag);
		fuzz_check_text(err.message);
		return;
	}
	fuzz_check(reference.path && reference.path[0] && strstr(text, reference.path));
	fuzz_check(reference.position >= -1 && reference.position < IMAGE_POSITION_MAX);
	fuzz_check(!reference.tag || (reference.position == -1 && strstr(text, reference.tag)));
	fuzz_check(!reference.standard_input || strcmp(reference.path, "-") == 0);
	fuzz_check(peel_reference_is_stdin(text) == reference.standard_input);
	image_reference_finish(&reference);
}

static void check_platform(const char *text)
{
	struct image_platform platform = {0}, again = {0};
	struct peel_error err = {0};
	char joined[sizeof(platform) + 3];

	if (image_platform_parse(text, &platform, &err) < 0) {
		fuzz_check(err.code == PEEL_EUSAGE);
		fuzz_check_text(err.message);
		return;
	}
	fuzz_check(platform.os[0] && platform.arch[0]);
	/* Normal already: parsing it again changes nothing. */
	(void)snprintf(joined, sizeof(joined), "%s/%s%s%s", platform.os, platform.arch,
		platform.variant[0] ? "/" : "", platform.variant);
	fuzz_check(image_platform_parse(joined, &again, NULL) == 0);
	fuzz_check(memcmp(&platform, &again, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	const char *other;

	fuzz_check(text != NULL);
	memcpy(text, data, len);
	text[len] = 0;
	other = strlen(text) < len ? text + strlen(text) + 1 : text;
	check_reference(text);
	check_platform(text);
	fuzz_check(image_names_equal(text, text));
	fuzz_check(image_names_equal(text, other) == image_names_equal(other, text));
	free(text);
	return 0;
}
