/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner as a whole: long names, data, offsets, sinks that stop, faults, damage. */
#include "scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <peel/error.h>

#include "codec.h"
#include "fault.h"
#include "scantext.h"
#include "source.h"
#include "util.h"
/** Default of the limit header-size. */
#define HEADER_SIZE_MAX (1u << 20)

/** Number of times that word is in text. */
static size_t occurrences(const char *text, const char *word)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word)) {
		count++;
	}
	return count;
}

static void add_long(struct tarmaker *tar, char type, char fill, size_t len)
{
	char text[5001];

	assert_true(len < sizeof(text));
	memset(text, fill, len);
	text[len] = 0;
	tarmaker_extension(tar, type, text, len + 1);
}

/** n12 n13 m21: nothing is cut, however long; what is too long for Linux is not ours to say. */
static void long_names_are_not_cut(void **state)
{
	static const size_t lengths[] = {255, 256, 4095, 4096, 5000};

	(void)state;
	for (size_t i = 0; i < countof(lengths); i++) {
		struct tarmaker tar = {0};
		char *told;

		add_long(&tar, 'L', 'n', lengths[i]);
		add_long(&tar, 'K', 'k', lengths[i]);
		tarmaker_add(&tar, MEMBER(.path = "x", .type = '2', .link = "y"));
		told = scantext_tar(&tar, false);
		assert_int_equal(strspn(told + 2, "n"), lengths[i]);
		assert_int_equal(strspn(strstr(told, "-> ") + 3, "k"), lengths[i]);
		free(told);
		tarmaker_finish(&tar);
	}
}

/** n14: a long path of short names, and t11: a GNU name that fills its block. */
static void long_paths_without_an_end(void **state)
{
	struct tarmaker tar = {0};
	char path[4608];
	char *told;

	(void)state;
	for (size_t i = 0; i < sizeof(path); i++) {
		path[i] = i % 8 ? 'a' : '/';
	}
	tarmaker_extension(&tar, 'L', path, 512);
	scantext_file(&tar, "x");
	tarmaker_extension(&tar, 'L', path, 4608);
	scantext_file(&tar, "x");
	told = scantext_tar(&tar, false);
	assert_int_equal(occurrences(told, "/aaaaaaa"), (512 + 4608) / 8);
	free(told);
	tarmaker_finish(&tar);
}

/** A layer with one of everything. */
static void make_rich(struct tarmaker *tar)
{
	char map[1024] = "2\n0\n512\n4096\n0\n";

	tarmaker_add(tar, MEMBER(.path = "d/", .type = '5', .mode = 0755));
	tarmaker_pax(tar, 'x', "path=d/pax", "mtime=1.5", "SCHILY.xattr.user.a=b",
		"LIBARCHIVE.xattr.user.c=ZA==", "SCHILY.acl.access=user::rw-,group::r--,other::r--",
		NULL);
	tarmaker_add(tar,
		MEMBER(.path = "x", .data = "hello", .data_len = 5, .uname = "u", .gname = "g"));
	add_long(tar, 'L', 'n', 200);
	tarmaker_add(tar, MEMBER(.path = "x", .kind = TARMAKER_GNU, .data = map, .data_len = 700));
	tarmaker_pax(tar, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0",
		"GNU.sparse.realsize=4096", NULL);
	tarmaker_add(tar, MEMBER(.path = "sparse", .data = map, .data_len = 1024));
	tarmaker_add(tar, MEMBER(.path = "link", .type = '2', .link = "d/pax"));
	tarmaker_add(tar, MEMBER(.path = "empty"));
	tarmaker_add(tar, MEMBER(.path = "Z", .type = 'Z', ONE_BYTE));
	tarmaker_end(tar);
	tarmaker_bytes(tar, "tail", 4);
}

static void data_is_passed_as_stored(void **state)
{
	struct tarmaker tar = {0};
	char *told;

	(void)state;
	tarmaker_add(&tar, MEMBER(.path = "a", .data = "hello", .data_len = 5));
	tarmaker_add(&tar, MEMBER(.path = "e"));
	tarmaker_add(&tar, MEMBER(.path = "z", .type = 'Z', .data = "no", .data_len = 2));
	tarmaker_add(&tar, MEMBER(.path = "h", .type = '1', .link = "a"));
	tarmaker_pax(&tar, 'x', "GNU.sparse.size=10", "GNU.sparse.numblocks=1",
		"GNU.sparse.map=9,1", NULL);
	tarmaker_add(&tar, MEMBER(.path = "s", ONE_BYTE));
	told = scantext_tar(&tar, true);
	assert_string_equal(told,
		"f a 644 0:0 5/5 0.0\n  hello|\nf e 644 0:0 0/0 0.0\n  |\n"
		"! unsupported-type z\n? z 644 0:0 0/2 0.0\nh h 644 0:0 0/0 0.0 -> a\n"
		"f s 644 0:0 10/1 0.0 sparse 9+1\n  1|\n= 0 5 0 0\n");
	free(told);
	tarmaker_finish(&tar);
}

