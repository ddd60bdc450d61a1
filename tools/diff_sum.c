/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both images' bytes by layer, package, category or folder. A layer's row is what it ships, and a layer that
 * both have is one
 * row; the others are rows of what is visible, and one more holds what is wasted: so that every table sums to
 * the same.
 */
#include <string.h>

#include "diff.h"
#include "format.h"

static const char wasted_key[] = "(wasted)";
static const char unowned_key[] = "(no package)";

struct summing {
	struct diff_run *run;
	struct buckets *buckets;
	int side;
	bool failed;
	/* Of each layer of b: its partner in a; -1 none. */
	const int *partners;
};

static struct bucket *folder_bucket(const struct summing *s, const struct peel_piece *piece)
{
	size_t len = bucket_folder(piece->path, piece->path_len, s->run->depth);

	return len ? buckets_get(s->buckets, piece->path, len) : buckets_get(s->buckets, "/", 1);
}

static struct bucket *package_bucket(const struct summing *s, const struct peel_piece *piece)
{
	const struct peel_package *package = peel_package_get(s->side ? s->run->b : s->run->a,
		piece->package);
	char key[1024];
	int len;

	if (!package) {
		return buckets_get(s->buckets, unowned_key, strlen(unowned_key));
	}
	len = snprintf(key, sizeof(key), "%s:%s", package->db, package->name);
	return buckets_get(s->buckets, key, len < (int)sizeof(key) ? (size_t)len : sizeof(key) - 1);
}

static struct bucket *category_bucket(const struct summing *s, const struct peel_piece *piece)
{
	const struct peel_category *category = peel_category_get(s->side ? s->run->b : s->run->a,
		piece->category);
	const char *key = category ? category->name : "";

	return buckets_get(s->buckets, key, strlen(key));
}

/* Layers keep the order of a, then of b: numbers with leading zeros. */
static struct bucket *layer_bucket(const struct summing *s, const struct peel_piece *piece)
{
	int partner = s->side ? s->partners[piece->layer] : piece->layer;
	char key[32];

	snprintf(key, sizeof(key), "%c%05d", s->side && partner < 0 ? 'b' : 'a',
		s->side && partner < 0 ? piece->layer : partner);
	return buckets_get(s->buckets, key, strlen(key));
}

static struct bucket *find_bucket(const struct summing *s, const struct peel_piece *piece)
{
	if (s->run->by == DIFF_BY_LAYER) {
		return layer_bucket(s, piece);
	}
	if (!piece->visible) {
		return buckets_get(s->buckets, wasted_key, strlen(wasted_key));
	}
	switch (s->run->by) {
	case DIFF_BY_PACKAGE:
		return package_bucket(s, piece);
	case DIFF_BY_CATEGORY:
		return category_bucket(s, piece);
	default:
		return folder_bucket(s, piece);
	}
}

static int add_piece(void *arg, const struct peel_piece *piece)
{
	struct summing *s = arg;
	struct bucket *bucket = find_bucket(s, piece);

	if (!bucket) {
		s->failed = true;
		return 1;
	}
	bucket->sums[s->side].files++;
	bucket->sums[s->side].bytes += piece->bytes;
	bucket->sums[s->side].allocated += piece->allocated;
	return 0;
}

/* Each layer has a row, empty ones too. */
static bool add_layers(struct summing *s, struct peel_index *index)
{
	for (int i = 0; i < peel_layer_count(index); i++) {
		if (!layer_bucket(s, &(struct peel_piece){.layer = i})) {
			return false;
		}
	}
	return true;
}

static int sum_side(struct summing *s, struct peel_error *err)
{
	struct peel_index *index = s->side ? s->run->b : s->run->a;
	int code = 0;

	s->failed = s->run->by == DIFF_BY_LAYER && !add_layers(s, index);
	if (!s->failed) {
		code = peel_pieces(index, PEEL_BY_ENTRY, false, add_piece, s, err);
	}
	return s->failed ? peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM)) : code;
}

int diff_sum(struct diff_run *run, struct buckets *buckets, struct peel_error *err)
{
	cleanup_free int *partners = calloc((size_t)peel_layer_count(run->b) + 1,
		sizeof(*partners));
	struct summing s = {.run = run, .buckets = buckets, .partners = partners};
	int code = 0;

	if (!partners) {
		return peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM));
	}
	for (int i = 0; i < peel_layer_count(run->b); i++) {
		partners[i] = peel_diff_shared_layer(run->b, run->a, i);
	}
	for (s.side = 0; code == 0 && s.side < 2; s.side++) {
		code = sum_side(&s, err);
	}
	buckets_sort(buckets, run->by == DIFF_BY_LAYER ? BUCKETS_BY_KEY : BUCKETS_BY_CHANGE);
	return code;
}
