/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "image_parts.h"

static const struct {
	const char *text;
	enum peel_image_kind kind;
	const char *path;
	const char *tag;
	int position;
} good_cases[] = {
	{"a.tar", 0, "a.tar", NULL, -1},
	{"dir/a:b.tar", 0, "dir/a:b.tar", NULL, -1},
	{"-", 0, "-", NULL, -1},
	{"./oci:x", 0, "./oci:x", NULL, -1},
	{"foo:bar", 0, "foo:bar", NULL, -1},
	{"docker-archive:a.tar", PEEL_IMAGE_DOCKER_ARCHIVE, "a.tar", NULL, -1},
	{"docker-archive:a.tar:busybox:1", PEEL_IMAGE_DOCKER_ARCHIVE, "a.tar", "busybox:1", -1},
	{"docker-archive:a.tar:@0", PEEL_IMAGE_DOCKER_ARCHIVE, "a.tar", NULL, 0},
	{"docker-archive:-:@12", PEEL_IMAGE_DOCKER_ARCHIVE, "-", NULL, 12},
	{"oci-archive:/x/a.tar:latest", PEEL_IMAGE_OCI_ARCHIVE, "/x/a.tar", "latest", -1},
	{"oci:dir", PEEL_IMAGE_OCI_LAYOUT, "dir", NULL, -1},
	{"oci:dir:v1", PEEL_IMAGE_OCI_LAYOUT, "dir", "v1", -1},
	{"oci:dir:a:b", PEEL_IMAGE_OCI_LAYOUT, "dir", "a:b", -1},
	{"rootfs:a:b.tar", PEEL_IMAGE_ROOTFS, "a:b.tar", NULL, -1},
};

static const char *const bad_references[] = {
	"",
	"oci:",
	"oci::x",
	"docker-archive:",
	"docker-archive:a:",
	"docker-archive:a:@",
	"oci:d:@x",
	"oci:d:@-1",
	"oci:d:@ 1",
	"oci:d:@1x",
	"oci:d:@99999999999999999999",
	"oci:d:@100000",
	"rootfs:",
	"docker://busybox",
	"docker-daemon:x",
	"containers-storage:x",
};

static void references_are_read_as_skopeo_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(good_cases); i++) {
		struct image_reference reference;

		assert_int_equal(image_reference_parse(good_cases[i].text, &reference, NULL), 0);
		assert_int_equal(reference.kind, good_cases[i].kind);
		assert_string_equal(reference.path, good_cases[i].path);
		assert_int_equal(reference.position, good_cases[i].position);
		assert_int_equal(reference.standard_input, strcmp(good_cases[i].path, "-") == 0);
		if (good_cases[i].tag) {
			assert_string_equal(reference.tag, good_cases[i].tag);
		} else {
			assert_null(reference.tag);
		}
		image_reference_finish(&reference);
	}
}

static void bad_references_are_usage_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bad_references); i++) {
		struct image_reference reference;
		struct peel_error err = {0};

		assert_int_equal(image_reference_parse(bad_references[i], &reference, &err),
			PEEL_EUSAGE);
		assert_true(err.message[0]);
	}
}

static const struct {
	const char *text;
	int code;
	const char *os, *arch, *variant;
} platform_cases[] = {
	{"linux/amd64", 0, "linux", "amd64", ""},
	{"linux/x86_64", 0, "linux", "amd64", ""},
	{"linux/aarch64", 0, "linux", "arm64", ""},
	{"linux/arm64/v8", 0, "linux", "arm64", ""},
	{"linux/arm/v7", 0, "linux", "arm", "v7"},
	{"windows/amd64", 0, "windows", "amd64", ""},
	{"linux", PEEL_EUSAGE, NULL, NULL, NULL},
	{"", PEEL_EUSAGE, NULL, NULL, NULL},
	{"linux/", PEEL_EUSAGE, NULL, NULL, NULL},
	{"/amd64", PEEL_EUSAGE, NULL, NULL, NULL},
	{"linux/arm/", PEEL_EUSAGE, NULL, NULL, NULL},
	{"linux/arm/v7/x", PEEL_EUSAGE, NULL, NULL, NULL},
	{"linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", PEEL_EUSAGE, NULL, NULL,
		NULL},
};

static void platforms_are_normalised(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(platform_cases); i++) {
		struct image_platform platform = {0};

		assert_int_equal(image_platform_parse(platform_cases[i].text, &platform, NULL),
			platform_cases[i].code);
		if (platform_cases[i].code == 0) {
			assert_string_equal(platform.os, platform_cases[i].os);
			assert_string_equal(platform.arch, platform_cases[i].arch);
			assert_string_equal(platform.variant, platform_cases[i].variant);
		}
	}
}

static void docker_names_have_many_spellings(void **state)
{
	static const char *const same[] = {
		"busybox",
		"busybox:latest",
		"library/busybox",
		"docker.io/busybox",
		"docker.io/library/busybox:latest",
		"index.docker.io/library/busybox",
	};
	static const char *const others[] = {
		"busybox:1",
		"localhost/busybox",
		"quay.io/busybox",
		"localhost:5000/busybox",
		"library/busybox:1",
		"me/busybox",
		"busyboy",
		"busybox@sha256:00",
	};

	(void)state;
	for (size_t i = 0; i < countof(same); i++) {
		for (size_t j = 0; j < countof(same); j++) {
			assert_true(image_names_equal(same[i], same[j]));
		}
		for (size_t j = 0; j < countof(others); j++) {
			assert_false(image_names_equal(same[i], others[j]));
		}
	}
	assert_true(image_names_equal("localhost:5000/x", "localhost:5000/x:latest"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_references_are_usage_errors),
		cmocka_unit_test(docker_names_have_many_spellings),
		cmocka_unit_test(platforms_are_normalised),
		cmocka_unit_test(references_are_read_as_skopeo_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
