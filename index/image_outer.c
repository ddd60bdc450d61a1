/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files an archive holds is decided by our own walk over its headers, with the rules of Go's archive/tar, because
 * that is what every engine reads archives with. A parser that is laxer would see other members, and so another image.
 *
 * One pass over a stream, so that a compressed file is decoded once. It ends at the end of the tar; a tar that breaks
 * off or is malformed half way keeps the members before, and says why it ended: a truncated `docker save` still has
 * layers that can be read, and whether that is enough is not decided here.
 *
 * A root filesystem may have millions of entries. Its list is dropped at the limit "members" and the walk goes on for
 * the marks alone, so that memory stays bounded and a manifest.json behind a million files is still seen.
 */
#include "image_outer.h"

#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "limit.h"
#include "path.h"
#include "scan.h"
#include "tar_header.h"
#include "tar_pax.h"
#include "util.h"

/** Extents of a block that continues an old GNU sparse header. */
#define GNU_BLOCK_EXTENTS 21

struct walk {
	struct stream *stream;
	struct outer *outer;
	struct outer_watch watch;
	/** What the headers before a member's own say of it; GNU's beat pax. */
	struct tar_pax pax;
	char *pax_text;
	char *gnu_path;
	char *gnu_link;
	/** Of the group's first header. */
	uint64_t group_off;
	/** Members so far. */
	uint64_t count;
	bool in_group;
};

static int no_memory(struct peel_error *err)
{
	return peel_fail(err, PEEL_ENOMEM, "out of memory");
}

static void end_group(struct walk *walk)
{
	tar_pax_clear(&walk->pax);
	free(walk->pax_text);
	free(walk->gnu_path);
	free(walk->gnu_link);
	walk->pax_text = NULL;
	walk->gnu_path = NULL;
	walk->gnu_link = NULL;
	walk->in_group = false;
}

static int read_exact(struct walk *walk, void *buf, size_t len, struct peel_error *err)
{
	ssize_t got = stream_read(walk->stream, buf, len, err);

	if (got < 0) {
		return (int)got;
	}
	if ((size_t)got < len) {
		return peel_fail(err, PEEL_ETRUNCATED, "the archive ends within a header");
	}
	return 0;
}

/* Take what a special header holds. @param text taken over. */
static int take_special(struct walk *walk, const struct tar_header *header, char *text,
	struct peel_error *err)
{
	char **place = header->typeflag == TAR_GNU_LONGNAME ? &walk->gnu_path
		: header->typeflag == TAR_GNU_LONGLINK      ? &walk->gnu_link
		: header->typeflag == TAR_PAX               ? &walk->pax_text
							    : NULL;

	if (!place) {
		/*
		 * A global header speaks of other members, which no engine heeds; Go forgets the
		 * headers before it.
		 */
		free(text);
		end_group(walk);
		return 0;
	}
	free(*place);
	*place = text;
	/* As in Go, a further pax header replaces what an earlier one said. */
	return header->typeflag == TAR_PAX
		? tar_pax_parse(&walk->pax, text, (size_t)header->size, err)
		: 0;
}

static bool is_special(char typeflag)
{
	return typeflag == TAR_PAX || typeflag == TAR_PAX_GLOBAL || typeflag == TAR_GNU_LONGNAME ||
		typeflag == TAR_GNU_LONGLINK;
}

static int read_special(struct walk *walk, const struct tar_header *header, struct peel_error *err)
{
	cleanup_free char *text = NULL;
	size_t padded;
	int r;

	if (header->size < 0) {
		return peel_fail(err, PEEL_EFORMAT, "a pax or GNU header with a negative size");
	}
	r = limits_check(walk->watch.limits, PEEL_LIMIT_HEADER_SIZE, (uint64_t)header->size, err);
	if (r < 0) {
		return r;
	}
	padded = (size_t)header->size + (size_t)tar_padding((uint64_t)header->size);
	text = malloc(padded + 1);
	if (!text) {
		return no_memory(err);
	}
	r = read_exact(walk, text, padded, err);
	if (r < 0) {
		return r;
	}
	text[header->size] = '\0';
	return take_special(walk, header, steal_pointer(&text), err);
}

