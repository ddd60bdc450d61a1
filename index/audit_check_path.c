/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of paths and of contents: one walk over the names of the merged tree, and one pass over the ledger for what
 * layers ship below them. A set of all patterns tells which rules a path concerns. Files whose contents are asked
 * for are noted, and read afterwards in the order of the layers (audit_check_content.c).
 *
 * The walk keeps a path and a cookie a level, so that its memory does not depend on how many names a folder has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/facts.h>
#include <peel/query.h>

#include "audit_check_priv.h"
#include "glob.h"
#include "query_names.h"
#include "util.h"

/* Longest path that is followed, bytes; an index that leads deeper is hostile. */
#define PATH_MAX_BYTES ((size_t)64 << 10)

/* A rule, or a pattern of one that requires. */
struct target {
	const struct policy_rule *rule;
	/* Of a rule that requires. */
	size_t pattern;
};

struct level {
	uint64_t folder;
	uint64_t cookie;
	size_t path_len;
};

struct walk {
	struct check *check;
	struct glob_set *set;
	struct target *targets;
	size_t target_count, target_room;
	/* Any of the rules looks into hidden layers; then, names of their files. */
	bool shipped;
	struct query_names *names;
	char *path;
	struct level *levels;
	size_t level_count, level_room;
	/* The folder that the listing stopped at. */
	uint64_t next;
	size_t next_len;
	struct content_job *jobs;
	size_t job_count, job_room;
	int code;
};

/* What is looked at: a name of the tree, or a piece of the ledger. */
struct thing {
	struct walk *walk;
	const char *path;
	uint32_t mode, uid, gid;
	uint64_t ino, bytes;
	int layer, hidden_by;
	bool visible;
	/* The ledger knows its name. */
	bool single;
};

static bool fits(const struct policy_path *path, const struct thing *thing)
{
	return (path->type == 0 || path->type == (thing->mode & S_IFMT)) &&
		(path->mode < 0 || (thing->mode & 07777) == (uint64_t)path->mode) &&
		(path->any_mode == 0 || (thing->mode & (uint64_t)path->any_mode)) &&
		(path->uid < 0 || thing->uid == (uint64_t)path->uid) &&
		(path->gid < 0 || thing->gid == (uint64_t)path->gid);
}

static const char *describe(const struct thing *thing, char *buf, size_t size)
{
	static const struct {
		uint32_t type;
		const char *word;
	} types[] = {
		{S_IFREG, "file"},
		{S_IFDIR, "folder"},
		{S_IFLNK, "link"},
		{S_IFCHR, "character device"},
		{S_IFBLK, "block device"},
		{S_IFIFO, "fifo"},
		{S_IFSOCK, "socket"},
	};
	const char *word = "file";

	for (size_t i = 0; i < countof(types); i++) {
		word = types[i].type == (thing->mode & S_IFMT) ? types[i].word : word;
	}
	snprintf(buf, size, "%s, mode %04o, owner %u:%u", word, thing->mode & 07777, thing->uid,
		thing->gid);
	return buf;
}

static int complain(struct thing *thing, const struct policy_rule *rule)
{
	char what[CHECK_TEXT_MAX];
	const struct peel_violation violation = {
		.paths = &thing->path,
		.path_count = 1,
		.what = describe(thing, what, sizeof(what)),
		.layer = thing->layer,
		.hidden_by = thing->hidden_by,
		.visible = thing->visible,
		.bytes = thing->bytes,
	};

	return check_complain(thing->walk->check, rule, &violation);
}

/* What is required is asked of what a link leads to, unless links are asked for. */
static int require(struct thing *thing, const struct target *target)
{
	struct check *check = thing->walk->check;
	const struct policy_path *path = &target->rule->as.path;
	struct outcome *outcome = &check->outcomes[check_number(check, target->rule)];
	struct thing real = *thing;
	struct peel_node node;
	char what[CHECK_TEXT_MAX];

	outcome->fits[target->pattern] = true;
	if (S_ISLNK(thing->mode) && path->type != S_IFLNK) {
		if (peel_resolve(check->index, PEEL_VIEW_MERGED, 0, thing->path,
			    strlen(thing->path), true, &node, NULL, NULL) < 0) {
			return check_complain_text(check, target->rule, thing->path,
				"the link leads to nothing");
		}
		real.mode = node.mode;
		real.uid = node.uid;
		real.gid = node.gid;
	}
	outcome->found++;
	return fits(path, &real) ? 0
				 : check_complain_text(check, target->rule, thing->path,
					   "it is a %s", describe(&real, what, sizeof(what)));
}

