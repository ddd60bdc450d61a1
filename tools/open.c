/* SPDX-License-Identifier: Apache-2.0 */
/* From options to an open index, and from the library's errors to messages and exit statuses. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cage.h"
#include "cmd.h"
#include "format.h"

static const bool to_terminal = true;
static const bool to_file = false;

void complain(const char *format, ...)
{
	va_list args;

	progress_clear();
	fputs("peel: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	putc('\n', stderr);
}

int failure_status(const struct verb *verb)
{
	return verb->failure ? verb->failure : STATUS_ERROR;
}

int complain_usage(const struct call *call, const char *format, ...)
{
	va_list args;

	fputs("peel: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (see 'peel help %s')\n", call->verb->name);
	return failure_status(call->verb);
}

int complain_error(const struct peel_error *err)
{
	complain("%s", err->message[0] ? err->message : peel_strerror(err->code));
	return err->code == PEEL_EINCOMPLETE || err->code == PEEL_ELIMIT ? STATUS_INCONCLUSIVE
									 : STATUS_ERROR;
}

const char *error_text(const struct peel_error *err)
{
	switch (err->code) {
	case PEEL_ENOENT:
		return strerror(ENOENT);
	case PEEL_ENOTDIR:
		return strerror(ENOTDIR);
	case PEEL_EISDIR:
		return strerror(EISDIR);
	case PEEL_ELOOP:
		return strerror(ELOOP);
	case PEEL_ENOMEM:
		return strerror(ENOMEM);
	default:
		return err->message[0] ? err->message : peel_strerror(err->code);
	}
}

int worse_status(int a, int b)
{
	static const int rank[] = {
		[STATUS_OK] = 0,
		[STATUS_NO] = 1,
		[STATUS_INCONCLUSIVE] = 2,
		[STATUS_ERROR] = 3,
	};

	return rank[a] >= rank[b] ? a : b;
}

static bool headers_are_enough(const struct call *call)
{
	return call->verb->headers_only && !call->verb->facts && !call->wants_facts &&
		!call->reads_contents && !call->shared.verify;
}

static void tell_spooled(void *arg, const char *folder, uint64_t bytes)
{
	char shown[PEEL_MESSAGE_SIZE];
	char size[FORMAT_SIZE];

	(void)arg;
	complain("standard input: %s spooled in %s, in a file that is removed already",
		format_bytes(size, bytes),
		peel_text_escape_into(shown, sizeof(shown), folder, strlen(folder)));
}

void index_options(const struct call *call, struct peel_index_options *ret_options)
{
	const struct shared *shared = &call->shared;
	bool terminal = isatty(STDERR_FILENO);

	*ret_options = (struct peel_index_options){
		.image =
			{
				.platform = shared->platform,
				.spool_dir = shared->spool_dir,
				.cache_dir = shared->cache_dir,
				.spool_limit = shared->spool_limit,
				.limits = shared->limits,
				.headers_only = headers_are_enough(call),
				.spooled = shared->quiet ? NULL : tell_spooled,
			},
		.cache_dir = shared->cache_dir,
		.cache_limit = shared->cache_limit,
		.index_file = shared->index_file,
		.no_cache = shared->no_cache,
		.rebuild = shared->rebuild,
		.verify = shared->verify,
		.strict = shared->strict,
		.allow_missing = shared->allow_missing,
		.facts = call->verb->facts || call->wants_facts,
		.detectors = call->detectors,
		.sandbox = !shared->no_sandbox,
	};
	if ((terminal || shared->progress) && !shared->no_progress && !shared->quiet) {
		ret_options->progress = progress_show;
		/* The library hands it back as it is; progress_show only reads it. */
		ret_options->progress_arg = (void *)(terminal ? &to_terminal : &to_file);
		ret_options->image.progress = ret_options->progress;
		ret_options->image.progress_arg = ret_options->progress_arg;
	}
}

bool take_cache_limit(uint64_t *limit)
{
	const char *text = getenv("PEEL_CACHE_LIMIT");
	char shown[64];

	if (*limit || !text || !*text) {
		return true;
	}
	if (opts_parse_size(text, limit) < 0) {
		complain("PEEL_CACHE_LIMIT: '%s' is no size (as 512M or 10GB)",
			peel_text_escape_into(shown, sizeof(shown), text, strlen(text)));
		return false;
	}
	*limit = *limit ? *limit : PEEL_CACHE_UNLIMITED;
	return true;
}

static void complain_reasons(const char *reference, const char *reasons)
{
	char shown[PEEL_MESSAGE_SIZE];
	const char *line;
	int len = 0;

	peel_text_escape_into(shown, sizeof(shown), reference, strlen(reference));
	while ((line = format_next_line(&reasons, &len))) {
		complain("%s: %.*s", shown, len, line);
	}
}

static void complain_unkept(const struct call *call, const struct peel_index *index)
{
	if (*peel_index_unkept_reason(index) && !call->shared.quiet) {
		complain("the index is not kept: %s", peel_index_unkept_reason(index));
	}
}

void complain_incomplete(const struct call *call, const char *reference,
	const struct peel_index *index)
{
	complain_reasons(reference, peel_index_incomplete_reasons(index));
	complain_unkept(call, index);
}

