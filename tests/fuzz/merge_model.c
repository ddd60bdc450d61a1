/* SPDX-License-Identifier: Apache-2.0 */
#include "merge_model.h"

#include <string.h>

#include "fuzz.h"
#include "merge_model_priv.h"
#include "store.h"
#include "util.h"

const char *const model_names[MODEL_NAMES] = {"a", "b", "c", "d", "e", "l", ".wh.a", ".wh.b",
	".wh.c", ".wh.d", ".wh..wh..opq", ".wh..wh.x", ".wh.", "..", ".", ""};

static struct model_node nodes[MODEL_NODES_MAX];
static size_t node_count;
static struct model_inode inodes[MODEL_ENTRIES_MAX];
static size_t inode_count;

struct model_node *model_node_new(uint8_t name, struct model_entry *entry,
	struct model_inode *inode, bool is_dir)
{
	struct model_node *node = &nodes[node_count++];

	fuzz_check(node_count < countof(nodes));
	*node = (struct model_node){.name = name, .entry = entry, .inode = inode, .is_dir = is_dir};
	return node;
}

struct model_inode *model_inode_new(const struct model_entry *entry)
{
	struct model_inode *inode = &inodes[inode_count++];

	fuzz_check(inode_count <= countof(inodes));
	*inode = (struct model_inode){entry, entry};
	return inode;
}

size_t model_clean(const struct model_path *path, uint8_t *ret_parts)
{
	size_t used = 0;

	for (size_t i = 0; i < path->count; i++) {
		if (path->parts[i] == MODEL_NAME_UP) {
			used -= used > 0;
		} else if (path->parts[i] < MODEL_NAME_UP) {
			ret_parts[used++] = path->parts[i];
		}
	}
	return used;
}

bool model_is_link(const struct model_node *node)
{
	return !node->is_dir && node->inode->data->kind == 'l';
}

struct model_node *model_child(const struct model_node *node, uint8_t name)
{
	struct model_node *child = node->children;

	while (child && child->name != name) {
		child = child->next;
	}
	return child;
}

void model_put(struct model_node *folder, struct model_node *node)
{
	model_take(folder, node->name);
	node->next = folder->children;
	folder->children = node;
}

void model_take(struct model_node *folder, uint8_t name)
{
	for (struct model_node **at = &folder->children; *at; at = &(*at)->next) {
		if ((*at)->name == name) {
			*at = (*at)->next;
			return;
		}
	}
}

bool model_real(const struct model_node *node)
{
	bool real = !node->is_dir || node->entry;

	for (const struct model_node *child = node->children; child && !real; child = child->next) {
		real = model_real(child);
	}
	return real;
}

void model_hide(struct model_entry *entry, int layer, uint32_t reasons)
{
	if (entry && entry->reasons == 0) {
		entry->reasons = reasons;
		entry->hidden_by = layer;
	}
}

void model_each(struct model_node *node, bool markers, model_each_fn *each, void *arg)
{
	if (node->entry) {
		each(arg, node->entry);
	}
	for (size_t i = 0; markers && i < countof(node->whiteouts); i++) {
		if (node->whiteouts[i]) {
			each(arg, node->whiteouts[i]);
		}
	}
	if (markers && node->opaque) {
		each(arg, node->opaque);
	}
	for (struct model_node *child = node->children; child; child = child->next) {
		model_each(child, markers, each, arg);
	}
}

const struct model_node *model_merge(struct model_entry *entries, size_t count)
{
	struct model_node *root;

	node_count = 0;
	inode_count = 0;
	root = model_node_new(MODEL_NAME_EMPTY, NULL, NULL, true);
	model_lost_clear();
	for (size_t i = 0; i < count; i++) {
		entries[i].reasons = 0;
		entries[i].hidden_by = -1;
		entries[i].open = false;
	}
	for (size_t at = 0, end = 0; at < count; at = end) {
		struct model_node *own;

		while (end < count && entries[end].layer == entries[at].layer) {
			end++;
		}
		own = model_apply(root, entries + at, end - at);
		model_stack(own, root, entries[at].layer);
	}
	for (size_t i = 0; i < count; i++) {
		model_hide(&entries[i], -1, MODEL_VISIBLE);
	}
	return root;
}