/*
 * An old GNU sparse header goes on in further blocks, each of which says whether there is one more.
 */
static int skip_sparse_blocks(struct walk *walk, const unsigned char *block, struct peel_error *err)
{
	unsigned char more[TAR_BLOCK];
	bool extended = block[TAR_GNU_EXTENDED] != 0;

	for (int count = 0; extended; count++) {
		int r = read_exact(walk, more, sizeof(more), err);

		if (r < 0) {
			return r;
		}
		r = limits_check(walk->watch.limits, PEEL_LIMIT_SPARSE_EXTENTS,
			(uint64_t)count * GNU_BLOCK_EXTENTS, err);
		if (r < 0) {
			return r;
		}
		extended = more[504] != 0;
	}
	return 0;
}

/*
 * Name of a link's target as a member: symlinks are relative to their folder, hard links to the
 * root.
 */
static int set_link(struct outer_member *member, const char *target, bool symbolic,
	struct peel_error *err)
{
	const char *slash = strrchr(member->name, '/');
	int folder = symbolic && slash ? (int)(slash - member->name) : 0;
	bool escaped = false;

	if (asprintf(&member->link, "%.*s/%s", folder, member->name, target) < 0) {
		member->link = NULL;
		return no_memory(err);
	}
	member->link[path_clean(member->link, strlen(member->link), &escaped)] = '\0';
	member->escapes = escaped || (symbolic && target[0] == '/');
	return 0;
}

/*
 * A name: GNU's, else pax's, else the header's own. @return a copy the caller frees, NULL where
 * memory ends.
 */
static char *choose_text(const char *gnu, const struct tar_text *pax, const char *own)
{
	return gnu ? strdup(gnu) : pax->len > 0 ? strndup(pax->bytes, pax->len) : strdup(own);
}

static bool is_sparse(const struct walk *walk, char type)
{
	bool sparse = type == TAR_GNU_SPARSE_FILE || walk->pax.map_count > 0;

	for (int key = TAR_PAX_SPARSE_MAJOR; key <= TAR_PAX_SPARSE_SIZE; key++) {
		sparse = sparse || walk->pax.known[key].bytes;
	}
	return sparse;
}

/* Bytes of data that follow a header; the pax size is of files alone. */
static int data_size(const struct walk *walk, const struct tar_header *header, uint64_t *ret_size,
	struct peel_error *err)
{
	const struct tar_text *text = &walk->pax.known[TAR_PAX_SIZE];
	int64_t size = header->size;

	if (text->len > 0 && !tar_pax_number(text, &size)) {
		return peel_fail(err, PEEL_EFORMAT, "a pax size is no number");
	}
	if (walk->pax.nul_name) {
		return peel_fail(err, PEEL_EFORMAT, "a pax path holds a NUL");
	}
	if (size < 0 || size > INT64_MAX - TAR_BLOCK) {
		return peel_fail(err, PEEL_EFORMAT, "a member's size is negative or absurd");
	}
	*ret_size = tar_has_data(header->typeflag) ? (uint64_t)size : 0;
	return 0;
}

struct mark_name {
	const char *name;
	enum outer_mark mark;
};

static const struct mark_name mark_names[] = {
	{"index.json", OUTER_INDEX},
	{"manifest.json", OUTER_DOCKER},
	{"oci-layout", OUTER_LAYOUT},
	{"repositories", OUTER_REPOSITORIES},
};

static unsigned int marks_of(const char *name)
{
	const char *slash = strchr(name, '/');

	for (size_t i = 0; i < countof(mark_names); i++) {
		if (strcmp(name, mark_names[i].name) == 0) {
			return mark_names[i].mark;
		}
	}
	if (strncmp(name, "blobs/sha", 9) == 0) {
		return OUTER_BLOBS;
	}
	return slash && strcmp(slash, "/layer.tar") == 0 ? OUTER_LEGACY : 0;
}

