/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders and symlinks of the merged tree.
 *
 * Which links lead to a file that was found? An image has thousands, and resolving one walks the tree. So only
 * those are
 * resolved whose target ends in a name that can be the file's: its own names at first, then the names of links that end
 * in one of these, and so on, until no link adds a name:
 *
 *   /usr/bin/python -> /etc/alternatives/python -> /usr/bin/python3.11     names: python3.11, python
 *
 * Names are compared as hashes; a wrong guess costs one resolution. A link to a folder above the file is no name of it.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>
#include <peel/query.h>

#include "audit_detect_priv.h"
#include "query_names.h"
#include "hash.h"
#include "util.h"

/* Rounds of names: as many links as the kernel follows. */
#define ROUNDS_MAX PEEL_SYMLINK_MAX

/* Ends of a link: its own name, and its target's. */
struct ends {
	uint64_t name, target;
};

struct links {
	struct detect *detect;
	struct ends *ends;
	size_t count, room;
	/* Hashes of names that lead to what was found: a table, a power of two, 0 is free. */
	uint64_t *table;
	size_t table_size, table_count;
	/* Findings that links may lead to, by node number. */
	struct found **founds;
	size_t found_count;
	int r;
};

static bool has_rules(const struct detect *detect, enum detector_subject on)
{
	for (size_t i = 0; i < detect->detectors->rule_count; i++) {
		const struct detector_rule *rule = &detect->detectors->rules[i];

		if (rule->on == on && detect->asked[rule->detector]) {
			return true;
		}
	}
	return false;
}

/* Hash of a last component; never 0. A target that ends in "/" or "." is no file's. */
static uint64_t name_hash(const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);
	const char *name = slash ? slash + 1 : path;
	uint64_t hash = hash_bytes(hash_seed(), name, (size_t)(path + len - name));

	return hash ? hash : 1;
}

static bool table_has(const struct links *links, uint64_t hash)
{
	size_t at = hash & (links->table_size - 1);

	while (links->table[at] && links->table[at] != hash) {
		at = (at + 1) & (links->table_size - 1);
	}
	return links->table[at] == hash;
}

/* @return 1 added, 0 it is there already, or less than 0. */
static int table_add(struct links *links, uint64_t hash)
{
	size_t at;

	if (links->table_count * 2 >= links->table_size) {
		struct links grown = {
			.table_size = links->table_size ? links->table_size * 2 : 1024};

		grown.table = calloc(grown.table_size, sizeof(*grown.table));
		if (!grown.table) {
			return peel_fail(links->detect->err, PEEL_ENOMEM, "no memory for links");
		}
		for (size_t i = 0; i < links->table_size; i++) {
			if (links->table[i]) {
				table_add(&grown, links->table[i]);
			}
		}
		free(links->table);
		links->table = grown.table;
		links->table_size = grown.table_size;
	}
	at = hash & (links->table_size - 1);
	while (links->table[at] && links->table[at] != hash) {
		at = (at + 1) & (links->table_size - 1);
	}
	if (links->table[at]) {
		return 0;
	}
	links->table[at] = hash;
	links->table_count++;
	return 1;
}

static int set_base(struct detect *detect, const struct query_named *named)
{
	detect->base = (struct found){
		.visible = true,
		.shipped = true,
		.layer = named->layer,
		.hidden_by = -1,
		.ino = named->ino,
	};
	return found_name_add(detect, &detect->base.names, &detect->base.name_count, named->path,
		named->path_len);
}

static int take_rule(void *arg, uint32_t rule, const struct peel_evidence *evidence, size_t count)
{
	struct detect *detect = arg;

	return detect->asked[detect->detectors->rules[rule].detector]
		? found_add(detect, rule, evidence, count, NULL)
		: 0;
}

/* Ask the rules about what the match knows by now. */
static int finish(struct detect *detect, const struct query_named *named)
{
	const struct found_mark mark = found_mark(detect);
	const size_t count = detect->founds.count;
	int r = set_base(detect, named);

	r = r < 0 ? r : match_finish(detect->match, take_rule, detect);
	if (detect->founds.count == count) {
		found_release(detect, &mark);
	}
	return r;
}

static int take_folder(void *arg, const struct query_named *named)
{
	struct links *links = arg;
	struct match *match = links->detect->match;
	char mode[5];

	match_begin(match, DETECTOR_FOLDER);
	match_text(match, DETECTOR_PATH, named->path, named->path_len, "path", NULL, -1);
	match_bits(match, DETECTOR_MODE, named->mode, "mode", detect_mode_text(named->mode, mode));
	if (match_triggered(match)) {
		links->r = finish(links->detect, named);
	}
	return links->r < 0;
}

int detect_folders(struct detect *detect)
{
	struct links links = {.detect = detect};
	int r = has_rules(detect, DETECTOR_FOLDER)
		? query_named(detect->index, 'd', take_folder, &links, detect->err)
		: 0;

	return links.r < 0 ? links.r : r < 0 ? r : 0;
}

/* What a link leads to. @return 1, 0 where it is dangling, or less than 0. */
static int resolve(struct detect *detect, const struct query_named *named,
	struct peel_node *ret_node)
{
	struct peel_error why = {0};
	int r = peel_resolve(detect->index, PEEL_VIEW_MERGED, 0, named->path, named->path_len, true,
		ret_node, NULL, &why);

