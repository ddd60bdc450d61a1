/* SPDX-License-Identifier: Apache-2.0 */
#include "mount_options.h"

#include <string.h>
#include <unistd.h>

#define AT(member) offsetof(struct mount_words, member)

void mount_words_finish(struct mount_words *words)
{
	free(words->kernel_options);
	words->kernel_options = NULL;
}

/* Words that the kernel's FUSE mount takes as they are; those that end with = have a value. */
static bool is_for_kernel(const char *word)
{
	static const char *const known[] = {
		"context=",
		"defcontext=",
		"fscontext=",
		"noexec",
		"rootcontext=",
	};

	for (size_t i = 0; i < countof(known); i++) {
		size_t len = strlen(known[i]);

		if (known[i][len - 1] == '=' ? strncmp(word, known[i], len) == 0
					     : strcmp(word, known[i]) == 0) {
			return true;
		}
	}
	return false;
}

/*
 * Append a word to what goes to the kernel. A comma in it is escaped again, for libfuse splits the
 * list once more.
 */
static int add_for_kernel(struct mount_words *words, const char *word, struct peel_error *err)
{
	const char *before = words->kernel_options ? words->kernel_options : "";
	char *joined = malloc(strlen(before) + 2 * strlen(word) + 2);
	char *to;

	if (!joined) {
		return peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM));
	}
	to = stpcpy(joined, before);
	if (*before) {
		*to++ = ',';
	}
	for (; *word; word++) {
		if (*word == ',' || *word == '\\') {
			*to++ = '\\';
		}
		*to++ = *word;
	}
	*to = 0;
	free(words->kernel_options);
	words->kernel_options = joined;
	return 0;
}

static int take_unknown(void *base, const char *word, struct peel_error *err)
{
	char shown[128];

	/* Notes for systemd and for people. */
	if (strncasecmp(word, "x-", 2) == 0 || strncmp(word, "comment=", 8) == 0) {
		return 0;
	}
	if (is_for_kernel(word)) {
		return add_for_kernel(base, word, err);
	}
	return peel_fail(err, PEEL_EUSAGE, "unknown mount option '%s'",
		peel_text_escape_into(shown, sizeof(shown), word, strlen(word)));
}

static bool is_one_of(const char *value, const char *a, const char *b)
{
	return !value || strcmp(value, a) == 0 || strcmp(value, b) == 0;
}

int mount_words_parse(struct mount_words *words, const struct opt_list *lists,
	struct peel_error *err)
{
	for (int i = 0; i < lists->count; i++) {
		int r = opts_parse_commas(options_mount, words, (char *)lists->items[i],
			take_unknown, err);

		if (r < 0) {
			return r;
		}
	}
	for (int i = 0; i < words->shared.limit_words.count; i++) {
		int r = peel_limits_set(&words->shared.limits, words->shared.limit_words.items[i],
			err);

		if (r < 0) {
			return r;
		}
	}
	if (!is_one_of(words->view, "merged", "layers")) {
		return peel_fail(err, PEEL_EUSAGE, "mount option 'view' is merged or layers");
	}
	if (!is_one_of(words->symlinks, "inside", "raw")) {
		return peel_fail(err, PEEL_EUSAGE, "mount option 'symlinks' is inside or raw");
	}
	return 0;
}

#if PEEL_FUSE
/* Put the words' image options into the call's, where they say something. */
static void share(const struct shared *words, struct shared *shared)
{
	shared->platform = words->platform ? words->platform : shared->platform;
	shared->index_file = words->index_file ? words->index_file : shared->index_file;
	shared->cache_dir = words->cache_dir ? words->cache_dir : shared->cache_dir;
	shared->cache_limit = words->cache_limit ? words->cache_limit : shared->cache_limit;
	shared->spool_dir = words->spool_dir ? words->spool_dir : shared->spool_dir;
	shared->spool_limit = words->spool_limit ? words->spool_limit : shared->spool_limit;
	for (size_t i = 0; i < PEEL_LIMITS; i++) {
		uint64_t value = words->limits.values[i];

		shared->limits.values[i] = value ? value : shared->limits.values[i];
	}
	shared->no_cache |= words->no_cache;
	shared->no_sandbox |= words->no_sandbox;
	shared->rebuild |= words->rebuild;
	shared->verify |= words->verify;
	shared->strict |= words->strict;
	shared->allow_missing |= words->allow_missing;
}

