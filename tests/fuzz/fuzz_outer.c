/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image file by its very bytes, in one of the ways a reference can ask for it: members of the outer tar, compressed
 * or not, documents where a mutation kept their digests right. Whatever opens must be true of the file.
 */
#include <string.h>

#include "fuzz.h"
#include "fuzz_open.h"
#include "image_outer.h"
#include "codec.h"
#include "source.h"

/* The members of a plain file: in order, within it, their names clean. */
static void check_outer(const uint8_t *data, size_t len)
{
	struct source *source = fuzz_source(data, len);
	struct stream *stream = NULL;
	struct outer *outer = NULL;

	fuzz_check(stream_open(source, PEEL_CODEC_NONE, NULL, &stream, NULL) == 0);
	fuzz_check(outer_walk(stream, NULL, &outer, NULL) == 0);
	for (size_t i = 0; i < outer->count; i++) {
		const struct outer_member *member = &outer->members[i];
		size_t same = 0;

		fuzz_check(member->header_off < member->data_off && member->data_off <= len);
		fuzz_check(member->name[0] != '/' && strncmp(member->name, "../", 3) != 0);
		fuzz_check(!strstr(member->name, "//") && !strstr(member->name, "/../"));
		fuzz_check(i == 0 || strcmp(outer->members[i - 1].name, member->name) <= 0);
		fuzz_check(!member->name[0] ||
			(outer_lookup(outer, member->name, &same) && same > 0));
	}
	fuzz_check(outer->size <= len);
	fuzz_check_text(outer->failure.message);
	outer_free(outer);
	stream_close(stream);
	source_drop(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0) {
		return 0;
	}
	check_outer(data + 1, len - 1);
	fuzz_open_image(data + 1, len - 1, data[0]);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	len = LLVMFuzzerMutate(data, len, max_len);
	if (len > 1 && seed % 16) {
		fuzz_mend_tar(data + 1, len - 1);
	}
	return len;
}
