/* SPDX-License-Identifier: Apache-2.0 */
/* Sparse files in all formats, good and bad. Cases by the ids of the table of layer semantics. */
#include "scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scantext.h"
#include "util.h"

static void add_sparse_1_0(struct tarmaker *tar, const char *realsize, const char *map, size_t data)
{
	char bytes[2048] = {0};

	(void)snprintf(bytes, sizeof(bytes), "%s", map);
	memset(bytes + 512, 'd', data);
	tarmaker_pax(tar, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=sp",
		realsize, NULL);
	tarmaker_add(tar,
		MEMBER(.path = "GNUSparseFile.0/sp", .data = bytes, .data_len = 512 + data));
}

static void p01(struct tarmaker *tar)
{
	add_sparse_1_0(tar, "GNU.sparse.realsize=1048576", "2\n4096\n3\n8192\n0\n", 3);
	tarmaker_pax(tar, 'x', "GNU.sparse.size=10", "GNU.sparse.numblocks=2",
		"GNU.sparse.offset=1", "GNU.sparse.numbytes=2", "GNU.sparse.offset=5",
		"GNU.sparse.numbytes=1", NULL);
	tarmaker_add(tar, MEMBER(.path = "s00", .data = "abc", .data_len = 3));
	tarmaker_pax(tar, 'x', "GNU.sparse.size=10", "GNU.sparse.numblocks=1", "GNU.sparse.map=9,1",
		"GNU.sparse.name=s01", NULL);
	tarmaker_add(tar, MEMBER(.path = "x", ONE_BYTE));
	add_sparse_1_0(tar, "GNU.sparse.realsize=5", "0\n", 0);
	tarmaker_pax(tar, 'x', "GNU.sparse.major=2", "GNU.sparse.minor=0", "GNU.sparse.realsize=77",
		NULL);
	scantext_file(tar, "unknown-version");
	scantext_file(tar, "after");
}

static void p02(struct tarmaker *tar)
{
	add_sparse_1_0(tar, "GNU.sparse.realsize=9223372036854775807", "1\n0\n4\n", 4);
	add_sparse_1_0(tar, "GNU.sparse.realsize=-1", "1\n0\n4\n", 4);
	add_sparse_1_0(tar, "GNU.sparse.realsize=x", "1\n0\n4\n", 4);
	scantext_file(tar, "after");
}

static void p03(struct tarmaker *tar)
{
	static const int64_t size = 4;
	unsigned char *block = tarmaker_header(tar,
		MEMBER(.path = "osp", .type = 'S', .kind = TARMAKER_GNU, .size = &size));
	unsigned char next[512] = {0};

	memcpy(block + 386,
		"00000001000\0"
		"00000000001\0",
		24);
	memcpy(block + 410,
		"00000002000\0"
		"00000000001\0",
		24);
	memcpy(block + 434,
		"00000003000\0"
		"00000000001\0",
		24);
	memcpy(block + 458,
		"00000004000\0"
		"00000000001\0",
		24);
	block[482] = 1;
	memcpy(block + 483, "00000020000", 11);
	tarmaker_checksum(block);
	memcpy(next,
		"00000020000\0"
		"00000000000\0",
		24);
	tarmaker_bytes(tar, next, sizeof(next));
	tarmaker_bytes(tar, "abcd", 4);
	tarmaker_pad(tar);
	tarmaker_add(tar, MEMBER(.path = "no-gnu", .type = 'S', ONE_BYTE));
	scantext_file(tar, "after");
}

static void p04(struct tarmaker *tar)
{
	add_sparse_1_0(tar, "GNU.sparse.realsize=1024", "2\n0\n512\n256\n512\n", 1024);
	add_sparse_1_0(tar, "GNU.sparse.realsize=1024", "2\n512\n512\n0\n512\n", 1024);
	add_sparse_1_0(tar, "GNU.sparse.realsize=1024", "1\n0\n4\n", 5);
	add_sparse_1_0(tar, "GNU.sparse.realsize=1024", "1\nx\n4\n", 4);
	tarmaker_pax(tar, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9",
		NULL);
	scantext_file(tar, "short");
	tarmaker_pax(tar, 'x', "GNU.sparse.major=0", "GNU.sparse.minor=0", "GNU.sparse.numblocks=0",
		NULL);
	tarmaker_add(tar, MEMBER(.path = "d", .type = '5'));
	scantext_file(tar, "after");
}

static const struct scantext_case cases[] = {
	{"p01", p01,
		"f sp 644 0:0 1048576/3 0.0 sparse 4096+3\nf s00 644 0:0 10/3 0.0 sparse 1+2 5+1\n"
		"f s01 644 0:0 10/1 0.0 sparse 9+1\nf sp 644 0:0 5/0 0.0 sparse\n"
		"f unknown-version 644 0:0 1/1 0.0\nf after 644 0:0 1/1 0.0\n= 0 6 0 0\n"},
	{"p02", p02,
		"! huge-sparse sp\nf sp 644 0:0 9223372036854775807/4 0.0 sparse 0+4\n! bad-sparse sp\n"
		"? sp 644 0:0 0/4 0.0\n! bad-sparse sp\n? sp 644 0:0 0/516 0.0\nf after 644 0:0 1/1 0.0\n= 0 4 0 0\n"},
	{"p03", p03,
		"! unsupported-type osp\nf osp 644 0:0 8192/4 0.0 sparse 512+1 1024+1 1536+1 2048+1\n"
		"! unsupported-type no-gnu\n! bad-sparse no-gnu\n? no-gnu 644 0:0 0/1 0.0\n"
		"f after 644 0:0 1/1 0.0\n= 0 3 0 0\n"},
	{"p04", p04,
		"! bad-sparse sp\n? sp 644 0:0 0/1024 0.0\n! bad-sparse sp\n? sp 644 0:0 0/1024 0.0\n"
		"! bad-sparse sp\n? sp 644 0:0 0/5 0.0\n! bad-sparse sp\n? sp 644 0:0 0/4 0.0\n"
		"! bad-sparse short\n? short 644 0:0 0/1 0.0\n! bad-sparse d\n? d 644 0:0 0/0 0.0\n"
		"f after 644 0:0 1/1 0.0\n= 0 7 0 0\n"},
};

static void maps_are_as_the_table_says(void **state)
{
	(void)state;
	scantext_run(cases, countof(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_are_as_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
