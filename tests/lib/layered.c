/* SPDX-License-Identifier: Apache-2.0 */
#include "layered.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compress.h"
#include "index_build.h"
#include "peel_test.h"
#include "tarmaker.h"
#include "util.h"

#define LAYERS 8

/** Files in folders, some large, some named again in other layers. */
static void add_files(struct tarmaker *tar, unsigned layer, unsigned count)
{
	struct bytes data = {0};

	bytes_add_text(&data, layer, 5 << 18);
	for (unsigned i = 0; i < count; i++) {
		char path[100];

		snprintf(path, sizeof(path), "d%u/e%u/", i % 10, i % 70);
		if (i < 70) {
			tarmaker_add(tar,
				&(struct tar_member){.path = path, .type = '5', .mode = 0755});
		}
		snprintf(path, sizeof(path), "d%u/e%u/f%u", i % 10, i % 70, i * (layer % 3 + 1));
		tarmaker_add(tar,
			&(struct tar_member){.path = path,
				.mtime = 1000 + layer,
				.uname = i % 7 ? "root" : "other",
				.data = data.data + i,
				.data_len = i % 200 == 1 ? data.len - i : i});
	}
	bytes_finish(&data);
}

static void add_oddities(struct tarmaker *tar)
{
	tarmaker_add(tar, &(struct tar_member){.path = "d1/e1/.wh..wh..opq"});
	tarmaker_add(tar, &(struct tar_member){.path = "d2/.wh.e2"});
	tarmaker_add(tar, &(struct tar_member){.path = "link", .link = "d3", .type = '2'});
	tarmaker_add(tar, &(struct tar_member){.path = "link/through", .data = "x", .data_len = 1});
	tarmaker_add(tar, &(struct tar_member){.path = "hard", .link = "d4/e4/f4", .type = '1'});
	tarmaker_add(tar, &(struct tar_member){.path = "broken", .link = "nowhere", .type = '1'});
	tarmaker_pax(tar, 'x', "SCHILY.xattr.user.a=b", NULL);
	tarmaker_add(tar, &(struct tar_member){.path = "../x", .data = "y", .data_len = 1});
	tarmaker_pax(tar, 'g', "path=z", NULL);
	tarmaker_add(tar,
		&(struct tar_member){.path = "null", .type = '3', .major = 1, .minor = 3});
}

/** What a layer is stored as. */
static const struct {
	enum imagemaker_codec codec;
	unsigned files;
	/** The same bytes as this layer; -1: its own. */
	int same_as;
	bool odd, cut;
} layers[LAYERS] = {
	{IMAGEMAKER_PLAIN, 1500, -1, false, false},
	{IMAGEMAKER_GZIP, 800, -1, false, false},
	{IMAGEMAKER_ZSTD, 300, -1, false, false},
	{IMAGEMAKER_GZIP, 0, 1, false, false},
	{IMAGEMAKER_GZIP, 10, -1, true, false},
	{IMAGEMAKER_ZSTD, 600, -1, false, false},
	{IMAGEMAKER_GZIP, 100, -1, false, true},
	{IMAGEMAKER_PLAIN, 200, -1, true, false},
};

static void make_layer(struct imagemaker *maker, unsigned i, enum layered_variant variant,
	char *digest, char *diff_id)
{
	struct tarmaker tar = {0};
	struct peel_error err = {0};
	cleanup_free void *stored = NULL;
	char path[128];
	size_t len = 0;

	add_files(&tar, i, layers[i].files);
	if (layers[i].odd) {
		add_oddities(&tar);
	}
	if (variant == LAYERED_REBUILT && (i == 5 || i == 7)) {
		tarmaker_add(&tar, &(struct tar_member){.path = "d1/e1/new", .mtime = 5});
	}
	if (variant == LAYERED_LYING && i == 2) {
		tarmaker_add(&tar, &(struct tar_member){.path = "d1/evil", .mtime = 5});
	}
	if (layers[i].cut) {
		tar.len -= 1000;
	} else {
		tarmaker_end(&tar);
	}
	assert_int_equal(digest_buffer("", tar.bytes, tar.len, diff_id, &err), 0);
	stored = imagemaker_compress(layers[i].codec, tar.bytes, tar.len, &len);
	assert_int_equal(digest_buffer("", stored, len, digest, &err), 0);
	snprintf(path, sizeof(path), "blobs/sha256/%s", digest + 7);
	imagemaker_file(maker, path, stored, len);
	tarmaker_finish(&tar);
}