/** Where entries begin, and their data. */
struct places {
	const unsigned char *tar;
	size_t count;
	uint64_t last;
};

static int check_places(void *arg, const struct scan_entry *entry, struct peel_error *err)
{
	struct places *places = arg;

	(void)err;
	assert_true(entry->header_off % 512 == 0 && entry->data_off % 512 == 0);
	assert_true(entry->header_off >= places->last && entry->data_off > entry->header_off);
	if (entry->type == SCAN_FILE && entry->stored > 0) {
		assert_int_equal(entry->extents[0].offset, 0);
		assert_memory_equal(places->tar + entry->data_off, "data", 4);
	}
	if (entry->type == SCAN_FILE && !entry->sparse) {
		assert_int_equal(entry->extent_count, 1);
		assert_int_equal(entry->extents[0].length, entry->size);
	}
	places->last = entry->data_off + entry->stored;
	places->count++;
	return 0;
}

static void offsets_are_where_the_bytes_are(void **state)
{
	struct tarmaker tar = {0};
	struct places places = {0};
	const struct scan_sink sink = {.entry = check_places, .arg = &places};
	struct scan_result result;
	struct source *source;
	struct stream *stream;
	char map[516] = "1\n0\n4\n";

	(void)state;
	memcpy(map + 512, "data", 4);
	tarmaker_add(&tar, MEMBER(.path = "a", .data = "data", .data_len = 4));
	tarmaker_pax(&tar, 'x', "path=b", NULL);
	tarmaker_add(&tar, MEMBER(.path = "x", .data = "data", .data_len = 4));
	tarmaker_pax(&tar, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9",
		NULL);
	tarmaker_add(&tar, MEMBER(.path = "c", .data = map, .data_len = sizeof(map)));
	add_long(&tar, 'L', 'n', 600);
	tarmaker_add(&tar, MEMBER(.path = "x", .data = "data", .data_len = 4));
	tarmaker_add(&tar, MEMBER(.path = "e"));
	places.tar = tar.bytes;
	assert_int_equal(source_new_memory(tar.bytes, tar.len, 0, &source, NULL), 0);
	assert_int_equal(stream_open(source, PEEL_CODEC_NONE, NULL, &stream, NULL), 0);
	assert_int_equal(scan_layer(stream, &sink, &result, NULL), 0);
	assert_int_equal(places.count, 5);
	stream_close(stream);
	source_drop(source);
	tarmaker_finish(&tar);
}

static void sink_can_stop_everywhere(void **state)
{
	static const char *const places[] = {"entry", "data", "end", "finding"};
	struct tarmaker tar = {0};

	(void)state;
	make_rich(&tar);
	for (size_t i = 0; i < countof(places); i++) {
		struct peel_error err = {0};
		struct source *source;
		int code;

		assert_int_equal(source_new_memory(tar.bytes, tar.len, 0, &source, &err), 0);
		free(scantext_source(source, true, places[i], &code, &err));
		assert_int_equal(code, PEEL_ECANCELED);
		assert_string_equal(err.message + strlen("stopped at "), places[i]);
	}
	tarmaker_finish(&tar);
}

/** Each failure of a read or an allocation is told, and leaks nothing. */
static void faults_are_told(void **state)
{
	struct tarmaker tar = {0};
	unsigned n;

	(void)state;
	make_rich(&tar);
	for (n = 1;; n++) {
		struct peel_error err = {0};
		struct source *source;
		int code;
		bool hit;

		assert_int_equal(fault_source_new(tar.bytes, tar.len, n, &source, &err), 0);
		(void)source_grab(source);
		free(scantext_source(source, true, NULL, &code, &err));
		hit = fault_source_hit(source);
		source_drop(source);
		assert_int_equal(code, hit ? PEEL_EIO : 0);
		if (!hit) {
			break;
		}
	}
	assert_true(n > 1);
	tarmaker_finish(&tar);
}

