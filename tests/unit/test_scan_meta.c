/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an entry says of itself: owners, times, xattrs, devices, types, names. Cases by the ids of
 * the table of layer semantics.
 */
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

static void m01(struct tarmaker *tar)
{
	tarmaker_add(tar, MEMBER(.path = "suid", .mode = 07755));
	tarmaker_add(tar, MEMBER(.path = "kind", .mode = 0100644));
}

static void m02(struct tarmaker *tar)
{
	tarmaker_add(tar, MEMBER(.path = "a", .uid = 0x80000000ll, .gid = 0xfffffffell));
	tarmaker_add(tar, MEMBER(.path = "b", .uid = 0xffffffffll));
	tarmaker_pax(tar, 'x', "uid=1099511627776", NULL);
	tarmaker_add(tar, MEMBER(.path = "c"));
	tarmaker_add(tar, MEMBER(.path = "d", .gid = -1));
	tarmaker_pax(tar, 'x', "gid=-2", "uid=", NULL);
	tarmaker_add(tar, MEMBER(.path = "e", .uid = 7));
}

static void m03(struct tarmaker *tar)
{
	tarmaker_add(tar, MEMBER(.path = "a", .mtime = -1000));
	tarmaker_pax(tar, 'x', "mtime=1700000000.123456789", NULL);
	tarmaker_add(tar, MEMBER(.path = "b"));
	tarmaker_pax(tar, 'x', "mtime=4611686018427387904", NULL);
	tarmaker_add(tar, MEMBER(.path = "c"));
	tarmaker_pax(tar, 'x', "mtime=-1.5", NULL);
	tarmaker_add(tar, MEMBER(.path = "d"));
}

static void m05(struct tarmaker *tar)
{
	unsigned char *block = tarmaker_header(tar, MEMBER(.path = "a"));

	memset(block + 124, 0, 12);
	block[124] = 0x80;
	block[135] = 1;
	tarmaker_checksum(block);
	tarmaker_bytes(tar, "1", 1);
	tarmaker_pad(tar);
}

static void m08(struct tarmaker *tar)
{
	tarmaker_pax(tar, 'x', "SCHILY.xattr.user.x=1", "SCHILY.xattr.security.capability=\1\2",
		"atime=5.5", "LIBARCHIVE.xattr.user.y=MQ==", "comment=a=b", "uname=u", "gname=g",
		NULL);
	tarmaker_add(tar, MEMBER(.path = "a", .uname = "old", .gname = "old"));
	tarmaker_pax(tar, 'x', "SCHILY.xattr.user.e=", "RHT.security.selinux=s", NULL);
	tarmaker_add(tar, MEMBER(.path = "b", .uname = "bin", .gname = "sys"));
	tarmaker_pax(tar, 'x', "SCHILY.acl.access=user::rw-,group::r--,other::r--",
		"SCHILY.xattr.=none", NULL);
	tarmaker_add(tar, MEMBER(.path = "c"));
	tarmaker_add(tar, MEMBER(.path = "d"));
}

static void m11(struct tarmaker *tar)
{
	tarmaker_add(tar, MEMBER(.path = "c", .type = '3', .major = 1, .minor = 3));
	tarmaker_add(tar, MEMBER(.path = "b", .type = '4', .major = 0xfff, .minor = 0xfffff));
	tarmaker_add(tar, MEMBER(.path = "p", .type = '6', .major = 1, .minor = 3));
	tarmaker_add(tar,
		MEMBER(.path = "big", .type = '3', .major = 0xfffffff, .minor = UINT32_MAX));
	tarmaker_pax(tar, 'x', "SCHILY.devmajor=7", "SCHILY.devminor=3", NULL);
	tarmaker_add(tar, MEMBER(.path = "other", .type = '3', .major = 1, .minor = 3));
}

static void m22(struct tarmaker *tar)
{
	static const int64_t size = 10;

	tarmaker_add(tar, MEMBER(.path = "s", .type = '2', .link = "t", .size = &size));
	tarmaker_add(tar, MEMBER(.path = "d/", .type = '5', .size = &size));
	scantext_file(tar, "ok");
}

