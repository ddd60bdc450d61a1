/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that say what they are made of. Go writes the path and version of the main module and of all others into
 * .go.buildinfo, since 1.18 as two strings behind a head of 32 bytes (before that as addresses in memory: then only the
 * name of the file is known). `cargo auditable` writes a section .dep-v0 of JSON, packed by zlib.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "facts_look.h"
#include "pkgdb_control.h"
#include "pkgdb_walk.h"
#include "util.h"

/* Go's head, its flag for strings that follow it, and the marks around the second string. */
#define GO_MAGIC "\xff Go buildinf:"
#define GO_HEAD 32
#define GO_FLAGS 15
#define GO_INLINE 2
#define GO_MARK 16

/* Most bytes of either that are read; large programs have some tens of KiB. */
#define GO_MAX (1u << 20)
#define CARGO_MAX (4u << 20)
/* zlib's head before the data, and its sum behind. */
#define ZLIB_HEAD 2

/* A program while it is looked into. */
struct program {
	struct pkgdb_gather *g;
	uint64_t ino;
	/* Where the sections are; 0 bytes: there is none. */
	uint64_t go, go_bytes, cargo, cargo_bytes;
	/* What it says. */
	char name[PKGDB_NAME_MAX + 1];
	char version[PKGDB_NAME_MAX + 1];
	char made_by[PKGDB_NAME_MAX + 1];
	unsigned long parts;
	/* Of cargo: the crate that is being read. */
	char crate[PKGDB_NAME_MAX + 1];
	char crate_version[PKGDB_NAME_MAX + 1];
};

static int read_program(void *arg, uint64_t offset, void *buf, size_t len, struct peel_error *err)
{
	const struct program *program = arg;
	const ssize_t got = peel_read(program->g->index, program->ino, offset, buf, len, err);

	return got < 0              ? (int)got
		: (size_t)got < len ? peel_fail(err, PEEL_ETRUNCATED, "the file ends early")
				    : 0;
}

static void take_section(void *arg, const char *name, uint64_t offset, uint64_t bytes)
{
	struct program *program = arg;

	if (strcmp(name, ".go.buildinfo") == 0) {
		program->go = offset;
		program->go_bytes = bytes;
	} else if (strcmp(name, ".dep-v0") == 0) {
		program->cargo = offset;
		program->cargo_bytes = bytes;
	}
}

/* A length of Go's, seven bits a byte, and the bytes behind it. @return what follows, NULL where they are not there. */
static const char *take_string(const char *at, const char *end, const char **ret_text,
	size_t *ret_len)
{
	uint64_t len = 0;
	unsigned shift = 0;

	while (at < end && (*at & 0x80) && shift < 56) {
		len |= (uint64_t)(*at++ & 0x7f) << shift;
		shift += 7;
	}
	if (at == end || *at & 0x80) {
		return NULL;
	}
	len |= (uint64_t)*at++ << shift;
	if (len > (size_t)(end - at)) {
		return NULL;
	}
	*ret_text = at;
	*ret_len = (size_t)len;
	return at + len;
}

/* A line of tabs: "path P", "mod M VERSION SUM", "dep M VERSION SUM". */
static void take_module(struct program *program, const char *line, size_t len)
{
	const char *tab = memchr(line, '\t', len);
	const char *value = tab ? tab + 1 : line;
	size_t left = len - (size_t)(value - line);
	const char *next = memchr(value, '\t', left);
	const size_t value_len = next ? (size_t)(next - value) : left;

	if (len > 5 && memcmp(line, "path\t", 5) == 0) {
		pkgdb_copy(program->name, value, value_len);
	} else if (len > 4 && memcmp(line, "mod\t", 4) == 0) {
		pkgdb_copy(program->name, value, value_len);
		if (next) {
			left -= value_len + 1;
			tab = memchr(next + 1, '\t', left);
			pkgdb_copy(program->version, next + 1,
				tab ? (size_t)(tab - next - 1) : left);
		}
	} else if (len > 4 && memcmp(line, "dep\t", 4) == 0) {
		program->parts++;
	}
}

static void take_modules(struct program *program, const char *text, size_t len)
{
	const char *end = text + len - GO_MARK;

	if (len < 2 * GO_MARK) {
		return;
	}
	for (const char *line = text + GO_MARK; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *stop = newline ? newline : end;

		take_module(program, line, (size_t)(stop - line));
		line = stop + 1;
	}
}

static int read_go(struct program *program, const struct facts_file *file)
{
	const size_t len = (size_t)min_u64(program->go_bytes, GO_MAX);
	cleanup_free char *bytes = malloc(len + 1);
	const char *text;
	const char *next;
	size_t text_len;

	if (!bytes) {
		return peel_fail(program->g->err, PEEL_ENOMEM, "out of memory");
	}
	bytes[len] = '\0';
	if (len < GO_HEAD || read_program(file->arg, program->go, bytes, len, NULL) < 0 ||
		memcmp(bytes, GO_MAGIC, strlen(GO_MAGIC)) != 0 || !(bytes[GO_FLAGS] & GO_INLINE)) {
		return 0;
	}
	next = take_string(bytes + GO_HEAD, bytes + len, &text, &text_len);
	if (next) {
		pkgdb_copy(program->made_by, text, text_len);
	}
	if (next && take_string(next, bytes + len, &text, &text_len)) {
		take_modules(program, text, text_len);
	}
	if (!program->version[0]) {
		strcpy(program->version, program->made_by);
	}
	return 0;
}

