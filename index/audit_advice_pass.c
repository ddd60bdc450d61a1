/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger comes in order of layers, facts about programs beside it.
 *
 * A layer that only changes owners (chown -R) ships files again that an instruction below it made. That instruction
 * is the one that advice about the file concerns, and whoever follows it saves both copies. So paths of files that a
 * later layer has with the same content are remembered, by hash: what is known of the visible file when it comes is
 * then said of its earlier copies as well.
 */
#include <string.h>

#include <peel/error.h>

#include "audit_advice_copies.h"
#include "facts_rows.h"
#include "hash.h"
#include "util.h"

/* Where dpkg and apt keep what belongs to one package. */
static const char info_folder[] = "/var/lib/dpkg/info/";
static const char archive_folder[] = "/var/cache/apt/archives/";

struct pass {
	struct advising *a;
	struct facts_rows *rows;
	struct facts_row row;
	bool rows_ended;
	/** By package: node of the graph; databases (bits) that rules leave out. */
	uint32_t *nodes;
	uint8_t *databases;
	bool *is_system;
	uint32_t package_count;
	struct advice_copies copies;
	struct advice_contents contents;
	int code;
};

static void pass_finish(struct pass *p)
{
	facts_rows_free(p->rows);
	free(p->nodes);
	free(p->databases);
	free(p->is_system);
	advice_copies_finish(&p->copies);
	advice_contents_finish(&p->contents);
}

static int no_memory(struct pass *p)
{
	p->code = peel_fail(p->a->err, PEEL_ENOMEM, "no memory");
	return p->code;
}

static bool starts_with(const struct peel_piece *piece, const char *folder, size_t len)
{
	return piece->path_len > len && memcmp(piece->path, folder, len) == 0;
}

/*
 * The package that a file belongs to though no list has it: "…/info/NAME:ARCH.list",
 * "…/archives/NAME_VERSION_ARCH.deb".
 */
static uint32_t node_by_name(const struct pass *p, const struct peel_piece *piece)
{
	const char *name;
	size_t len;

	if (starts_with(piece, info_folder, sizeof(info_folder) - 1)) {
		const char *dot;

		name = piece->path + sizeof(info_folder) - 1;
		dot = strrchr(name, '.');
		len = strcspn(name, ":");
		len = dot && (size_t)(dot - name) < len ? (size_t)(dot - name) : len;
	} else if (starts_with(piece, archive_folder, sizeof(archive_folder) - 1)) {
		name = piece->path + sizeof(archive_folder) - 1;
		len = strcspn(name, "_");
	} else {
		return ADVICE_NO_NODE;
	}
	return advice_graph_find(p->a->graph, name, len, "");
}

static bool is_documentation(const struct pass *p, const struct peel_piece *piece)
{
	const struct peel_category *category = peel_category_get(p->a->index, piece->category);

	return category && strcmp(category->group, "documentation") == 0;
}

static void set_node(const struct pass *p, const struct peel_piece *piece, struct advice_key *key)
{
	if (!p->a->graph) {
		return;
	}
	/* dpkg itself owns its folders, but what is in them goes with the package. */
	key->node = node_by_name(p, piece);
	if (key->node == ADVICE_NO_NODE && piece->package <= p->package_count) {
		key->node = p->nodes[piece->package];
		key->flags |= !piece->visible || is_documentation(p, piece) ? ADVICE_IS_NEUTRAL : 0;
	} else {
		key->flags |= ADVICE_IS_NEUTRAL;
	}
}

/* The rules of a visible file's category. */
static void set_rules(const struct pass *p, const struct peel_piece *piece, struct advice_key *key)
{
	const struct advice_rules *rules = &p->a->rules;
	unsigned databases = piece->package <= p->package_count ? p->databases[piece->package] : 0;

	if (!piece->visible || piece->category > rules->category_count) {
		return;
	}
	for (size_t i = 0; i < ADVICE_CATEGORY_RULES; i++) {
		uint8_t rule = rules->by_category[piece->category][i];

		if (!rule || rules->rules[rule - 1].except & databases) {
			continue;
		}
		if (key->category_rule) {
			key->other_rule = rule;
			return;
		}
		key->category_rule = rule;
		if (!rules->rules[rule - 1].twin) {
			return;
		}
	}
}

/* Facts of a program; NULL where there are none. */
static const struct facts_row *find_facts(struct pass *p, const struct peel_piece *piece)
{
	int r = 1;

	if (piece->kind != PEEL_KIND_ELF || p->rows_ended) {
		return NULL;
	}
	/* A file that could not be looked into has no facts: then the row at hand is of a later one. */
	if (p->row.entry < piece->entry) {
		r = facts_rows_seek(p->rows, piece->entry, &p->row, p->a->err);
	}
	if (r <= 0) {
		p->rows_ended = true;
		p->code = r;
		return NULL;
	}
	return p->row.entry == piece->entry && p->row.elf ? &p->row : NULL;
}

