/* SPDX-License-Identifier: Apache-2.0 */
#include "layer_crew_priv.h"

#include <stdlib.h>
#include <string.h>

#include "image_priv.h"
#include "layer_tape.h"
#include "util.h"

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_bytes(const struct crew *crew, int a, int b)
{
	const struct image_blob *blob = image_layer_blob(crew->image, a);
	const struct image_blob *other = image_layer_blob(crew->image, b);

	return blob && other && other->offset == blob->offset && other->size == blob->size &&
		!other->file == !blob->file && same_text(other->file, blob->file);
}

/** What a layer claims decides what is hashed and how it ends. */
static bool same_claims(const struct crew *crew, int a, int b)
{
	const struct peel_layer *layer = peel_image_layer(crew->image, a);
	const struct peel_layer *other = peel_image_layer(crew->image, b);

	return layer->codec == other->codec && same_text(layer->digest, other->digest) &&
		same_text(layer->diff_id, other->diff_id);
}

/** Give a layer a job: a lower one's, or one of its own. */
static void plan_layer(struct crew *crew, int layer)
{
	struct crew_job *job;

	crew->job_of[layer] = -1;
	crew->first_of[layer] = layer;
	if (peel_image_layer(crew->image, layer)->state != PEEL_LAYER_OK) {
		return;
	}
	for (int i = layer - 1; i >= 0; i--) {
		if (crew->job_of[i] < 0 || !same_bytes(crew, layer, i)) {
			continue;
		}
		crew->first_of[layer] = crew->first_of[i];
		if (same_claims(crew, layer, i)) {
			crew->job_of[layer] = crew->job_of[i];
			crew->jobs[crew->job_of[i]].layer_count++;
			return;
		}
	}
	job = &crew->jobs[crew->job_count];
	job->layer = layer;
	job->layer_count = 1;
	job->points = crew->first_of[layer] == layer &&
		peel_image_layer(crew->image, layer)->codec != PEEL_CODEC_NONE;
	crew->job_of[layer] = crew->job_count++;
}

int crew_plan(struct crew *crew, struct peel_error *err)
{
	int count = peel_image_layer_count(crew->image);

	/* One more than none, so that NULL means no memory. */
	crew->jobs = calloc((size_t)count + 1, sizeof(*crew->jobs));
	crew->order = calloc((size_t)count + 1, sizeof(*crew->order));
	crew->job_of = calloc((size_t)count + 1, sizeof(*crew->job_of));
	crew->first_of = calloc((size_t)count + 1, sizeof(*crew->first_of));
	if (!crew->jobs || !crew->order || !crew->job_of || !crew->first_of) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	for (int i = 0; i < count; i++) {
		plan_layer(crew, i);
	}
	return 0;
}

/** Stored bytes of a job that must be decoded; 0 where it is not compressed. */
static uint64_t weight(const struct crew *crew, int job)
{
	const struct peel_layer *layer = peel_image_layer(crew->image, crew->jobs[job].layer);

	return layer->codec == PEEL_CODEC_NONE ? 0 : layer->stored_size;
}

void crew_sort(struct crew *crew, unsigned workers)
{
	uint64_t total = 0;
	int large = 0;
	int at;

	for (int i = 0; i < crew->job_count; i++) {
		total += weight(crew, i);
	}
	/* The large ones by insertion: there are fewer than twice as many as workers. */
	for (int i = 0; i < crew->job_count && workers > 1; i++) {
		if (weight(crew, i) <= total / (2 * workers)) {
			continue;
		}
		for (at = large++; at > 0 && weight(crew, crew->order[at - 1]) < weight(crew, i);
			at--) {
			crew->order[at] = crew->order[at - 1];
		}
		crew->order[at] = i;
	}
	at = large;
	for (int i = 0; i < crew->job_count; i++) {
		if (workers <= 1 || weight(crew, i) <= total / (2 * workers)) {
			crew->order[at++] = i;
		}
	}
}

void crew_free_plan(struct crew *crew)
{
	free(crew->jobs);
	free(crew->order);
	free(crew->job_of);
	free(crew->first_of);
}

void crew_free_tapes(struct crew *crew)
{
	for (int i = 0; i < crew->job_count; i++) {
		tape_free(crew->jobs[i].tape);
		tape_free(crew->jobs[i].point_tape);
		crew->jobs[i].tape = NULL;
		crew->jobs[i].point_tape = NULL;
	}
	tapes_free(crew->tapes);
	crew->tapes = NULL;
}
