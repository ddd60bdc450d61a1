/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings at rest. They come in the order of the layers' tars and go out by detector, tier and path, so all of them
 * wait in memory, in blocks that are freed as a whole. Texts that belong to the detectors are not copied.
 */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "audit_detect_priv.h"
#include "util.h"

/* Bytes of a block; a larger piece has one of its own. */
#define BLOCK_SIZE ((size_t)64 << 10)

struct found_block {
	struct found_block *next;
	size_t used, room;
	max_align_t bytes[];
};

static int too_many(struct detect *detect)
{
	return peel_fail(detect->err, PEEL_ELIMIT, "more findings than %zu MiB hold",
		DETECT_MEMORY_MAX >> 20);
}

void *found_alloc(struct detect *detect, size_t len)
{
	struct founds *founds = &detect->founds;
	struct found_block *block = founds->blocks;
	const size_t wanted = (len + sizeof(max_align_t) - 1) / sizeof(max_align_t) *
		sizeof(max_align_t);

	if (!block || block->room - block->used < wanted) {
		const size_t room = wanted > BLOCK_SIZE ? wanted : BLOCK_SIZE;

		if (founds->bytes + room > DETECT_MEMORY_MAX) {
			too_many(detect);
			return NULL;
		}
		block = malloc(sizeof(*block) + room);
		if (!block) {
			peel_fail(detect->err, PEEL_ENOMEM, "no memory for findings");
			return NULL;
		}
		*block = (struct found_block){founds->blocks, 0, room};
		founds->blocks = block;
		founds->bytes += room;
	}
	block->used += wanted;
	return (char *)block->bytes + block->used - wanted;
}

struct found_mark found_mark(const struct detect *detect)
{
	const struct found_block *block = detect->founds.blocks;

	return (struct found_mark){detect->founds.blocks, block ? block->used : 0};
}

void found_release(struct detect *detect, const struct found_mark *mark)
{
	struct founds *founds = &detect->founds;

	while (founds->blocks != mark->block) {
		struct found_block *next = founds->blocks->next;

		founds->bytes -= founds->blocks->room;
		free(founds->blocks);
		founds->blocks = next;
	}
	if (founds->blocks) {
		founds->blocks->used = mark->used;
	}
}

char *found_text(struct detect *detect, const char *text, size_t len)
{
	char *copy = found_alloc(detect, len + 1);

	if (copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

int found_failed(const struct detect *detect)
{
	return detect->err ? detect->err->code : PEEL_ENOMEM;
}

int found_name_add(struct detect *detect, struct found_name **names, size_t *count,
	const char *text, size_t len)
{
	struct found_name **at = names;
	struct found_name *name;

	while (*at && strcmp((*at)->text, text) < 0) {
		at = &(*at)->next;
	}
	if (*at && strcmp((*at)->text, text) == 0) {
		return 0;
	}
	name = found_alloc(detect, sizeof(*name) + len + 1);
	if (!name) {
		return found_failed(detect);
	}
	name->next = *at;
	name->len = len;
	memcpy(name->text, text, len);
	name->text[len] = '\0';
	*at = name;
	(*count)++;
	return 0;
}

int found_evidence_add(struct detect *detect, struct found *found,
	const struct peel_evidence *evidence)
{
	struct found_evidence *one = found_alloc(detect, sizeof(*one));

	if (!one) {
		return found_failed(detect);
	}
	*one = (struct found_evidence){.evidence = *evidence};
	one->evidence.text = found_text(detect, evidence->text, strlen(evidence->text));
	if (!one->evidence.text) {
		return found_failed(detect);
	}
	*found->last = one;
	found->last = &one->next;
	found->evidence_count++;
	return 0;
}

int found_add(struct detect *detect, uint32_t rule, const struct peel_evidence *evidence,
	size_t count, struct found **ret_found)
{
	struct founds *founds = &detect->founds;
	struct found *found = found_alloc(detect, sizeof(*found));
	int r = 0;

	if (!found) {
		return found_failed(detect);
	}
	if (!grow_array(&founds->list, founds->count, &founds->room, sizeof(*founds->list))) {
		return peel_fail(detect->err, PEEL_ENOMEM, "no memory for findings");
	}
	*found = detect->base;
	found->rule = rule;
	found->evidence = NULL;
	found->last = &found->evidence;
	/* What says most comes first; of a kind there are many. */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; r >= 0 && i < count; i++) {
			if ((strcmp(evidence[i].type, "kind") == 0) == pass) {
				r = found_evidence_add(detect, found, &evidence[i]);
			}
		}
	}
	founds->list[founds->count++] = found;
	if (ret_found) {
		*ret_found = found;
	}
	return r;
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct found *x = *(struct found *const *)a;
	const struct found *y = *(struct found *const *)b;
	const struct detector_rule *p = found_rule(arg, x);
	const struct detector_rule *q = found_rule(arg, y);
	int order;

	if (p->detector != q->detector) {
		return p->detector < q->detector ? -1 : 1;
	}
	if (p->tier != q->tier) {
		return p->tier < q->tier ? -1 : 1;
	}
	order = strcmp(x->names->text, y->names->text);
	if (order) {
		return order;
	}
	if (x->layer != y->layer) {
		return x->layer < y->layer ? -1 : 1;
	}
	if (x->ino != y->ino) {
		return x->ino < y->ino ? -1 : 1;
	}
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

void founds_sort(struct detect *detect)
{
	if (detect->founds.count > 1) {
		qsort_r(detect->founds.list, detect->founds.count, sizeof(*detect->founds.list),
			compare, detect);
	}
}

int founds_join(struct detect *detect, struct founds *other)
{
	struct founds *founds = &detect->founds;
	struct found_block **last = &founds->blocks;

	while (*last) {
		last = &(*last)->next;
	}
	*last = steal_pointer(&other->blocks);
	founds->bytes += other->bytes;
	for (size_t i = 0; i < other->count; i++) {
		if (!grow_array(&founds->list, founds->count, &founds->room,
			    sizeof(*founds->list))) {
			return peel_fail(detect->err, PEEL_ENOMEM, "no memory for findings");
		}
		founds->list[founds->count++] = other->list[i];
	}
	founds_finish(other);
	*other = (struct founds){0};
	return founds->bytes > DETECT_MEMORY_MAX ? too_many(detect) : 0;
}

void founds_finish(struct founds *founds)
{
	while (founds->blocks) {
		struct found_block *next = founds->blocks->next;

		free(founds->blocks);
		founds->blocks = next;
	}
	free(founds->list);
}
