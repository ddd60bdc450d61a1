/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one door to an index: find one that may be trusted (index_find.c), or build one, publish it, and open the
 * bytes behind it.
 */
#include <peel/index.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peel/text.h>

#include "content.h"
#include "image_parts.h"
#include "index_build.h"
#include "index_cache.h"
#include "index_caged.h"
#include "index_facts.h"
#include "index_open.h"
#include "source.h"
#include "store.h"
#include "util.h"

/** A file whose times are younger than this may change without a trace, nanoseconds. */
#define SETTLE_NS UINT64_C(2000000000)

static void opening_finish(struct opening *opening)
{
	cache_temp_finish(&opening->temp);
	if (opening->folder >= 0) {
		close(opening->folder);
	}
	free(opening->folder_path);
	free(opening->identity);
	free(opening->location);
}

/** Where the index will be written: beside the file that was named, in the cache, or nowhere. */
static int make_temp(struct opening *opening, struct peel_error *err)
{
	const struct peel_index_options *options = opening->options;

	if (options->index_file && !options->no_cache) {
		const char *slash = strrchr(options->index_file, '/');
		cleanup_free char *parent = slash
			? strndup(options->index_file, (size_t)(slash - options->index_file) + 1)
			: strdup(".");
		cleanup_fd int folder = parent ? open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
					       : -1;

		if (folder < 0) {
			return peel_fail(err, PEEL_EIO, "%s: %s", options->index_file,
				strerror(errno));
		}
		return cache_temp_make(folder, &opening->temp, err) == 0
			? 0
			: peel_wrap(err, "%s", options->index_file);
	}
	if (opening->folder >= 0 && !options->no_cache && opening->identity) {
		cache_sweep(opening->folder);
		if (cache_temp_make(opening->folder, &opening->temp, &opening->unkept) == 0) {
			return 0;
		}
		cache_wrap_folder(&opening->unkept, opening->folder_path);
	}
	return cache_temp_unlinked(opening->folder, &opening->temp, err);
}

/** Is what was opened and read what was identified, and did it stay so? */
static int check_unchanged(const struct opening *opening, int image, struct peel_error *err)
{
	cleanup_free char *identity = NULL;
	uint64_t age = 0;
	int code;

	if (!opening->identity) {
		return 0;
	}
	code = image_identity_of(opening->reference, &opening->options->image, image, &identity,
		&age, err);
	if (code == 0 && strcmp(identity, opening->identity) != 0) {
		code = peel_fail(err, PEEL_ECHANGED, "the image file changed while it was read");
	}
	return code;
}

/** Publish beside the file that the user named. */
static int publish_named(struct opening *opening, struct peel_index *index, struct peel_error *err)
{
	const char *named = opening->options->index_file;
	const char *slash = strrchr(named, '/');
	struct peel_error why = {0};
	int code = cache_publish(&opening->temp, slash ? slash + 1 : named, &why);

	if (code < 0) {
		return peel_fail(err, PEEL_EIO, "%s: %s", named, why.message);
	}
	index->path = strdup(named);
	return index->path ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
}