/* Room for "/proc/self/fd/N". */
#define COPY_PATH_SIZE 40

/* "docker-archive:-:app" with a path in the place of "-". @return NULL: no memory; the caller frees. */
static char *name_copy(const char *reference, const char *path)
{
	const char *dash = *reference == '-' ? reference : strstr(reference, ":-") + 1;
	char *named;

	return asprintf(&named, "%.*s%s%s", (int)(dash - reference), reference, path, dash + 1) < 0
		? NULL
		: named;
}

/* A message names what the user knows. */
static void rename_copy(struct peel_error *err, const char *path)
{
	char said[PEEL_MESSAGE_SIZE];
	const size_t len = strlen(path);

	if (strncmp(err->message, path, len) == 0) {
		memcpy(said, err->message, sizeof(said));
		peel_fail(err, err->code, "standard input%s", said + len);
	}
}

/*
 * Standard input for a server: copied as it is, so that a child without rights can build the index of it. That index is
 * of a file that nobody will see again.
 */
static int open_copy(const char *reference, struct peel_index_options *options,
	struct peel_index **ret_index, struct peel_error *err)
{
	cleanup_free char *named = NULL;
	char path[COPY_PATH_SIZE];
	int fd = -1;
	int r = peel_input_copy(&options->image, &fd, err);

	if (r < 0) {
		return r;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	named = name_copy(reference, path);
	options->no_cache |= !options->index_file;
	r = named ? peel_index_open(named, options, ret_index, err)
		  : peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM));
	if (r < 0) {
		rename_copy(err, path);
	}
	/* The index has the file open. */
	close(fd);
	return r;
}

int mount_open(struct call *call, const struct mount_words *words, struct peel_index **ret_index,
	struct peel_mount_options *ret_options, struct peel_error *err)
{
	struct peel_index_options options;
	int r;

	*ret_options = (struct peel_mount_options){
		.layers = words->view && strcmp(words->view, "layers") == 0,
		.raw_symlinks = words->symlinks && strcmp(words->symlinks, "raw") == 0,
		.provenance = words->provenance,
		.allow_other = words->allow_other,
		.default_permissions = words->default_permissions,
		.debug = words->debug,
		.force_uid = words->uid.set,
		.uid = words->uid.value,
		.force_gid = words->gid.set,
		.gid = words->gid.value,
		.fsname = words->fsname,
		.kernel_options = words->kernel_options,
	};
	share(&words->shared, &call->shared);
	ret_options->sandbox = !call->shared.no_sandbox;
	index_options(call, &options);
	if (ret_options->sandbox && peel_reference_is_stdin(call->argv[0])) {
		r = open_copy(call->argv[0], &options, ret_index, err);
		ret_options->fsname = ret_options->fsname ? ret_options->fsname : call->argv[0];
	} else {
		r = peel_index_open(call->argv[0], &options, ret_index, err);
	}
	progress_clear();
	if (r < 0) {
		return r;
	}
	complain_incomplete(call, call->argv[0], *ret_index);
	return 0;
}

int mount_image(struct call *call, const struct mount_words *words, bool foreground,
	struct peel_error *err)
{
	cleanup_index struct peel_index *index = NULL;
	struct peel_mount_options mount;
	int r = mount_open(call, words, &index, &mount, err);

	if (r < 0) {
		return r;
	}
	mount.foreground = foreground;
	return peel_mount(index, call->argv[1], &mount, err);
}
#else
int mount_image(struct call *call, const struct mount_words *words, bool foreground,
	struct peel_error *err)
{
	(void)call;
	(void)words;
	(void)foreground;
	return peel_fail(err, PEEL_EUNSUPPORTED, "this peel was built without FUSE");
}
#endif

/*
 * In order of names. Rows without a help text are accepted for mount(8) and fstab and mean nothing
 * here: the mount is read-only, without devices and set-id, and has no access times, whatever they
 * say.
 */