	if (r == PEEL_ENOENT || r == PEEL_ENOTDIR || r == PEEL_ELOOP || r == PEEL_ELIMIT) {
		return 0;
	}
	return r < 0 ? peel_fail(detect->err, why.code, "%s", why.message) : 1;
}

/* Rules about links themselves. */
static int ask_link(struct detect *detect, const struct query_named *named, const char *target)
{
	char rooted[PATH_MAX + 2];
	struct peel_node node;
	int r = 1;

	match_begin(detect->match, DETECTOR_LINK);
	match_text(detect->match, DETECTOR_PATH, named->path, named->path_len, "path", NULL, -1);
	if (named->target_len < PATH_MAX) {
		const size_t len = (size_t)snprintf(rooted, sizeof(rooted), "%s%s",
			*target == '/' ? "" : "/", target);

		match_text(detect->match, DETECTOR_TARGET, rooted, len, "link", target, -1);
	}
	if (!match_triggered(detect->match)) {
		return 0;
	}
	if (match_asks(detect->match, DETECTOR_DANGLING)) {
		r = resolve(detect, named, &node);
	}
	if (r == 0) {
		match_bits(detect->match, DETECTOR_DANGLING, 1, "link", target);
	}
	return r < 0 ? r : finish(detect, named);
}

static int take_link(void *arg, const struct query_named *named)
{
	struct links *links = arg;
	const struct ends ends = {
		.name = name_hash(named->path, named->path_len),
		.target = name_hash(named->target ? named->target : "", named->target_len),
	};
	cleanup_free char *target = strndup(named->target ? named->target : "", named->target_len);

	if (!target) {
		links->r = peel_fail(links->detect->err, PEEL_ENOMEM, "no memory for links");
	} else {
		links->r = ask_link(links->detect, named, target);
	}
	if (links->r >= 0 && links->found_count > 0) {
		if (!grow_array(&links->ends, links->count, &links->room, sizeof(*links->ends))) {
			links->r = peel_fail(links->detect->err, PEEL_ENOMEM,
				"no memory for links");
		} else {
			links->ends[links->count++] = ends;
		}
	}
	return links->r < 0;
}

static int compare_inos(const void *a, const void *b)
{
	const struct found *x = *(struct found *const *)a;
	const struct found *y = *(struct found *const *)b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* What links are looked for to: visible files of the first two tiers. Their names are the first that lead there. */
static int list_founds(struct links *links)
{
	const struct founds *all = &links->detect->founds;

	links->founds = calloc(all->count + 1, sizeof(struct found *));
	if (!links->founds) {
		return peel_fail(links->detect->err, PEEL_ENOMEM, "no memory for links");
	}
	for (size_t i = 0; i < all->count; i++) {
		struct found *found = all->list[i];

		if (!found->visible || !found->ino ||
			found_rule(links->detect, found)->on != DETECTOR_FILE ||
			found_rule(links->detect, found)->tier > PEEL_TIER_EMBEDDER) {
			continue;
		}
		links->founds[links->found_count++] = found;
		for (const struct found_name *name = found->names; name; name = name->next) {
			int r = table_add(links, name_hash(name->text, name->len));

			if (r < 0) {
				return r;
			}
		}
	}
	if (links->found_count > 1) {
		qsort(links->founds, links->found_count, sizeof(struct found *), compare_inos);
	}
	return 0;
}

/* Add names of links until none is new. */
static int spread(struct links *links)
{
	bool more = true;

	for (int round = 0; more && round < ROUNDS_MAX; round++) {
		more = false;
		for (size_t i = 0; i < links->count; i++) {
			int r = table_has(links, links->ends[i].target)
				? table_add(links, links->ends[i].name)
				: 0;

			if (r < 0) {
				return r;
			}
			more |= r > 0;
		}
	}
	return 0;
}

/* Tell the findings of a node that a link leads there. */
static int add_link(struct links *links, uint64_t ino, const char *path)
{
	const struct peel_evidence evidence = {"link", path, -1};
	size_t low = 0;
	size_t high = links->found_count;
	int r = 0;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (links->founds[middle]->ino < ino) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	for (; r >= 0 && low < links->found_count && links->founds[low]->ino == ino; low++) {
		struct found *found = links->founds[low];

		if (found->link_count < DETECT_LINKS_MAX) {
			found->link_count++;
			r = found_evidence_add(links->detect, found, &evidence);
		}
	}
	return r;
}

static int take_leading_link(void *arg, const struct query_named *named)
{
	struct links *links = arg;
	struct peel_node node;

	if (!table_has(links, name_hash(named->target ? named->target : "", named->target_len))) {
		return 0;
	}
	links->r = resolve(links->detect, named, &node);
	if (links->r > 0) {
		links->r = add_link(links, node.ino, named->path);
	}
	return links->r < 0;
}

int detect_links(struct detect *detect)
{
	struct links links = {.detect = detect};
	int r = list_founds(&links);

	if (r == 0 && (links.found_count > 0 || has_rules(detect, DETECTOR_LINK))) {
		r = query_named(detect->index, 'l', take_link, &links, detect->err);
		r = links.r < 0 ? links.r : r;
	}
	if (r == 0 && links.count > 0) {
		r = spread(&links);
		r = r < 0 ? r
			  : query_named(detect->index, 'l', take_leading_link, &links, detect->err);
		r = links.r < 0 ? links.r : r;
	}
	free(links.ends);
	free(links.table);
	free(links.founds);
	return r < 0 ? r : 0;
}
