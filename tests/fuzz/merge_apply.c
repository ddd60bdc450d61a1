/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One layer on its own:
 *
 * - paths are cleaned lexically and clamped at the root; of duplicates the last wins;
 * - a parent that is a symlink of the same layer is followed, inside that layer's own tree;
 * - a parent that is missing is made; below anything else an entry is out of reach;
 * - whiteouts and opaque markers only note what lower layers lose;
 * - a hard link binds to the inode that its target has at that moment: in the layer's own tree, else in the merged
 *   lower tree less this layer's whiteouts; its header sets the inode's metadata. No such inode: it is not shown.
 */
#include <string.h>

#include "fuzz.h"
#include "merge_model_priv.h"

struct white {
	struct model_entry *entry;
	uint8_t parents[MODEL_PARTS_MAX];
	size_t parent_count;
	const struct model_node *folder;
	/** It was reached by a symlink. */
	bool led;
};

struct layer {
	struct model_node *root, *lower;
	struct white whites[MODEL_ENTRIES_MAX];
	size_t white_count;
	/** The last walk passed something that drivers may take otherwise. */
	bool odd;
	/** The last hard link's target was looked for by way of symlinks. */
	bool led;
	/** Symlinks that were followed to the entry's parent. */
	const struct model_node *followed[2 * MODEL_HOPS + 4];
	size_t followed_count;
};

/** What a walk still has before it. */
struct todo {
	uint8_t parts[MODEL_TODO_MAX];
	size_t at, count;
};

static struct {
	uint8_t parts[MODEL_PARTS_MAX];
	size_t count;
} lost[4 * MODEL_ENTRIES_MAX];
static size_t lost_count;

void model_lost_clear(void)
{
	lost_count = 0;
}

void model_lost_add(const struct model_entry *entry)
{
	fuzz_check(lost_count < sizeof(lost) / sizeof(*lost));
	lost[lost_count].count = model_clean(&entry->path, lost[lost_count].parts);
	lost_count++;
}

static bool is_lost(const uint8_t *parts, size_t count)
{
	for (size_t i = 0; i < lost_count; i++) {
		if (lost[i].count == count && memcmp(lost[i].parts, parts, count) == 0) {
			return true;
		}
	}
	return false;
}

/* A link's target before what is left. "" and "." are nothing. */
static void push_link(struct todo *todo, const struct model_path *link)
{
	struct todo next = {.count = 0};

	for (size_t i = 0; i < link->count; i++) {
		if (link->parts[i] < MODEL_NAME_HERE) {
			next.parts[next.count++] = link->parts[i];
		}
	}
	fuzz_check(next.count + todo->count - todo->at <= sizeof(next.parts));
	memcpy(next.parts + next.count, todo->parts + todo->at, todo->count - todo->at);
	next.count += todo->count - todo->at;
	*todo = next;
}

/* "file/..": for the kernel there is no such folder, engines that resolve links themselves do not look. */
static bool goes_up(const struct todo *todo)
{
	return memchr(todo->parts + todo->at, MODEL_NAME_UP, todo->count - todo->at) != NULL;
}

static void follow(struct layer *layer, const struct model_node *node)
{
	if (layer->followed_count < sizeof(layer->followed) / sizeof(*layer->followed)) {
		layer->followed[layer->followed_count++] = node;
	}
}

/* The own folder at a path, symlinks followed in the own tree, missing folders made. @return NULL: out of reach. */
static struct model_node *walk(struct layer *layer, const uint8_t *parts, size_t count, bool make)
{
	struct model_node *at[MODEL_TODO_MAX + 1] = {layer->root};
	struct todo todo = {.count = count};
	size_t depth = 0;
	int hops = 0;

