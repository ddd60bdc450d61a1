/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one door to an index: find one that may be trusted, or build one, and open the bytes behind it.
 *
 * What may be trusted (DESIGN section 3): an index of the cache is taken for a file only if it was made when
 * that file had the same device, inode, size, mtime and ctime, and none of those times was younger than
 * two seconds then: a file that is written within the tick of a clock after we read it looks the same. Digests
 * that an archive claims are no key.
 */
#include <peel/index.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peel/text.h>

#include "content.h"
#include "image_parts.h"
#include "index_build.h"
#include "index_cache.h"
#include "index_open.h"
#include "source.h"
#include "store.h"
#include "util.h"

/** A file whose times are younger than this may change without a trace, nanoseconds. */
#define SETTLE_NS UINT64_C(2000000000)
/** Where SQLite's header keeps the application id (fileformat2.html, 1.3). */
#define APPLICATION_ID_OFFSET 68

/** An opening under way. */
struct opening {
	const char *reference;
	const struct peel_index_options *options;
	/** Cache folder, -1: none that can be used; and its path. */
	int folder;
	char *folder_path;
	/** What the file is now; NULL for standard input. */
	char *identity;
	/** The identity will still mean these bytes later. */
	bool settled;
	/** File name of the index in the folder. */
	char name[CACHE_NAME_SIZE];
	struct cache_temp temp;
};

static void opening_finish(struct opening *opening)
{
	cache_temp_finish(&opening->temp);
	if (opening->folder >= 0) {
		close(opening->folder);
	}
	free(opening->folder_path);
	free(opening->identity);
}

int index_acquire(struct peel_index *index, struct store **ret_store, struct peel_error *err)
{
	return store_pool_take(&index->pool, ret_store, err);
}

void index_release(struct peel_index *index, struct store *store)
{
	store_pool_give(&index->pool, store);
}

int index_attach(int fd, struct peel_index **ret_index, struct peel_error *err)
{
	struct peel_index *index = calloc(1, sizeof(*index));
	int code;

	if (!index) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	index->fd = fd;
	store_pool_init(&index->pool, fd);
	code = index_load(index, err);
	if (code < 0) {
		index->fd = -1;
		peel_index_close(index);
		return code;
	}
	*ret_index = index;
	return 0;
}

void peel_index_close(struct peel_index *index)
{
	if (!index) {
		return;
	}
	content_close(index->content);
	store_pool_finish(&index->pool);
	index_unload(index);
	if (index->fd >= 0) {
		close(index->fd);
	}
	free(index->path);
	free(index);
}

static void cleanup_index(struct peel_index **index)
{
	peel_index_close(*index);
}

bool peel_index_complete(const struct peel_index *index)
{
	return index->complete;
}

const char *peel_index_incomplete_reasons(const struct peel_index *index)
{
	return index->complete ? "" : index->reasons;
}

bool peel_index_built(const struct peel_index *index)
{
	return index->built;
}

const char *peel_index_path(const struct peel_index *index)
{
	return index->path ? index->path : "";
}

/** Folder for spools of the serving side: as the image's own, where it can be had. */
static int spool_folder(const struct opening *opening)
{
	struct peel_error ignored;
	int fd = -1;

	return image_spool_folder(&opening->options->image, &fd, &ignored) == 0 ? fd : -1;
}

static int attach_content(const struct opening *opening, struct peel_index *index,
	struct source *file, int layout, struct peel_error *err)
{
	cleanup_fd int spool = spool_folder(opening);
	struct content_options options = {
		.file = file,
		.layout = layout,
		.spool_dir = spool,
		.spool_limit = opening->options->image.spool_limit,
	};

	return content_open(&index->pool, index->layer_count, &options, &index->content, err);
}

