/* SPDX-License-Identifier: Apache-2.0 */
#include "testindex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <peel/error.h>
#include <peel/image.h>

#include "content.h"
#include "image_priv.h"
#include "index_open.h"
#include "index_write.h"
#include "source.h"
#include "store.h"
#include "tree.h"
#include "layer_read.h"
#include "util.h"

static void check(int code, const struct peel_error *err)
{
	if (code < 0) {
		fprintf(stderr, "testindex: %s\n", err->message);
		abort();
	}
}

static char type_of(const struct test_entry *entry)
{
	if (entry->type) {
		return entry->type;
	}
	if (entry->link) {
		return entry->hard ? '1' : '2';
	}
	return entry->path[strlen(entry->path) - 1] == '/' ? '5' : '0';
}

static void add_entry(struct tarmaker *tar, const struct test_entry *entry)
{
	const char type = type_of(entry);

	if (entry->pax) {
		tarmaker_pax(tar, 'x', entry->pax, NULL);
	}
	tarmaker_add(tar,
		&(struct tar_member){
			.path = entry->path,
			.link = entry->link,
			.type = type,
			.mode = entry->mode   ? entry->mode
				: type == '5' ? 0755
					      : 0644,
			.uid = entry->uid,
			.mtime = entry->mtime,
			.major = entry->major,
			.minor = entry->minor,
			.data = entry->data,
			.data_len = entry->data_len ? entry->data_len
				: entry->data       ? strlen(entry->data)
						    : 0,
		});
}

static int keep_finding(void *arg, const struct peel_finding *finding, struct peel_error *err)
{
	return write_finding(arg, finding, err);
}

static int take_entry(void *arg, const struct scan_entry *entry, struct peel_error *err)
{
	return tree_add(arg, entry, NULL, false, err);
}

static int take_finding(void *arg, const char *code, const char *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err)
{
	return tree_finding(arg, code, path, path_len, offset, detail, err);
}

static void read_layer(struct tree *tree, int i, const struct tarmaker *tar,
	struct layer_outcome *outcome)
{
	static const struct peel_layer plain = {.codec = PEEL_CODEC_NONE};
	struct peel_error err = {0};
	cleanup_source struct source *raw = NULL;
	struct peel_layer layer = plain;
	const struct layer_sink sink = {.entry = take_entry, .finding = take_finding, .arg = tree};
	struct layer_job job = {.layer = &layer};

	layer.digest = layer.diff_id = layer.media_type = layer.state_reason = "";
	check(source_new_memory(tar->bytes, tar->len, 0, &raw, &err), &err);
	job.raw = raw;
	check(tree_begin_layer(tree, i, &err), &err);
	check(layer_read(&job, &sink, outcome, &err), &err);
	check(tree_end_layer(tree, &err), &err);
}

static void write_rows(struct test_index *test, struct store *store, struct tree *tree, int layers,
	const struct layer_outcome *outcomes, const struct tree_totals *totals)
{
	const struct image_blob whole = {.size = test->file.len};
	struct peel_error err = {0};
	uint64_t offset = 0;

	check(write_blob(store, 0, &whole, PEEL_CODEC_NONE, test->file.len, &err), &err);
	for (int i = 0; i < layers; i++) {
		const struct image_blob blob = {.offset = offset, .size = test->tars[i].len};
		char instruction[32];
		struct peel_layer layer = {
			.digest = "",
			.diff_id = "",
			.media_type = "",
			.state_reason = "",
			.created = "",
			.instruction = instruction,
			.comment = "",
			.stored_size = test->tars[i].len,
		};

		snprintf(instruction, sizeof(instruction), "RUN step %d", i);
		check(write_blob(store, i + 1, &blob, PEEL_CODEC_NONE, blob.size, &err), &err);
		check(write_layer(store, i, &layer, tree_layer(tree, i), &outcomes[i], i + 1, &err),
			&err);
		offset += blob.size;
	}
	check(write_number(store, "root", totals->root_entry, &err), &err);
	check(write_number(store, "complete", 1, &err), &err);
	check(write_number(store, "nodes", totals->nodes, &err), &err);
	check(write_number(store, "allocated", totals->allocated, &err), &err);
	check(write_number(store, "bytes", totals->bytes, &err), &err);
	check(write_number(store, "entries", totals->entries, &err), &err);
	check(write_number(store, "xattrs", totals->any_xattrs, &err), &err);
	check(write_number(store, "sparse", totals->any_sparse, &err), &err);
}

static void build(struct test_index *test, int layers, const char *sql)
{
	struct layer_outcome outcomes[TEST_LAYERS_MAX] = {0};
	struct tree_totals totals;
	struct peel_error err = {0};
	struct store *store;
	struct tree *tree;

	check(store_create(test->fd, -1, &store, &err), &err);
	check(tree_new(store, keep_finding, store, &tree, &err), &err);
	for (int i = 0; i < layers; i++) {
		read_layer(tree, i, &test->tars[i], &outcomes[i]);
	}
	check(tree_finish(tree, &totals, &err), &err);
	write_rows(test, store, tree, layers, outcomes, &totals);
	check(store_make_indexes(store, &err), &err);
	if (sql) {
		check(store_exec(store, sql, &err), &err);
	}
	check(store_commit(store, &err), &err);
	tree_free(tree);
	store_close(store);
}

static void open_content(struct test_index *test)
{
	struct peel_error err = {0};
	cleanup_source struct source *file = NULL;
	struct content_options options = {.layout = -1, .spool_dir = -1};

	check(source_new_memory(test->file.bytes, test->file.len, 0, &file, &err), &err);
	options.file = file;
	check(content_open(&test->index->pool, test->index->layer_count, &options,
		      &test->index->content, &err),
		&err);
}

struct test_index test_index_new(const struct test_entry *entries, size_t count, const char *sql)
{
	struct test_index test = {.fd = memfd_create("index", MFD_CLOEXEC)};
	struct peel_error err = {0};
	int layers = count ? entries[count - 1].layer + 1 : 1;

	if (test.fd < 0 || layers > TEST_LAYERS_MAX) {
		abort();
	}
	for (size_t i = 0; i < count; i++) {
		add_entry(&test.tars[entries[i].layer], &entries[i]);
	}
	for (int i = 0; i < layers; i++) {
		tarmaker_end(&test.tars[i]);
		tarmaker_bytes(&test.file, test.tars[i].bytes, test.tars[i].len);
	}
	build(&test, layers, sql);
	check(index_attach(test.fd, &test.index, &err), &err);
	open_content(&test);
	return test;
}

void test_index_reopen(struct test_index *test)
{
	struct peel_error err = {0};

	test->fd = dup(test->fd);
	if (test->fd < 0) {
		abort();
	}
	peel_index_close(test->index);
	check(index_attach(test->fd, &test->index, &err), &err);
	open_content(test);
}

void test_index_free(struct test_index *test)
{
	peel_index_close(test->index);
	for (size_t i = 0; i < countof(test->tars); i++) {
		tarmaker_finish(&test->tars[i]);
	}
	tarmaker_finish(&test->file);
}
