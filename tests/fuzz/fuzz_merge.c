/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merge against a slow model: small stacks of layers out of few names, so that they meet often. Which entries are
 * visible and where, what hid the others and why, which file a hard link is, whose metadata shows.
 *
 * An entry is three to six bytes:
 *
 *	kind (3 bits), parts of the path less one (2), metadata (2), begins a layer (1)
 *	content (2), parts of the link less one (2), link is absolute (1)
 *	names of the path, two a byte; of links those of the target too
 *
 * The first byte of all tells whether contents are known, as they are in compressed layers. What the rules leave open
 * (the model says so) is taken out of the stack first, as tests/oracle/gen.py does.
 *
 * Making an index costs a hundred times what merging a dozen entries does. So there is one, whose file is put back to
 * what it was when it was new; SQLite learns of that by the change counter, as it does of our own pages.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <peel/error.h>

#include "fuzz.h"
#include "merge_model.h"
#include "scan.h"
#include "store.h"
#include "tree.h"
#include "util.h"

/* Of SQLite's header: the change counter, twice. */
#define CHANGES 24
#define CHANGES_AGAIN 92
#define EMPTY_MAX (1u << 20)
#define TEXT_MAX 64
#define PATH_TEXT_MAX 512
#define DIRS_MAX 256
/* Reasons that are as good as each other where an entry never was there for itself. */
#define NEVER_THERE (1u << WHY_UNREACHABLE | 1u << WHY_BROKEN_LINK)
#define GONE_SOMEHOW \
	(NEVER_THERE | 1u << WHY_DUPLICATE | 1u << WHY_REPLACED | 1u << WHY_DELETED | \
		1u << WHY_DELETED_WITH_FOLDER | 1u << WHY_OPAQUE | 1u << WHY_OVERWRITTEN | \
		1u << WHY_METADATA | 1u << WHY_IDENTICAL)

static struct {
	struct store *store;
	int fd;
	uint8_t empty[EMPTY_MAX];
	size_t empty_len;
	uint32_t changes;
} kept;

/* Folders of the index, by their id. */
static struct {
	uint32_t parent;
	uint8_t name;
} dirs[DIRS_MAX];

struct stack {
	struct model_entry entries[MODEL_ENTRIES_MAX];
	size_t count;
	bool hashed;
};

/* Names of a path; the last ones may be any, free of them. */
static void read_path(struct fuzz_input *input, struct model_path *path, size_t free)
{
	for (size_t i = 0; i < path->count; i += 2) {
		const unsigned int two = fuzz_byte(input);

		path->parts[i] = two & 15;
		if (i + 1 < path->count) {
			path->parts[i + 1] = (uint8_t)(two >> 4);
		}
	}
	/* What is below folders of these names is metadata of aufs, which the model does not know. */
	for (size_t i = 0; i + free < path->count; i++) {
		if (path->parts[i] >= MODEL_NAME_OPAQUE && path->parts[i] <= MODEL_NAME_BAD) {
			path->parts[i] -= MODEL_NAME_OPAQUE;
		}
	}
}

static void read_stack(struct fuzz_input *input, struct stack *stack)
{
	/* Few have other kinds than these; a folder needs none. */
	static const char kinds[] = "ffddlhcp";
	int layer = 0;

	stack->count = 0;
	stack->hashed = fuzz_byte(input) & 1;
	while (input->left >= 3 && stack->count < MODEL_ENTRIES_MAX) {
		struct model_entry *entry = &stack->entries[stack->count++];
		const unsigned int first = fuzz_byte(input), second = fuzz_byte(input);

		layer += (first >> 7) && stack->count > 1 && layer + 1 < MODEL_LAYERS_MAX;
		*entry = (struct model_entry){.kind = kinds[first & 7],
			.path.count = (uint8_t)((first >> 3 & 3) + 1),
			.link.count = (uint8_t)((second >> 2 & 3) + 1),
			.link.absolute = second >> 4 & 1,
			.meta = first >> 5 & 3,
			.content = second & 3,
			.layer = layer};
		read_path(input, &entry->path, 1);
		if (entry->kind == 'l' || entry->kind == 'h') {
			read_path(input, &entry->link, 0);
			/* An empty first part is a slash. */
			entry->link.absolute |= entry->link.count > 1 &&
				entry->link.parts[0] == MODEL_NAME_EMPTY;
		}
	}
}