	memcpy(todo.parts, parts, count);
	while (todo.at < todo.count) {
		const uint8_t part = todo.parts[todo.at++];
		struct model_node *node;

		if (part == MODEL_NAME_UP) {
			/* "missing/..": made on the way, or not? */
			layer->odd |= at[depth]->made && !model_real(at[depth]);
			depth -= depth > 0;
			continue;
		}
		node = model_child(at[depth], part);
		if (!node && !make) {
			layer->odd |= goes_up(&todo);
			return NULL;
		}
		if (!node) {
			node = model_node_new(part, NULL, NULL, true);
			node->made = true;
			model_put(at[depth], node);
		}
		if (node->is_dir) {
			at[++depth] = node;
			continue;
		}
		if (!model_is_link(node) || ++hops > MODEL_HOPS) {
			/* Engines refuse a layer with a loop; where its entry is kept meanwhile, nobody knows. */
			layer->odd |= goes_up(&todo) || hops > MODEL_HOPS;
			return NULL;
		}
		follow(layer, node);
		layer->odd |= node->entry->kind == 'h';
		if (node->inode->data->link.absolute) {
			depth = 0;
		}
		push_link(&todo, &node->inode->data->link);
	}
	return at[depth];
}

/* The inode at a path of the own tree over the merged lower tree; the last name is not followed. NULL: none. */
static struct model_inode *find_target(struct layer *layer, const uint8_t *parts, size_t count)
{
	struct {
		const struct model_node *own, *low;
	} at[MODEL_TODO_MAX + 1] = {{layer->root, layer->lower}};
	struct todo todo = {.count = count};
	size_t depth = 0;
	int hops = 0;

	memcpy(todo.parts, parts, count);
	while (todo.at < todo.count) {
		const uint8_t part = todo.parts[todo.at++];
		const struct model_node *own = at[depth].own, *low = at[depth].low;
		const struct model_node *mine = own ? model_child(own, part) : NULL;
		const struct model_node *below = low ? model_child(low, part) : NULL;
		const struct model_node *node;

		if (part == MODEL_NAME_UP) {
			depth -= depth > 0;
			continue;
		}
		if (own && below &&
			(own->opaque || (part < MODEL_NAME_PLAIN_END && own->whiteouts[part]))) {
			below = NULL;
		}
		/* An implied folder gives way to what stands below, unless that is a symlink. */
		node = mine;
		if (!mine ||
			(mine->is_dir && !mine->entry && below &&
				!(model_is_link(below) || (model_real(mine) && below->is_dir)))) {
			node = below;
		}
		if (!node) {
			layer->odd |= goes_up(&todo);
			return NULL;
		}
		if (todo.at == todo.count) {
			return node->is_dir ? NULL : node->inode;
		}
		if (node->is_dir) {
			depth++;
			at[depth].own = mine && mine->is_dir ? mine : NULL;
			at[depth].low = below && below->is_dir ? below : NULL;
			continue;
		}
		if (!model_is_link(node) || ++hops > MODEL_HOPS) {
			layer->odd |= goes_up(&todo);
			return NULL;
		}
		follow(layer, node);
		if (node->inode->data->link.absolute) {
			depth = 0;
		}
		push_link(&todo, &node->inode->data->link);
	}
	return NULL;
}

static struct model_node *peek(struct layer *layer, const uint8_t *parts, size_t count)
{
	const struct model_node *folder = walk(layer, parts, count - 1, false);

	return folder ? model_child(folder, parts[count - 1]) : NULL;
}

static bool is_marker(uint8_t name)
{
	return name >= MODEL_NAME_WHITEOUT && name <= MODEL_NAME_BAD;
}

/*
 * Whether a marker further on may take what a link leads to: then it depends on the driver what the link finds.
 * @param led its target was looked for by way of symlinks: its path does not tell what markers take.
 */