/** Open the file or folder that a reference names, and be sure that it is still what the identity says. */
static int open_image_files(const struct opening *opening, struct source **ret_file,
	int *ret_layout, struct peel_error *err)
{
	struct image_reference reference = {0};
	cleanup_free char *identity = NULL;
	cleanup_free char *path = NULL;
	cleanup_fd int fd = -1;
	uint64_t age = 0;
	struct stat opened;
	struct stat named;
	int code = image_reference_parse(opening->reference, &reference, err);

	if (code < 0) {
		return code;
	}
	path = reference.path ? strdup(reference.path) : NULL;
	image_reference_finish(&reference);
	if (!path) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &opened) < 0 || stat(path, &named) < 0) {
		return peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	}
	code = image_identity(opening->reference, &opening->options->image, &identity, &age, err);
	if (code < 0) {
		return code;
	}
	if (strcmp(identity, opening->identity) != 0 || opened.st_ino != named.st_ino ||
		opened.st_dev != named.st_dev) {
		return peel_fail(err, PEEL_ECHANGED, "the image file changed while it was opened");
	}
	if (S_ISDIR(opened.st_mode)) {
		*ret_layout = steal_fd(&fd);
		return 0;
	}
	code = source_open_fd(fd, ret_file, err);
	if (code == 0) {
		fd = -1;
	}
	return code;
}

/** Use an index file if it is one for exactly these bytes. @return 0; PEEL_ENOENT where it is not; others where it is refused. */
static int try_file(struct opening *opening, int folder, const char *name,
	struct peel_index **ret_index, struct peel_error *err)
{
	cleanup(cleanup_index) struct peel_index *index = NULL;
	cleanup_source struct source *file = NULL;
	cleanup_fd int layout = -1;
	cleanup_fd int fd = -1;
	int code = cache_find(folder, name, &fd, err);

	if (code == 0) {
		code = index_attach(fd, &index, err);
	}
	if (code < 0) {
		return code;
	}
	fd = -1;
	if (strcmp(peel_image_value(index, "identity"), opening->identity) != 0 ||
		(opening->options->verify &&
			strcmp(peel_image_value(index, "verified"), "1") != 0)) {
		return peel_fail(err, PEEL_ENOENT, "the index is of another file");
	}
	code = open_image_files(opening, &file, &layout, err);
	if (code == 0) {
		code = attach_content(opening, index, file, layout, err);
	}
	if (code == 0) {
		*ret_index = steal_pointer(&index);
	}
	return code;
}

/** Is this an index of peel, of whatever version? Nothing else is ever overwritten. */
static bool is_ours(const char *path)
{
	unsigned char header[APPLICATION_ID_OFFSET + 4];
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		return false;
	}
	return st.st_size == 0 ||
		(pread(fd, header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
			memcmp(header, "SQLite format 3", 16) == 0 &&
			memcmp(header + APPLICATION_ID_OFFSET, "peel", 4) == 0);
}

/** The index that the user named, or the cache's. @return 0 found; 1: build one; less than 0: refused. */
static int find_index(struct opening *opening, struct peel_index **ret_index,
	struct peel_error *err)
{
	const struct peel_index_options *options = opening->options;
	struct peel_error why = {0};
	int code;

	if (!opening->identity || options->no_cache) {
		return 1;
	}
	if (options->index_file) {
		code = try_file(opening, AT_FDCWD, options->index_file, ret_index, &why);
		if (code == 0 && !options->rebuild) {
			return 0;
		}
		if (code == PEEL_EACCES) {
			return peel_fail(err, code, "%s", why.message);
		}
		if (access(options->index_file, F_OK) == 0 && !is_ours(options->index_file)) {
			return peel_fail(err, PEEL_EFORMAT,
				"%s is not an index of peel and is left alone",
				options->index_file);
		}
	} else if (opening->folder < 0 || options->rebuild) {
		return 1;
	} else {
		code = try_file(opening, opening->folder, opening->name, ret_index, &why);
	}
	if (code == 0 && options->rebuild) {
		peel_index_close(*ret_index);
		*ret_index = NULL;
		return 1;
	}
	return code == 0 ? 0 : 1;
}

/** Where the index will be written: beside the file that was named, in the cache, or nowhere. */
static int make_temp(struct opening *opening, struct peel_error *err)
{
	const struct peel_index_options *options = opening->options;
	struct peel_error ignored;

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
		return cache_temp_make(folder, &opening->temp, err);
	}
	if (opening->folder >= 0 && !options->no_cache && opening->identity) {
		cache_sweep(opening->folder);
		if (cache_temp_make(opening->folder, &opening->temp, &ignored) == 0) {
			return 0;
		}
	}
	return cache_temp_unlinked(opening->folder, &opening->temp, err);
}