/* What a link leads to is read through it, as every program would: else a pattern that names it proves nothing. */
static int follow(struct thing *thing, uint64_t *ret_ino)
{
	struct check *check = thing->walk->check;
	struct peel_error why = {0};
	struct peel_node node;
	int code = peel_resolve(check->index, PEEL_VIEW_MERGED, 0, thing->path, strlen(thing->path),
		true, &node, NULL, &why);

	if (code == PEEL_ENOMEM || code == PEEL_EINTERNAL || code == PEEL_EFORMAT) {
		*check->err = why;
		return code;
	}
	*ret_ino = node.ino;
	return code == 0 && S_ISREG(node.mode);
}

static int add_job(struct thing *thing, const struct policy_rule *rule)
{
	struct walk *walk = thing->walk;
	const bool link = S_ISLNK(thing->mode) && thing->visible;
	uint64_t ino = thing->ino;
	char *path = NULL;
	int code = link ? follow(thing, &ino) : S_ISREG(thing->mode);

	if (code <= 0) {
		return code;
	}
	if (link || !thing->single) {
		path = check_copy(walk->check, thing->path);
		if (!path) {
			return check_failed(walk->check);
		}
	}
	if (!grow_array(&walk->jobs, walk->job_count, &walk->job_room, sizeof(*walk->jobs))) {
		return peel_fail(walk->check->err, PEEL_ENOMEM, "no memory");
	}
	walk->jobs[walk->job_count++] = (struct content_job){
		.ino = ino, .rule = (uint32_t)check_number(walk->check, rule), .path = path};
	return 0;
}

static int take_match(void *arg, uint32_t id)
{
	struct thing *thing = arg;
	const struct target *target = &thing->walk->targets[id];
	const struct policy_rule *rule = target->rule;

	if (rule->type == POLICY_CONTENT) {
		return thing->visible || rule->as.content.shipped ? add_job(thing, rule) : 0;
	}
	if (rule->required) {
		return thing->visible ? require(thing, target) : 0;
	}
	if (!fits(&rule->as.path, thing) || (!thing->visible && !rule->as.path.shipped)) {
		return 0;
	}
	return complain(thing, rule);
}

static int take_thing(struct thing *thing, size_t path_len)
{
	thing->walk->code = glob_set_match(thing->walk->set, thing->path, path_len, take_match,
		thing);
	return thing->walk->code;
}

/* --- the merged tree --- */

static int take_entry(void *arg, const struct peel_dirent *entry)
{
	struct walk *walk = arg;
	struct level *level = &walk->levels[walk->level_count - 1];
	const struct peel_node *node = &entry->node;
	const size_t len = level->path_len + 1 + entry->name_len;
	struct thing thing = {
		.walk = walk,
		.path = walk->path,
		.mode = node->mode,
		.uid = node->uid,
		.gid = node->gid,
		.ino = node->ino,
		.bytes = S_ISREG(node->mode) ? node->size : 0,
		.layer = node->layer,
		.hidden_by = -1,
		.visible = true,
		.single = node->nlink == 1,
	};

	if (len >= PATH_MAX_BYTES) {
		walk->code = peel_fail(walk->check->err, PEEL_ELIMIT,
			"a path has more than %zu bytes", PATH_MAX_BYTES);
		return 1;
	}
	walk->path[level->path_len] = '/';
	memcpy(walk->path + level->path_len + 1, entry->name, entry->name_len);
	walk->path[len] = 0;
	level->cookie = entry->cookie;
	if (take_thing(&thing, len) != 0) {
		return 1;
	}
	if (!S_ISDIR(node->mode)) {
		return 0;
	}
	walk->next = node->ino;
	walk->next_len = len;
	return 1;
}

static int push(struct walk *walk, uint64_t folder, size_t path_len)
{
	if (!grow_array(&walk->levels, walk->level_count, &walk->level_room,
		    sizeof(*walk->levels))) {
		return peel_fail(walk->check->err, PEEL_ENOMEM, "no memory");
	}
	walk->levels[walk->level_count++] = (struct level){.folder = folder, .path_len = path_len};
	return 0;
}

static int walk_tree(struct walk *walk)
{
	struct peel_index *index = walk->check->index;
	int code = push(walk, peel_root(PEEL_VIEW_MERGED), 0);

	while (code == 0 && walk->level_count > 0) {
		struct level *level = &walk->levels[walk->level_count - 1];

		walk->next = 0;
		code = peel_list(index, level->folder, level->cookie, take_entry, walk,
			walk->check->err);
		if (walk->code < 0) {
			return walk->code;
		}
		if (code == 0) {
			walk->level_count--;
		} else if (code > 0) {
			code = push(walk, walk->next, walk->next_len);
		}
	}
	return code;
}

static int take_root(struct walk *walk)
{
	struct peel_node node;
	int code = peel_node_get(walk->check->index, peel_root(PEEL_VIEW_MERGED), &node,
		walk->check->err);
	struct thing thing = {
		.walk = walk, .path = "/", .layer = -1, .hidden_by = -1, .visible = true};

	if (code < 0) {
		return code;
	}
	thing.mode = node.mode;
	thing.uid = node.uid;
	thing.gid = node.gid;
	thing.layer = node.layer;
	return take_thing(&thing, 1);
}

