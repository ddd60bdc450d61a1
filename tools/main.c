/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel: look inside a container image file without unpacking it.
 *
 * This file is the entry point; here is the map of the tree. Arrows of inclusion point down only.
 *
 *   tools/             the command; uses include/peel alone
 *     main.c           verb table, shared options, dispatch
 *     cmd.h            what verbs share             cmd_<verb>.c     one verb a file
 *     opts.c           option tables: parsing       help*.c          help texts out of them
 *     nearest.c        "did you mean"               mount_options.c  the words of -o
 *     open.c           options to an open index     mount_helper.c   mount -t fuse.peel
 *     output.c         --output, JSON documents     json_writer.c    JSON text
 *     format.c         values as people read them   table.c          aligned columns
 *     ls_print.c       the long form                stat_format.c    GNU stat's directives
 *     users.c          the image's user names       progress.c       the bar on stderr
 *     cage.c           giving rights up once images are open
 *     walk.c           a tree in listing order      du_sum.c         adding it up
 *     block_size.c     sizes as coreutils has       inode_set.c      nodes that were seen
 *     exclude.c        --exclude and --include      grep_*.c         lines of files, and what matches
 *     limits.c         --limit
 *     export_*.c       one format a file            tar_writer.c     pax headers and data
 *     check_*.c        results of policies          dockerfile*.c    whose lines they blame
 *     cp_tree.c        what cp meets on its walk    put.c            files into a folder, never out of it
 *     put_meta.c       owners, modes, times         links.c          first names of hard links
 *     publish.c        a file that appears whole    temp_name.c      its name until then
 *     find_*.c         the language of find         field.c          width and precision
 *     packages_*.c     owners and what they have
 *     detect_*.c       findings of detectors as rows and as JSON
 *     completions/     scripts for shells
 *     advice.c         what to change, as text and JSON
 *     bloat_*.c        categories, and what of programs could go
 *     buckets.c        sums by a key
 *     diff_*.c         differences as rows      report_*.c       all of it in one document
 *   fs/                the mount: FUSE adapter; uses include/peel and libfuse3
 *   include/peel/      the contract: error, text, image, index, query, mount
 *   index/             the library, from bytes to answers
 *     7                diff, audit: facts to verdicts
 *     6 index, query   building an index; questions to it
 *     5 tree, content  the merge; bytes of an entry; pkgdb: who owns it
 *     4 layer, store   layers read side by side; SQLite, whose manual is schema.sql
 *     3 image, scan    which layers a file holds; tar headers to entries
 *     2 codec          gzip and zstd with random access
 *     1 source         random access bytes; blockcache, json, yaml
 *     0 error, util    no I/O: text, path, glob, digest too
 *   tests/             unit, golden, mount, oracle, corpus, lint, bench
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

/* Options before the verb and the verb itself. */
struct command_line {
	struct call call;
	int argc;
	char **argv;
};

static const char *verb_name_at(const void *arg, size_t i)
{
	const struct verb *verb = verb_at(i);

	(void)arg;
	return verb ? verb->name : NULL;
}

/*
 * A closed descriptor 0, 1 or 2 would be given to the next file that opens: an index would take the
 * messages.
 */
static void hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
			/* The wrong direction on purpose: reading or writing it still fails. */
			int held = open("/dev/null",
				(fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);

			if (held != fd) {
				_exit(STATUS_ERROR);
			}
		}
	}
}

/*
 * Buffered output may fail as late as here, and on a network's disk as late as it is closed. A reader that went away is
 * no news.
 */
static int close_stdout(int status, int failure)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (fflush(stdout) != 0 || failed || close(STDOUT_FILENO) != 0) {
		if (errno != EPIPE) {
			complain("write error: %s",
				errno ? strerror(errno) : "standard output failed");
		}
		return failure;
	}
	return status;
}

static int complain_no_verb(const char *word)
{
	const char *nearest = nearest_name(word, verb_name_at, NULL);
	char shown[64];

	peel_text_escape_into(shown, sizeof(shown), word, strlen(word));
	if (nearest) {
		complain("unknown verb '%s' (did you mean '%s'?)", shown, nearest);
	} else {
		complain("unknown verb '%s' (see 'peel help')", shown);
	}
	return STATUS_ERROR;
}