/* Take out what nobody can be right about, until nothing of it is left. */
static const struct model_node *settle(struct stack *stack)
{
	const struct model_node *root;
	size_t kept_count;

	do {
		root = model_merge(stack->entries, stack->count);
		kept_count = 0;
		for (size_t i = 0; i < stack->count; i++) {
			if (!stack->entries[i].open) {
				stack->entries[kept_count++] = stack->entries[i];
			}
		}
		if (kept_count == stack->count) {
			return root;
		}
		stack->count = kept_count;
		/* Layers without an entry are left out: the index is told of them in order. */
		for (size_t i = 0, last = 0, layer = 0; i < kept_count; i++) {
			layer += i > 0 && stack->entries[i].layer != (int)last;
			last = (size_t)stack->entries[i].layer;
			stack->entries[i].layer = (int)layer;
		}
	} while (true);
}

static size_t path_text(const struct model_path *path, char *ret)
{
	char *at = ret;

	if (path->absolute) {
		*at++ = '/';
	}
	for (size_t i = 0; i < path->count; i++) {
		at = stpcpy(at, i ? "/" : "");
		at = stpcpy(at, model_names[path->parts[i]]);
	}
	*at = 0;
	return (size_t)(at - ret);
}

static int take_finding(void *arg, const struct peel_finding *finding, struct peel_error *err)
{
	(void)arg;
	(void)err;
	fuzz_check(finding->code[0] && finding->detail);
	return 0;
}

static void add_entry(struct tree *tree, const struct stack *stack, size_t i)
{
	const struct model_entry *from = &stack->entries[i];
	const bool is_link = from->kind == 'l' || from->kind == 'h';
	const uint8_t hash[16] = {from->content, 1};
	const struct scan_extent whole = {0, from->content};
	char path[TEXT_MAX], link[TEXT_MAX] = "";
	const struct scan_entry entry = {
		.type = (enum scan_type)from->kind,
		.typeflag = '0',
		.path = path,
		.path_len = path_text(&from->path, path),
		.link = link,
		.link_len = is_link ? path_text(&from->link, link) : 0,
		.mode = from->meta & 1 ? 0600 : 0644,
		.mtime_sec = from->meta >> 1,
		.uname = "",
		.gname = "",
		.size = from->kind == 'f' ? from->content : 0,
		.stored = from->kind == 'f' ? from->content : 0,
		.rdev_major = 1,
		.rdev_minor = from->content,
		.extents = &whole,
		.extent_count = 1,
		.header_off = 512 * i,
		.data_off = 512 * i + 512,
	};

	fuzz_check(tree_add(tree, &entry, from->kind == 'f' && stack->hashed ? hash : NULL, false,
			   NULL) == 0);
}

static void merge(const struct stack *stack)
{
	struct tree_totals totals;
	struct peel_error err = {0};
	struct tree *tree = NULL;
	int layer = -1;

	fuzz_check(tree_new(kept.store, take_finding, NULL, &tree, NULL) == 0);
	for (size_t i = 0; i < stack->count; i++) {
		if (stack->entries[i].layer != layer) {
			fuzz_check(layer < 0 || tree_end_layer(tree, NULL) == 0);
			layer = stack->entries[i].layer;
			fuzz_check(tree_begin_layer(tree, layer, NULL) == 0);
		}
		add_entry(tree, stack, i);
	}
	fuzz_check(layer < 0 || tree_end_layer(tree, NULL) == 0);
	if (tree_finish(tree, &totals, &err) < 0) {
		fuzz_fail(err.message, __FILE__, __LINE__);
	}
	tree_free(tree);
}

static sqlite3_stmt *ask(const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	fuzz_check(store_get(kept.store, sql, &stmt, NULL) == 0);
	return stmt;
}

/* The number of a name among the model's; only such are in the index. */
static uint8_t name_number(const void *bytes, int len)
{
	for (uint8_t i = 0; i < MODEL_NAMES; i++) {
		if (strlen(model_names[i]) == (size_t)len &&
			(len == 0 || memcmp(model_names[i], bytes, (size_t)len) == 0)) {
			return i;
		}
	}
	fuzz_fail("a name that nobody gave", __FILE__, __LINE__);
}

static void read_dirs(void)
{
	sqlite3_stmt *stmt = ask("SELECT id, parent, name FROM dir");

	while (store_step(kept.store, stmt, NULL) > 0) {
		const int64_t id = sqlite3_column_int64(stmt, 0);

		fuzz_check(id > 0 && id < DIRS_MAX);
		dirs[id].parent = (uint32_t)sqlite3_column_int64(stmt, 1);
		dirs[id].name = name_number(sqlite3_column_blob(stmt, 2),
			sqlite3_column_bytes(stmt, 2));
	}
}

