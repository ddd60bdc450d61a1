/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_categories.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peel/error.h>

#include "facts_look.h"
#include "util.h"

static const struct {
	const char *path;
	const char *category;
	enum peel_kind kind;
	/* Database and name, NULL: nobody's. */
	const char *db, *package;
	uint64_t bytes;
} cases[] = {
	{"/var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease", "os-package-cache",
		PEEL_KIND_TEXT, NULL, NULL, 1},
	{"/var/cache/apt/archives/git_2.39.deb", "os-package-cache", PEEL_KIND_DEB, NULL, NULL, 1},
	{"/opt/setup/git_2.39.deb", "archives", PEEL_KIND_DEB, NULL, NULL, 1},
	{"/opt/setup/renamed", "archives", PEEL_KIND_DEB, NULL, NULL, 1},
	{"/root/.cache/pip/http/a/b", "python-package-cache", PEEL_KIND_DATA, NULL, NULL, 1},
	{"/home/u/.cache/uv/x", "python-package-cache", PEEL_KIND_DATA, NULL, NULL, 1},
	{"/opt/conda/pkgs/numpy-1.tar.bz2", "conda-cache", PEEL_KIND_BZIP2, NULL, NULL, 1},
	{"/root/.cache/huggingface/hub/model.safetensors", "model-cache", PEEL_KIND_DATA, NULL,
		NULL, 5000000},
	{"/root/.cache/thing", "other-cache", PEEL_KIND_DATA, NULL, NULL, 1},
	{"/src/.git/objects/pack/pack-1.pack", "version-control-data", PEEL_KIND_GITPACK, NULL,
		NULL, 1},
	{"/usr/lib/python3/dist-packages/__pycache__/x.cpython-311.pyc", "bytecode", PEEL_KIND_PYC,
		"dpkg", "python3-x", 1},
	{"/opt/renamed", "bytecode", PEEL_KIND_PYC, NULL, NULL, 1},
	{"/usr/share/doc/git/copyright", "licences", PEEL_KIND_TEXT, "dpkg", "git", 1},
	{"/usr/share/doc/git/changelog.gz", "documentation", PEEL_KIND_GZIP, "dpkg", "git", 1},
	{"/usr/local/cuda-12.1/doc/index.html", "documentation", PEEL_KIND_TEXT, NULL, NULL, 1},
	{"/usr/include/stdio.h", "headers", PEEL_KIND_TEXT, "dpkg", "libc6-dev", 1},
	{"/usr/local/cuda/targets/x86_64-linux/lib/libcublas_static.a", "static-libraries",
		PEEL_KIND_AR, NULL, NULL, 1},
	{"/usr/bin/x86_64-linux-gnu-gcc-12", "compilers", PEEL_KIND_ELF, "dpkg", "gcc-12", 1},
	{"/usr/lib/gcc/x86_64-linux-gnu/12/cc1", "compilers", PEEL_KIND_ELF, NULL, NULL, 1},
	{"/usr/lib/x86_64-linux-gnu/crt1.so", "development-packages", PEEL_KIND_ELF, "dpkg",
		"libc6-dev", 1},
	{"/usr/bin/git", "version-control", PEEL_KIND_ELF, "dpkg", "git", 1},
	{"/usr/bin/hg", "version-control", PEEL_KIND_SCRIPT, "dpkg", "mercurial", 1},
	{"/usr/bin/ssh", "network-tools", PEEL_KIND_ELF, "dpkg", "openssh-client", 1},
	{"/usr/bin/convert", "imaging-tools", PEEL_KIND_ELF, "dpkg", "imagemagick-6.q16", 1},
	{"/usr/bin/apt-get", "package-managers", PEEL_KIND_ELF, "dpkg", "apt", 1},
	{"/models/a.onnx", "model-weights", PEEL_KIND_DATA, NULL, NULL, 2000000},
	{"/models/a.onnx", "unowned", PEEL_KIND_DATA, NULL, NULL, 1000},
	{"/weights", "model-weights", PEEL_KIND_GGUF, NULL, NULL, 1},
	{"/data/x.parquet", "datasets", PEEL_KIND_DATA, NULL, NULL, 2000000},
	{"/usr/local/cuda-12.1/lib64/libcudart.so.12", "cuda-toolkit", PEEL_KIND_ELF, NULL, NULL,
		1},
	{"/usr/local/lib/python3.11/site-packages/nvidia/cudnn/lib/libcudnn.so.8", "cuda-wheels",
		PEEL_KIND_ELF, "pip", "nvidia-cudnn-cu12", 1},
	{"/usr/local/lib/python3.11/site-packages/torch/lib/libtorch.so",
		"machine-learning-frameworks", PEEL_KIND_ELF, "pip", "torch", 1},
	{"/usr/local/lib/python3.11/site-packages/requests/api.py", "python-packages",
		PEEL_KIND_TEXT, "pip", "requests", 1},
	{"/usr/lib/python3.11/os.py", "python-runtime", PEEL_KIND_TEXT, "dpkg",
		"libpython3.11-minimal", 1},
	{"/usr/local/bin/python3.11", "python-runtime", PEEL_KIND_ELF, NULL, NULL, 1},
	{"/app/node_modules/x/index.js", "node-packages", PEEL_KIND_TEXT, "npm", "x", 1},
	{"/app/node_modules/x/index.js.map", "node-modules-development", PEEL_KIND_TEXT, "npm", "x",
		1},
	{"/app/node_modules/typescript/lib/lib.d.ts", "node-packages", PEEL_KIND_TEXT, "npm",
		"typescript", 1},
	{"/app/service.dll", "dotnet-runtime", PEEL_KIND_PE, NULL, NULL, 1},
	{"/usr/bin/cat", "system-packages", PEEL_KIND_ELF, "dpkg", "coreutils", 1},
	{"/app/server", "unowned", PEEL_KIND_ELF, NULL, NULL, 1},
	{"/app/na\nme\xff", "unowned", PEEL_KIND_DATA, NULL, NULL, 1},
};