const struct opt options_mount[] = {
	{0, "_netdev", NULL, OPT_IGNORED, 0, NULL},
	{0, "allow_missing", NULL, OPT_FLAG, AT(shared.allow_missing), "as --allow-missing"},
	{0, "allow_other", NULL, OPT_FLAG, AT(allow_other),
		"every user may look; implies default_permissions"},
	{0, "async", NULL, OPT_IGNORED, 0, NULL},
	{0, "atime", NULL, OPT_IGNORED, 0, NULL},
	{0, "auto", NULL, OPT_IGNORED, 0, NULL},
	{0, "auto_unmount", NULL, OPT_IGNORED, 0, NULL},
	{0, "cache_dir", "DIR", OPT_STRING, AT(shared.cache_dir), "as --cache-dir"},
	{0, "cache_limit", "SIZE", OPT_LIMIT, AT(shared.cache_limit), "as --cache-limit"},
	{0, "debug", NULL, OPT_FLAG, AT(debug), "FUSE requests on stderr, stay in front"},
	{0, "default_permissions", NULL, OPT_FLAG, AT(default_permissions),
		"the kernel checks the modes of files"},
	{0, "defaults", NULL, OPT_IGNORED, 0, NULL},
	{0, "dev", NULL, OPT_IGNORED, 0, NULL},
	{0, "diratime", NULL, OPT_IGNORED, 0, NULL},
	{0, "exec", NULL, OPT_IGNORED, 0, NULL},
	{0, "fsname", "NAME", OPT_STRING, AT(fsname), "name in /proc/mounts [the reference]"},
	{0, "gid", "N", OPT_NUMBER, AT(gid), "show this group for every file"},
	{0, "group", NULL, OPT_IGNORED, 0, NULL},
	{0, "index", "FILE", OPT_STRING, AT(shared.index_file), "as --index"},
	{0, "lazytime", NULL, OPT_IGNORED, 0, NULL},
	{0, "limit", "NAME=VALUE", OPT_LIST, AT(shared.limit_words), "as --limit"},
	{0, "no_cache", NULL, OPT_FLAG, AT(shared.no_cache), "as --no-cache"},
	{0, "no_sandbox", NULL, OPT_FLAG, AT(shared.no_sandbox), "as --no-sandbox"},
	{0, "noatime", NULL, OPT_IGNORED, 0, NULL},
	{0, "noauto", NULL, OPT_IGNORED, 0, NULL},
	{0, "nodev", NULL, OPT_IGNORED, 0, NULL},
	{0, "nodiratime", NULL, OPT_IGNORED, 0, NULL},
	{0, "nofail", NULL, OPT_IGNORED, 0, NULL},
	{0, "nolazytime", NULL, OPT_IGNORED, 0, NULL},
	{0, "norelatime", NULL, OPT_IGNORED, 0, NULL},
	{0, "nostrictatime", NULL, OPT_IGNORED, 0, NULL},
	{0, "nosuid", NULL, OPT_IGNORED, 0, NULL},
	{0, "nouser", NULL, OPT_IGNORED, 0, NULL},
	{0, "owner", NULL, OPT_IGNORED, 0, NULL},
	{0, "platform", "OS/ARCH", OPT_STRING, AT(shared.platform), "as --platform"},
	{0, "provenance", NULL, OPT_FLAG, AT(provenance),
		"layer and instruction as xattrs user.peel.*"},
	{0, "rebuild", NULL, OPT_FLAG, AT(shared.rebuild), "as --rebuild"},
	{0, "relatime", NULL, OPT_IGNORED, 0, NULL},
	{0, "ro", NULL, OPT_IGNORED, 0, NULL},
	{0, "rw", NULL, OPT_IGNORED, 0, NULL},
	{0, "spool_dir", "DIR", OPT_STRING, AT(shared.spool_dir), "as --spool-dir"},
	{0, "spool_limit", "SIZE", OPT_SIZE, AT(shared.spool_limit), "as --spool-limit"},
	{0, "strict", NULL, OPT_FLAG, AT(shared.strict), "as --strict"},
	{0, "strictatime", NULL, OPT_IGNORED, 0, NULL},
	{0, "subtype", "NAME", OPT_IGNORED, 0, NULL},
	{0, "suid", NULL, OPT_IGNORED, 0, NULL},
	{0, "symlinks", "inside|raw", OPT_STRING, AT(symlinks),
		"inside: never lead out of the mount [inside]; raw: as stored"},
	{0, "sync", NULL, OPT_IGNORED, 0, NULL},
	{0, "uid", "N", OPT_NUMBER, AT(uid), "show this owner for every file"},
	{0, "user", NULL, OPT_IGNORED, 0, NULL},
	{0, "users", NULL, OPT_IGNORED, 0, NULL},
	{0, "verify", NULL, OPT_FLAG, AT(shared.verify), "as --verify"},
	{0, "view", "merged|layers", OPT_STRING, AT(view),
		"merged [merged]; layers: one folder a layer as stored, and merged"},
	{0},
};