static int drop_entry(void *arg, const struct scan_entry *entry, struct peel_error *err)
{
	(void)arg;
	(void)entry;
	(void)err;
	return 0;
}

static void out_of_memory_is_told(void **state)
{
	const struct scan_sink sink = {.entry = drop_entry};
	struct tarmaker tar = {0};
	struct source *source;
	long before;
	unsigned n;

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	/* Nothing that libarchive is asked about, as it does not survive this. */
	tarmaker_pax(&tar, 'x', "comment=a", "SCHILY.xattr.user.a=b", NULL);
	scantext_file(&tar, "x");
	tarmaker_pax(&tar, 'x', "comment=longer", "k=v", "SCHILY.xattr.user.a=b", NULL);
	scantext_file(&tar, "y");
	assert_int_equal(source_new_memory(tar.bytes, tar.len, 0, &source, NULL), 0);
	before = fault_alloc_live();
	for (n = 1;; n++) {
		struct scan_result result;
		struct stream *stream;
		bool hit;
		int code;

		assert_int_equal(stream_open(source, PEEL_CODEC_NONE, NULL, &stream, NULL), 0);
		fault_alloc(n);
		code = scan_layer(stream, &sink, &result, NULL);
		hit = fault_alloc_hit();
		stream_close(stream);
		assert_int_equal(code, hit ? PEEL_ENOMEM : 0);
		if (!hit) {
			break;
		}
	}
	assert_int_equal(n, 6);
	assert_int_equal(fault_alloc_live(), before);
	source_drop(source);
	tarmaker_finish(&tar);
}

/** Cut anywhere, the layer is whole, or truncated, or ended early: never more entries than before. */
static void cut_anywhere(void **state)
{
	struct tarmaker tar = {0};

	(void)state;
	make_rich(&tar);
	/* Every length around the ends of blocks, some between. */
	for (size_t len = tar.len; len > 0; len -= len % 512 > 3 && len % 512 < 510 ? 3 : 1) {
		struct tarmaker cut = {.bytes = tar.bytes, .len = len};
		char *told = scantext_tar(&cut, true);

		if (!strstr(told, "= 0 ") && !strstr(told, "= -12 ")) {
			fail_msg("%zu: %s", len, told);
		}
		free(told);
	}
	tarmaker_finish(&tar);
}

/**
 * Seeded damage to headers whose checksum is then made right: any result will do, but one there
 * must be.
 */
static void damage_is_survived(void **state)
{
	uint32_t seed = 12345;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		struct tarmaker tar = {0};

		make_rich(&tar);
		for (int i = 0; i < 1 + round % 4; i++) {
			size_t at;

			seed = seed * 1664525u + 1013904223u;
			at = (seed >> 8) % tar.len;
			seed = seed * 1664525u + 1013904223u;
			tar.bytes[at] = (unsigned char)(round % 3 ? seed >> 24
								  : '0' + (seed >> 24) % 10);
		}
		for (size_t at = 0; at + 512 <= tar.len; at += 512) {
			if (memcmp(tar.bytes + at + 257, "ustar", 5) == 0) {
				tarmaker_checksum(tar.bytes + at);
			}
		}
		free(scantext_tar(&tar, true));
		tarmaker_finish(&tar);
	}
}

/** Extension headers without end meet a limit, not the end of memory. */
static void endless_extensions_meet_a_limit(void **state)
{
	struct tarmaker tar = {0};
	char *name = calloc(1, HEADER_SIZE_MAX);
	char *told;

	(void)state;
	assert_non_null(name);
	for (int i = 0; i < 9; i++) {
		tarmaker_extension(&tar, 'L', name, HEADER_SIZE_MAX);
	}
	scantext_file(&tar, "x");
	told = scantext_tar(&tar, false);
	assert_string_equal(told, "= -7 0 0 0\n");
	free(told);
	free(name);
	tarmaker_finish(&tar);
}

static void self_test_passes(void **state)
{
	struct peel_error err = {0};

	(void)state;
	if (scan_self_test(&err) < 0) {
		fail_msg("%s", err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(self_test_passes),
		cmocka_unit_test(long_names_are_not_cut),
		cmocka_unit_test(long_paths_without_an_end),
		cmocka_unit_test(data_is_passed_as_stored),
		cmocka_unit_test(offsets_are_where_the_bytes_are),
		cmocka_unit_test(sink_can_stop_everywhere),
		cmocka_unit_test(faults_are_told),
		cmocka_unit_test(out_of_memory_is_told),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(damage_is_survived),
		cmocka_unit_test(endless_extensions_meet_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