static bool taken_later(const struct model_entry *entries, size_t count, size_t at, bool led)
{
	uint8_t link[MODEL_PARTS_MAX], gone[MODEL_PARTS_MAX];
	const size_t link_count = model_clean(&entries[at].link, link);

	while (++at < count) {
		size_t len = model_clean(&entries[at].path, gone);

		if (len == 0 || !is_marker(gone[len - 1])) {
			continue;
		}
		if (led) {
			return true;
		}
		if (gone[len - 1] == MODEL_NAME_OPAQUE) {
			len--;
		} else if (gone[len - 1] < MODEL_NAME_OPAQUE) {
			gone[len - 1] = (uint8_t)(gone[len - 1] - MODEL_NAME_WHITEOUT);
		} else {
			continue;
		}
		if (len <= link_count && memcmp(gone, link, len) == 0) {
			return true;
		}
	}
	return false;
}

struct put {
	const struct model_entry *skip;
	int layer;
	bool any;
};

static void hide_below(void *arg, struct model_entry *entry)
{
	struct put *put = arg;

	if (entry != put->skip) {
		put->any = true;
		model_hide(entry, put->layer, MODEL_WHY(WHY_DUPLICATE) | MODEL_WHY(WHY_REPLACED));
	}
}

static bool any_whiteout(const struct model_node *node)
{
	for (size_t i = 0; i < MODEL_NAME_PLAIN_END; i++) {
		if (node->whiteouts[i]) {
			return true;
		}
	}
	return node->opaque != NULL;
}

static void put_node(struct layer *layer, struct model_node *folder, struct model_node *node)
{
	struct model_node *old = model_child(folder, node->name);
	struct put put = {.layer = node->entry->layer};

	if (old) {
		/* An entry that takes the place of the very link it was reached by. */
		for (size_t i = 0; i < layer->followed_count; i++) {
			layer->odd |= layer->followed[i] == old;
		}
		model_hide(old->entry, node->entry->layer, MODEL_WHY(WHY_DUPLICATE));
		put.skip = old->entry;
		model_each(old, false, hide_below, &put);
		node->again = true;
		/* A driver that applies a layer in place has lost the lower folder by now. */
		if (node->is_dir || (old->is_dir && (any_whiteout(old) || put.any))) {
			node->entry->open = true;
		}
	}
	model_put(folder, node);
}

/* @return false: out of reach. */
static bool apply_whiteout(struct layer *layer, struct model_entry *entry, const uint8_t *parts,
	size_t count)
{
	const uint8_t name = parts[count - 1];
	struct white *white = &layer->whites[layer->white_count];
	struct model_node *folder;

	if (name == MODEL_NAME_BAD) {
		return true;
	}
	if (name == MODEL_NAME_AUFS) {
		model_hide(entry, entry->layer, MODEL_WHY(WHY_MARKER));
		entry->open |= count > 1;
		return true;
	}
	folder = walk(layer, parts, count - 1, true);
	if (!folder) {
		return false;
	}
	*white = (struct white){.entry = entry,
		.parent_count = count - 1,
		.folder = folder,
		.led = layer->followed_count > 0};
	memcpy(white->parents, parts, count - 1);
	layer->white_count++;
	if (name == MODEL_NAME_OPAQUE) {
		folder->opaque = entry;
	} else {
		folder->whiteouts[name - MODEL_NAME_WHITEOUT] = entry;
	}
	return true;
}

/* A hard link that binds to nothing changes nothing. */
static void apply_broken(struct layer *layer, struct model_entry *entry, const uint8_t *parts,
	size_t count)
{
	uint8_t link[MODEL_PARTS_MAX];
	const struct model_node *folder;
	bool made;

	model_hide(entry, entry->layer, MODEL_WHY(WHY_BROKEN_LINK));
	folder = walk(layer, parts, count - 1, false);
	made = !folder || !model_real(folder);
	/* Are the folders on the way to it there? Is what it would have replaced? */
	if ((made && count > 1) || peek(layer, parts, count) ||
		is_lost(link, model_clean(&entry->link, link))) {
		entry->open = true;
	}
}