/* "libcublas.so" of "libcublas.so.12". */
static size_t family_len(const char *soname)
{
	const char *end = strstr(soname, ".so");

	return end ? (size_t)(end - soname) + 3 : 0;
}

/*
 * The number of a name, made where it is not known; a list, as there are some dozens of GPU libraries. @return 0:
 * none.
 */
static uint32_t find_family(struct pass *p, const char *soname)
{
	struct advice_sums *sums = &p->a->sums;
	size_t len = family_len(soname);

	for (size_t i = 1; len > 0 && i < sums->family_count; i++) {
		if (strncmp(sums->families[i].name, soname, len) == 0 &&
			sums->families[i].name[len] == '\0') {
			return (uint32_t)i;
		}
	}
	if (len == 0 || sums->family_count == ADVICE_FAMILIES_MAX) {
		return 0;
	}
	if (!grow_array(&sums->families, sums->family_count, &sums->family_room,
		    sizeof(*sums->families))) {
		no_memory(p);
		return 0;
	}
	sums->families[sums->family_count] = (struct advice_family){.name = strndup(soname, len)};
	if (!sums->families[sums->family_count].name) {
		no_memory(p);
		return 0;
	}
	return (uint32_t)sums->family_count++;
}

/* A library that is there twice, and code for GPUs of frameworks. */
static void set_library(struct pass *p, const struct peel_piece *piece,
	const struct facts_row *facts, struct advice_key *key)
{
	const struct advice_rules *rules = &p->a->rules;

	for (size_t i = 0; i < rules->count && piece->visible; i++) {
		const struct advice_rule *rule = &rules->rules[i];

		if (rule->twin && rule->twin == piece->category) {
			uint32_t family = find_family(p, facts->elf->soname);

			p->a->sums.families[family].is_twin = family != 0;
		}
		if (rule->needs && rule->needs == piece->category && facts->gpu_count > 0) {
			key->category_rule = (uint8_t)(i + 1);
		}
	}
	if (key->category_rule && rules->rules[key->category_rule - 1].twin) {
		key->family = find_family(p, facts->elf->soname);
	}
}

/* What strip takes away; object files need their symbols. */
static uint64_t stripped_bytes(const struct peel_piece *piece, const struct facts_row *facts)
{
	enum { EXECUTABLE = 2, SHARED = 3 };

	return facts && (facts->elf->type == EXECUTABLE || facts->elf->type == SHARED)
		? min_u64(facts->elf->strip_bytes, piece->bytes)
		: 0;
}

/* True where a file before this one had its content. What the system's packages have twice nobody can change. */
static bool is_copy(struct pass *p, const struct peel_piece *piece)
{
	int r;

	if (!piece->visible || piece->bytes < ADVICE_DUPLICATE_MIN || !piece->hash ||
		piece->package > p->package_count || p->is_system[piece->package]) {
		return false;
	}
	r = advice_contents_add(&p->contents, piece->hash, piece->bytes);
	if (r < 0) {
		no_memory(p);
	}
	return r == 0;
}

/* True where the same content comes again at this path, in a later layer. */
static bool comes_again(const struct peel_piece *piece)
{
	return !piece->visible &&
		(piece->cause == PEEL_CAUSE_METADATA || piece->cause == PEEL_CAUSE_IDENTICAL);
}

static void remember(struct pass *p, uint64_t hash, const struct advice_key *key, uint64_t bytes)
{
	if (!advice_copies_add(&p->copies, hash, key, bytes)) {
		no_memory(p);
	}
}

static void add(struct pass *p, const struct advice_key *key, const struct peel_piece *piece,
	uint64_t bytes)
{
	struct advice_sums *sums = &p->a->sums;
	const unsigned flags = key->flags & ~(unsigned)ADVICE_IS_NEUTRAL;
	struct advice_sum *sum;
	size_t at;

	if (bytes == 0 ||
		(!key->cause_rule && !key->category_rule && !flags &&
			key->node == ADVICE_NO_NODE)) {
		return;
	}
	at = advice_sums_get(sums, key);
	if (at == SIZE_MAX) {
		no_memory(p);
		return;
	}
	sum = &sums->items[at];
	sum->files++;
	sum_add(&sum->bytes, bytes);
	if (!advice_sums_path(sums, sum, piece->path, piece->path_len, bytes)) {
		no_memory(p);
	}
}

/*
 * The layer that had a path first with this content; and, when the visible file comes, its rule is said of the copies
 * before it.
 */
