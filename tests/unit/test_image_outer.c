/* SPDX-License-Identifier: Apache-2.0 */
#include "image_outer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "fault.h"
#include "source.h"
#include "tarmaker.h"
#include "util.h"

/* Walk a tar over a source that may fail; takes the tar. @return the code. */
static int walk(struct tarmaker *tar, unsigned int n, struct outer **ret_outer)
{
	struct source *source = NULL;
	struct stream *stream = NULL;
	int r;

	assert_int_equal(fault_source_new(tar->bytes, tar->len, n, &source, NULL), 0);
	assert_int_equal(stream_open(source, PEEL_CODEC_NONE, NULL, &stream, NULL), 0);
	r = outer_walk(stream, NULL, ret_outer, NULL);
	stream_close(stream);
	source_drop(source);
	return r;
}

static struct outer *walk_good(struct tarmaker *tar)
{
	struct outer *outer = NULL;

	assert_int_equal(walk(tar, 0, &outer), 0);
	tarmaker_finish(tar);
	return outer;
}

static const struct outer_member *find(const struct outer *outer, const char *name)
{
	size_t count;
	const struct outer_member *member = outer_lookup(outer, name, &count);

	assert_true(member ? count > 0 : count == 0);
	return member;
}

static void add(struct tarmaker *tar, const char *path, const char *data)
{
	tarmaker_add(tar,
		&(struct tar_member){.path = path, .data = data, .data_len = strlen(data)});
}

static void members_are_found_where_they_are(void **state)
{
	struct tarmaker tar = {0};
	struct outer *outer;

	(void)state;
	add(&tar, "./manifest.json", "[]");
	add(&tar, "b//layer.tar", "x");
	add(&tar, "/a", "");
	add(&tar, "../escape", "x");
	tarmaker_add(&tar, &(struct tar_member){.path = "blobs/", .type = '5'});
	tarmaker_end(&tar);
	outer = walk_good(&tar);
	assert_int_equal(outer->failure.code, 0);
	assert_int_equal(outer->count, 4);
	assert_int_equal(outer->marks, OUTER_DOCKER | OUTER_LEGACY);
	assert_int_equal(find(outer, "manifest.json")->data_off, 512);
	assert_int_equal(find(outer, "manifest.json")->size, 2);
	assert_int_equal(find(outer, "b/layer.tar")->data_off, 512 * 3);
	assert_int_equal(find(outer, "a")->data_off, 512 * 5);
	assert_int_equal(find(outer, "blobs")->type, '5');
	assert_null(find(outer, "escape"));
	assert_null(find(outer, "zzz"));
	assert_null(find(outer, ""));
	outer_free(outer);
}

static void long_names_follow_go(void **state)
{
	struct tarmaker tar = {0};
	struct outer *outer;

	(void)state;
	tarmaker_pax(&tar, 'x', "path=by-pax", NULL);
	add(&tar, "header", "1");
	tarmaker_extension(&tar, 'L', "by-gnu\0rest", 12);
	tarmaker_pax(&tar, 'x', "path=loses", "linkpath=x", NULL);
	add(&tar, "header", "2");
	tarmaker_pax(&tar, 'g', "path=global", "size=99999", NULL);
	add(&tar, "own", "3");
	tarmaker_pax(&tar, 'x', "path=first", NULL);
	tarmaker_pax(&tar, 'x', "mtime=1", NULL);
	add(&tar, "second", "4");
	tarmaker_extension(&tar, 'K', "long-target", 11);
	tarmaker_add(&tar, &(struct tar_member){.path = "d/link", .type = '2', .link = "short"});
	tarmaker_add(&tar, &(struct tar_member){.path = "d/hard", .type = '1', .link = "./own"});
	tarmaker_add(&tar, &(struct tar_member){.path = "d/out", .type = '2', .link = "../../x"});
	tarmaker_end(&tar);
	outer = walk_good(&tar);
	assert_int_equal(outer->failure.code, 0);
	assert_int_equal(outer->count, 7);
	assert_int_equal(find(outer, "by-pax")->header_off, 0);
	assert_int_equal(find(outer, "by-pax")->data_off, 512 * 3);
	assert_non_null(find(outer, "by-gnu"));
	assert_int_equal(find(outer, "own")->size, 1);
	assert_non_null(find(outer, "second"));
	assert_string_equal(find(outer, "d/link")->link, "d/long-target");
	assert_string_equal(find(outer, "d/hard")->link, "own");
	assert_true(find(outer, "d/out")->escapes);
	outer_free(outer);
}