int open_index(struct call *call, int operand, struct peel_index_options *options,
	struct peel_index **ret_index, struct peel_error *err)
{
	/* A child could not hand over what it has read: this process goes into the cage itself. */
	if (peel_reference_is_stdin(call->argv[operand])) {
		options->sandbox = false;
		call->from_input = true;
		options->image.opened = cage_opened;
		options->image.opened_arg = call;
	}
	return peel_index_open(call->argv[operand], options, ret_index, err);
}

int open_operand(struct call *call, int operand, struct peel_index **ret_index)
{
	struct peel_index_options options;
	struct peel_error err = {0};

	index_options(call, &options);
	/* What can be read is shown; the status says that it is not all. */
	options.allow_missing = true;
	if (open_index(call, operand, &options, ret_index, &err) < 0) {
		return complain_error(&err);
	}
	progress_clear();
	complain_reasons(call->argv[operand], peel_index_incomplete_reasons(*ret_index));
	complain_reasons(call->argv[operand], peel_facts_incomplete_reasons(*ret_index));
	/* What stands in the way of one index does so of all: it is said once. */
	if (operand == 0) {
		complain_unkept(call, *ret_index);
	}
	return STATUS_OK;
}

int open_operands(struct call *call, int count, struct peel_index **ret_indexes)
{
	/* Standard input last: from its first byte on, nothing that has a name can be opened. */
	for (int last = 0; last <= 1; last++) {
		for (int i = 0; i < count; i++) {
			int status = peel_reference_is_stdin(call->argv[i]) == (last == 1)
				? open_operand(call, i, &ret_indexes[i])
				: STATUS_OK;

			if (status != STATUS_OK) {
				return status;
			}
		}
	}
	return cage_enter(call, ret_indexes, count);
}

int open_for_reading(struct call *call, struct peel_index **ret_index)
{
	return open_operands(call, 1, ret_index);
}

bool open_is_absent(const struct peel_error *err)
{
	return err->code == PEEL_ENOENT || err->code == PEEL_ETRUNCATED ||
		err->code == PEEL_EFORMAT || err->code == PEEL_EUNSUPPORTED ||
		err->code == PEEL_EDIGEST || err->code == PEEL_EINCOMPLETE ||
		err->code == PEEL_ELIMIT;
}

int reading_status(const struct peel_index *index, int status)
{
	const char *hit = peel_index_limit_hit(index);
	const char *unread = peel_index_unread(index);
	const int failure = peel_index_failure(index);

	if (peel_index_missed(index)) {
		complain("the answer needs contents that were not kept of standard input; "
			 "write the image to a file and ask again");
		return STATUS_ERROR;
	}
	if (unread) {
		complain("it could not be read, so owners may be missing: %s", unread);
		return STATUS_INCONCLUSIVE;
	}
	if (failure < 0 && status == STATUS_OK) {
		complain("the answer may be wrong: %s", peel_strerror(failure));
		return STATUS_ERROR;
	}
	if (hit) {
		complain("the answer may lack what is beyond the limit %s (--limit %s=N raises it)",
			hit, hit);
		return STATUS_INCONCLUSIVE;
	}
	return peel_index_complete(index) && !*peel_facts_incomplete_reasons(index)
		? status
		: STATUS_INCONCLUSIVE;
}

char *image_label(struct peel_index *const *indexes, size_t count, size_t i)
{
	const char *platform = peel_image_value(indexes[i], "platform");
	const char *manifest = peel_image_value(indexes[i], "manifest_digest");
	char digest[FORMAT_SIZE];
	bool alone = true;

	for (size_t k = 0; k < count; k++) {
		alone = alone &&
			(k == i || !indexes[k] ||
				strcmp(peel_image_value(indexes[k], "platform"), platform) != 0);
	}
	if (alone) {
		return format_text("%s", platform);
	}
	format_short_digest(digest,
		*manifest ? manifest : peel_image_value(indexes[i], "config_digest"));
	return format_text("%s%s%s", platform, *platform ? " " : "", digest);
}

uint64_t stored_bytes(struct peel_index *index)
{
	uint64_t sum = 0;

	for (int i = 0; i < peel_layer_count(index); i++) {
		struct peel_layer_stat stat;

		sum += peel_layer_stat(index, i, &stat, NULL) == 0 ? stat.layer.stored_size : 0;
	}
	return sum;
}

bool parse_view(struct peel_index *index, const char *layer, int *ret_view)
{
	int count = peel_layer_count(index);
	char shown[64];
	char *end;
	long number;

	if (!layer) {
		*ret_view = PEEL_VIEW_MERGED;
		return true;
	}
	errno = 0;
	number = strtol(layer, &end, 10);
	if (errno == 0 && *layer >= '0' && *layer <= '9' && *end == 0 && number < count) {
		*ret_view = (int)number;
		return true;
	}
	complain("no layer '%s': the image has %d, numbered from 0",
		peel_text_escape_into(shown, sizeof(shown), layer, strlen(layer)), count);
	return false;
}

int resolve_path(struct peel_index *index, int view, const char *path, bool follow,
	struct peel_node *ret_node, char **ret_canonical, struct peel_error *err)
{
	/* As the kernel: an empty path names nothing. */
	if (!*path) {
		return peel_fail(err, PEEL_ENOENT, "%s", strerror(ENOENT));
	}
	return peel_resolve(index, view, 0, path, strlen(path), follow, ret_node, ret_canonical,
		err);
}
