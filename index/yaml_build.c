/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_priv.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>
#include <peel/text.h>

#include "util.h"

/* Bytes of a block of the arena; larger things get a block of their own. */
#define BLOCK_SIZE 65536

static int no_memory(struct peel_error *err)
{
	return peel_fail(err, PEEL_ENOMEM, "out of memory");
}

int yaml_fail_line(const struct yaml_builder *builder, size_t line, const char *text)
{
	return peel_fail(builder->err, PEEL_EFORMAT, "%s:%zu: %s", builder->document->what, line,
		text);
}

/* Zeroed bytes out of the arena; NULL where memory is exhausted. Sizes are bounded by YAML_MAX. */
static void *take(struct yaml_document *document, size_t size)
{
	const size_t align = sizeof(max_align_t);
	struct yaml_block *block = document->blocks;
	size_t room;
	char *at;

	size = (size + align - 1) / align * align;
	if (!block || block->room - block->used < size) {
		room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
		block = calloc(1, sizeof(*block) + room);
		if (!block) {
			return NULL;
		}
		block->room = room;
		block->next = document->blocks;
		document->blocks = block;
	}
	at = (char *)block->bytes + block->used;
	block->used += size;
	return at;
}

/* The key that is the second of its name, NULL where there is none. ret_first: the first. */
static const struct yaml *find_twin(const struct yaml **sorted, size_t count,
	const struct yaml **ret_first)
{
	const struct yaml *twin = NULL;

	for (size_t i = 1; i < count; i++) {
		if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0 &&
			(!twin || sorted[i]->line < twin->line)) {
			twin = sorted[i];
			*ret_first = sorted[i - 1];
		}
	}
	return twin;
}

static int compare_keys(const void *a, const void *b)
{
	const struct yaml *left = *(const struct yaml *const *)a;
	const struct yaml *right = *(const struct yaml *const *)b;
	int order = strcmp(left->text, right->text);

	return order ? order : (left->line > right->line) - (left->line < right->line);
}

static int check_keys(const struct yaml_builder *builder, const struct yaml *map)
{
	cleanup_free const struct yaml **sorted = NULL;
	const struct yaml *first = NULL;
	const struct yaml *twin;
	char shown[SHOWN_SIZE];

	sorted = calloc(map->count, sizeof(const struct yaml *));
	if (!sorted) {
		return no_memory(builder->err);
	}
	memcpy(sorted, map->keys, map->count * sizeof(const struct yaml *));
	qsort(sorted, map->count, sizeof(const struct yaml *), compare_keys);
	twin = find_twin(sorted, map->count, &first);
	if (!twin) {
		return 0;
	}
	return yaml_fail(builder->document, twin, builder->err,
		"the key \"%s\" stands here a second time; the first is in line %d",
		peel_text_escape_into(shown, sizeof(shown), twin->text, twin->len), first->line);
}

/* True where the next node is a key. */
static bool wants_key(const struct yaml_builder *builder)
{
	const struct yaml_frame *frame;

	if (builder->depth == 0) {
		return false;
	}
	frame = &builder->frames[builder->depth - 1];
	return frame->node->type == YAML_MAP && (builder->count - frame->base) % 2 == 0;
}

/* Add a node where its event stands. */
static int add_node(struct yaml_builder *builder, enum yaml_type type, const yaml_event_t *event,
	struct yaml **ret_node)
{
	struct yaml *node;

	if (builder->nodes == YAML_NODES) {
		return peel_fail(builder->err, PEEL_ELIMIT, "%s:%zu: more than %d nodes",
			builder->document->what, event->start_mark.line + 1, YAML_NODES);
	}
	node = take(builder->document, sizeof(*node));
	if (!node ||
		!grow_array(&builder->members, builder->count, &builder->room,
			sizeof(*builder->members))) {
		return no_memory(builder->err);
	}
	node->type = type;
	node->line = (int)event->start_mark.line + 1;
	builder->nodes++;
	builder->members[builder->count++] = node;
	if (!builder->document->root) {
		builder->document->root = node;
	}
	*ret_node = node;
	return 0;
}

static int begin_document(struct yaml_builder *builder, const yaml_event_t *event)
{
	const size_t line = event->start_mark.line + 1;

	if (builder->started) {
		return yaml_fail_line(builder, line, "a second document");
	}
	builder->started = true;
	if (event->data.document_start.tag_directives.start !=
		event->data.document_start.tag_directives.end) {
		return yaml_fail_line(builder, line, "tags are not taken");
	}
	return 0;
}