static void m23(struct tarmaker *tar)
{
	tarmaker_add(tar, MEMBER(.path = "d/", .type = '5', .data = "x", .data_len = 1));
	scantext_file(tar, "ok");
}

static void n06(struct tarmaker *tar)
{
	tarmaker_add(tar, MEMBER(.path = "f/", ONE_BYTE));
	tarmaker_add(tar, MEMBER(.path = "dd/", .type = TARMAKER_NUL, .kind = TARMAKER_V7));
	tarmaker_add(tar,
		MEMBER(.path = "ff", .type = TARMAKER_NUL, .kind = TARMAKER_V7, ONE_BYTE));
	tarmaker_extension(tar, 'L', "long/", 5);
	tarmaker_add(tar, MEMBER(.path = "short", .type = TARMAKER_NUL, .kind = TARMAKER_GNU));
	tarmaker_add(tar, MEMBER(.path = "c", .type = '7', ONE_BYTE));
	tarmaker_add(tar, MEMBER(.path = "q", .prefix = "p", ONE_BYTE));
}

static void n18(struct tarmaker *tar)
{
	tarmaker_extension(tar, 'x', "12 path=a\0b\n", 12);
	scantext_file(tar, "real");
	tarmaker_extension(tar, 'x', "16 linkpath=a\0b\n", 16);
	tarmaker_add(tar, MEMBER(.path = "l", .type = '2', .link = "x"));
	tarmaker_extension(tar, 'x', "12 path=a\0b\n", 12);
	tarmaker_pax(tar, 'x', "path=c", NULL);
	scantext_file(tar, "real");
	tarmaker_extension(tar, 'L', "a\0b", 4);
	scantext_file(tar, "real");
	tarmaker_extension(tar, 'g', "12 path=a\0b\n", 12);
	tarmaker_extension(tar, 'x', "12 path=a\0b\n", 12);
}

static void n27(struct tarmaker *tar)
{
	tarmaker_add(tar, MEMBER(.path = "z", .type = 'Z', ONE_BYTE));
	tarmaker_add(tar, MEMBER(.path = "v", .type = 'V'));
	tarmaker_add(tar,
		MEMBER(.path = "d", .type = 'D', .data = "Yf\0", .data_len = 4,
			.kind = TARMAKER_GNU));
	scantext_file(tar, "ok");
}

static void n28(struct tarmaker *tar)
{
	tarmaker_pax(tar, 'g', "mtime=5", NULL);
	scantext_file(tar, "ok");
	tarmaker_pax(tar, 'x', "path=lost", NULL);
	tarmaker_pax(tar, 'g', "path=gpath", NULL);
	scantext_file(tar, "ok");
}

static void n30(struct tarmaker *tar)
{
	tarmaker_extension(tar, 'L', "gnuname", 8);
	tarmaker_pax(tar, 'x', "path=paxname", NULL);
	scantext_file(tar, "x");
	tarmaker_pax(tar, 'x', "path=paxname", NULL);
	tarmaker_extension(tar, 'L', "gnuname", 8);
	scantext_file(tar, "x");
	tarmaker_pax(tar, 'x', "path=same", NULL);
	tarmaker_extension(tar, 'L', "same", 5);
	scantext_file(tar, "x");
	tarmaker_extension(tar, 'L', "one", 4);
	tarmaker_extension(tar, 'L', "two", 4);
	scantext_file(tar, "x");
	tarmaker_extension(tar, 'L', "", 1);
	scantext_file(tar, "x");
}