static const char *category_of(const struct categories *categories,
	const struct category_file *file)
{
	const struct peel_category *category = categories_get(categories,
		categories_of(categories, file));

	assert_non_null(category);
	return category->name;
}

static struct categories *load(const char *text)
{
	struct categories *categories = NULL;
	struct peel_error err = {0};

	if (categories_load("test.yaml", text, text ? strlen(text) : 0, &categories, &err) < 0) {
		fail_msg("%s", err.message);
	}
	return categories;
}

static void the_first_rule_that_fits_decides(void **state)
{
	struct categories *categories = load(NULL);

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		const struct peel_package package = {.db = cases[i].db, .name = cases[i].package};
		const struct category_file file = {
			.path = cases[i].path,
			.path_len = strlen(cases[i].path),
			.bytes = cases[i].bytes,
			.kind = cases[i].kind,
			.package = cases[i].db ? &package : NULL,
		};
		const char *got = category_of(categories, &file);

		if (strcmp(got, cases[i].category) != 0) {
			fail_msg("%s: %s, not %s", cases[i].path, got, cases[i].category);
		}
	}
	categories_free(categories);
}

static void elf_files_and_magics_are_known(void **state)
{
	static const char tflite[] = "\x1c\0\0\0TFL3....";
	static const char safetensors[] = "\x40\x01\0\0\0\0\0\0{\"a\":";
	struct categories *categories = load(NULL);
	struct facts_elf elf = {.type = 4};
	struct category_file file = {
		.path = "/x", .path_len = 2, .bytes = 2000000, .kind = PEEL_KIND_ELF, .elf = &elf};

	(void)state;
	assert_string_equal(category_of(categories, &file), "logs-and-temporary");
	elf.type = 1;
	assert_string_equal(category_of(categories, &file), "static-libraries");
	elf = (struct facts_elf){.type = 3, .flags = FACTS_ELF_GPU};
	assert_string_equal(category_of(categories, &file), "gpu-code");
	elf.flags = FACTS_ELF_GO;
	assert_string_equal(category_of(categories, &file), "go-and-rust-programs");
	file = (struct category_file){
		.path = "/x", .path_len = 2, .bytes = 2000000, .kind = PEEL_KIND_DATA};
	file.head = tflite;
	file.head_len = sizeof(tflite);
	assert_string_equal(category_of(categories, &file), "model-weights");
	file.head_len = 7;
	assert_string_equal(category_of(categories, &file), "unowned");
	file.head = safetensors;
	file.head_len = sizeof(safetensors);
	assert_string_equal(category_of(categories, &file), "model-weights");
	file.bytes = 10;
	assert_string_equal(category_of(categories, &file), "unowned");
	categories_free(categories);
}