static int refuse_marks(const struct yaml_builder *builder, const yaml_event_t *event,
	const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor) {
		return yaml_fail_line(builder, event->start_mark.line + 1, "anchors are not taken");
	}
	if (tag) {
		return yaml_fail_line(builder, event->start_mark.line + 1, "tags are not taken");
	}
	return 0;
}

static int add_scalar(struct yaml_builder *builder, const yaml_event_t *event)
{
	const size_t line = event->start_mark.line + 1;
	const char *value = (const char *)event->data.scalar.value;
	const size_t len = event->data.scalar.length;
	const bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	struct yaml *node;
	char *text;
	int r;

	r = refuse_marks(builder, event, event->data.scalar.anchor, event->data.scalar.tag);
	if (r < 0) {
		return r;
	}
	if (memchr(value, '\0', len)) {
		return yaml_fail_line(builder, line, "a NUL character in a text");
	}
	if (!quoted && wants_key(builder) && strcmp(value, "<<") == 0) {
		return yaml_fail_line(builder, line, "merge keys are not taken");
	}
	r = add_node(builder, YAML_SCALAR, event, &node);
	if (r < 0) {
		return r;
	}
	text = take(builder->document, len + 1);
	if (!text) {
		return no_memory(builder->err);
	}
	memcpy(text, value, len);
	node->quoted = quoted;
	node->text = text;
	node->len = len;
	return 0;
}

static int begin_members(struct yaml_builder *builder, const yaml_event_t *event)
{
	const bool is_map = event->type == YAML_MAPPING_START_EVENT;
	const size_t line = event->start_mark.line + 1;
	struct yaml *node;
	int r;

	r = is_map ? refuse_marks(builder, event, event->data.mapping_start.anchor,
			     event->data.mapping_start.tag)
		   : refuse_marks(builder, event, event->data.sequence_start.anchor,
			     event->data.sequence_start.tag);
	if (r < 0) {
		return r;
	}
	if (wants_key(builder)) {
		return yaml_fail_line(builder, line, "a key that is a list or a map");
	}
	if (builder->depth == YAML_DEPTH) {
		return peel_fail(builder->err, PEEL_ELIMIT, "%s:%zu: nested deeper than %d levels",
			builder->document->what, line, YAML_DEPTH);
	}
	r = add_node(builder, is_map ? YAML_MAP : YAML_LIST, event, &node);
	if (r < 0) {
		return r;
	}
	builder->frames[builder->depth].node = node;
	builder->frames[builder->depth].base = builder->count;
	builder->depth++;
	return 0;
}

/* Every step-th of the finished members, from the first one on. */
static int keep_members(struct yaml_builder *builder, size_t first, size_t step, size_t count,
	const struct yaml *const **ret_kept)
{
	const struct yaml **kept = take(builder->document, count * sizeof(const struct yaml *));

	if (!kept) {
		return no_memory(builder->err);
	}
	for (size_t i = 0; i < count; i++) {
		kept[i] = builder->members[first + i * step];
	}
	*ret_kept = kept;
	return 0;
}

static int end_members(struct yaml_builder *builder)
{
	const struct yaml_frame *frame = &builder->frames[--builder->depth];
	struct yaml *node = frame->node;
	const size_t step = node->type == YAML_MAP ? 2 : 1;
	int r;

	node->count = (builder->count - frame->base) / step;
	builder->count = frame->base;
	if (node->count == 0) {
		return 0;
	}
	r = keep_members(builder, frame->base + step - 1, step, node->count, &node->items);
	if (r < 0 || node->type == YAML_LIST) {
		return r;
	}
	r = keep_members(builder, frame->base, step, node->count, &node->keys);
	return r < 0 ? r : check_keys(builder, node);
}

int yaml_take_event(struct yaml_builder *builder, const yaml_event_t *event)
{
	int r = 0;

	switch (event->type) {
	case YAML_STREAM_END_EVENT:
		return 0;
	case YAML_DOCUMENT_START_EVENT:
		r = begin_document(builder, event);
		break;
	case YAML_ALIAS_EVENT:
		r = yaml_fail_line(builder, event->start_mark.line + 1, "aliases are not taken");
		break;
	case YAML_SCALAR_EVENT:
		r = add_scalar(builder, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		r = begin_members(builder, event);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		r = end_members(builder);
		break;
	default:
		break;
	}
	return r < 0 ? r : 1;
}