/* --- what is hidden --- */

/* A name of a file that has several; the walk has taken those that the merged tree shows. */
static int take_name(void *arg, const char *path, size_t len)
{
	struct thing *thing = arg;
	struct walk *walk = thing->walk;
	struct peel_node node;
	uint32_t id;

	if (len >= PATH_MAX_BYTES || !glob_set_first(walk->set, path, len, &id)) {
		return 0;
	}
	if (peel_resolve(walk->check->index, PEEL_VIEW_MERGED, 0, path, len, false, &node, NULL,
		    NULL) == 0 &&
		node.ino == thing->ino) {
		return 0;
	}
	thing->path = path;
	return take_thing(thing, len) != 0;
}

static int take_piece(void *arg, const struct peel_piece *piece)
{
	struct walk *walk = arg;
	struct thing thing = {
		.walk = walk,
		.path = piece->path,
		.mode = piece->mode,
		.uid = piece->uid,
		.gid = piece->gid,
		.ino = piece->ino,
		.bytes = piece->bytes,
		.layer = piece->layer,
		.hidden_by = piece->hidden_by,
		.single = piece->nlink <= 1,
	};

	if (thing.single) {
		return piece->visible ? 0 : take_thing(&thing, piece->path_len) != 0;
	}
	if (walk->code == 0) {
		int code = query_names_each(walk->names, piece->entry, false, take_name, &thing,
			walk->check->err);

		walk->code = code < 0 ? code : walk->code;
	}
	return walk->code != 0;
}

/* --- all of it --- */

static int add_target(struct walk *walk, const struct policy_rule *rule,
	const struct policy_globs *globs)
{
	struct check *check = walk->check;
	struct outcome *outcome = &check->outcomes[check_number(check, rule)];
	const bool by_number = rule->required && rule->type == POLICY_PATH;
	const size_t count = by_number ? globs->count : 1;
	const uint32_t first = (uint32_t)walk->target_count;

	outcome->fits = check_alloc(check, count + 1);
	if (!outcome->fits) {
		return check_failed(check);
	}
	for (size_t i = 0; i < count; i++) {
		if (!grow_array(&walk->targets, walk->target_count, &walk->target_room,
			    sizeof(*walk->targets))) {
			return peel_fail(check->err, PEEL_ENOMEM, "no memory");
		}
		walk->targets[walk->target_count++] = (struct target){rule, i};
	}
	return check_globs(check, globs, walk->set, first, by_number);
}

static int add_targets(struct walk *walk)
{
	const struct peel_policy *policy = walk->check->policy;
	int code = 0;

	for (size_t i = 0; code == 0 && i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (rule->type == POLICY_PATH) {
			code = add_target(walk, rule, &rule->as.path.globs);
			walk->shipped = walk->shipped || rule->as.path.shipped;
		} else if (rule->type == POLICY_CONTENT) {
			code = add_target(walk, rule, &rule->as.content.globs);
			walk->shipped = walk->shipped || rule->as.content.shipped;
		}
	}
	return code;
}

/* Patterns of required paths that nothing fits. */
static int tell_missing(struct walk *walk)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < walk->target_count; i++) {
		const struct target *target = &walk->targets[i];
		const struct outcome *outcome =
			&walk->check->outcomes[check_number(walk->check, target->rule)];

		if (target->rule->type == POLICY_PATH && target->rule->required &&
			!outcome->fits[target->pattern]) {
			code = check_complain_text(walk->check, target->rule,
				target->rule->as.path.globs.list[target->pattern],
				"it is not there");
		}
	}
	return code;
}

static int walk_all(struct walk *walk)
{
	struct check *check = walk->check;
	int code = take_root(walk);

	if (code == 0) {
		code = walk_tree(walk);
	}
	if (code == 0 && walk->shipped) {
		code = query_names_new(check->index, &walk->names, check->err);
	}
	if (code == 0 && walk->shipped) {
		code = peel_pieces(check->index, PEEL_BY_ENTRY, false, take_piece, walk,
			check->err);
		code = walk->code < 0 ? walk->code : code;
	}
	if (code == 0) {
		code = tell_missing(walk);
	}
	return code == 0 ? check_gather_contents(check, walk->jobs, walk->job_count) : code;
}

int check_gather_paths(struct check *check)
{
	struct walk walk = {.check = check};
	int code = glob_set_new(&walk.set, check->err);

	if (code == 0) {
		code = add_targets(&walk);
	}
	if (code == 0 && walk.target_count > 0) {
		walk.path = malloc(PATH_MAX_BYTES + 1);
		code = walk.path ? walk_all(&walk)
				 : peel_fail(check->err, PEEL_ENOMEM, "no memory");
	}
	query_names_free(walk.names);
	glob_set_free(walk.set);
	free(walk.targets);
	free(walk.path);
	free(walk.levels);
	free(walk.jobs);
	return code;
}