/* The model's node at a name of a folder of the index. @return NULL: there is none. */
static const struct model_node *find_node(const struct model_node *root, uint32_t dir, uint8_t name)
{
	const struct model_node *folder = root;

	if (dir == 0) {
		return root;
	}
	if (dir != STORE_ROOT_DIR) {
		folder = find_node(root, dirs[dir].parent, dirs[dir].name);
	}
	for (folder = folder ? folder->children : NULL; folder; folder = folder->next) {
		if (folder->name == name) {
			return folder;
		}
	}
	return NULL;
}

static size_t count_nodes(const struct model_node *node)
{
	size_t count = 1;

	for (const struct model_node *child = node->children; child; child = child->next) {
		count += count_nodes(child);
	}
	return count;
}

static int64_t count_names(const struct model_node *node, const struct model_inode *inode)
{
	int64_t count = node->inode == inode;

	for (const struct model_node *child = node->children; child; child = child->next) {
		count += count_names(child, inode);
	}
	return count;
}

/* Reasons that are right for an entry: the model's, and for plain layers what can be known without reading. */
static uint32_t allowed(const struct stack *stack, const struct model_entry *entry)
{
	uint32_t reasons = entry->reasons;
	uint8_t parts[MODEL_PARTS_MAX];

	/* The root is a folder; what else claims to be it is passed over. */
	if (entry->kind != 'd' && model_clean(&entry->path, parts) == 0) {
		return 1u << WHY_MARKER;
	}
	if (reasons & NEVER_THERE) {
		return GONE_SOMEHOW;
	}
	if (reasons == 1u << WHY_DUPLICATE) {
		reasons |= 1u << WHY_UNREACHABLE;
	}
	if (reasons & (1u << WHY_IDENTICAL | 1u << WHY_METADATA)) {
		if (!stack->hashed && (entry->kind == 'f' || entry->kind == 'h')) {
			reasons |= 1u << WHY_OVERWRITTEN;
		}
		if (entry->kind == 'h') {
			reasons |= 1u << WHY_OVERWRITTEN | 1u << WHY_REPLACED;
		}
	}
	return reasons;
}

static void check_fate(const struct stack *stack, const struct model_entry *entry, uint32_t why,
	int hidden_by)
{
	const uint32_t right = allowed(stack, entry);

	if (!(right & 1u << why)) {
		(void)fprintf(stderr, "entry %d of %zu, reason %u of %#x\n",
			(int)(entry - stack->entries), stack->count, why, right);
		fuzz_fail("another reason", __FILE__, __LINE__);
	}
	fuzz_check((right & (NEVER_THERE | 1u << WHY_VISIBLE | 1u << WHY_MARKER)) ||
		hidden_by == entry->hidden_by);
}

/* What is visible stands where the model has it, is the same file, and shows the same metadata. */
static void check_visible(const struct stack *stack, const struct model_node *root,
	sqlite3_stmt *stmt, const struct model_entry *entry)
{
	const struct model_node *node = find_node(root, (uint32_t)sqlite3_column_int64(stmt, 1),
		name_number(sqlite3_column_blob(stmt, 2), sqlite3_column_bytes(stmt, 2)));
	const int64_t inode = sqlite3_column_int64(stmt, 6);

	if (!node || node->entry != entry) {
		(void)fprintf(stderr, "entry %d, another is %d\n",
			entry ? (int)(entry - stack->entries) : -1,
			node && node->entry ? (int)(node->entry - stack->entries) : -1);
		fuzz_fail("something else is visible", __FILE__, __LINE__);
	}
	if (entry && entry->kind == 'h') {
		fuzz_check(inode == STORE_FIRST_ENTRY + (node->inode->data - stack->entries));
	}
	if (entry && entry->kind != 'h' && !node->is_dir) {
		const struct model_entry *meta = sqlite3_column_type(stmt, 8) == SQLITE_NULL
			? entry
			: &stack->entries[sqlite3_column_int64(stmt, 8) - STORE_FIRST_ENTRY];

		fuzz_check(meta->meta == node->inode->meta->meta);
		fuzz_check(count_names(root, node->inode) ==
			(sqlite3_column_type(stmt, 7) == SQLITE_NULL
					? 1
					: sqlite3_column_int64(stmt, 7)));
	}
}