static void drop_members(struct outer *outer)
{
	for (size_t i = 0; i < outer->count; i++) {
		free(outer->members[i].name);
		free(outer->members[i].link);
	}
	free(outer->members);
	outer->members = NULL;
	outer->count = 0;
	outer->room = 0;
}

static int set_member_link(struct walk *walk, const struct tar_header *header,
	struct outer_member *member, struct peel_error *err)
{
	cleanup_free char *target = NULL;

	if (member->type != '1' && member->type != '2') {
		return 0;
	}
	target = choose_text(walk->gnu_link, &walk->pax.known[TAR_PAX_LINKPATH], header->link);
	return target ? set_link(member, target, member->type == '2', err) : no_memory(err);
}

/* Put a member into the list. @param name taken over. */
static int add_member(struct walk *walk, char *name, const struct tar_header *header, uint64_t size,
	struct peel_error *err)
{
	struct outer *outer = walk->outer;
	char type = header->typeflag == '0' || header->typeflag == '7' ? '\0' : header->typeflag;
	struct outer_member member = {.name = name,
		.type = type,
		.size = size,
		.sparse = is_sparse(walk, type),
		.header_off = walk->group_off,
		.data_off = stream_tell(walk->stream)};

	outer->marks |= type != '5' ? marks_of(name) : 0;
	if (outer->overflow ||
		outer->count == limits_value(walk->watch.limits, PEEL_LIMIT_MEMBERS)) {
		drop_members(outer);
		outer->overflow = true;
		free(name);
		return 0;
	}
	if (set_member_link(walk, header, &member, err) < 0 ||
		!grow_array(&outer->members, outer->count, &outer->room, sizeof(member))) {
		free(name);
		free(member.link);
		return no_memory(err);
	}
	outer->members[outer->count++] = member;
	return 0;
}

/* Pass over the data and its padding. @return PEEL_ETRUNCATED where they end early. */
static int skip_data(struct walk *walk, uint64_t size, struct peel_error *err)
{
	uint64_t padded = size + tar_padding(size);
	uint64_t passed = 0;
	int r = stream_pass(walk->stream, padded, NULL, NULL, &passed, err);

	if (r == 0 && passed < padded) {
		r = peel_fail(err, PEEL_ETRUNCATED, "the archive ends within a member's data");
	}
	return r;
}

static void tell(const struct walk *walk, const struct outer_seen *seen)
{
	if (walk->watch.member) {
		walk->watch.member(walk->watch.arg, seen);
	}
}

static int take_member(struct walk *walk, const struct tar_header *header,
	const unsigned char *block, struct peel_error *err)
{
	cleanup_free char *name = choose_text(walk->gnu_path, &walk->pax.known[TAR_PAX_PATH],
		header->path);
	struct outer_seen seen = {.header = header, .block = block};
	bool escaped = false;
	int r = limits_count(walk->watch.limits, PEEL_LIMIT_ENTRIES, ++walk->count, err);

	if (r == 0) {
		r = name ? data_size(walk, header, &seen.size, err) : no_memory(err);
	}
	if (r == 0 && header->typeflag == TAR_GNU_SPARSE_FILE) {
		r = skip_sparse_blocks(walk, block, err);
	}
	if (r < 0) {
		return r;
	}
	seen.slash = name[0] && name[strlen(name) - 1] == '/';
	seen.sparse = is_sparse(walk, header->typeflag);
	name[path_clean(name, strlen(name), &escaped)] = '\0';
	seen.name = escaped ? "" : name;
	tell(walk, &seen);
	/*
	 * A name that leads out of the archive is no engine's file; nothing finds it here either.
	 */
	if (name[0] && !escaped) {
		r = add_member(walk, steal_pointer(&name), header, seen.size, err);
	}
	return r < 0 ? r : skip_data(walk, seen.size, err);
}

