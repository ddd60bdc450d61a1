/* SPDX-License-Identifier: Apache-2.0 */
#include "imagemaker.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include "tarmaker.h"
#include "util.h"

static void must(bool good)
{
	if (!good) {
		perror("imagemaker");
		abort();
	}
}

static void append(struct imagemaker *image, const char *path, const char *link, const void *bytes,
	size_t len)
{
	struct imagemaker_file *file = &image->files[image->count++];

	must(image->count <= IMAGEMAKER_FILES);
	file->path = strdup(path);
	file->link = link ? strdup(link) : NULL;
	file->len = len ? len : bytes ? strlen(bytes) : 0;
	file->bytes = malloc(file->len + 1);
	must(file->path && file->bytes);
	memcpy(file->bytes, bytes ? bytes : "", file->len);
	file->bytes[file->len] = '\0';
}

void imagemaker_file(struct imagemaker *image, const char *path, const void *bytes, size_t len)
{
	append(image, path, NULL, bytes, len);
}

void imagemaker_print(struct imagemaker *image, const char *path, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list args;

	va_start(args, format);
	must(vasprintf(&text, format, args) >= 0);
	va_end(args);
	append(image, path, NULL, text, 0);
}

void imagemaker_link(struct imagemaker *image, const char *path, const char *target)
{
	append(image, path, target, NULL, 0);
}

void imagemaker_blob(struct imagemaker *image, const void *bytes, size_t len, char *digest)
{
	char path[DIGEST_TEXT_SIZE + 16];

	len = len ? len : strlen(bytes);
	must(digest_buffer("", bytes, len, digest, NULL) == 0);
	snprintf(path, sizeof(path), "blobs/sha256/%s", digest + strlen("sha256:"));
	if (!imagemaker_find(image, path)) {
		append(image, path, NULL, bytes, len);
	}
}

struct imagemaker_file *imagemaker_find(struct imagemaker *image, const char *path)
{
	for (size_t i = 0; i < image->count; i++) {
		if (strcmp(image->files[i].path, path) == 0) {
			return &image->files[i];
		}
	}
	return NULL;
}

char *imagemaker_layer(const char *name, size_t *ret_len)
{
	struct tarmaker tar = {0};

	tarmaker_add(&tar,
		&(struct tar_member){.path = name, .data = name, .data_len = strlen(name)});
	tarmaker_end(&tar);
	*ret_len = tar.len;
	return (char *)tar.bytes;
}

static char *numbered_layer(int i, size_t *ret_len, char *digest)
{
	char name[16];
	char *bytes;

	snprintf(name, sizeof(name), "l%d", i);
	bytes = imagemaker_layer(name, ret_len);
	must(digest_buffer("", bytes, *ret_len, digest, NULL) == 0);
	return bytes;
}

char *imagemaker_config(const char *os, const char *arch, int layers)
{
	char *text = NULL;
	size_t text_len;
	FILE *out = open_memstream(&text, &text_len);

	must(out);
	fprintf(out,
		"{\"os\":\"%s\",\"architecture\":\"%s\",\"config\":{\"Env\":[\"A=1\",\"PATH=/bin:/x\"]},"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
		os, arch);
	for (int i = 0; i < layers; i++) {
		char digest[DIGEST_TEXT_SIZE];
		size_t len;

		free(numbered_layer(i, &len, digest));
		fprintf(out, "%s\"%s\"", i ? "," : "", digest);
	}
	fprintf(out, "]},\"history\":[{\"created_by\":\"ENV A\",\"empty_layer\":true}");
	for (int i = 0; i < layers; i++) {
		fprintf(out, ",{\"created\":\"2026-01-01T00:00:00Z\",\"created_by\":\"RUN %d\"}",
			i);
	}
	fprintf(out, "]}");
	must(fclose(out) == 0);
	return text;
}

void imagemaker_docker(struct imagemaker *image, const char *tag, const char *os, const char *arch,
	int layers)
{
	cleanup_free char *config = imagemaker_config(os, arch, layers);
	cleanup_free char *list = strdup("");
	char path[64];

	for (int i = 0; i < layers; i++) {
		char digest[DIGEST_TEXT_SIZE];
		size_t len;
		cleanup_free char *bytes = numbered_layer(i, &len, digest);
		char *longer;

		snprintf(path, sizeof(path), "%d/layer.tar", i);
		if (!imagemaker_find(image, path)) {
			imagemaker_file(image, path, bytes, len);
		}
		must(asprintf(&longer, "%s%s\"%s\"", list, i ? "," : "", path) >= 0);
		free(list);
		list = longer;
	}
	snprintf(path, sizeof(path), "config-%s.json", arch);
	imagemaker_file(image, path, config, 0);
	imagemaker_print(image, "manifest.json",
		"[{\"Config\":\"%s\",\"RepoTags\":[%s%s%s],\"Layers\":[%s]}]", path,
		tag ? "\"" : "", tag ? tag : "", tag ? "\"" : "", list);
}