static void check_result(const struct stack *stack, const struct model_node *root)
{
	sqlite3_stmt *stmt = ask(
		"SELECT e.id, e.dir, e.name, e.type, e.hidden_by, e.why, e.inode, h.nlink, h.meta"
		" FROM entry e LEFT JOIN hardlink h ON h.inode = e.id");
	size_t visible = 0, rows = 0;

	read_dirs();
	while (store_step(kept.store, stmt, NULL) > 0) {
		const size_t at = (size_t)(sqlite3_column_int64(stmt, 0) - STORE_FIRST_ENTRY);
		const bool shown = sqlite3_column_type(stmt, 5) == SQLITE_NULL;
		const struct model_entry *entry = at < stack->count ? &stack->entries[at] : NULL;
		uint8_t parts[MODEL_PARTS_MAX];
		const size_t count = entry ? model_clean(&entry->path, parts) : 0;

		rows += entry != NULL;
		if (count && parts[count - 1] >= MODEL_NAME_WHITEOUT &&
			parts[count - 1] <= MODEL_NAME_BAD) {
			const char type = store_text(stmt, 3)[0];

			fuzz_check(!shown || type == 'w' || type == 'o');
			continue;
		}
		if (entry) {
			check_fate(stack, entry,
				shown ? WHY_VISIBLE : (uint32_t)sqlite3_column_int(stmt, 5),
				sqlite3_column_int(stmt, 4));
		}
		if (shown) {
			check_visible(stack, root, stmt, entry);
			visible++;
		}
	}
	fuzz_check(rows == stack->count && visible == count_nodes(root));
}

static void put_u32(uint8_t *at, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++) {
		at[i] = (uint8_t)(value >> (24 - 8 * i));
	}
}

/* Make the file what it was when it was new, but for the change counter. */
static void restore(void)
{
	/* Past all that writing the last one came to. */
	kept.changes += 100;
	put_u32(kept.empty + CHANGES, kept.changes);
	put_u32(kept.empty + CHANGES_AGAIN, kept.changes);
	fuzz_check(ftruncate(kept.fd, (off_t)kept.empty_len) == 0);
	fuzz_check(pwrite(kept.fd, kept.empty, kept.empty_len, 0) == (ssize_t)kept.empty_len);
	fuzz_check(store_exec(kept.store, "BEGIN", NULL) == 0);
}

/* Tables of the connection, as the merge makes them where they are missing. */
static void make_temporary(void)
{
	static const char sql[] =
		"CREATE TEMP TABLE implied (dir INTEGER, name BLOB, self INTEGER, layer INTEGER);"
		"CREATE INDEX temp.implied_self ON implied (self);"
		"CREATE TEMP TABLE linked (id INTEGER PRIMARY KEY);"
		"CREATE TEMP TABLE late (id INTEGER PRIMARY KEY, layer INTEGER, why INTEGER)";

	fuzz_check(store_exec(kept.store, sql, NULL) == 0);
}

/* Emptied and not dropped: after a change of tables SQLite would compile every statement anew. */
static void clear_temporary(void)
{
	static const char *const sqls[] = {
		"DELETE FROM temp.implied", "DELETE FROM temp.linked", "DELETE FROM temp.late"};

	for (size_t i = 0; i < countof(sqls); i++) {
		fuzz_check(store_run(kept.store, ask(sqls[i]), NULL) == 0);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	ssize_t got;

	(void)argc;
	(void)argv;
	fuzz_lone_sqlite();
	kept.fd = memfd_create("index", MFD_CLOEXEC);
	fuzz_check(kept.fd >= 0);
	fuzz_check(store_create(kept.fd, -1, &kept.store, NULL) == 0);
	fuzz_check(store_commit(kept.store, NULL) == 0);
	got = pread(kept.fd, kept.empty, sizeof(kept.empty), 0);
	fuzz_check(got > 0 && got < (ssize_t)sizeof(kept.empty));
	kept.empty_len = (size_t)got;
	kept.changes = 1000;
	make_temporary();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	const struct model_node *root;
	static struct stack stack;

	read_stack(&input, &stack);
	root = settle(&stack);
	restore();
	merge(&stack);
	check_result(&stack, root);
	fuzz_check(store_commit(kept.store, NULL) == 0);
	clear_temporary();
	return 0;
}
