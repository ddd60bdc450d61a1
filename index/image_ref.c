/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References are spelled as skopeo and podman do: TRANSPORT:PATH[:SELECTOR], the path ending at the
 * first colon. What begins with no transport that peel knows is a path, colons and all; "./oci:x"
 * names a file "oci:x".
 */
#include "image_parts.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <peel/text.h>

struct transport {
	const char *prefix;
	enum peel_image_kind kind;
};

/* Transports of skopeo that name no image file: a clear word is better than "no such file". */
static const char *const elsewhere[] = {
	"containers-storage:",
	"docker-daemon:",
	"docker://",
	"ostree:",
	"sif:",
};

static const struct transport transports[] = {
	{"docker-archive:", PEEL_IMAGE_DOCKER_ARCHIVE},
	{"oci-archive:", PEEL_IMAGE_OCI_ARCHIVE},
	{"oci:", PEEL_IMAGE_OCI_LAYOUT},
	{"rootfs:", PEEL_IMAGE_ROOTFS},
};

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "@N" or a tag. */
static int parse_selector(const char *selector, struct image_reference *reference,
	struct peel_error *err)
{
	char shown[IMAGE_SHOWN];
	char *end;
	long position;

	if (!selector[0]) {
		return peel_fail(err, PEEL_EUSAGE,
			"the reference ends with a colon: a tag or @N is missing");
	}
	if (selector[0] != '@') {
		reference->tag = strdup(selector);
		return reference->tag ? 0 : peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	errno = 0;
	position = strtol(selector + 1, &end, 10);
	if (!isdigit((unsigned char)selector[1]) || *end || errno ||
		position >= IMAGE_POSITION_MAX) {
		return peel_fail(err, PEEL_EUSAGE, "\"%s\" is no position in the file, such as @0",
			image_shown(shown, selector));
	}
	reference->position = (int)position;
	return 0;
}

static int parse_rest(const char *rest, struct image_reference *reference, struct peel_error *err)
{
	const char *colon = reference->kind == PEEL_IMAGE_ROOTFS || reference->kind == 0
		? NULL
		: strchr(rest, ':');
	size_t len = colon ? (size_t)(colon - rest) : strlen(rest);

	if (len == 0) {
		return peel_fail(err, PEEL_EUSAGE, "the reference names no file");
	}
	reference->standard_input = len == 1 && rest[0] == '-' &&
		reference->kind != PEEL_IMAGE_OCI_LAYOUT;
	reference->path = strndup(rest, len);
	if (!reference->path) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	return colon ? parse_selector(colon + 1, reference, err) : 0;
}

int image_reference_parse(const char *text, struct image_reference *ret_reference,
	struct peel_error *err)
{
	struct image_reference reference = {.position = -1};
	const char *rest = text;
	int r;

	for (size_t i = 0; i < countof(transports); i++) {
		if (begins(text, transports[i].prefix)) {
			reference.kind = transports[i].kind;
			rest = text + strlen(transports[i].prefix);
		}
	}
	for (size_t i = 0; i < countof(elsewhere); i++) {
		if (begins(text, elsewhere[i])) {
			return peel_fail(err, PEEL_EUSAGE,
				"peel reads image files only: save the image first "
				"(skopeo copy, docker save), then give its path");
		}
	}
	r = parse_rest(rest, &reference, err);
	if (r < 0) {
		image_reference_finish(&reference);
		return r;
	}
	*ret_reference = reference;
	return 0;
}

void image_reference_finish(struct image_reference *reference)
{
	free(reference->path);
	free(reference->tag);
	reference->path = NULL;
	reference->tag = NULL;
}

/*
 * Other names of architectures, and variants that say nothing (containerd's platforms.Normalize).
 */
static const char *const aliases[][2] = {
	{"aarch64", "arm64"},
	{"armhf", "arm"},
	{"i386", "386"},
	{"x86-64", "amd64"},
	{"x86_64", "amd64"},
};

static void copy_part(char *out, const char *text, size_t len)
{
	if (len >= sizeof(((struct image_platform *)NULL)->os)) {
		len = 0;
	}
	memcpy(out, text, len);
	out[len] = '\0';
}

void image_platform_set(struct image_platform *platform, const char *os, const char *arch,
	const char *variant)
{
	for (size_t i = 0; i < countof(aliases); i++) {
		if (strcmp(arch, aliases[i][0]) == 0) {
			arch = aliases[i][1];
		}
	}
	if (strcmp(arch, "arm64") == 0 &&
		(strcmp(variant, "v8") == 0 || strcmp(variant, "8") == 0)) {
		variant = "";
	}
	copy_part(platform->os, os, strlen(os));
	copy_part(platform->arch, arch, strlen(arch));
	copy_part(platform->variant, variant, strlen(variant));
}

int image_platform_parse(const char *text, struct image_platform *ret_platform,
	struct peel_error *err)
{
	struct image_platform raw = {0};
	const char *first = strchr(text, '/');
	const char *second = first ? strchr(first + 1, '/') : NULL;
	const char *end = text + strlen(text);
	char shown[IMAGE_SHOWN];

	if (first) {
		copy_part(raw.os, text, (size_t)(first - text));
		copy_part(raw.arch, first + 1, (size_t)((second ? second : end) - first - 1));
	}
	if (second) {
		copy_part(raw.variant, second + 1, (size_t)(end - second - 1));
	}
	if (!raw.os[0] || !raw.arch[0] ||
		(second && (!raw.variant[0] || strchr(second + 1, '/')))) {
		return peel_fail(err, PEEL_EUSAGE,
			"platform \"%s\" is not of the form os/arch[/variant]",
			image_shown(shown, text));
	}
	image_platform_set(ret_platform, raw.os, raw.arch, raw.variant);
	return 0;
}

/* Write a docker reference in full: domain, "library/" for the official ones, tag. */
static void write_full_name(char *out, size_t size, const char *name)
{
	const char *slash = strchr(name, '/');
	size_t first = slash ? (size_t)(slash - name) : 0;
	bool has_domain = slash &&
		(memchr(name, '.', first) || memchr(name, ':', first) ||
			(first == 9 && begins(name, "localhost")));
	const char *domain = has_domain ? "" : "docker.io/";
	const char *rest = name;
	const char *last;

	if (begins(name, "index.docker.io/")) {
		rest = name + strlen("index.");
	}
	if (begins(rest, "docker.io/") && !strchr(rest + strlen("docker.io/"), '/')) {
		rest += strlen("docker.io/");
		domain = "docker.io/library/";
	} else if (!slash) {
		domain = "docker.io/library/";
	}
	last = strrchr(rest, '/');
	last = last ? last + 1 : rest;
	snprintf(out, size, "%s%s%s", domain, rest, strpbrk(last, ":@") ? "" : ":latest");
}

bool image_names_equal(const char *a, const char *b)
{
	char full_a[IMAGE_NAME_MAX];
	char full_b[IMAGE_NAME_MAX];

	if (strlen(a) > IMAGE_NAME_MAX / 2 || strlen(b) > IMAGE_NAME_MAX / 2) {
		return false;
	}
	write_full_name(full_a, sizeof(full_a), a);
	write_full_name(full_b, sizeof(full_b), b);
	return strcmp(full_a, full_b) == 0;
}

bool peel_reference_is_stdin(const char *text)
{
	struct image_reference reference;
	bool is_stdin;

	if (image_reference_parse(text, &reference, NULL) < 0) {
		return false;
	}
	is_stdin = reference.standard_input;
	image_reference_finish(&reference);
	return is_stdin;
}