/** Publish in the cache, and make room there; an index that has no place in it serves without a name. */
static int publish(struct opening *opening, struct peel_index *index, struct peel_error *err)
{
	uint64_t limit = cache_limit(opening->options->cache_limit);
	struct stat st;
	int code;

	if (opening->temp.folder < 0) {
		return 0;
	}
	if (opening->options->index_file) {
		return publish_named(opening, index, err);
	}
	if (fstat(opening->temp.fd, &st) == 0 && (uint64_t)st.st_size > limit) {
		peel_fail(&opening->unkept, PEEL_ELIMIT,
			"its %llu bytes are more than the cache's limit of %llu",
			(unsigned long long)st.st_size, (unsigned long long)limit);
		return 0;
	}
	code = cache_publish(&opening->temp, opening->name, &opening->unkept);
	if (code < 0) {
		return code == PEEL_ELIMIT ? 0
					   : peel_fail(err, code, "%s", opening->unkept.message);
	}
	cache_trim(opening->folder, limit, opening->name);
	if (asprintf(&index->path, "%s/%s", opening->folder_path, opening->name) < 0) {
		index->path = NULL;
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	return 0;
}

/** Why it is not in the cache, where it should be. */
static void note_unkept(const struct opening *opening, struct peel_index *index)
{
	bool wanted = opening->identity && !opening->options->no_cache &&
		!opening->options->index_file;

	if (wanted && !index->path) {
		snprintf(index->unkept, sizeof(index->unkept), "%s", opening->unkept.message);
	}
}

/** Say of which image it was. */
static int name_image(const struct opening *opening, struct peel_error *err)
{
	char shown[PEEL_MESSAGE_SIZE / 2];

	return peel_wrap(err, "%s",
		peel_text_escape_into(shown, sizeof(shown), opening->reference,
			strlen(opening->reference)));
}

/**
 * Is it of this image, as we asked? What was written in a cage may say anything. @return 0; PEEL_EINTERNAL.
 */
static int check_built(const struct opening *opening, struct peel_index *index,
	struct peel_error *err)
{
	const struct {
		const char *key;
		const char *value;
	} values[] = {
		{"identity", opening->settled && opening->identity ? opening->identity : ""},
		{"location", opening->location ? opening->location : ""},
		{"verified", opening->options->verify ? "1" : "0"},
	};

	for (size_t i = 0; i < countof(values); i++) {
		if (strcmp(peel_image_value(index, values[i].key), values[i].value) != 0) {
			return peel_fail(err, PEEL_EINTERNAL,
				"what was built is the index of something else");
		}
	}
	return 0;
}

/** Open what was built, publish it, and open the bytes behind it. @param file, layout as in content.h. */
static int take_built(struct opening *opening, struct source *file, int layout,
	struct peel_index **ret_index, struct peel_error *err)
{
	cleanup(index_cleanup) struct peel_index *index = NULL;
	int serving = fcntl(opening->temp.fd, F_DUPFD_CLOEXEC, 3);
	int code;

	if (serving < 0) {
		return peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	}
	code = index_attach(serving, &index, err);
	if (code < 0) {
		close(serving);
		return code;
	}
	index->built = true;
	code = check_built(opening, index, err);
	if (code == 0) {
		code = publish(opening, index, err);
	}
	if (code == 0) {
		note_unkept(opening, index);
		code = index_attach_content(opening, index, file, layout, err);
	}
	if (code == 0) {
		*ret_index = steal_pointer(&index);
	}
	return code;
}

struct build_options index_build_options(const struct opening *opening)
{
	const struct peel_index_options *options = opening->options;

	return (struct build_options){
		.fd = opening->temp.fd,
		.spill_dir = opening->temp.folder >= 0 ? opening->temp.folder : opening->folder,
		.cache_folder = options->no_cache || options->rebuild ? -1 : opening->folder,
		.identity = opening->settled ? opening->identity : "",
		.location = opening->location ? opening->location : "",
		.verify = options->verify,
		.progress = options->progress,
		.progress_arg = options->progress_arg,
	};
}

int index_facts_folder(const struct opening *opening, bool built)
{
	const struct peel_index_options *options = opening->options;

	/* What an index that a stranger may have made says of its layers is no reason to believe them clean. */
	return options->no_cache || options->rebuild || options->verify ||
			(options->index_file && !built)
		? -1
		: opening->folder;
}

/** Build in this process. */
static int build_here(struct opening *opening, struct facts_spool *spool,
	struct peel_index **ret_index, struct peel_error *err)
{
	cleanup_image struct peel_image *image = NULL;
	struct image_given given = {.file = -1, .spool = -1};
	cleanup_fd int file = -1;
	struct build_options build;
	int code = opening->identity ? image_path_open(opening->reference, &file, err) : 0;

	given.file = file;
	if (code == 0) {
		code = image_open_given(opening->reference, &opening->options->image,
			file >= 0 ? &given : NULL, &image, err);
	}
	if (code == 0) {
		code = make_temp(opening, err);
	}
	if (code < 0) {
		return code;
	}
	build = index_build_options(opening);
	build.facts = spool;
	code = index_build(image, &build, err);
	if (code == 0) {
		code = check_unchanged(opening, file, err);
	}
	if (code < 0) {
		return name_image(opening, err);
	}
	code = take_built(opening, image_file(image), image_layout_fd(image), ret_index, err);
	if (code == 0 && peel_reference_is_stdin(opening->reference)) {
		(*ret_index)->image = steal_pointer(&image);
	}
	return code;
}

/** Build in a child without rights. @param ret_facts set where it wrote facts too. */
static int build_caged(struct opening *opening, struct facts_file *facts, bool *ret_facts,
	struct peel_index **ret_index, struct peel_error *err)
{
	cleanup_source struct source *file = NULL;
	cleanup_fd int image = -1;
	bool named = false;
	struct stat st;
	int code = image_path_open(opening->reference, &image, err);

	if (code == 0) {
		code = make_temp(opening, err);
	}
	if (code == 0 && facts) {
		code = facts_file_make(facts, err);
	}
	if (code < 0) {
		return code;
	}
	if (fstat(image, &st) < 0) {
		return peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	}
	code = caged_build(opening, image, facts, ret_facts, &named, err);
	if (code == 0) {
		code = check_unchanged(opening, image, err);
	}
	if (code < 0) {
		return named ? code : name_image(opening, err);
	}
	if (S_ISDIR(st.st_mode)) {
		return take_built(opening, NULL, image, ret_index, err);
	}
	code = source_open_fd(image, &file, err);
	if (code < 0) {
		return code;
	}
	image = -1;
	return take_built(opening, file, -1, ret_index, err);
}

static int first_finding(void *arg, const struct peel_finding *finding)
{
	struct peel_error *err = arg;
	char path[160] = "";

	if (finding->path) {
		peel_text_escape_into(path, sizeof(path), finding->path, finding->path_len);
	}
	peel_fail(err, PEEL_EFORMAT, "layer %d: %s: %s: %s (strict)", finding->layer, finding->code,
		path, finding->detail);
	return 1;
}

int index_check_allowed(struct peel_index *index, const struct peel_index_options *options,
	struct peel_error *err)
{
	struct peel_error found = {0};
	int code;

	if (!index->complete && !options->allow_missing) {
		return peel_fail(err, PEEL_EINCOMPLETE, "%.*s", (int)strcspn(index->reasons, "\n"),
			index->reasons);
	}
	if (!options->strict) {
		return 0;
	}
	code = peel_findings(index, first_finding, &found, err);
	return code > 0 ? peel_fail(err, found.code, "%s", found.message) : code;
}

static int identify(struct opening *opening, struct peel_error *err)
{
	uint64_t age = 0;
	int code;

	if (strcmp(opening->reference, "-") == 0) {
		return 0;
	}
	code = image_identity(opening->reference, &opening->options->image, &opening->identity,
		&age, err);
	if (code == PEEL_EUSAGE) {
		/* A transport over standard input. */
		return 0;
	}
	opening->settled = age >= SETTLE_NS;
	if (code == 0) {
		code = image_location(opening->reference, &opening->location, err);
	}
	return code < 0 ? code : cache_name(opening->identity, opening->name, err);
}

static void cleanup_spool(struct facts_spool **spool)
{
	facts_spool_free(*spool);
}

static void cleanup_facts_file(struct facts_file **file)
{
	facts_file_free(*file);
}

/** An index that was found has its name already. */
static int name_found(const struct opening *opening, struct peel_index *index,
	struct peel_error *err)
{
	const char *named = opening->options->index_file;

	if (named) {
		index->path = strdup(named);
	} else if (asprintf(&index->path, "%s/%s", opening->folder_path, opening->name) < 0) {
		index->path = NULL;
	}
	return index->path ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
}

/** Gather the facts that are not at hand. @param spool what passed by while the index was built, or NULL. */
static int gather_facts(struct opening *opening, struct peel_index *index, struct facts_file *facts,
	struct facts_spool *spool, struct peel_error *err)
{
	const struct facts_job job = {
		.index = index,
		.rules = opening->rules,
		.spool = spool,
		.fd = facts_file_fd(facts),
		.spill_dir = opening->folder,
		.cache_folder = index_facts_folder(opening, index->built),
		.progress = opening->options->progress,
		.progress_arg = opening->options->progress_arg,
	};

	return opening->caged ? caged_facts(opening, &job, err) : index_facts_write(&job, err);
}

/** @param written the file is written already, and not looked at yet. */
static int open_facts(struct opening *opening, struct peel_index *index, struct facts_file *facts,
	struct facts_spool *spool, bool written, struct peel_error *err)
{
	int code = 0;

	if (!index->built) {
		code = facts_file_find(facts, index, err);
		if (code <= 0) {
			return code;
		}
	}
	if (!written) {
		code = facts_file_fd(facts) < 0 ? facts_file_make(facts, err) : 0;
		if (code == 0) {
			code = gather_facts(opening, index, facts, spool, err);
		}
		code = code < 0 ? code : check_unchanged(opening, -1, err);
	}
	return code < 0 ? code : facts_file_take(facts, index, err);
}

static int open_all(struct opening *opening, struct peel_index **ret_index, struct peel_error *err)
{
	cleanup(index_cleanup) struct peel_index *index = NULL;
	cleanup(cleanup_spool) struct facts_spool *spool = NULL;
	cleanup(cleanup_facts_file) struct facts_file *facts = NULL;
	const struct facts_rules *rules = opening->rules;
	bool written = false;
	int found = index_find(opening, &index, err);
	int code = found < 0 ? found : 0;

	if (code == 0 && rules) {
		code = facts_file_new(opening, found == 0 || opening->settled, &facts, err);
	}
	if (code == 0 && rules && found > 0 && !opening->caged) {
		code = facts_spool_new(rules, opening->folder, &spool, err);
	}
	if (code == 0) {
		code = found == 0        ? name_found(opening, index, err)
			: opening->caged ? build_caged(opening, facts, &written, &index, err)
					 : build_here(opening, spool, &index, err);
	}
	if (code < 0) {
		return code;
	}
	limits_begin(&index->limits, &opening->options->image.limits);
	code = index_check_allowed(index, opening->options, err);
	if (code == 0 && rules) {
		code = open_facts(opening, index, facts, spool, written, err);
	}
	if (code < 0) {
		return name_image(opening, err);
	}
	*ret_index = steal_pointer(&index);
	return 0;
}

int index_open(const char *reference, const struct peel_index_options *options,
	const struct facts_rules *rules, struct peel_index **ret_index, struct peel_error *err)
{
	static const struct peel_index_options defaults = {0};
	cleanup(opening_finish) struct opening opening = {
		.reference = reference,
		.options = options ? options : &defaults,
		.rules = rules,
		.folder = -1,
		.temp = {.folder = -1, .fd = -1},
	};
	struct peel_error own = {0};
	int code;

	err = err ? err : &own;
	opening.caged = opening.options->sandbox && !peel_reference_is_stdin(reference);
	opening.folder = cache_open(opening.options->cache_dir, &opening.folder_path,
		&opening.unkept);
	code = identify(&opening, err);
	code = code < 0 ? code : open_all(&opening, ret_index, err);
	if (code == 0 && !(*ret_index)->built && opening.options->image.ret_matches) {
		*opening.options->image.ret_matches =
			(unsigned int)strtoul(peel_image_value(*ret_index, "matches"), NULL, 10);
	}
	return code;
}
