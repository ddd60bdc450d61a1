/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of `-o`, in one table, for `peel mount` and for mount(8). What mount(8) keeps in fstab for itself
 * comes along and is ignored; so are rw, dev and suid, which it adds for root: the mount is read-only without
 * set-id programs and devices, whatever is asked.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <peel/mount.h>
#include <peel/text.h>

#include "scope.h"

/** Longest option that a message shows. */
#define SHOWN_SIZE 128

/** A string of the options, in a list. */
struct peel_mount_text {
	struct peel_mount_text *next;
	char bytes[];
};

enum kind {
	/** Accepted, without effect. */
	IGNORED,
	/** A bool of the mount's options, and of the index's. */
	MOUNT_FLAG,
	INDEX_FLAG,
	/** A string of these. */
	MOUNT_STRING,
	INDEX_STRING,
	/** Handed on to the kernel, with its value. */
	KERNEL,
	/** An owner: the number, and after it the bool that says it is set. */
	OWNER,
	/** One of the two words in choices; the second sets the bool. */
	CHOICE,
};

struct row {
	const char *name;
	enum kind kind;
	size_t offset;
	/** OWNER: where its bool is. */
	size_t flag;
	/** CHOICE: off, on. */
	const char *choices[2];
};

#define MOUNT(member) offsetof(struct peel_mount_options, member)
#define INDEX(member) offsetof(struct peel_index_options, member)

static const struct row *find_row(const char *word, size_t len);

static char *keep(struct peel_mount_options *options, const char *text, size_t len)
{
	struct peel_mount_text *kept = malloc(sizeof(*kept) + len + 1);

	if (!kept) {
		return NULL;
	}
	memcpy(kept->bytes, text, len);
	kept->bytes[len] = '\0';
	kept->next = options->texts;
	options->texts = kept;
	return kept->bytes;
}

static int bad_value(const char *word, struct peel_error *err)
{
	char shown[SHOWN_SIZE];

	return peel_fail(err, PEEL_EUSAGE, "mount option '%s': bad or missing value",
		peel_text_escape_into(shown, sizeof(shown), word, strlen(word)));
}

static int set_owner(const struct row *row, const char *word, const char *value,
	struct peel_mount_options *options, struct peel_error *err)
{
	char *base = (char *)options;
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || number >= UINT32_MAX) {
		return bad_value(word, err);
	}
	*(uint32_t *)(void *)(base + row->offset) = (uint32_t)number;
	*(bool *)(base + row->flag) = true;
	return 0;
}

/* Append a word to what goes to the kernel. A comma in it stays escaped, for libfuse splits the list again. */
static int add_kernel_option(const char *word, struct peel_mount_options *options,
	struct peel_error *err)
{
	const char *before = options->kernel_options ? options->kernel_options : "";
	size_t room = strlen(before) + 2 * strlen(word) + 2;
	cleanup_free char *joined = malloc(room);
	char *to;

	if (!joined) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	to = stpcpy(joined, before);
	if (before[0]) {
		*to++ = ',';
	}
	for (; *word; word++) {
		if (*word == ',' || *word == '\\') {
			*to++ = '\\';
		}
		*to++ = *word;
	}
	options->kernel_options = keep(options, joined, (size_t)(to - joined));
	return options->kernel_options ? 0 : peel_fail(err, PEEL_ENOMEM, "out of memory");
}

static int apply(const struct row *row, const char *word, const char *value,
	struct peel_mount_options *options, struct peel_index_options *index_options,
	struct peel_error *err)
{
	char *base = row->kind == INDEX_FLAG || row->kind == INDEX_STRING ? (char *)index_options
									  : (char *)options;
	bool wants_value = row->kind == MOUNT_STRING || row->kind == INDEX_STRING ||
		row->kind == OWNER || row->kind == CHOICE;

	if (row->kind == IGNORED) {
		return 0;
	}
	if (row->kind == KERNEL) {
		return add_kernel_option(word, options, err);
	}
	if (wants_value != (value != NULL) || (value && !value[0])) {
		return bad_value(word, err);
	}
	switch (row->kind) {
	case OWNER:
		return set_owner(row, word, value, options, err);
	case CHOICE:
		if (strcmp(value, row->choices[0]) != 0 && strcmp(value, row->choices[1]) != 0) {
			return bad_value(word, err);
		}
		*(bool *)(base + row->offset) = strcmp(value, row->choices[1]) == 0;
		return 0;
	case MOUNT_STRING:
	case INDEX_STRING:
		value = keep(options, value, strlen(value));
		*(const char **)(void *)(base + row->offset) = value;
		return value ? 0 : peel_fail(err, PEEL_ENOMEM, "out of memory");
	default:
		*(bool *)(base + row->offset) = true;
		return 0;
	}
}

static int parse_word(const char *word, struct peel_mount_options *options,
	struct peel_index_options *index_options, struct peel_error *err)
{
	const char *equals = strchr(word, '=');
	const struct row *row = find_row(word, equals ? (size_t)(equals - word) : strlen(word));
	char shown[SHOWN_SIZE];

