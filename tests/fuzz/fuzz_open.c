/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_open.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "image_parts.h"
#include "limit.h"
#include "source.h"

/* What is asked for; the path is never opened. */
static const struct {
	const char *reference;
	const char *platform;
} ways[] = {
	{"x", NULL},
	{"docker-archive:x", NULL},
	{"oci-archive:x", NULL},
	{"rootfs:x", NULL},
	{"docker-archive:x:a", NULL},
	{"oci-archive:x:a", NULL},
	{"docker-archive:x:@0", NULL},
	{"oci-archive:x:@1", NULL},
	{"x", "linux/amd64"},
	{"oci-archive:x", "linux/arm/v7"},
};

static int take_fact(void *arg, const char *key, const char *value)
{
	(void)arg;
	fuzz_check(key && key[0] && value);
	return 0;
}

static void check_layer(struct peel_image *image, int i, size_t len)
{
	const struct peel_layer *layer = peel_image_layer(image, i);
	struct source *source = NULL;
	char byte;

	fuzz_check(layer->digest && layer->diff_id && layer->media_type && layer->state_reason);
	fuzz_check_text(layer->state_reason);
	fuzz_check(layer->created && layer->instruction && layer->comment);
	fuzz_check((layer->state == PEEL_LAYER_OK) == !layer->state_reason[0]);
	fuzz_check(layer->digest[0] == 0 || digest_valid(layer->digest));
	if (image_layer_source(image, i, &source, NULL) < 0) {
		fuzz_check(layer->state != PEEL_LAYER_OK);
		return;
	}
	fuzz_check(image->codec != PEEL_CODEC_NONE || layer->stored_size <= len);
	if (layer->state == PEEL_LAYER_OK && layer->stored_size) {
		fuzz_check(source_read_exact(source, layer->stored_size - 1, &byte, 1, NULL) == 0);
	}
	source_drop(source);
}

static void check_image(struct peel_image *image, size_t len)
{
	size_t config_len = 0;
	const char *config = peel_image_config(image, &config_len);

	fuzz_check(peel_image_layer_count(image) <= (int)limits_value(NULL, PEEL_LIMIT_LAYERS));
	fuzz_check(peel_image_candidate_count(image) <=
		(int)limits_value(NULL, PEEL_LIMIT_MANIFESTS));
	for (int i = 0; i < peel_image_layer_count(image); i++) {
		check_layer(image, i, len);
	}
	for (int i = 0; i < peel_image_history_count(image); i++) {
		const struct peel_history *history = peel_image_history(image, i);

		fuzz_check(history->layer >= -1 && history->layer < peel_image_layer_count(image));
		fuzz_check(history->created && history->instruction && history->comment);
	}
	for (int i = 0; i < peel_image_candidate_count(image); i++) {
		const struct peel_candidate *candidate = peel_image_candidate(image, i);

		fuzz_check(candidate->digest && candidate->tags && candidate->platform);
	}
	for (int i = 0; i < peel_image_finding_count(image); i++) {
		const struct peel_finding *finding = peel_image_finding(image, i);

		fuzz_check(finding->code[0] && finding->detail);
		fuzz_check_text(finding->detail);
	}
	fuzz_check(peel_image_platform(image) && peel_image_kind_name(peel_image_kind(image)));
	if (config) {
		(void)peel_config_facts(config, config_len, take_fact, NULL, NULL);
	}
}

void fuzz_open_image(const void *bytes, size_t len, unsigned int way)
{
	struct peel_image *image = calloc(1, sizeof(*image));
	struct peel_error err = {0};

	way %= countof(ways);
	fuzz_check(image != NULL);
	image->layout_fd = -1;
	image->spool_fd = -1;
	image->platform = "";
	image->name = "x";
	image->reference_text = "x";
	fuzz_check(image_reference_parse(ways[way].reference, &image->reference, NULL) == 0);
	if (ways[way].platform) {
		image->platform_wanted = true;
		fuzz_check(image_platform_parse(ways[way].platform, &image->wanted, NULL) == 0);
	}
	limits_begin(&image->limits, NULL);
	image->file = fuzz_source(bytes, len);
	if (image_open_by_kind(image, &err) == 0) {
		check_image(image, len);
	} else {
		fuzz_check(err.message[0] && err.code != PEEL_ENOMEM && err.code != PEEL_EINTERNAL);
		fuzz_check_text(err.message);
	}
	fuzz_check(!image->out_of_memory);
	peel_image_close(image);
}