/** Give the first image's digest to another layer: its file gets the name. */
static void lie(struct imagemaker *maker, unsigned i, char *digest, char *diff_id)
{
	char true_digest[DIGEST_TEXT_SIZE];
	struct imagemaker first = {0};
	char path[DIGEST_TEXT_SIZE + 16];

	strcpy(true_digest, digest);
	make_layer(&first, i, LAYERED_FIRST, digest, diff_id);
	snprintf(path, sizeof(path), "blobs/sha256/%s", true_digest + 7);
	sprintf(imagemaker_find(maker, path)->path, "blobs/sha256/%s", digest + 7);
	imagemaker_finish(&first);
}

/** An OCI layout in a tar. */
void layered_make(struct imagemaker *maker, enum layered_variant variant)
{
	char digests[LAYERS][DIGEST_TEXT_SIZE];
	char diff_ids[LAYERS][DIGEST_TEXT_SIZE];
	char config_digest[DIGEST_TEXT_SIZE];
	char manifest_digest[DIGEST_TEXT_SIZE];
	cleanup_free char *config = NULL;
	cleanup_free char *manifest = NULL;
	size_t config_len = 0;
	size_t manifest_len = 0;
	FILE *config_file = open_memstream(&config, &config_len);
	FILE *manifest_file = open_memstream(&manifest, &manifest_len);

	fputs("{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","
	      "\"diff_ids\":[",
		config_file);
	for (unsigned i = 0; i < LAYERS; i++) {
		int same = layers[i].same_as;

		if (same < 0) {
			make_layer(maker, i, variant, digests[i], diff_ids[i]);
			if (variant == LAYERED_LYING && i == 2) {
				lie(maker, i, digests[i], diff_ids[i]);
			}
		} else {
			strcpy(digests[i], digests[same]);
			strcpy(diff_ids[i], diff_ids[same]);
		}
		fprintf(config_file, "%s\"%s\"", i ? "," : "", diff_ids[i]);
	}
	fputs("]}}", config_file);
	fclose(config_file);
	imagemaker_blob(maker, config, 0, config_digest);
	fprintf(manifest_file,
		"{\"schemaVersion\":2,\"config\":{\"mediaType\":"
		"\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%zu},"
		"\"layers\":[",
		config_digest, config_len);
	for (unsigned i = 0; i < LAYERS; i++) {
		char path[128];

		snprintf(path, sizeof(path), "blobs/sha256/%s", digests[i] + 7);
		fprintf(manifest_file,
			"%s{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar%s\","
			"\"digest\":\"%s\",\"size\":%zu}",
			i ? "," : "",
			layers[i].codec == IMAGEMAKER_GZIP           ? "+gzip"
				: layers[i].codec == IMAGEMAKER_ZSTD ? "+zstd"
								     : "",
			digests[i], imagemaker_find(maker, path)->len);
	}
	fputs("]}", manifest_file);
	fclose(manifest_file);
	imagemaker_blob(maker, manifest, 0, manifest_digest);
	imagemaker_print(maker, "index.json",
		"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
		"\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu}]}",
		manifest_digest, manifest_len);
	imagemaker_file(maker, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", 0);
}

struct built layered_build(const char *path, unsigned workers, bool verify, int cache,
	peel_progress_fn *progress, void *progress_arg, int expected)
{
	int fd = memfd_create("peel-test", MFD_CLOEXEC);
	int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct build_options options = {
		.fd = fd,
		.spill_dir = folder,
		.cache_folder = cache,
		.identity = "",
		.location = "",
		.verify = verify,
		.workers = workers,
		.progress = progress,
		.progress_arg = progress_arg,
	};
	struct peel_image *image = NULL;
	struct peel_error err = {0};
	struct built built = {0};
	struct stat st;

	assert_good(peel_image_open(path, NULL, &image, &err), &err);
	assert_int_equal(index_build(image, &options, &err), expected);
	assert_int_equal(fstat(fd, &st), 0);
	built.len = (size_t)st.st_size;
	built.bytes = malloc(built.len + 1);
	assert_int_equal(pread(fd, built.bytes, built.len, 0), built.len);
	peel_image_close(image);
	close(folder);
	close(fd);
	return built;
}
