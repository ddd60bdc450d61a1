/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of a path. The events are played in order against what stands at the path at that
 * moment; the merge has said for each entry what hid it and why, and what an event did follows from
 * what it hid. Where the merge could not know whether two contents are the same, because a plain
 * layer was indexed by its headers, the bytes are compared now: for one path that is cheap.
 */
#include "query_why.h"

#include <stdlib.h>
#include <string.h>

#include "pkgdb.h"
#include "util.h"

/* Bytes compared at once. */
#define COMPARE_SIZE (64 << 10)

/* Xattrs that only one of two entries has. */
static const char xattrs_differ[] =
	"SELECT EXISTS (SELECT 1 FROM xattr WHERE entry IN (?1, ?2) GROUP BY name, value HAVING count(*) <> 2)";

static const char *const action_names[] = {
	[PEEL_ACTION_ADDED] = "added",
	[PEEL_ACTION_CHANGED] = "overwritten",
	[PEEL_ACTION_METADATA] = "metadata",
	[PEEL_ACTION_IDENTICAL] = "identical",
	[PEEL_ACTION_REPLACED] = "type changed",
	[PEEL_ACTION_DELETED] = "deleted",
	[PEEL_ACTION_HIDDEN] = "hidden",
};

const char *peel_action_name(enum peel_action action)
{
	if (action < PEEL_ACTION_ADDED || action > PEEL_ACTION_HIDDEN) {
		return "";
	}
	return action_names[action];
}

/* Whether two ranges of layers hold the same bytes. @return 1, 0, or less than 0. */
static int same_bytes(struct query *q, const struct query_row *one, const struct query_row *two)
{
	cleanup_free char *buf = malloc(2 * COMPARE_SIZE);
	const uint64_t inos[] = {one->id, two->id};

	if (!buf) {
		return peel_fail(q->err, PEEL_ENOMEM, "out of memory");
	}
	for (uint64_t offset = 0; offset < one->size; offset += COMPARE_SIZE) {
		const size_t len = min_u64(one->size - offset, COMPARE_SIZE);

		for (size_t i = 0; i < countof(inos); i++) {
			ssize_t r = peel_read(q->index, inos[i], offset, buf + i * COMPARE_SIZE,
				len, q->err);

			if (r < 0 || (size_t)r != len) {
				return r < 0 ? (int)r
					     : peel_fail(q->err, PEEL_ETRUNCATED,
						       "a file ends too early");
			}
		}
		if (memcmp(buf, buf + COMPARE_SIZE, len) != 0) {
			return 0;
		}
	}
	return 1;
}

static int same_xattrs(struct query *q, const struct query_row *one, const struct query_row *two)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r;

	if (!((one->flags | two->flags) & ENTRY_XATTRS)) {
		return 1;
	}
	r = store_get(q->store, xattrs_differ, &stmt, q->err);
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)one->id);
	sqlite3_bind_int64(stmt, 2, (int64_t)two->id);
	r = store_step(q->store, stmt, q->err);
	return r <= 0 ? r : !sqlite3_column_int(stmt, 0);
}

static bool same_owner(const struct query_row *one, const struct query_row *two)
{
	return one->mode == two->mode && one->uid == two->uid && one->gid == two->gid &&
		one->mtime == two->mtime && one->nsec == two->nsec;
}

/*
 * Overwritten, or the same bytes again? A layer whose bytes cannot be read leaves the merge's word.
 */
static int refine(struct query *q, struct why_event *old, const struct why_event *new)
{
	const bool comparable = old->row.why == WHY_OVERWRITTEN && old->row.type == 'f' &&
		new->row.type == 'f' && old->row.size == new->row.size &&
		!(old->hashed && new->hashed);
	int r;

	if (!comparable) {
		return 0;
	}
	r = same_bytes(q, &old->row, &new->row);
	if (r == PEEL_ENOMEM) {
		return r;
	}
	if (r <= 0) {
		query_forgive(q);
		return 0;
	}
	r = same_owner(&old->row, &new->row) ? same_xattrs(q, &old->row, &new->row) : 0;
	if (r >= 0) {
		old->row.why = r ? WHY_IDENTICAL : WHY_METADATA;
	}
	return r < 0 ? r : 0;
}

static enum peel_action action_over(const struct query_row *old, const struct query_row *new)
{
	switch (old->why) {
	case WHY_IDENTICAL:
		return PEEL_ACTION_IDENTICAL;
	case WHY_METADATA:
		return PEEL_ACTION_METADATA;
	case WHY_REPLACED:
		return PEEL_ACTION_REPLACED;
	default:
		return old->type == new->type ? PEEL_ACTION_CHANGED : PEEL_ACTION_REPLACED;
	}
}

/* What an event above the path did to what stood there. */
static enum peel_action action_above(const struct query_row *row)
{
	return row->type == 'w'    ? PEEL_ACTION_DELETED
		: row->type == 'o' ? PEEL_ACTION_HIDDEN
				   : PEEL_ACTION_REPLACED;
}

/*
 * What an event did, and what then stands at the path: *standing is NULL where nothing does.
 */
static int play(struct query *q, struct why_event *event, struct why_event **standing,
	enum peel_action *ret_action)
{
	struct why_event *old = *standing;
	int r;

