/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both works are the ones that are done without a cage; here they are given brokers in place of folders, and what
 * they wrote is found again in the parent, by what the child says of the file and by nothing else than files the
 * parent made.
 *
 * Index and facts of one image come from one child: facts of compressed layers are gathered while the layers pass by.
 */
#include "index_caged.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "content.h"
#include "image_priv.h"
#include "index_build.h"
#include "index_child.h"
#include "index_facts.h"
#include "index_open.h"
#include "source.h"
#include "util.h"

/** What the child hands back, by number. */
enum {
	/** Device and inode of the index, and of the facts. */
	VALUE_INDEX = 0,
	VALUE_FACTS = 2,
	/** As ret_matches of struct peel_image_options. */
	VALUE_MATCHES = 4,
	VALUE_FLAGS = 5,
};

/** Bits of VALUE_FLAGS. */
enum {
	FLAG_FACTS = 1,
	/** The image could not be opened: the message names it. */
	FLAG_NAMED = 2,
};

/** Seconds that a child may take to notice that its time is over, and a limit above which nobody waits for it. */
#define PATIENCE_GRACE 30
#define PATIENCE_MOST (UINT64_C(1) << 40)

/** A build; borrowed, in the child its copy. */
struct build_job {
	const struct opening *opening;
	int image;
	bool layout;
	/** File for facts, -1: none are wanted. */
	int facts;
};

static void cleanup_spool(struct facts_spool **spool)
{
	facts_spool_free(*spool);
}

static void cleanup_result(struct child_result *result)
{
	child_result_finish(result);
}

/** Where files without a name come from: none where there is no folder for them, as without a cage. */
static int spill_of(const struct child *child, int folder)
{
	return folder >= 0 ? child->broker : -1;
}

static int open_image(struct child *child, const struct build_job *job,
	struct peel_image **ret_image, struct peel_error *err)
{
	const struct image_given given = {
		.file = job->layout ? child->broker : job->image,
		.spool = child->spool,
	};
	struct peel_image_options options = job->opening->options->image;
	unsigned int matches = 0;
	int code;

	options.ret_matches = &matches;
	/* All is given up already. */
	options.opened = NULL;
	code = image_open_given(job->opening->reference, &options, &given, ret_image, err);
	child->values[VALUE_MATCHES] = matches;
	child->values[VALUE_FLAGS] = code < 0 ? FLAG_NAMED : 0;
	return code;
}

/** Write the facts of what was built, unless it will be refused. @param file, layout as in content.h. */
static int write_facts(struct child *child, const struct build_job *job, struct facts_spool *spool,
	struct source *file, int layout, struct peel_error *err)
{
	const struct opening *opening = job->opening;
	const struct content_options content = {
		.file = file,
		.layout = layout,
		.spool_dir = child->spool,
		.spool_limit = opening->options->image.spool_limit,
	};
	struct facts_job facts = {
		.rules = opening->rules,
		.spool = spool,
		.fd = job->facts,
		.spill_dir = spill_of(child, opening->folder),
		.cache_folder = index_facts_folder(opening, true) >= 0 ? child->broker : -1,
		.progress = child_progress,
		.progress_arg = child,
	};
	struct peel_index *index = NULL;
	struct peel_error refusal;
	int code = index_attach(opening->temp.fd, &index, err);

	if (code < 0) {
		return code;
	}
	limits_begin(&index->limits, &opening->options->image.limits);
	facts.index = index;
	/* The parent finds the same, and says so. */
	if (index_check_allowed(index, opening->options, &refusal) == 0) {
		code = content_open(&index->pool, index->layer_count, &content, &index->content,
			err);
		if (code == 0) {
			code = index_facts_write(&facts, err);
		}
		child->values[VALUE_FLAGS] |= code == 0 ? FLAG_FACTS : 0;
		child_tell_file(child, VALUE_FACTS, job->facts);
	}
	/* The descriptor is the opening's. */
	index->fd = -1;
	peel_index_close(index);
	return code;
}

static int build_in_cage(struct child *child, void *arg, struct peel_error *err)
{
	const struct build_job *job = arg;
	const struct opening *opening = job->opening;
	struct build_options build = index_build_options(opening);
	cleanup(cleanup_spool) struct facts_spool *spool = NULL;
	cleanup_source struct source *file = NULL;
	struct peel_image *image = NULL;
	int layout;
	int code = open_image(child, job, &image, err);

	build.spill_dir = spill_of(child, build.spill_dir);
	build.cache_folder = build.cache_folder >= 0 ? child->broker : -1;
	build.progress = child_progress;
	build.progress_arg = child;
	if (code == 0 && job->facts >= 0) {
		code = facts_spool_new(opening->rules, spill_of(child, opening->folder), &spool,
			err);
		build.facts = spool;
	}
	if (code == 0) {
		code = index_build(image, &build, err);
	}
	child_tell_file(child, VALUE_INDEX, build.fd);
	/* Its memory is needed for the facts. */
	file = image && image_file(image) ? source_grab(image_file(image)) : NULL;
	layout = file ? -1 : child->broker;
	peel_image_close(image);
	return code < 0 || job->facts < 0 ? code
					  : write_facts(child, job, spool, file, layout, err);
}