static const struct scantext_case cases[] = {
	{"m01 m13", m01, "f suid 7755 0:0 0/0 0.0\nf kind 644 0:0 0/0 0.0\n= 0 2 0 0\n"},
	{"m02", m02,
		"f a 644 2147483648:4294967294 0/0 0.0\n"
		"f b 644 4294967295:0 0/0 0.0\nf c 644 1099511627776:0 0/0 0.0\n"
		"f d 644 0:-1 0/0 0.0\nf e 644 7:-2 0/0 0.0\n= 0 5 0 0\n"},
	{"m03 m04 m06", m03,
		"f a 644 0:0 0/0 -1000.0\n"
		"f b 644 0:0 0/0 1700000000.123456789\nf c 644 0:0 0/0 4611686018427387904.0\n"
		"f d 644 0:0 0/0 -2.500000000\n= 0 4 0 0\n"},
	{"m05", m05, "f a 644 0:0 1/1 0.0\n= 0 1 0 0\n"},
	{"m08 m09 m10 m16 m24", m08,
		"f a 644 0:0 0/0 0.0 u:g security.capability=\\x01\\x02 user.x=1 "
		"extras LIBARCHIVE.xattr.user.y=MQ==\\x0aatime=5.5\\x0acomment=a=b\\x0a\n! engines-differ b\n"
		"f b 644 0:0 0/0 0.0 bin:sys user.e= extras RHT.security.selinux=s\\x0a\n"
		"f c 644 0:0 0/0 0.0 extras SCHILY.acl.access=user::rw-,group::r--,other::r--\\x0a"
		"SCHILY.xattr.=none\\x0a\nf d 644 0:0 0/0 0.0\n= 0 4 0 0\n"},
	{"m11 m18", m11,
		"c c 644 0:0 0/0 0.0 dev 1,3\nb b 644 0:0 0/0 0.0 dev 4095,1048575\n"
		"p p 644 0:0 0/0 0.0\nc big 644 0:0 0/0 0.0 dev 268435455,4294967295\n! ambiguous-header other\n"
		"c other 644 0:0 0/0 0.0 dev 1,3 extras SCHILY.devmajor=7\\x0aSCHILY.devminor=3\\x0a\n= 0 5 0 0\n"},
	{"m22", m22,
		"! size-conflict s\nl s 644 0:0 0/0 0.0 -> t\n! size-conflict d/\nd d/ 644 0:0 0/0 0.0\n"
		"f ok 644 0:0 1/1 0.0\n= 0 3 0 0\n"},
	{"m23", m23, "! size-conflict d/\nd d/ 644 0:0 0/0 0.0\n= -5 1 0 0\n"},
	{"n06 n24 n25 n26", n06,
		"! file-with-slash f/\nf f/ 644 0:0 1/1 0.0\nd dd/ 644 0:0 0/0 0.0\n"
		"f ff 644 0:0 1/1 0.0\nd long/ 644 0:0 0/0 0.0\n! contiguous-file c\nf c 644 0:0 1/1 0.0\n"
		"f p/q 644 0:0 1/1 0.0\n= 0 6 0 0\n"},
	{"n18", n18,
		"! nul-in-name a\\x00b\n! nul-in-name l\n! ambiguous-header c\n! nul-in-name c\n"
		"f a 644 0:0 1/1 0.0\n! engines-differ ext\n! nul-in-name ext\n! global-header ext\n"
		"! nul-in-name -\n! header-without-entry -\n= 0 1 0 0\n"},
	{"n27 n29", n27,
		"! unsupported-type z\n? z 644 0:0 0/1 0.0\n! unsupported-type v\n? v 644 0:0 0/0 0.0\n"
		"! unsupported-type d\n? d 644 0:0 0/4 0.0\nf ok 644 0:0 1/1 0.0\n= 0 4 0 0\n"},
	{"n28 n28b", n28,
		"! engines-differ ext\nf ok 644 0:0 1/1 0.0\n! engines-differ ext\n! global-header ext\n"
		"! ambiguous-header ext\nf ok 644 0:0 1/1 0.0\n= 0 2 0 0\n"},
	{"n30 n30b", n30,
		"! ambiguous-header gnuname\nf gnuname 644 0:0 1/1 0.0\n! ambiguous-header gnuname\n"
		"f gnuname 644 0:0 1/1 0.0\nf same 644 0:0 1/1 0.0\n! ambiguous-header two\nf two 644 0:0 1/1 0.0\n"
		"f x 644 0:0 1/1 0.0\n= 0 5 0 0\n"},
};

static void entries_are_as_the_table_says(void **state)
{
	(void)state;
	scantext_run(cases, countof(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_as_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
