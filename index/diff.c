/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two walks over both trees (diff_walk.c). The first one finds the pairs of files whose sizes agree and whose
 * contents
 * nothing else decides; they are read and digested in the order of their layers (diff_same.c); the second one tells.
 *
 * What decides without reading: a layer that both images have by a digest that was computed (the same place in
 * it is the
 * same file), sizes that differ, fast hashes that differ. Fast hashes that agree decide nothing.
 */
#include <peel/diff.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/text.h>

#include "diff_same.h"
#include "diff_walk.h"
#include "util.h"

/* Most bytes of xattrs of a file that are compared. */
#define XATTRS_MAX (4u << 20)
#define IGNORABLE \
	(PEEL_DIFFERS_MODE | PEEL_DIFFERS_OWNER | PEEL_DIFFERS_MTIME | PEEL_DIFFERS_XATTRS)

struct diff {
	struct peel_index *a, *b;
	const struct peel_diff_options *options;
	struct same *same;
	/* For each layer of a, its partner in b; -1 none. */
	int *partners;
	/* False on the first walk. */
	bool telling;
	peel_difference_fn *each;
	void *arg;
	struct peel_diff_totals totals;
	struct peel_error *err;
};

static const char *const words[PEEL_DIFFERS_COUNT] = {
	"added", "removed", "type", "content", "mode", "owner", "mtime", "xattrs", "links"};

const char *peel_differs_name(unsigned bit)
{
	return bit && !(bit & (bit - 1)) && bit < 1u << PEEL_DIFFERS_COUNT
		? words[__builtin_ctz(bit)]
		: "";
}

static void diff_finish(struct diff *diff)
{
	same_free(diff->same);
	free(diff->partners);
}

/* True where two layers have the same bytes by what was hashed. */
static bool same_layer(const struct peel_layer_stat *a, const struct peel_layer_stat *b)
{
	if (a->layer.state != PEEL_LAYER_OK || b->layer.state != PEEL_LAYER_OK) {
		return false;
	}
	return (*a->blob_hashed && a->layer.codec == b->layer.codec &&
		       strcmp(a->blob_hashed, b->blob_hashed) == 0) ||
		(*a->diff_hashed && strcmp(a->diff_hashed, b->diff_hashed) == 0);
}

/* Layers that repeat are paired in order: the n-th of a with the n-th of b. @return the partner of layer i, -1 none. */
static int find_partner(const struct peel_index *a, const struct peel_index *b, int i)
{
	const struct peel_layer_stat *layer = &a->layers[i].stat;
	int before = 0;

	for (int k = 0; k < i; k++) {
		before += same_layer(layer, &a->layers[k].stat);
	}
	for (int k = 0; k < b->layer_count; k++) {
		if (same_layer(layer, &b->layers[k].stat) && before-- == 0) {
			return k;
		}
	}
	return -1;
}

static int new_partners(const struct peel_index *a, const struct peel_index *b, int **ret_partners,
	struct peel_error *err)
{
	*ret_partners = calloc((size_t)a->layer_count + 1, sizeof(**ret_partners));
	if (!*ret_partners) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	for (int i = 0; i < a->layer_count; i++) {
		(*ret_partners)[i] = find_partner(a, b, i);
	}
	return 0;
}

int peel_diff_shared_layer(struct peel_index *a, struct peel_index *b, int i)
{
	return i < 0 || i >= a->layer_count ? -1 : find_partner(a, b, i);
}

/* True where the data of two files lie at the same place of a layer that both images have. */
static bool same_place(const struct diff *diff, const struct diff_name *a,
	const struct diff_name *b)
{
	int layer = a->found.place.layer;
	int other = b->found.place.layer;

	return diff->partners[layer] == other &&
		a->found.data - diff->a->layers[layer].first_id ==
		b->found.data - diff->b->layers[other].first_id;
}

/* @return 1 the bytes are the same, 0 not (on the first walk: or not known yet), or less than 0. */
static int same_bytes(struct diff *diff, const struct diff_name *a, const struct diff_name *b)
{
	uint64_t size = a->found.node.size;

	if (size != b->found.node.size) {
		return 0;
	}
	if (size == 0 || same_place(diff, a, b)) {
		return 1;
	}
	if (a->hashed && b->hashed && memcmp(a->hash, b->hash, sizeof(a->hash)) != 0) {
		return 0;
	}
	if (diff->telling) {
		return same_ask(diff->same, a->found.node.ino, b->found.node.ino, size, diff->err);
	}
	return same_add(diff->same, a->found.node.ino, b->found.node.ino, size, diff->err);
}