/* CVE-2025-62518: the pax size is the file's; what it covers is data, whatever it looks like. */
static void pax_size_hides_no_members(void **state)
{
	static const int64_t zero = 0;
	struct tarmaker inner = {0};
	struct tarmaker tar = {0};
	struct outer *outer;
	char size[32];

	(void)state;
	add(&inner, "hidden", "x");
	snprintf(size, sizeof(size), "size=%zu", inner.len);
	tarmaker_pax(&tar, 'x', size, NULL);
	tarmaker_header(&tar, &(struct tar_member){.path = "carrier", .size = &zero});
	tarmaker_bytes(&tar, inner.bytes, inner.len);
	add(&tar, "after", "y");
	tarmaker_end(&tar);
	tarmaker_finish(&inner);
	outer = walk_good(&tar);
	assert_int_equal(outer->failure.code, 0);
	assert_int_equal(outer->count, 2);
	assert_null(find(outer, "hidden"));
	assert_int_equal(find(outer, "carrier")->size, 1024);
	outer_free(outer);
}

static void sparse_members_are_marked(void **state)
{
	struct tarmaker tar = {0};
	struct outer *outer;
	unsigned char *header;
	unsigned char more[512] = {0};

	(void)state;
	header = tarmaker_header(&tar,
		&(struct tar_member){.path = "old", .type = 'S', .kind = TARMAKER_GNU});
	header[482] = 1;
	tarmaker_checksum(header);
	more[504] = 1;
	tarmaker_bytes(&tar, more, sizeof(more));
	more[504] = 0;
	tarmaker_bytes(&tar, more, sizeof(more));
	tarmaker_pax(&tar, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0", NULL);
	add(&tar, "pax", "1\n0\n0\n");
	add(&tar, "plain", "");
	tarmaker_end(&tar);
	outer = walk_good(&tar);
	assert_int_equal(outer->failure.code, 0);
	assert_true(find(outer, "old")->sparse);
	assert_true(find(outer, "pax")->sparse);
	assert_false(find(outer, "plain")->sparse);
	outer_free(outer);
}

/* A good member, then something bad: the walk ends there, says why, and keeps the member. */
static void assert_ends(struct tarmaker *tar, int code, const char *message)
{
	struct outer *outer = walk_good(tar);

	assert_int_equal(outer->failure.code, code);
	assert_non_null(strstr(outer->failure.message, message));
	assert_non_null(strstr(outer->failure.message, "at offset "));
	assert_non_null(find(outer, "good"));
	assert_null(find(outer, "bad"));
	assert_null(find(outer, "later"));
	outer_free(outer);
}

static void malformed_headers_end_the_walk(void **state)
{
	static const int64_t negative = -1;
	static const int64_t huge = INT64_MAX - 100;
	static const int64_t too_long = (1 << 20) + 1;
	struct tarmaker tar = {0};
	char zeros[512] = {0};

	(void)state;
	add(&tar, "good", "x");
	tarmaker_header(&tar, &(struct tar_member){.path = "bad"})[0] ^= 1;
	assert_ends(&tar, PEEL_EFORMAT, "checksum");
	add(&tar, "good", "x");
	tarmaker_header(&tar, &(struct tar_member){.path = "bad", .size = &negative});
	assert_ends(&tar, PEEL_EFORMAT, "size");
	add(&tar, "good", "x");
	tarmaker_header(&tar, &(struct tar_member){.path = "bad", .size = &huge});
	assert_ends(&tar, PEEL_EFORMAT, "size");
	add(&tar, "good", "x");
	tarmaker_header(&tar, &(struct tar_member){.path = "bad", .type = 'x', .size = &too_long});
	assert_ends(&tar, PEEL_ELIMIT, "header-size: ");
	add(&tar, "good", "x");
	tarmaker_bytes(&tar, zeros, sizeof(zeros));
	add(&tar, "later", "x");
	assert_ends(&tar, PEEL_EFORMAT, "lone block");
	add(&tar, "good", "x");
	tarmaker_pax(&tar, 'x', "size=abc", NULL);
	add(&tar, "bad", "x");
	assert_ends(&tar, PEEL_EFORMAT, "pax size");
	add(&tar, "good", "x");
	tarmaker_extension(&tar, 'x', "14 path=a\0bc\n", 13);
	add(&tar, "bad", "x");
	assert_ends(&tar, PEEL_EFORMAT, "");
	add(&tar, "good", "x");
	tarmaker_pax(&tar, 'x', "path=bad", NULL);
	assert_ends(&tar, PEEL_ETRUNCATED, "after a pax or GNU header");
	add(&tar, "good", "x");
	tarmaker_bytes(&tar, "short", 5);
	assert_ends(&tar, PEEL_ETRUNCATED, "within a header");
}

static void cut_member_is_kept(void **state)
{
	static const int64_t size = 5000;
	struct tarmaker tar = {0};
	struct outer *outer;

	(void)state;
	tarmaker_header(&tar, &(struct tar_member){.path = "cut", .size = &size});
	outer = walk_good(&tar);
	assert_int_equal(outer->failure.code, PEEL_ETRUNCATED);
	assert_int_equal(find(outer, "cut")->size, 5000);
	assert_int_equal(outer->size, 512);
	outer_free(outer);
}

static void end_is_two_blocks_or_none(void **state)
{
	struct tarmaker tar = {0};
	struct outer *outer;
	char block[512] = {0};

	(void)state;
	add(&tar, "a", "x");
	outer = walk_good(&tar);
	assert_int_equal(outer->failure.code, 0);
	assert_false(outer->trailing);
	outer_free(outer);
	add(&tar, "a", "x");
	tarmaker_end(&tar);
	tarmaker_bytes(&tar, block, sizeof(block));
	outer = walk_good(&tar);
	assert_false(outer->trailing);
	outer_free(outer);
	add(&tar, "a", "x");
	tarmaker_end(&tar);
	add(&tar, "later", "x");
	outer = walk_good(&tar);
	assert_true(outer->trailing);
	assert_int_equal(outer->size, 512 * 6);
	assert_null(find(outer, "later"));
	outer_free(outer);
}

static void names_are_dropped_and_marks_kept_beyond_the_limit(void **state)
{
	struct tarmaker tar = {0};
	struct outer *outer;
	char name[16];

	(void)state;
	for (int i = 0; i < 65536 + 10; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		tarmaker_add(&tar, &(struct tar_member){.path = name});
	}
	add(&tar, "index.json", "{}");
	tarmaker_end(&tar);
	outer = walk_good(&tar);
	assert_true(outer->overflow);
	assert_int_equal(outer->count, 0);
	assert_int_equal(outer->marks, OUTER_INDEX);
	assert_null(find(outer, "f1"));
	outer_free(outer);
}

static void make_rich(struct tarmaker *tar)
{
	tarmaker_pax(tar, 'x', "path=by-pax", NULL);
	add(tar, "header", "1");
	tarmaker_extension(tar, 'L', "by-gnu", 6);
	tarmaker_extension(tar, 'K', "target", 6);
	tarmaker_add(tar, &(struct tar_member){.path = "link", .type = '2', .link = "x"});
	add(tar, "blobs/sha256/x", "1");
	tarmaker_end(tar);
}

static void every_read_and_allocation_may_fail(void **state)
{
	struct tarmaker tar = {0};
	struct outer *outer = NULL;
	bool hit = true;
	int r = -1;

	(void)state;
	make_rich(&tar);
	for (unsigned int n = 1; r < 0; n++) {
		r = walk(&tar, n, &outer);
		assert_true(r == 0 || r == PEEL_EIO);
	}
	outer_free(outer);
	for (unsigned int n = 1; hit && fault_alloc_works(); n++) {
		struct source *source = NULL;
		struct stream *stream = NULL;
		long before;

		assert_int_equal(source_new_memory(tar.bytes, tar.len, 0, &source, NULL), 0);
		assert_int_equal(stream_open(source, PEEL_CODEC_NONE, NULL, &stream, NULL), 0);
		before = fault_alloc_live();
		outer = NULL;
		fault_alloc(n);
		r = outer_walk(stream, NULL, &outer, NULL);
		hit = fault_alloc_hit();
		/* qsort does without memory where there is none. */
		assert_true(r == 0 || (hit && r == PEEL_ENOMEM));
		outer_free(outer);
		assert_int_equal(fault_alloc_live(), before);
		stream_close(stream);
		source_drop(source);
	}
	tarmaker_finish(&tar);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_member_is_kept),
		cmocka_unit_test(end_is_two_blocks_or_none),
		cmocka_unit_test(every_read_and_allocation_may_fail),
		cmocka_unit_test(long_names_follow_go),
		cmocka_unit_test(malformed_headers_end_the_walk),
		cmocka_unit_test(members_are_found_where_they_are),
		cmocka_unit_test(names_are_dropped_and_marks_kept_beyond_the_limit),
		cmocka_unit_test(pax_size_hides_no_members),
		cmocka_unit_test(sparse_members_are_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