	if (strncmp(word, "x-", 2) == 0 || strncmp(word, "comment=", 8) == 0) {
		return 0;
	}
	if (!row) {
		return peel_fail(err, PEEL_EUSAGE, "unknown mount option '%s'",
			peel_text_escape_into(shown, sizeof(shown), word, strlen(word)));
	}
	return apply(row, word, equals ? equals + 1 : NULL, options, index_options, err);
}

int peel_mount_parse(const char *text, struct peel_mount_options *options,
	struct peel_index_options *index_options, struct peel_error *err)
{
	cleanup_free char *word = malloc(strlen(text) + 1);
	const char *from = text;

	if (!word) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	while (*from) {
		char *to = word;
		int r;

		for (; *from && *from != ','; from++) {
			if (from[0] == '\\' && (from[1] == ',' || from[1] == '\\')) {
				from++;
			}
			*to++ = *from;
		}
		*to = '\0';
		from += *from == ',';
		r = word[0] ? parse_word(word, options, index_options, err) : 0;
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

void peel_mount_options_clear(struct peel_mount_options *options)
{
	while (options->texts) {
		struct peel_mount_text *next = options->texts->next;

		free(options->texts);
		options->texts = next;
	}
	*options = (struct peel_mount_options){0};
}

/* Sorted by name, in the order of strcmp. */
static const struct row rows[] = {
	{.name = "_netdev", .kind = IGNORED},
	{.name = "allow_missing", .kind = INDEX_FLAG, .offset = INDEX(allow_missing)},
	{.name = "allow_other", .kind = MOUNT_FLAG, .offset = MOUNT(allow_other)},
	{.name = "async", .kind = IGNORED},
	{.name = "atime", .kind = IGNORED},
	{.name = "auto", .kind = IGNORED},
	{.name = "auto_unmount", .kind = IGNORED},
	{.name = "cache_dir", .kind = INDEX_STRING, .offset = INDEX(cache_dir)},
	{.name = "context", .kind = KERNEL},
	{.name = "debug", .kind = MOUNT_FLAG, .offset = MOUNT(debug)},
	{.name = "default_permissions", .kind = MOUNT_FLAG, .offset = MOUNT(default_permissions)},
	{.name = "defaults", .kind = IGNORED},
	{.name = "defcontext", .kind = KERNEL},
	{.name = "dev", .kind = IGNORED},
	{.name = "diratime", .kind = IGNORED},
	{.name = "exec", .kind = IGNORED},
	{.name = "fscontext", .kind = KERNEL},
	{.name = "fsname", .kind = MOUNT_STRING, .offset = MOUNT(fsname)},
	{.name = "gid", .kind = OWNER, .offset = MOUNT(gid), .flag = MOUNT(force_gid)},
	{.name = "index", .kind = INDEX_STRING, .offset = INDEX(index_file)},
	{.name = "lazytime", .kind = IGNORED},
	{.name = "no_cache", .kind = INDEX_FLAG, .offset = INDEX(no_cache)},
	{.name = "noatime", .kind = IGNORED},
	{.name = "noauto", .kind = IGNORED},
	{.name = "nodev", .kind = IGNORED},
	{.name = "nodiratime", .kind = IGNORED},
	{.name = "noexec", .kind = KERNEL},
	{.name = "nofail", .kind = IGNORED},
	{.name = "norelatime", .kind = IGNORED},
	{.name = "nostrictatime", .kind = IGNORED},
	{.name = "nosuid", .kind = IGNORED},
	{.name = "nouser", .kind = IGNORED},
	{.name = "owner", .kind = IGNORED},
	{.name = "platform", .kind = INDEX_STRING, .offset = INDEX(image.platform)},
	{.name = "provenance", .kind = MOUNT_FLAG, .offset = MOUNT(provenance)},
	{.name = "relatime", .kind = IGNORED},
	{.name = "ro", .kind = IGNORED},
	{.name = "rootcontext", .kind = KERNEL},
	{.name = "rw", .kind = IGNORED},
	{.name = "spool_dir", .kind = INDEX_STRING, .offset = INDEX(image.spool_dir)},
	{.name = "strict", .kind = INDEX_FLAG, .offset = INDEX(strict)},
	{.name = "strictatime", .kind = IGNORED},
	{.name = "suid", .kind = IGNORED},
	{.name = "symlinks",
		.kind = CHOICE,
		.offset = MOUNT(raw_symlinks),
		.choices = {"inside", "raw"}},
	{.name = "sync", .kind = IGNORED},
	{.name = "uid", .kind = OWNER, .offset = MOUNT(uid), .flag = MOUNT(force_uid)},
	{.name = "user", .kind = IGNORED},
	{.name = "users", .kind = IGNORED},
	{.name = "verify", .kind = INDEX_FLAG, .offset = INDEX(verify)},
	{.name = "view", .kind = CHOICE, .offset = MOUNT(layers), .choices = {"merged", "layers"}},
};

static const struct row *find_row(const char *word, size_t len)
{
	for (size_t i = 0; i < countof(rows); i++) {
		if (strncmp(rows[i].name, word, len) == 0 && rows[i].name[len] == '\0') {
			return &rows[i];
		}
	}
	return NULL;
}
