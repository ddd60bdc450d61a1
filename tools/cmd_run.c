/* SPDX-License-Identifier: Apache-2.0 */
/* peel run: a mount for one command. */
#include <string.h>

#include "mount_options.h"

struct run_values {
	struct opt_list words;
};

static const struct opt run_options[] = {
	{'o', "options", "WORD,...", OPT_LIST, offsetof(struct run_values, words),
		"mount options, see below"},
	{0},
};

/* Where nothing can be mounted, the index still answers. */
static void suggest_verbs(void)
{
	static const char *const verbs[] = {
		"ls", "find", "du", "grep", "cat", "cp", "stat", "which", "export", "sql"};
	char text[256];
	size_t len = 0;

	for (size_t i = 0; i < countof(verbs); i++) {
		if (verb_find(verbs[i])) {
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
				len > 0 ? ", " : "", verbs[i]);
		}
	}
	complain("without a mount, from the index: peel %s", text);
}

#if PEEL_FUSE
static void say_remark(void *arg, const char *text)
{
	const struct call *call = arg;

	if (!call->shared.quiet) {
		complain("%s", text);
	}
}

/* Standard input was the image: "-", and the same after a transport, maybe with a selector. */
static bool is_standard_input(const char *reference)
{
	static const char *const transports[] = {"docker-archive:", "oci-archive:", "rootfs:"};

	for (size_t i = 0; i < countof(transports); i++) {
		size_t len = strlen(transports[i]);

		if (strncmp(reference, transports[i], len) == 0) {
			reference += len;
			break;
		}
	}
	return reference[0] == '-' && (reference[1] == '\0' || reference[1] == ':');
}

static int run_image(struct call *call, const struct mount_words *words, char *const *command,
	struct peel_error *err)
{
	cleanup_index struct peel_index *index = NULL;
	struct peel_mount_options mount;
	const struct peel_run_options options = {
		.mount = &mount,
		.no_input = is_standard_input(call->argv[0]),
		.remark = say_remark,
		.remark_arg = call,
	};
	int status = PEEL_RUN_FAILED;
	int r = mount_open(call, words, &index, &mount, err);

	if (r < 0) {
		complain_error(err);
		return status;
	}
	r = peel_run(index, command, &options, &status, err);
	if (r < 0) {
		complain_error(err);
	}
	if (r == PEEL_EACCES || r == PEEL_EUNSUPPORTED) {
		suggest_verbs();
	}
	return status;
}
#else
static int run_image(struct call *call, const struct mount_words *words, char *const *command,
	struct peel_error *err)
{
	(void)call;
	(void)words;
	(void)command;
	peel_fail(err, PEEL_EUNSUPPORTED, "this peel was built without FUSE");
	complain_error(err);
	suggest_verbs();
	return PEEL_RUN_FAILED;
}
#endif

static int run_run(struct call *call)
{
	const struct run_values *values = call->values;
	__attribute__((__cleanup__(mount_words_finish))) struct mount_words words = {0};
	char *const *command = call->argv + 1;
	struct peel_error err = {0};

	if (strcmp(command[0], "--") == 0) {
		command++;
	}
	if (!command[0]) {
		return complain_usage(call, "missing operands: peel run %s", cmd_run.operands);
	}
	if (mount_words_parse(&words, &values->words, &err) < 0) {
		return complain_usage(call, "%s", err.message);
	}
	return run_image(call, &words, command, &err);
}

const struct verb cmd_run = {
	.name = "run",
	.operands = "IMAGE [--] CMD...",
	.summary = "run a command in a mount of its own",
	.details =
		"The image's root is the working directory and in $PEEL_ROOT; CMD is the machine's, or ./CMD\n"
		"in the image. Nobody else sees the mount, and nothing of it stays.\n"
		"Exit status: CMD's, 128+n where signal n ended it; 125 peel failed, 126 CMD cannot be\n"
		"executed, 127 CMD is not found.\n",
	.options = run_options,
	.values_size = sizeof(struct run_values),
	.image = true,
	.own_language = true,
	.failure = PEEL_RUN_FAILED,
	.min_operands = 2,
	.max_operands = -1,
	.run = run_run,
};
