/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes: the image's own, and where its bytes come from as user.peel.*, so that
 * `getfattr -d FILE` tells. The kernel allows user.* on regular files and folders only.
 */
#include "view.h"

#include <stdio.h>
#include <string.h>

#include "scope.h"

/** Names below this belong to the mount while provenance is on; an image may not forge them. */
#define PREFIX "user.peel."

bool view_has_no_xattrs(const struct view *view)
{
	return !view->totals.any_xattrs && !view->provenance;
}

/* Passes the image's xattrs on, less those that would pose as provenance. */
struct filter {
	peel_xattr_fn *each;
	void *arg;
};

static int pass_foreign(void *arg, const char *name, const void *value, size_t value_len)
{
	const struct filter *filter = arg;

	if (strncmp(name, PREFIX, strlen(PREFIX)) == 0) {
		return 0;
	}
	return filter->each(filter->arg, name, value, value_len);
}

/* @return 0, 1 where the callback stopped it, or an error. */
static int provenance(const struct view *view, const struct peel_node *node, peel_xattr_fn *each,
	void *arg, struct peel_error *err)
{
	struct peel_layer_stat layer;
	char number[16];
	int r;

	if (node->layer < 0 || (!S_ISREG(node->mode) && !S_ISDIR(node->mode))) {
		return 0;
	}
	r = peel_layer_stat(view->index, node->layer, &layer, err);
	if (r < 0) {
		return r;
	}
	snprintf(number, sizeof(number), "%d", node->layer);

	const struct {
		const char *name;
		const char *value;
	} rows[] = {
		{PREFIX "digest", layer.layer.digest[0] ? layer.layer.digest : layer.layer.diff_id},
		{PREFIX "instruction", layer.layer.instruction},
		{PREFIX "layer", number},
	};

	for (size_t i = 0; i < countof(rows); i++) {
		if (rows[i].value[0] &&
			each(arg, rows[i].name, rows[i].value, strlen(rows[i].value))) {
			return 1;
		}
	}
	return 0;
}

int view_xattrs(const struct view *view, uint64_t ino, peel_xattr_fn *each, void *arg,
	struct peel_error *err)
{
	struct filter filter = {.each = each, .arg = arg};
	struct peel_node node;
	int r = view_node(view, ino, &node, err);

	if (r == 0 && node.has_xattrs) {
		r = view->provenance
			? peel_xattrs(view->index, node.ino, pass_foreign, &filter, err)
			: peel_xattrs(view->index, node.ino, each, arg, err);
	}
	if (r == 0 && view->provenance) {
		r = provenance(view, &node, each, arg, err);
	}
	return r;
}