/** Did the file stay what it was while it was read? */
static int check_unchanged(const struct opening *opening, struct peel_error *err)
{
	cleanup_free char *identity = NULL;
	uint64_t age = 0;
	int code;

	if (!opening->identity) {
		return 0;
	}
	code = image_identity(opening->reference, &opening->options->image, &identity, &age, err);
	if (code == 0 && strcmp(identity, opening->identity) != 0) {
		code = peel_fail(err, PEEL_ECHANGED, "the image file changed while it was read");
	}
	return code;
}

static int publish(struct opening *opening, struct peel_index *index, struct peel_error *err)
{
	const char *named = opening->options->index_file;
	const char *slash = named ? strrchr(named, '/') : NULL;
	const char *name = named ? (slash ? slash + 1 : named) : opening->name;
	int code;

	if (!opening->temp.temp[0]) {
		return 0;
	}
	code = cache_publish(&opening->temp, name, err);
	if (code < 0) {
		return code;
	}
	if (named) {
		index->path = strdup(named);
	} else if (asprintf(&index->path, "%s/%s", opening->folder_path, name) < 0) {
		index->path = NULL;
	}
	return index->path ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
}

static void cleanup_image(struct peel_image **image)
{
	peel_image_close(*image);
}

static int build_index(struct opening *opening, struct peel_index **ret_index,
	struct peel_error *err)
{
	const struct peel_index_options *options = opening->options;
	cleanup(cleanup_index) struct peel_index *index = NULL;
	cleanup(cleanup_image) struct peel_image *image = NULL;
	struct build_options build = {
		.identity = opening->settled ? opening->identity : "",
		.verify = options->verify,
		.progress = options->progress,
		.progress_arg = options->progress_arg,
	};
	int serving;
	int code = peel_image_open(opening->reference, &options->image, &image, err);

	if (code == 0) {
		code = make_temp(opening, err);
	}
	if (code < 0) {
		return code;
	}
	build.fd = opening->temp.fd;
	build.spill_dir = opening->temp.folder >= 0 ? opening->temp.folder : opening->folder;
	code = index_build(image, &build, err);
	if (code == 0) {
		code = check_unchanged(opening, err);
	}
	if (code < 0) {
		return code;
	}
	serving = fcntl(opening->temp.fd, F_DUPFD_CLOEXEC, 3);
	if (serving < 0) {
		return peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	}
	code = index_attach(serving, &index, err);
	if (code < 0) {
		close(serving);
		return code;
	}
	index->built = true;
	code = publish(opening, index, err);
	if (code == 0) {
		code = attach_content(opening, index, image_file(image), image_layout_fd(image),
			err);
	}
	if (code == 0) {
		*ret_index = steal_pointer(&index);
	}
	return code;
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

/** What the caller did not allow. */
static int check_allowed(struct peel_index *index, const struct peel_index_options *options,
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
	return code < 0 ? code : cache_name(opening->identity, opening->name, err);
}

int peel_index_open(const char *reference, const struct peel_index_options *options,
	struct peel_index **ret_index, struct peel_error *err)
{
	static const struct peel_index_options defaults = {0};
	cleanup(cleanup_index) struct peel_index *index = NULL;
	cleanup(opening_finish) struct opening opening = {
		.reference = reference,
		.options = options ? options : &defaults,
		.folder = -1,
		.temp = {.folder = -1, .fd = -1},
	};
	struct peel_error own = {0};
	int code;

	err = err ? err : &own;
	opening.folder = cache_open(opening.options->cache_dir, &opening.folder_path);
	code = identify(&opening, err);
	if (code == 0) {
		code = find_index(&opening, &index, err);
	}
	if (code > 0) {
		code = build_index(&opening, &index, err);
	} else if (code == 0 && !opening.options->index_file &&
		asprintf(&index->path, "%s/%s", opening.folder_path, opening.name) < 0) {
		index->path = NULL;
		code = peel_fail(err, PEEL_ENOMEM, "no memory");
	} else if (code == 0 && opening.options->index_file) {
		index->path = strdup(opening.options->index_file);
	}
	if (code == 0) {
		code = check_allowed(index, opening.options, err);
		if (code < 0) {
			char shown[PEEL_MESSAGE_SIZE / 2];

			peel_wrap(err, "%s",
				peel_text_escape_into(shown, sizeof(shown), reference,
					strlen(reference)));
		}
	}
	if (code < 0) {
		return code;
	}
	*ret_index = steal_pointer(&index);
	return 0;
}
