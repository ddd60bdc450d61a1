/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's tree over the merged one. A folder that the layer only implies keeps a lower folder's metadata, replaces a
 * lower symlink, and cannot replace anything else.
 */
#include <string.h>

#include "merge_model_priv.h"

struct hide {
	const struct model_entry *skip;
	int layer;
	uint32_t reasons;
};

static void hide_one(void *arg, struct model_entry *entry)
{
	const struct hide *hide = arg;

	if (entry != hide->skip) {
		model_hide(entry, hide->layer, hide->reasons);
	}
}

static void lose_one(void *arg, struct model_entry *entry)
{
	model_lost_add(entry);
	model_hide(entry, *(const int *)arg, MODEL_WHY(WHY_UNREACHABLE));
	entry->open |= entry->kind == 'h';
}

static void question_link(void *arg, struct model_entry *entry)
{
	(void)arg;
	entry->open |= entry->kind == 'h';
}

/* Entries of the layer before the folder's own. */
static void question_before(void *arg, struct model_entry *entry)
{
	entry->open |= entry < (const struct model_entry *)arg;
}

/* Take a name out of the merged tree: reasons for the name itself, and for what is below it. */
static void take_out(struct model_node *folder, struct model_node *node, int layer, uint32_t top,
	uint32_t below)
{
	struct hide hide = {.skip = node->entry, .layer = layer, .reasons = below};

	model_hide(node->entry, layer, top);
	model_each(node, false, hide_one, &hide);
	model_take(folder, node->name);
}

static void apply_whiteouts(const struct model_node *own, struct model_node *low, int layer)
{
	const uint32_t also = own->opaque ? MODEL_WHY(WHY_OPAQUE) : 0;
	struct model_node *child, *next;

	for (uint8_t name = 0; name < MODEL_NAME_PLAIN_END; name++) {
		child = own->whiteouts[name] ? model_child(low, name) : NULL;
		if (child) {
			take_out(low, child, layer, MODEL_WHY(WHY_DELETED) | also,
				MODEL_WHY(WHY_DELETED_WITH_FOLDER) | also);
		}
	}
	for (child = own->opaque ? low->children : NULL; child; child = next) {
		next = child->next;
		take_out(low, child, layer, MODEL_WHY(WHY_OPAQUE), MODEL_WHY(WHY_OPAQUE));
	}
	for (child = own->children; child; child = child->next) {
		struct model_node *below = model_child(low, child->name);

		if (child->is_dir && below && below->is_dir) {
			apply_whiteouts(child, below, layer);
		}
	}
}

static bool same_path(const struct model_path *a, const struct model_path *b)
{
	return a->count == b->count && a->absolute == b->absolute &&
		memcmp(a->parts, b->parts, a->count) == 0;
}

/* Why an entry is hidden by another one with the same name and no change between folder and file. */
static uint32_t compare(const struct model_node *old, const struct model_node *new)
{
	const struct model_entry *a = old->inode->data, *b = new->inode->data;

	if (a->kind != b->kind) {
		return MODEL_WHY(WHY_REPLACED);
	}
	if (((a->kind == 'f' || a->kind == 'c') && a->content != b->content) ||
		(a->kind == 'l' && !same_path(&a->link, &b->link))) {
		return MODEL_WHY(WHY_OVERWRITTEN);
	}
	/* An inode may carry the metadata of another name's header. */
	if (old->inode == new->inode || old->entry->meta != old->inode->meta->meta ||
		new->entry->meta != new->inode->meta->meta) {
		return MODEL_SAME;
	}
	return old->inode->meta->meta == new->inode->meta->meta ? MODEL_WHY(WHY_IDENTICAL)
								: MODEL_WHY(WHY_METADATA);
}

/* A copy without whiteouts, and without folders that only whiteouts implied. */
static struct model_node *shown(const struct model_node *node)
{
	struct model_node *copy = model_node_new(node->name, node->entry, node->inode,
		node->is_dir);

	for (const struct model_node *child = node->children; child; child = child->next) {
		if (model_real(child)) {
			model_put(copy, shown(child));
		}
	}
	return copy;
}

/* A folder that the layer only implies, over a lower name that is none. */
static void stack_over_leaf(struct model_node *child, struct model_node *low,
	struct model_node *below, int layer)
{
	if (model_is_link(below)) {
		/* They were looked up while the symlink was there. */
		model_each(child, false, question_link, NULL);
		take_out(low, below, layer, MODEL_WHY(WHY_REPLACED), 0);
		model_put(low, shown(child));
		return;
	}
	model_each(child, false, lose_one, &layer);
}

static void stack_name(struct model_node *child, struct model_node *low, struct model_node *below,
	int layer)
{
	const uint32_t twice = child->again
		? MODEL_SAME | MODEL_WHY(WHY_OVERWRITTEN) | MODEL_WHY(WHY_REPLACED)
		: 0;

	if (child->is_dir || below->is_dir) {
		if (child->made && child->is_dir) {
			/* What came before the folder was out of reach for a driver that applies in place. */
			model_each(child, true, question_before, child->entry);
		}
		take_out(low, below, layer, MODEL_WHY(WHY_REPLACED) | twice,
			MODEL_WHY(WHY_REPLACED) | MODEL_WHY(WHY_DELETED_WITH_FOLDER));
	} else {
		/* Where the layer has the path twice, either may be what the lower entry is compared with. */
		model_hide(below->entry, layer, compare(below, child) | twice);
	}
	model_put(low, shown(child));
}

static void stack_folder(struct model_node *own, struct model_node *low, int layer)
{
	if (own->entry) {
		if (low->entry) {
			model_hide(low->entry, layer,
				compare(low, own) | (own->again ? MODEL_SAME : 0));
		}
		low->entry = own->entry;
		low->inode = own->inode;
	}
	for (struct model_node *child = own->children; child; child = child->next) {
		struct model_node *below = model_child(low, child->name);

		if (!below) {
			if (model_real(child)) {
				model_put(low, shown(child));
			}
		} else if (child->is_dir && below->is_dir) {
			stack_folder(child, below, layer);
		} else if (child->is_dir && !child->entry) {
			stack_over_leaf(child, low, below, layer);
		} else {
			stack_name(child, low, below, layer);
		}
	}
}

void model_stack(struct model_node *own, struct model_node *low, int layer)
{
	apply_whiteouts(own, low, layer);
	stack_folder(own, low, layer);
}