size_t imagemaker_manifest(struct imagemaker *image, const char *os, const char *arch, int layers,
	char *digest)
{
	cleanup_free char *config = imagemaker_config(os, arch, layers);
	cleanup_free char *text = NULL;
	char blob[DIGEST_TEXT_SIZE];
	size_t text_len;
	FILE *out = open_memstream(&text, &text_len);

	must(out);
	imagemaker_blob(image, config, 0, blob);
	fprintf(out,
		"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
		"\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
		blob, strlen(config));
	for (int i = 0; i < layers; i++) {
		size_t len;
		cleanup_free char *bytes = numbered_layer(i, &len, blob);

		imagemaker_blob(image, bytes, len, blob);
		fprintf(out,
			"%s{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%zu}",
			i ? "," : "", blob, len);
	}
	fprintf(out, "]}");
	must(fclose(out) == 0);
	imagemaker_blob(image, text, 0, digest);
	return strlen(text);
}

void imagemaker_index(struct imagemaker *image, const char *descriptors)
{
	imagemaker_file(image, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", 0);
	imagemaker_print(image, "index.json", "{\"schemaVersion\":2,\"manifests\":[%s]}",
		descriptors);
}

void imagemaker_oci(struct imagemaker *image, const char *tag, const char *os, const char *arch,
	int layers)
{
	cleanup_free char *descriptor = NULL;
	char digest[DIGEST_TEXT_SIZE];
	size_t size = imagemaker_manifest(image, os, arch, layers, digest);

	must(asprintf(&descriptor,
		     "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\","
		     "\"size\":%zu,\"annotations\":{\"org.opencontainers.image.ref.name\":\"%s\"}}",
		     digest, size, tag) >= 0);
	imagemaker_index(image, descriptor);
}

static void *compress_gzip(const void *bytes, size_t len, size_t *ret_len)
{
	struct isal_zstream stream;
	size_t room = len + len / 8 + 4096;
	void *out = malloc(room);

	must(out);
	isal_deflate_stateless_init(&stream);
	stream.gzip_flag = IGZIP_GZIP;
	stream.end_of_stream = 1;
	stream.next_in = (uint8_t *)bytes;
	stream.avail_in = (uint32_t)len;
	stream.next_out = out;
	stream.avail_out = (uint32_t)room;
	must(isal_deflate_stateless(&stream) == COMP_OK);
	*ret_len = room - stream.avail_out;
	return out;
}

void *imagemaker_compress(enum imagemaker_codec codec, const void *bytes, size_t len,
	size_t *ret_len)
{
	size_t room = ZSTD_compressBound(len) + 1;
	void *out;

	if (codec == IMAGEMAKER_GZIP) {
		return compress_gzip(bytes, len, ret_len);
	}
	out = malloc(room);
	must(out);
	if (codec == IMAGEMAKER_ZSTD) {
		*ret_len = ZSTD_compress(out, room, bytes, len, 1);
		must(!ZSTD_isError(*ret_len));
	} else {
		memcpy(out, bytes, len);
		*ret_len = len;
	}
	return out;
}

/* A new name in the image's own folder. */
static const char *new_path(struct imagemaker *image)
{
	static int number;
	const char *root = getenv("TMPDIR");

	if (!image->folder) {
		must(asprintf(&image->folder, "%s/imagemaker.XXXXXX", root ? root : "/tmp") >= 0);
		must(mkdtemp(image->folder));
	}
	free(image->path);
	must(asprintf(&image->path, "%s/%d", image->folder, number++) >= 0);
	return image->path;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	FILE *out = fopen(path, "wb");

	must(out && fwrite(bytes, 1, len, out) == len);
	must(fclose(out) == 0);
}

const char *imagemaker_write_bytes(struct imagemaker *image, const void *bytes, size_t len)
{
	write_file(new_path(image), bytes, len);
	return image->path;
}

const char *imagemaker_write_tar(struct imagemaker *image, enum imagemaker_codec codec)
{
	struct tarmaker tar = {0};
	cleanup_free void *packed = NULL;
	size_t len;

	for (size_t i = 0; i < image->count; i++) {
		const struct imagemaker_file *file = &image->files[i];

		tarmaker_add(&tar,
			&(struct tar_member){.path = file->path,
				.type = file->link ? '2' : '0',
				.link = file->link,
				.data = file->link ? NULL : file->bytes,
				.data_len = file->len});
	}
	tarmaker_end(&tar);
	packed = imagemaker_compress(codec, tar.bytes, tar.len, &len);
	tarmaker_finish(&tar);
	return imagemaker_write_bytes(image, packed, len);
}

const char *imagemaker_write_folder(struct imagemaker *image)
{
	cleanup_free char *root = strdup(new_path(image));

	must(mkdir(root, 0755) == 0);
	for (size_t i = 0; i < image->count; i++) {
		const struct imagemaker_file *file = &image->files[i];
		cleanup_free char *path = NULL;

		must(asprintf(&path, "%s/%s", root, file->path) >= 0);
		for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
			slash = strchr(slash + 1, '/')) {
			*slash = '\0';
			must(mkdir(path, 0755) == 0 || errno == EEXIST);
			*slash = '/';
		}
		if (file->link) {
			must(symlink(file->link, path) == 0);
		} else {
			write_file(path, file->bytes, file->len);
		}
	}
	return image->path;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void imagemaker_finish(struct imagemaker *image)
{
	for (size_t i = 0; i < image->count; i++) {
		free(image->files[i].path);
		free(image->files[i].link);
		free(image->files[i].bytes);
	}
	if (image->folder) {
		nftw(image->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	}
	free(image->folder);
	free(image->path);
	*image = (struct imagemaker){0};
}