static int same_target(struct diff *diff, const struct diff_name *a, const struct diff_name *b)
{
	cleanup_free char *left = NULL;
	cleanup_free char *right = NULL;
	size_t left_len = 0;
	size_t right_len = 0;
	int code = peel_readlink(diff->a, a->found.node.ino, &left, &left_len, diff->err);

	if (code == 0) {
		code = peel_readlink(diff->b, b->found.node.ino, &right, &right_len, diff->err);
	}
	return code != 0 ? code : left_len == right_len && memcmp(left, right, left_len) == 0;
}

static int same_content(struct diff *diff, const struct diff_name *a, const struct diff_name *b)
{
	const struct peel_node *left = &a->found.node;
	const struct peel_node *right = &b->found.node;

	switch (left->mode & S_IFMT) {
	case S_IFREG:
		return same_bytes(diff, a, b);
	case S_IFLNK:
		return diff->telling ? same_target(diff, a, b) : 1;
	case S_IFCHR:
	case S_IFBLK:
		return left->rdev_major == right->rdev_major &&
			left->rdev_minor == right->rdev_minor;
	default:
		return 1;
	}
}

/* The xattrs of a file in one piece: names and values with their lengths. */
struct packed {
	char *bytes;
	size_t len;
	bool failed, too_long;
};

static int pack_xattr(void *arg, const char *name, const void *value, size_t value_len)
{
	struct packed *packed = arg;
	size_t name_len = strlen(name) + 1;
	size_t need = name_len + sizeof(value_len) + value_len;
	char *longer;

	packed->too_long = need > XATTRS_MAX - packed->len;
	longer = packed->too_long ? NULL : realloc(packed->bytes, packed->len + need);
	if (!longer) {
		packed->failed = true;
		return 1;
	}
	packed->bytes = longer;
	memcpy(longer + packed->len, name, name_len);
	memcpy(longer + packed->len + name_len, &value_len, sizeof(value_len));
	if (value_len > 0) {
		memcpy(longer + packed->len + name_len + sizeof(value_len), value, value_len);
	}
	packed->len += need;
	return 0;
}

static int pack_xattrs(struct peel_index *index, uint64_t ino, struct packed *packed,
	struct peel_error *err)
{
	int code = peel_xattrs(index, ino, pack_xattr, packed, err);