	if (event->rank == WHY_RANK_ABOVE || event->rank == WHY_RANK_WHITEOUT) {
		*ret_action = action_above(&event->row);
		*standing = NULL;
		return 0;
	}
	*ret_action = PEEL_ACTION_ADDED;
	if (old && old->row.hidden_by == event->row.layer) {
		r = refine(q, old, event);
		if (r < 0) {
			return r;
		}
		*ret_action = action_over(&old->row, &event->row);
	}
	/* What never was in the tree leaves what stands there. */
	if (event->row.why != WHY_UNREACHABLE && event->row.why != WHY_BROKEN_LINK &&
		event->row.why != WHY_MARKER) {
		*standing = event;
	}
	return 0;
}

/* A hard link shows the size of what it leads to. */
static int size_of(struct query *q, const struct query_row *row, uint64_t *ret_size)
{
	struct query_row data;
	int r;

	*ret_size = row->size;
	if (row->type != 'h' || row->inode == 0) {
		return 0;
	}
	r = query_row_get(q, row->inode, &data);
	if (r > 0) {
		*ret_size = data.size;
	}
	return r < 0 ? r : 0;
}

static int emit(struct query *q, const struct why_event *event, enum peel_action action,
	peel_step_fn *each, void *arg)
{
	const struct query_row *row = &event->row;
	const bool marker = row->type == 'w' || row->type == 'o' || event->rank == WHY_RANK_ABOVE;
	struct peel_step step = {
		.layer = row->layer,
		.action = action,
		.type = row->type == 'f' ? '-' : row->type,
		.mode = row->mode,
		.uid = row->uid,
		.gid = row->gid,
		.link = event->link,
		.link_len = event->link_len,
		.visible = !marker && !row->why,
		.hidden_by = marker ? -1 : row->hidden_by,
		.why = marker ? "" : query_reason(row->why),
		.path = event->path,
		.instruction = "",
		.package = event->owner ? event->owner : "",
	};
	int r = size_of(q, row, &step.size);

	if (r < 0) {
		return r;
	}
	if (row->layer >= 0 && q->index->layers[row->layer].stat.layer.instruction) {
		step.instruction = q->index->layers[row->layer].stat.layer.instruction;
	}
	return each(arg, &step) ? 1 : 0;
}

static void cleanup_events(struct why_events *events)
{
	why_events_free(events);
}

static bool can_have_owner(const struct why_event *event)
{
	/* Folders belong to many packages. */
	return event->rank == WHY_RANK_ENTRY && event->row.type != 'd' && event->row.layer >= 0;
}

/* Whom a view's databases name. */
static int ask_owner(struct query *q, int view, struct why_event *event)
{
	char unread[PEEL_MESSAGE_SIZE];
	int r = pkgdb_owner(q->index, view, event->path, &event->package, unread, q->err);

	if (r == 0 && *unread) {
		index_note_unread(q->index, unread);
	}
	return r;
}

/*
 * Who owns what each event put there: whom the layer's own databases name, else the same as before (a layer
 * that only changes the owner says nothing of packages). Where no layer says it beside the file, the merged tree's
 * databases are asked: some images have them in a layer of their own.
 */
static int find_packages(struct query *q, struct why_events *events)
{
	struct why_event *last = NULL;
	const char *package = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < events->count; i++) {
		struct why_event *event = &events->events[i];

		if (!can_have_owner(event)) {
			continue;
		}
		if (!last || last->row.layer != event->row.layer) {
			r = ask_owner(q, event->row.layer, event);
			package = event->package ? event->package : package;
		}
		event->owner = package;
		last = event;
	}
	if (r < 0 || package || !last) {
		return r;
	}
	r = ask_owner(q, PEEL_VIEW_MERGED, last);
	for (size_t i = 0; r == 0 && i < events->count; i++) {
		events->events[i].owner = can_have_owner(&events->events[i]) ? last->package : NULL;
	}
	return r;
}

/* Play all events, then tell them: a later one refines why an entry was hidden. @return number of steps. */
static int tell(struct query *q, struct why_events *events, peel_step_fn *each, void *arg)
{
	cleanup_free enum peel_action *actions = calloc(events->count + 1, sizeof(*actions));
	struct why_event *standing = NULL;
	int steps = 0;
	int r;

	if (!actions) {
		return peel_fail(q->err, PEEL_ENOMEM, "out of memory");
	}
	r = find_packages(q, events);
	for (size_t i = 0; r == 0 && i < events->count; i++) {
		r = play(q, &events->events[i], &standing, &actions[i]);
	}
	for (size_t i = 0; r == 0 && i < events->count; i++) {
		r = emit(q, &events->events[i], actions[i], each, arg);
		steps += r == 0;
	}
	return r < 0 ? r : steps;
}

int peel_why(struct peel_index *index, const void *path, size_t path_len, peel_step_fn *each,
	void *arg, struct peel_error *err)
{
	cleanup_query struct query q = {0};
	cleanup(cleanup_events) struct why_events events = {0};
	struct why_place place = {0};
	int r = query_begin(&q, index, err);

	if (r == 0 && path_len > PEEL_PATH_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "a path over %d bytes", PEEL_PATH_MAX);
	}
	if (r == 0) {
		r = why_place(&q, path, path_len, &place);
	}
	if (r > 0) {
		r = why_events_read(&q, place.dir, place.name, place.len, &events);
		return r < 0 ? r : tell(&q, &events, each, arg);
	}
	return r;
}