/* Parse a verb's options and run it. */
static int run_verb(struct call *call, int argc, char **argv)
{
	const struct verb *verb = call->verb;
	cleanup_free void *values = calloc(1, verb->values_size + 1);
	struct peel_error err = {0};
	struct opt_group groups[] = {
		{verb->options, values, &call->log},
		{options_common, &call->shared, NULL},
		{verb->image ? options_image : NULL, &call->shared, NULL},
		{verb->formats ? options_output : NULL, &call->shared, NULL},
	};

	if (!values) {
		complain("%s", strerror(ENOMEM));
		return failure_status(verb);
	}
	call->values = values;
	call->argv = argv;
	call->argc = opts_parse(groups, countof(groups), argc, argv, verb->own_language, &err);
	if (verb->own_language && call->argc >= 0) {
		call->argv += call->argc;
		call->argc = argc - call->argc;
	}
	if (call->shared.help) {
		help_print_verb(stdout, verb);
		return STATUS_OK;
	}
	if (limits_asked(&call->shared)) {
		limits_print(stdout);
		return STATUS_OK;
	}
	if (call->argc < 0) {
		return complain_usage(call, "%s", err.message);
	}
	if (call->argc < verb->min_operands ||
		(verb->max_operands >= 0 && call->argc > verb->max_operands)) {
		return complain_usage(call, "%s operands: peel %s %s",
			call->argc < verb->min_operands ? "missing" : "too many", verb->name,
			verb->operands);
	}
	if ((verb->formats && check_outputs(call) != STATUS_OK) ||
		(verb->image &&
			(!take_cache_limit(&call->shared.cache_limit) ||
				!take_limits(&call->shared)))) {
		return failure_status(verb);
	}
	return verb->run(call);
}

/* mount.fuse3 runs us as `peel SOURCE DIR -o OPTIONS`; a mistyped verb is not that. */
static bool is_mount_helper(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];

	if (strcmp(name, "mount.fuse.peel") == 0 || strcmp(name, "mount.peel") == 0) {
		return true;
	}
	if (argc < 3 || argv[1][0] == '-' || verb_find(argv[1])) {
		return false;
	}
	for (int i = 3; i < argc; i++) {
		if (strncmp(argv[i], "-o", 2) == 0) {
			return true;
		}
	}
	return argc == 3 && (strpbrk(argv[1], "/:") || access(argv[1], F_OK) == 0);
}

/* What can be asked without a verb. */
static int run_without_verb(const struct call *call)
{
	if (call->shared.version) {
		puts("peel " PEEL_VERSION);
		return STATUS_OK;
	}
	if (call->shared.help_tables) {
		help_print_tables(stdout);
		return STATUS_OK;
	}
	if (limits_asked(&call->shared)) {
		limits_print(stdout);
		return STATUS_OK;
	}
	help_print_overview(call->shared.help ? stdout : stderr);
	return call->shared.help ? STATUS_OK : STATUS_ERROR;
}

/* @param ret_failure set to the status of the verb's failures, where there is a verb. */
static int run(int argc, char **argv, int *ret_failure)
{
	struct call call = {0};
	struct peel_error err = {0};
	const struct opt_group groups[] = {{options_common, &call.shared, NULL},
		{options_image, &call.shared, NULL}, {options_output, &call.shared, NULL}};
	int first = opts_parse(groups, countof(groups), argc - 1, argv + 1, true, &err);
	int status;

	if (first < 0) {
		complain("%s (see 'peel help')", err.message);
		return STATUS_ERROR;
	}
	if (first == argc - 1 || call.shared.version || call.shared.help_tables) {
		return run_without_verb(&call);
	}
	call.verb = verb_find(argv[first + 1]);
	if (!call.verb) {
		return complain_no_verb(argv[first + 1]);
	}
	*ret_failure = failure_status(call.verb);
	if (call.shared.outputs.count > 0 && !call.verb->formats) {
		return complain_usage(&call, "%s has no --output", call.verb->name);
	}
	status = run_verb(&call, argc - first - 2, argv + first + 2);
	close_outputs(&call);
	free(call.log.events);
	return status;
}

