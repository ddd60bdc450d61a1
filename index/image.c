/* SPDX-License-Identifier: Apache-2.0 */
#include "image_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/text.h>

#include "blockcache.h"
#include "broker.h"
#include "image_outer.h"
#include "points.h"
#include "source.h"

static const char *keep(struct peel_image *image, char *text)
{
	if (!text ||
		!grow_array(&image->kept, image->kept_count, &image->kept_room,
			sizeof(*image->kept))) {
		free(text);
		image->out_of_memory = true;
		return "";
	}
	image->kept[image->kept_count++] = text;
	return text;
}

const char *image_keep(struct peel_image *image, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
	}
	va_end(args);
	return keep(image, text);
}

const char *image_keep_platform(struct peel_image *image, const struct image_platform *platform)
{
	if (!platform->os[0] || !platform->arch[0]) {
		return "";
	}
	return image_keep(image, "%s/%s%s%s", platform->os, platform->arch,
		platform->variant[0] ? "/" : "", platform->variant);
}

const char *image_shown(char *buf, const char *text)
{
	return peel_text_escape_into(buf, IMAGE_SHOWN, text, strlen(text));
}

static bool same_finding(const struct peel_finding *a, const struct peel_finding *b)
{
	return strcmp(a->code, b->code) == 0 && a->layer == b->layer && a->offset == b->offset &&
		a->path_len == b->path_len && strcmp(a->detail, b->detail) == 0 &&
		(a->path_len == 0 || memcmp(a->path, b->path, a->path_len) == 0);
}

void image_finding(struct peel_image *image, const char *code, int layer, const char *path,
	uint64_t offset, const char *format, ...)
{
	struct peel_finding finding = {.code = code, .layer = layer, .offset = offset};
	char *detail;
	va_list args;

	if (image->finding_count >= IMAGE_FINDINGS_MAX) {
		return;
	}
	va_start(args, format);
	if (vasprintf(&detail, format, args) < 0) {
		detail = NULL;
	}
	va_end(args);
	finding.detail = keep(image, detail);
	if (path) {
		finding.path = image_keep(image, "%s", path);
		finding.path_len = strlen(finding.path);
	}
	for (size_t i = 0; i < image->finding_count; i++) {
		if (same_finding(&image->findings[i], &finding)) {
			return;
		}
	}
	if (!grow_array(&image->findings, image->finding_count, &image->finding_room,
		    sizeof(finding))) {
		image->out_of_memory = true;
		return;
	}
	image->findings[image->finding_count++] = finding;
}