	if (packed->failed) {
		return packed->too_long
			? peel_fail(err, PEEL_ELIMIT, "xattrs of over %u bytes", XATTRS_MAX)
			: peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	return code;
}

static int same_xattrs(struct diff *diff, const struct diff_name *a, const struct diff_name *b)
{
	struct packed left = {0};
	struct packed right = {0};
	int code = 0;

	if (!a->found.node.has_xattrs && !b->found.node.has_xattrs) {
		return 1;
	}
	code = pack_xattrs(diff->a, a->found.node.ino, &left, diff->err);
	if (code == 0) {
		code = pack_xattrs(diff->b, b->found.node.ino, &right, diff->err);
	}
	if (code == 0) {
		code = left.len == right.len &&
			(left.len == 0 || memcmp(left.bytes, right.bytes, left.len) == 0);
	}
	free(left.bytes);
	free(right.bytes);
	return code;
}

static void set_side(const struct diff_name *name, struct peel_side *side)
{
	if (!name) {
		*side = (struct peel_side){.layer = -1};
		return;
	}
	*side = (struct peel_side){
		.node = &name->found.node,
		.bytes = name->counts ? name->found.node.size : 0,
		.allocated = name->counts ? name->found.node.allocated : 0,
		.layer = name->found.type == 'f' ? name->found.place.layer : name->found.node.layer,
		.package = name->package,
		.category = name->category,
	};
}

static unsigned compare_metadata(const struct peel_node *a, const struct peel_node *b)
{
	unsigned differs = 0;

	differs |= (a->mode & 07777) != (b->mode & 07777) ? PEEL_DIFFERS_MODE : 0;
	differs |= a->uid != b->uid || a->gid != b->gid ? PEEL_DIFFERS_OWNER : 0;
	differs |= a->mtime_sec != b->mtime_sec || a->mtime_nsec != b->mtime_nsec
		? PEEL_DIFFERS_MTIME
		: 0;
	return differs;
}

/* What differs between two names at one path. @return a set of enum peel_differs, or less than 0. */
static int compare(struct diff *diff, const struct diff_name *a, const struct diff_name *b)
{
	unsigned differs;
	int same;

	if (((a->found.node.mode ^ b->found.node.mode) & S_IFMT) != 0) {
		return PEEL_DIFFERS_TYPE;
	}
	differs = compare_metadata(&a->found.node, &b->found.node);
	same = same_content(diff, a, b);
	if (same < 0 || !diff->telling) {
		return same < 0 ? same : 0;
	}
	differs |= same ? 0 : PEEL_DIFFERS_CONTENT;
	differs |= same && a->counts != b->counts && a->found.node.size > 0 ? PEEL_DIFFERS_LINKS
									    : 0;
	same = same_xattrs(diff, a, b);
	if (same < 0) {
		return same;
	}
	differs |= same ? 0 : PEEL_DIFFERS_XATTRS;
	return (int)(differs & ~(diff->options->ignore & IGNORABLE));
}

static int wrap_path(struct diff *diff, const struct diff_pair *pair)
{
	char shown[PEEL_MESSAGE_SIZE / 2];

	return peel_wrap(diff->err, "%s",
		peel_text_escape_into(shown, sizeof(shown), pair->path, pair->path_len));
}

static int tell(struct diff *diff, const struct diff_pair *pair, unsigned differs)
{
	struct peel_difference difference = {
		.path = pair->path, .path_len = pair->path_len, .differs = differs};

	if (!differs) {
		diff->totals.same++;
		return 0;
	}
	diff->totals.differing++;
	diff->totals.by_bit[__builtin_ctz(differs)]++;
	set_side(pair->a, &difference.a);
	set_side(pair->b, &difference.b);
	return diff->each(diff->arg, &difference) ? 1 : 0;
}

static int take_pair(void *arg, const struct diff_pair *pair)
{
	struct diff *diff = arg;
	int differs = !pair->a ? PEEL_DIFFERS_ADDED
		: !pair->b     ? PEEL_DIFFERS_REMOVED
			       : compare(diff, pair->a, pair->b);

	if (differs < 0) {
		return wrap_path(diff, pair);
	}
	return diff->telling ? tell(diff, pair, (unsigned)differs) : 0;
}

static int add_piece(void *arg, const struct peel_piece *piece)
{
	peel_ledger_add(arg, piece);
	return 0;
}

static int add_up(struct diff *diff)
{
	int code = peel_pieces(diff->a, PEEL_BY_ENTRY, false, add_piece, &diff->totals.a,
		diff->err);

	if (code == 0) {
		code = peel_pieces(diff->b, PEEL_BY_ENTRY, false, add_piece, &diff->totals.b,
			diff->err);
	}
	for (int i = 0; code == 0 && i < diff->a->layer_count; i++) {
		if (diff->partners[i] >= 0) {
			diff->totals.shared_layers++;
			diff->totals.shared_bytes += diff->a->layers[i].stat.bytes;
		}
	}
	return code;
}

int peel_diff(struct peel_index *a, struct peel_index *b, const struct peel_diff_options *options,
	peel_difference_fn *each, void *arg, struct peel_diff_totals *ret_totals,
	struct peel_error *err)
{
	static const struct peel_diff_options defaults = {0};
	cleanup(diff_finish) struct diff diff = {.a = a,
		.b = b,
		.options = options ? options : &defaults,
		.each = each,
		.arg = arg,
		.err = err};
	int code = new_partners(a, b, &diff.partners, err);

	if (code == 0) {
		code = same_new(a, b, &diff.same, err);
	}
	if (code == 0) {
		code = diff_walk(a, b, take_pair, &diff, err);
	}
	if (code == 0) {
		code = same_compare(diff.same, diff.options->progress, diff.options->progress_arg,
			err);
	}
	if (code == 0) {
		diff.telling = true;
		code = diff_walk(a, b, take_pair, &diff, err);
	}
	if (code != 0 || !ret_totals) {
		return code;
	}
	code = add_up(&diff);
	diff.totals.compared_bytes = same_read_bytes(diff.same);
	*ret_totals = diff.totals;
	return code;
}