int main(int argc, char **argv)
{
	int failure = STATUS_ERROR;
	int status;

	hold_standard_descriptors();
	if (argc > 0 && is_mount_helper(argc, argv)) {
		return mount_helper(argc, argv);
	}
	status = run(argc, argv, &failure);
	return close_stdout(status, failure);
}

#define AT(member) offsetof(struct shared, member)

const struct opt options_common[] = {
	{0, "help", NULL, OPT_FLAG, AT(help), "show this help"},
	{0, "help-tables", NULL, OPT_FLAG, AT(help_tables), NULL},
	{0, "no-progress", NULL, OPT_FLAG, AT(no_progress), "no progress bar"},
	{0, "progress", NULL, OPT_FLAG, AT(progress), "progress even where stderr is no terminal"},
	{'q', "quiet", NULL, OPT_FLAG, AT(quiet),
		"no progress and no explanations, answers and errors only"},
	{0, "version", NULL, OPT_FLAG, AT(version), "show the version"},
	{0},
};

const struct opt options_image[] = {
	{0, "allow-missing", NULL, OPT_FLAG, AT(allow_missing),
		"go on without layers that cannot be read"},
	{0, "cache-dir", "DIR", OPT_STRING, AT(cache_dir), "folder for indexes [~/.cache/peel]"},
	{0, "cache-limit", "SIZE", OPT_LIMIT, AT(cache_limit),
		"room for all indexes, least used out first; 0: any [4G]"},
	{0, "index", "FILE", OPT_STRING, AT(index_file),
		"use or make this index file instead of the cache"},
	{0, "limit", "NAME=VALUE", OPT_LIST, AT(limit_words),
		"raise or lower a limit, repeatable; --limit help lists them"},
	{0, "no-cache", NULL, OPT_FLAG, AT(no_cache), "neither use nor keep an index"},
	{0, "no-sandbox", NULL, OPT_FLAG, AT(no_sandbox),
		"read with all your rights: a hole in a parser would give them away"},
	{0, "platform", "OS/ARCH", OPT_STRING, AT(platform),
		"which image of several, as linux/arm64/v8"},
	{0, "rebuild", NULL, OPT_FLAG, AT(rebuild), "make the index anew"},
	{0, "spool-dir", "DIR", OPT_STRING, AT(spool_dir),
		"where standard input is spooled [the cache folder]"},
	{0, "spool-limit", "SIZE", OPT_SIZE, AT(spool_limit), "refuse to spool more [64G]"},
	{0, "strict", NULL, OPT_FLAG, AT(strict), "anomalies are errors"},
	{0, "verify", NULL, OPT_FLAG, AT(verify), "hash every layer and compare all digests"},
	{0},
};

const struct opt options_output[] = {
	{0, "output", "FMT[=FILE]", OPT_LIST, AT(outputs),
		"format, to FILE or standard output; repeatable"},
	{0},
};

/* In order of names. */
static const struct verb *const verbs[] = {
	&cmd_bloat,
	&cmd_cache,
	&cmd_cat,
	&cmd_check,
	&cmd_completion,
	&cmd_cp,
	&cmd_detect,
	&cmd_diff,
	&cmd_du,
	&cmd_dup,
	&cmd_export,
	&cmd_find,
	&cmd_grep,
	&cmd_help,
	&cmd_history,
	&cmd_index,
	&cmd_inspect,
	&cmd_ls,
	&cmd_mount,
	&cmd_packages,
	&cmd_report,
	&cmd_run,
	&cmd_sql,
	&cmd_stat,
	&cmd_umount,
	&cmd_verify,
	&cmd_waste,
	&cmd_which,
	&cmd_why,
	NULL,
};

const struct verb *verb_at(size_t i)
{
	for (size_t n = 0; verbs[n]; n++) {
		if (n == i) {
			return verbs[n];
		}
	}
	return NULL;
}

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; verbs[i]; i++) {
		if (strcmp(verbs[i]->name, name) == 0) {
			return verbs[i];
		}
	}
	return NULL;
}