static bool apply_hardlink(struct layer *layer, struct model_entry *entry, const uint8_t *parts,
	size_t count)
{
	uint8_t link[MODEL_PARTS_MAX];
	const size_t link_count = model_clean(&entry->link, link);
	/* Looked up before anything is made. */
	struct model_inode *inode = find_target(layer, link, link_count);
	const struct model_node *before;
	struct model_node *folder;

	layer->led = layer->followed_count > 0;
	if (!inode) {
		apply_broken(layer, entry, parts, count);
		return true;
	}
	before = peek(layer, parts, count);
	if ((link_count == count && memcmp(link, parts, count) == 0) ||
		(before && before->inode == inode)) {
		entry->open = true;
	}
	folder = walk(layer, parts, count - 1, true);
	if (!folder) {
		/* Does its header count? */
		layer->odd = true;
		return false;
	}
	inode->meta = entry;
	put_node(layer, folder, model_node_new(parts[count - 1], entry, inode, false));
	return true;
}

static bool apply_one(struct layer *layer, struct model_entry *entry, const uint8_t *parts,
	size_t count)
{
	struct model_node *folder, *old;

	if (count == 0) {
		if (entry->kind != 'd') {
			return false;
		}
		model_hide(layer->root->entry, entry->layer, MODEL_WHY(WHY_DUPLICATE));
		layer->root->again = layer->root->entry != NULL;
		layer->root->entry = entry;
		layer->root->inode = model_inode_new(entry);
		return true;
	}
	if (is_marker(parts[count - 1])) {
		return apply_whiteout(layer, entry, parts, count);
	}
	if (entry->kind == 'h') {
		return apply_hardlink(layer, entry, parts, count);
	}
	folder = walk(layer, parts, count - 1, true);
	if (!folder) {
		return false;
	}
	old = model_child(folder, parts[count - 1]);
	if (entry->kind == 'd' && old && old->is_dir) {
		model_hide(old->entry, entry->layer, MODEL_WHY(WHY_DUPLICATE));
		old->again = old->entry != NULL;
		old->entry = entry;
		old->inode = model_inode_new(entry);
		return true;
	}
	put_node(layer, folder,
		model_node_new(parts[count - 1], entry, model_inode_new(entry),
			entry->kind == 'd'));
	return true;
}

/* Entries whose place in the layer would matter to a driver that applies a layer in place. */
static void question_whiteouts(struct layer *layer, struct model_entry *entries, size_t count)
{
	bool led = false;

	for (size_t i = 0; i < layer->white_count; i++) {
		led |= layer->whites[i].led;
	}
	for (size_t i = 0; i < count && led; i++) {
		entries[i].open |= entries[i].kind == 'h';
	}
	for (size_t i = 0; i < layer->white_count; i++) {
		const struct white *white = &layer->whites[i];

		if (walk(layer, white->parents, white->parent_count, false) != white->folder) {
			white->entry->open = true;
		}
	}
}

struct model_node *model_apply(struct model_node *lower, struct model_entry *entries, size_t count)
{
	struct layer layer = {
		.root = model_node_new(MODEL_NAME_EMPTY, NULL, NULL, true), .lower = lower};

	for (size_t i = 0; i < count; i++) {
		struct model_entry *entry = &entries[i];
		uint8_t parts[MODEL_PARTS_MAX];
		const size_t part_count = model_clean(&entry->path, parts);

		layer.odd = false;
		layer.led = false;
		layer.followed_count = 0;
		if (!apply_one(&layer, entry, parts, part_count)) {
			model_lost_add(entry);
			model_hide(entry, entry->layer, MODEL_WHY(WHY_UNREACHABLE));
			/*
			 * Engines refuse a layer with an entry below its own file. What others reach by a
			 * symlink there, nobody knows.
			 */
			entry->open |= entry->kind == 'l';
			/* A whiteout below the layer's own file: nothing to say against it taking effect. */
			layer.odd |= part_count > 0 && is_marker(parts[part_count - 1]);
		}
		entry->open |= layer.odd ||
			(entry->kind == 'h' && taken_later(entries, count, i, layer.led));
	}
	question_whiteouts(&layer, entries, count);
	return layer.root;
}