/* @return 1 for a header, 0 at the end of the archive. */
static int read_header(struct walk *walk, unsigned char *block, struct peel_error *err)
{
	ssize_t got = stream_read(walk->stream, block, TAR_BLOCK, err);

	if (got <= 0) {
		return (int)got;
	}
	if (got < TAR_BLOCK) {
		return peel_fail(err, PEEL_ETRUNCATED, "the archive ends within a header");
	}
	if (!tar_is_zero(block)) {
		return 1;
	}
	got = stream_read(walk->stream, block, TAR_BLOCK, err);
	if (got < 0) {
		return (int)got;
	}
	if (got == TAR_BLOCK && !tar_is_zero(block)) {
		return peel_fail(err, PEEL_EFORMAT,
			"a lone block of zeros stands among the headers");
	}
	return 0;
}

static int walk_members(struct walk *walk, struct peel_error *err)
{
	unsigned char block[TAR_BLOCK];
	struct tar_header header;
	int r;

	for (;;) {
		uint64_t here = stream_tell(walk->stream);

		r = read_header(walk, block, err);
		if (r <= 0) {
			break;
		}
		r = tar_header_parse(block, &header, err);
		if (r < 0) {
			break;
		}
		walk->outer->any = true;
		walk->group_off = walk->in_group ? walk->group_off : here;
		walk->in_group = true;
		if (is_special(header.typeflag)) {
			r = read_special(walk, &header, err);
		} else {
			r = take_member(walk, &header, block, err);
			end_group(walk);
		}
		if (r < 0) {
			break;
		}
	}
	if (r == 0 && walk->in_group) {
		r = peel_fail(err, PEEL_ETRUNCATED, "the archive ends after a pax or GNU header");
	}
	return r;
}

static int note_trailing(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	struct outer *outer = arg;
	const char *text = bytes;

	(void)err;
	outer->trailing = outer->trailing ||
		(len > 0 && (text[0] || memcmp(text, text + 1, len - 1) != 0));
	return 0;
}

static int compare_members(const void *a, const void *b)
{
	const struct outer_member *one = a;
	const struct outer_member *other = b;
	int order = strcmp(one->name, other->name);

	return order
		? order
		: (one->header_off > other->header_off) - (one->header_off < other->header_off);
}

int outer_walk(struct stream *stream, const struct outer_watch *watch, struct outer **ret_outer,
	struct peel_error *err)
{
	cleanup_outer struct outer *outer = calloc(1, sizeof(*outer));
	struct walk walk = {.stream = stream, .outer = outer};
	uint64_t passed = 0;
	int r;

	if (!outer) {
		return no_memory(err);
	}
	walk.watch = watch ? *watch : walk.watch;
	r = walk_members(&walk, &outer->failure);
	end_group(&walk);
	tar_pax_finish(&walk.pax);
	if (r == 0) {
		/* To the end of the stream: its checksums cover all of it. */
		r = stream_pass(stream, UINT64_MAX, note_trailing, outer, &passed, &outer->failure);
	}
	outer->size = stream_tell(stream);
	if (r < 0 &&
		(limits_stopped(walk.watch.limits) ||
			(r != PEEL_EFORMAT && r != PEEL_ETRUNCATED && r != PEEL_ELIMIT))) {
		return peel_fail(err, r, "%s", outer->failure.message);
	}
	if (r < 0) {
		peel_wrap(&outer->failure, "at offset %llu", (unsigned long long)outer->size);
	}
	if (outer->count > 1) {
		qsort(outer->members, outer->count, sizeof(*outer->members), compare_members);
	}
	*ret_outer = steal_pointer(&outer);
	return 0;
}

void outer_free(struct outer *outer)
{
	if (!outer) {
		return;
	}
	drop_members(outer);
	free(outer);
}

const struct outer_member *outer_lookup(const struct outer *outer, const char *name,
	size_t *ret_count)
{
	size_t low = 0;
	size_t high = outer->count;
	size_t count = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(outer->members[middle].name, name) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	while (low + count < outer->count && strcmp(outer->members[low + count].name, name) == 0) {
		count++;
	}
	*ret_count = count;
	return count > 0 ? &outer->members[low] : NULL;
}