static void what_no_rule_takes_is_in_the_last_category(void **state)
{
	struct categories *categories =
		load("- {name: a, title: A, group: g, match: [{path: /a}]}\n"
		     "- {name: b, title: B, group: g, match: [{path: /b, not: ['**/b']}]}\n");
	const struct category_file file = {.path = "/b", .path_len = 2, .kind = PEEL_KIND_DATA};

	(void)state;
	assert_int_equal(categories_count(categories), 2);
	assert_string_equal(category_of(categories, &file), "b");
	assert_null(categories_get(categories, 0));
	assert_null(categories_get(categories, 3));
	assert_int_equal(strlen(categories_digest(categories)), 64);
	categories_free(categories);
}

static void mistakes_have_their_lines(void **state)
{
	static const struct {
		const char *text;
		const char *message;
	} wrong[] = {
		{"", "1 to 200 categories"},
		{"a: b\n", "1 to 200 categories"},
		{"- {name: a, title: A, group: g}\n", "match is a list"},
		{"- {name: a, title: A, group: g, match: [{path: /a}], colour: red}\n",
			"name, title, group and match"},
		{"- {title: A, group: g, match: [{path: /a}]}\n", "has a name"},
		{"- name: a\n  title: A\n  group: g\n  match:\n    - pat: /a\n", "test.yaml:5"},
		{"- {name: a, title: A, group: g, match: [{path: a}]}\n", "test.yaml:1"},
		{"- {name: a, title: A, group: g, match: [{kind: elephant}]}\n", "no such kind"},
		{"- {name: a, title: A, group: g, match: [{elf: big}]}\n", "elf is"},
		{"- {name: a, title: A, group: g, match: [{package: gcc}]}\n", "DATABASE:NAME"},
		{"- {name: a, title: A, group: g, match: [{owned: maybe}]}\n", "true or false"},
		{"- {name: a, title: A, group: g, match: [{min-size: -1}]}\n", "number of bytes"},
		{"- {name: a, title: A, group: g, match: [{magic: {offset: 4}}]}\n", "magic is"},
		{"- {name: a, title: A, group: g, match: [{magic: {offset: 0, hex: abc}}]}\n",
			"magic is"},
		{"- {name: a, title: A, group: g, match: [{magic: {offset: 0, hex: zz}}]}\n",
			"magic is"},
		{"- {name: a, title: A, group: g, match: [{magic: {offset: 99, text: x}}]}\n",
			"magic is"},
		{"- {name: a, title: A, group: g, match: [{path: {x: y}}]}\n", "a word or a list"},
		{"- {name: a, title: A, group: g, match: [[]]}\n", "a rule"},
		{"- {name: a, title: A, group: g, match: [{path: /a}]}\n"
		 "- {name: a, title: A, group: g, match: [{path: /a}]}\n",
			"two categories"},
	};

	(void)state;
	for (size_t i = 0; i < countof(wrong); i++) {
		struct categories *categories = NULL;
		struct peel_error err = {0};

		assert_int_equal(categories_load("test.yaml", wrong[i].text, strlen(wrong[i].text),
					 &categories, &err),
			PEEL_EFORMAT);
		assert_null(categories);
		if (!strstr(err.message, wrong[i].message)) {
			fail_msg("'%s': %s, not %s", wrong[i].text, err.message, wrong[i].message);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_fits_decides),
		cmocka_unit_test(elf_files_and_magics_are_known),
		cmocka_unit_test(what_no_rule_takes_is_in_the_last_category),
		cmocka_unit_test(mistakes_have_their_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