int image_keep_json(struct peel_image *image, json_t *json, struct peel_error *err)
{
	if (!image->documents) {
		image->documents = json_array();
	}
	if (!image->documents) {
		json_decref(json);
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	/* Takes the reference over, also where it fails. */
	if (json_array_append_new(image->documents, json) < 0) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	return 0;
}

/* The caller may give rights up before the first byte is read. */
static int tell_opened(const struct peel_image *image, struct peel_error *err)
{
	return image->options.opened
		? image->options.opened(image->options.opened_arg, image->layout_fd, err)
		: 0;
}

static int open_named(const char *path, int *ret_fd, struct peel_error *err)
{
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return *ret_fd >= 0 ? 0
			    : peel_fail(err,
				      errno == ENOENT || errno == ENOTDIR ? PEEL_ENOENT
					      : errno == EACCES           ? PEEL_EACCES
									  : PEEL_EIO,
				      "%s", strerror(errno));
}

int image_path_open(const char *reference, int *ret_fd, struct peel_error *err)
{
	struct image_reference parsed;
	char shown[IMAGE_SHOWN];
	int r = image_reference_parse(reference, &parsed, err);

	if (r < 0) {
		return r;
	}
	r = parsed.standard_input ? peel_fail(err, PEEL_EUSAGE, "standard input has no path")
				  : open_named(parsed.path, ret_fd, err);
	if (r < 0 && !parsed.standard_input) {
		peel_wrap(err, "%s", image_shown(shown, parsed.path));
	}
	image_reference_finish(&parsed);
	return r;
}

static int open_path(struct peel_image *image, const struct image_given *given,
	struct peel_error *err)
{
	cleanup_fd int fd = -1;
	struct stat st;
	int r = 0;

	if (image->reference.standard_input) {
		r = tell_opened(image, err);
		r = r < 0 ? r
			  : image_capture(&image->options, image->reference.kind, &image->limits,
				    &image->file, err);
		limits_restart(&image->limits);
		return r;
	}
	if (given) {
		fd = fcntl(given->file, F_DUPFD_CLOEXEC, 3);
	} else {
		r = open_named(image->reference.path, &fd, err);
	}
	if (r == 0 && (fd < 0 || fstat(fd, &st) < 0)) {
		r = peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	}
	if (r < 0) {
		return r;
	}
	if (S_ISDIR(st.st_mode) || broker_is(fd)) {
		image->layout_fd = steal_fd(&fd);
		return tell_opened(image, err);
	}
	r = source_open_fd(fd, &image->file, err);
	if (r == 0) {
		fd = -1;
		r = tell_opened(image, err);
	}
	return r;
}

static int set_up(struct peel_image *image, const char *reference,
	const struct peel_image_options *options, struct peel_error *err)
{
	char shown[IMAGE_SHOWN];
	int r;

	image->layout_fd = -1;
	image->spool_fd = -1;
	image->platform = "";
	image->reference_text = image_keep(image, "%s", reference);
	if (options) {
		image->options = *options;
	}
	limits_begin(&image->limits, &image->options.limits);
	r = image_reference_parse(reference, &image->reference, err);
	if (r < 0) {
		return r;
	}
	image->name = image_keep(image, "%s",
		image->reference.standard_input ? "standard input"
						: image_shown(shown, image->reference.path));
	if (image->options.platform) {
		image->platform_wanted = true;
		return image_platform_parse(image->options.platform, &image->wanted, err);
	}
	return 0;
}

int image_open_given(const char *reference, const struct peel_image_options *options,
	const struct image_given *given, struct peel_image **ret_image, struct peel_error *err)
{
	struct peel_image *image = calloc(1, sizeof(*image));
	/* The message is wanted for wrapping even where the caller does not want it. */
	struct peel_error failure = {0};
	int r;

	if (!image) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = set_up(image, reference, options, &failure);
	if (r == 0 && given && given->spool >= 0) {
		image->spool_fd = fcntl(given->spool, F_DUPFD_CLOEXEC, 3);
	}
	if (r == 0) {
		r = open_path(image, given, &failure);
		r = r < 0 ? r : image_open_by_kind(image, &failure);
		if (r == 0 && image->out_of_memory) {
			r = peel_fail(&failure, PEEL_ENOMEM, "out of memory");
		}
		if (r < 0) {
			peel_wrap(&failure, "%s", image->name);
		}
	}
	/* The options' strings are the caller's. */
	image->options = (struct peel_image_options){0};
	if (r < 0) {
		peel_image_close(image);
		return peel_fail(err, r, "%s", failure.message);
	}
	*ret_image = image;
	return 0;
}

int peel_image_open(const char *reference, const struct peel_image_options *options,
	struct peel_image **ret_image, struct peel_error *err)
{
	return image_open_given(reference, options, NULL, ret_image, err);
}

void peel_image_close(struct peel_image *image)
{
	if (!image) {
		return;
	}
	source_drop(image->plain);
	source_drop(image->file);
	blockcache_free(image->cache);
	point_list_free(image->points);
	outer_free(image->outer);
	for (size_t i = 0; i < image->item_count; i++) {
		json_decref(image->items[i].names);
	}
	free(image->items);
	json_decref(image->documents);
	free(image->config);
	free(image->layers);
	free(image->blobs);
	free(image->history);
	free(image->findings);
	for (size_t i = 0; i < image->kept_count; i++) {
		free(image->kept[i]);
	}
	free(image->kept);
	image_reference_finish(&image->reference);
	if (image->layout_fd >= 0) {
		close(image->layout_fd);
	}
	if (image->spool_fd >= 0) {
		close(image->spool_fd);
	}
	free(image);
}