static int take_crate(void *arg, const struct pkgdb_json_value *value)
{
	struct program *program = arg;

	if (value->depth != 3 || strcmp(value->top, "packages") != 0) {
		return 0;
	}
	if (strcmp(value->key, "name") == 0) {
		pkgdb_copy(program->crate, value->text, value->len);
		program->crate_version[0] = '\0';
		program->parts++;
	} else if (strcmp(value->key, "version") == 0) {
		pkgdb_copy(program->crate_version, value->text, value->len);
	} else if (strcmp(value->key, "root") == 0 && strcmp(value->text, "true") == 0) {
		strcpy(program->name, program->crate);
		strcpy(program->version, program->crate_version);
		program->parts--;
	}
	return 0;
}

static int read_cargo(struct program *program, const struct facts_file *file)
{
	cleanup_free char *bytes = malloc(CARGO_MAX);
	struct pkgdb_text text = {.bytes = bytes, .room = CARGO_MAX};
	const uint64_t at = program->cargo + ZLIB_HEAD;
	unsigned long line;
	int64_t len;

	if (!bytes) {
		return peel_fail(program->g->err, PEEL_ENOMEM, "out of memory");
	}
	if (program->cargo_bytes <= ZLIB_HEAD) {
		return 0;
	}
	len = facts_inflate(file, at, program->cargo + program->cargo_bytes, bytes, CARGO_MAX,
		NULL);
	if (len == PEEL_ENOMEM) {
		return peel_fail(program->g->err, PEEL_ENOMEM, "out of memory");
	}
	if (len <= 0) {
		return 0;
	}
	text.end = (size_t)len;
	if (pkgdb_json_scan(&text, take_crate, program, &line) == PEEL_ENOMEM) {
		return peel_fail(program->g->err, PEEL_ENOMEM, "out of memory");
	}
	return 0;
}

/* Add what was found; a program that says nothing has its file's name. */
static int add_program(struct program *program, const struct pkgdb_entry *entry)
{
	struct pkgdb_gather *g = program->g;
	const char *db = program->go_bytes ? "go" : "cargo";
	char source[PKGDB_NAME_MAX + 64] = "";
	struct pkgdb_record record = {.db = db, .layer = -1, .claimed = -1};
	cleanup_free char *path = NULL;
	struct peel_error err = {0};
	uint32_t ticket;
	size_t database;
	int r = pkgdb_canonical(g, entry->folder, entry->name, &path);

	if (r < 0) {
		return r;
	}
	if (program->go_bytes && program->made_by[0]) {
		snprintf(source, sizeof(source), "%s, modules: %lu", program->made_by,
			program->parts);
	} else if (!program->go_bytes && program->name[0]) {
		snprintf(source, sizeof(source), "crates: %lu", program->parts);
	}
	record.name = program->name[0] ? program->name : entry->name;
	record.version = program->version;
	record.source = source;
	record.record = path;
	r = pkgdb_roster_add(&g->roster, &record, PKGDB_RANK_OTHER, false, &ticket, &err);
	if (r == PEEL_ELIMIT) {
		r = pkgdb_found(g, path, db, &database);
		return r < 0 ? r : pkgdb_problem(g, database, "%s", err.message);
	}
	return r < 0 ? peel_fail(g->err, r, "%s", err.message)
		     : pkgdb_claim(g, entry->node.ino, ticket, PEEL_CLAIM_EMBEDDED);
}

int pkgdb_program(struct pkgdb_gather *g, const struct pkgdb_entry *entry)
{
	struct program program = {.g = g, .ino = entry->node.ino};
	const struct facts_file file = {
		.size = entry->node.size, .read = read_program, .arg = &program};
	const struct facts_elf_sink sink = {.section = take_section, .arg = &program};
	cleanup_free struct facts_elf *elf = malloc(sizeof(*elf));
	int r;

	if (!elf) {
		return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
	}
	/* A hard link comes by once for each name. */
	r = pkgdb_claims_set(&g->programs, entry->node.ino, (struct pkgdb_claim){0}, g->err);
	if (r < 0 || facts_elf_look(&file, NULL, &sink, elf, NULL) <= 0) {
		return r;
	}
	if (!program.go_bytes && !program.cargo_bytes) {
		return 0;
	}
	r = program.go_bytes ? read_go(&program, &file) : read_cargo(&program, &file);
	return r < 0 ? r : add_program(&program, entry);
}

int pkgdb_programs(struct pkgdb_gather *g)
{
	unsigned flags;
	uint64_t ino;
	int r = 0;

	while (g->sink->program && (r = g->sink->program(g->sink->arg, &ino, &flags, g->err)) > 0) {
		const struct pkgdb_claim claim = {
			flags & (FACTS_ELF_GO | FACTS_ELF_RUST_AUDIT), PEEL_CLAIM_EMBEDDED};

		r = claim.package ? pkgdb_claims_set(&g->programs, ino, claim, g->err) : 0;
		if (r < 0) {
			return r == PEEL_ELIMIT ? 0 : r;
		}
	}
	return r;
}