/** Put the file that the child wrote, if it is one, under the number of the one that it was given. */
static int take_file(const struct child_result *result, size_t first_value, int given,
	struct peel_error *err)
{
	const int told = child_told_file(result, first_value, given);

	if (told < 0) {
		return peel_fail(err, PEEL_EINTERNAL,
			"the process that reads the image handed over no file");
	}
	return told == given || dup3(told, given, O_CLOEXEC) == given
		? 0
		: peel_fail(err, PEEL_EIO, "%s", strerror(errno));
}

static void tell_matches(const struct opening *opening, const struct child_result *result)
{
	unsigned int *matches = opening->options->image.ret_matches;

	if (matches) {
		*matches = (unsigned int)min_u64(result->values[VALUE_MATCHES], UINT_MAX);
	}
}

/** Milliseconds for a child that builds an index, and gathers facts: the limit of time for each, and some more. */
static uint64_t patience_of(const struct opening *opening)
{
	const uint64_t seconds = peel_limit_value(&opening->options->image.limits, PEEL_LIMIT_TIME);

	return seconds <= PATIENCE_MOST ? (2 * seconds + PATIENCE_GRACE) * 1000 : 0;
}

/** What a child of this opening may ask for. */
static struct child_world world_of(const struct opening *opening, int spill, int layout)
{
	return (struct child_world){
		.spill = spill,
		.spools = &opening->options->image,
		.layout = layout,
		.cache = -1,
		.patience_ms = patience_of(opening),
		.progress = opening->options->progress,
		.progress_arg = opening->options->progress_arg,
	};
}

int caged_build(struct opening *opening, int image, const struct facts_file *facts, bool *ret_facts,
	bool *ret_named, struct peel_error *err)
{
	const struct build_options here = index_build_options(opening);
	cleanup(cleanup_result) struct child_result result = {0};
	struct stat st = {0};
	struct build_job job = {
		.opening = opening,
		.image = image,
		.layout = fstat(image, &st) == 0 && S_ISDIR(st.st_mode),
		.facts = facts ? facts_file_fd(facts) : -1,
	};
	struct child_world world = world_of(opening, here.spill_dir, job.layout ? image : -1);
	const int written[] = {opening->temp.fd, job.facts};
	char digest[FACTS_DIGEST_SIZE];
	int code = facts ? facts_digest(opening->rules, digest, err) : 0;

	world.cache = here.cache_folder;
	/* Standard input comes when it comes: no limit counts that, and only the child knows how long it waited. */
	if (!job.layout && !S_ISREG(st.st_mode)) {
		world.patience_ms = 0;
	}
	world.facts = facts && index_facts_folder(opening, true) >= 0 ? digest : NULL;
	world.written = written;
	world.written_count = countof(written);
	code = code < 0 ? code : child_run(&world, build_in_cage, &job, &result, err);
	*ret_named = code < 0 && result.values[VALUE_FLAGS] & FLAG_NAMED;
	tell_matches(opening, &result);
	if (code == 0) {
		code = take_file(&result, VALUE_INDEX, opening->temp.fd, err);
	}
	*ret_facts = code == 0 && facts && result.values[VALUE_FLAGS] & FLAG_FACTS;
	return *ret_facts ? take_file(&result, VALUE_FACTS, job.facts, err) : code;
}

/** Facts of an open index; borrowed. */
struct facts_in_cage {
	const struct opening *opening;
	const struct facts_job *job;
};

static int gather_in_cage(struct child *child, void *arg, struct peel_error *err)
{
	const struct facts_in_cage *in = arg;
	struct facts_job job = *in->job;
	int code = content_redirect(job.index->content, child->broker, child->spool, err);

	job.spill_dir = spill_of(child, job.spill_dir);
	job.cache_folder = job.cache_folder >= 0 ? child->broker : -1;
	job.progress = child_progress;
	job.progress_arg = child;
	if (code == 0) {
		code = index_facts_write(&job, err);
	}
	child_tell_file(child, VALUE_FACTS, job.fd);
	return code;
}

int caged_facts(const struct opening *opening, const struct facts_job *job, struct peel_error *err)
{
	cleanup(cleanup_result) struct child_result result = {0};
	struct facts_in_cage in = {.opening = opening, .job = job};
	struct child_world world;
	char digest[FACTS_DIGEST_SIZE];
	int layout = -1;
	int spool = -1;
	int code = facts_digest(opening->rules, digest, err);

	content_folders(job->index->content, &layout, &spool);
	world = world_of(opening, job->spill_dir, layout);
	world.cache = job->cache_folder;
	world.facts = digest;
	world.written = &job->fd;
	world.written_count = 1;
	code = code < 0 ? code : child_run(&world, gather_in_cage, &in, &result, err);
	return code < 0 ? code : take_file(&result, VALUE_FACTS, job->fd, err);
}