static int16_t trace(struct pass *p, const struct peel_piece *piece, uint64_t hash,
	const struct advice_key *key)
{
	int16_t origin = (int16_t)piece->layer;
	struct advice_copy *copy = advice_copies_find(&p->copies, hash, NULL);

	for (; copy && !p->code; copy = advice_copies_find(&p->copies, hash, copy)) {
		size_t old;

		origin = copy->key.origin < origin ? copy->key.origin : origin;
		if (!piece->visible || key->category_rule == copy->key.category_rule) {
			continue;
		}
		old = advice_sums_get(&p->a->sums, &copy->key);
		if (old == SIZE_MAX) {
			no_memory(p);
			break;
		}
		if (p->a->sums.items[old].bytes >= copy->bytes && p->a->sums.items[old].files > 0) {
			p->a->sums.items[old].bytes -= copy->bytes;
			p->a->sums.items[old].files--;
			copy->key.category_rule = key->category_rule;
			copy->key.other_rule = key->other_rule;
			copy->key.family = key->family;
			add(p, &copy->key, piece, copy->bytes);
		}
	}
	return origin;
}

static int take_piece(void *arg, const struct peel_piece *piece)
{
	struct pass *p = arg;
	const struct facts_row *facts = find_facts(p, piece);
	const bool again = comes_again(piece);
	struct advice_key key = {
		.node = ADVICE_NO_NODE,
		.layer = (int16_t)piece->layer,
		.origin = (int16_t)piece->layer,
		.hider = (int16_t)piece->hidden_by,
		.cause_rule = piece->visible ? 0 : p->a->rules.by_cause[piece->cause],
	};
	uint64_t hash = 0;
	uint64_t stripped = stripped_bytes(piece, facts);

	if (piece->visible && piece->category <= p->a->rules.category_count) {
		p->a->sums.has_category[piece->category] = true;
	}
	set_node(p, piece, &key);
	set_rules(p, piece, &key);
	if (facts) {
		set_library(p, piece, facts, &key);
	}
	if (!key.category_rule && is_copy(p, piece)) {
		key.flags |= ADVICE_IS_COPY;
	}
	if (again || p->copies.count > 0) {
		hash = hash_bytes(hash_seed(), piece->path, piece->path_len);
		key.origin = trace(p, piece, hash, &key);
	}
	add(p, &key, piece, piece->bytes - stripped);
	if (again) {
		remember(p, hash, &key, piece->bytes - stripped);
	}
	if (stripped) {
		key.flags |= ADVICE_IS_STRIPPED;
		add(p, &key, piece, stripped);
		if (again) {
			remember(p, hash, &key, stripped);
		}
	}
	return p->code < 0;
}

/* What is known of packages before the pass: their nodes, and which rules leave them out. */
static bool know_packages(struct pass *p)
{
	static const char *const system[] = {"dpkg", "status.d", "apk", "rpm"};
	const struct advice_rules *rules = &p->a->rules;

	p->package_count = peel_package_count(p->a->index);
	p->nodes = calloc((size_t)p->package_count + 1, sizeof(*p->nodes));
	p->databases = calloc((size_t)p->package_count + 1, sizeof(*p->databases));
	p->is_system = calloc((size_t)p->package_count + 1, sizeof(*p->is_system));
	if (!p->nodes || !p->databases || !p->is_system) {
		return false;
	}
	p->nodes[0] = ADVICE_NO_NODE;
	for (uint32_t id = 1; id <= p->package_count; id++) {
		const struct peel_package *package = peel_package_get(p->a->index, id);

		p->nodes[id] = p->a->graph && strcmp(package->db, "dpkg") == 0
			? advice_graph_find(p->a->graph, package->name, strlen(package->name),
				  package->arch)
			: ADVICE_NO_NODE;
		for (int i = 0; i < rules->database_count; i++) {
			if (strcmp(rules->databases[i], package->db) == 0) {
				p->databases[id] |= (uint8_t)(1u << i);
			}
		}
		for (size_t i = 0; i < countof(system); i++) {
			p->is_system[id] = p->is_system[id] || strcmp(system[i], package->db) == 0;
		}
	}
	return true;
}

int advice_pass(struct advising *a)
{
	cleanup(pass_finish) struct pass p = {.a = a};
	struct advice_sums *sums = &a->sums;
	int r;

	sums->has_category = calloc((size_t)a->rules.category_count + 1,
		sizeof(*sums->has_category));
	if (!sums->has_category || !know_packages(&p) ||
		!grow_array(&sums->families, 0, &sums->family_room, sizeof(*sums->families))) {
		return no_memory(&p);
	}
	sums->families[sums->family_count++] = (struct advice_family){0};
	r = facts_rows_new_programs(a->index, &p.rows, a->err);
	if (r == 0) {
		r = peel_pieces(a->index, PEEL_BY_ENTRY, false, take_piece, &p, a->err);
	}
	return p.code < 0 ? p.code : r;
}
