/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of advice overlap: an apt archive is a cache, and belongs to a package that nobody asked for. A byte counts
 * for one of them. Counted for the first rule of a list, the promises of some pieces alone would be too small:
 * whoever follows only those saves what was counted elsewhere, too. So the piece that saves most is told first with
 * all its bytes, then the one that saves most of the rest, and so on: the first k pieces together save the sum of
 * what they say, for each k.
 *
 * Bytes are at hand as sums by all that decides (some thousands), so a turn is one pass over these.
 */
#include <string.h>

#include <peel/error.h>
#include <peel/text.h>

#include "audit_advice_priv.h"
#include "util.h"

/* Names of packages that an action tells, and characters of one. */
#define NAMES_MAX 12
#define NAME_SIZE 128
/* Most pieces that one sum is in: by cause, category, strip, duplicates and packages. */
#define MEMBERS_MAX (4 + ADVICE_PACKAGE_RULES)

struct cover {
	struct advising *a;
	/** A piece is a rule in a layer: rule * columns + layer + 1; layer -1: no layer hid it. */
	size_t columns, cells;
	/** By piece: bytes that are left; all of its bytes and files. */
	uint64_t *left, *gross, *files;
	/** By layer + 1: package rules (bits) that were told. */
	uint8_t *followed;
	/** By node: bytes that the piece at hand takes. */
	uint64_t *taken;
	/** Of the piece at hand. */
	const char *paths[ADVICE_PATHS];
	uint64_t path_bytes[ADVICE_PATHS];
	size_t path_count;
};

static void cover_finish(struct cover *c)
{
	free(c->left);
	free(c->gross);
	free(c->files);
	free(c->followed);
	free(c->taken);
}

static size_t cell(const struct cover *c, size_t rule, int layer)
{
	return rule * c->columns + (size_t)(layer + 1);
}

static size_t cell_of_what(const struct cover *c, enum advice_what what, int layer)
{
	return cell(c, (size_t)c->a->rules.by_what[what] - 1, layer);
}

/* The piece by category, if its conditions hold. @return false: none. */
static bool category_cell(const struct cover *c, const struct advice_key *key, size_t *ret_cell)
{
	const struct advice_rules *rules = &c->a->rules;
	uint8_t number = key->category_rule;
	const struct advice_rule *rule = number ? &rules->rules[number - 1] : NULL;

	/* The others of a category with twins are the next rule's. */
	if (rule && rule->twin && !c->a->sums.families[key->family].is_twin) {
		number = key->other_rule;
		rule = number ? &rules->rules[number - 1] : NULL;
	}
	if (!rule || (rule->needs && !c->a->sums.has_category[rule->needs]) ||
		(rule->package_bit >= 0 && key->node != ADVICE_NO_NODE)) {
		return false;
	}
	*ret_cell = cell(c, number - 1u, key->origin);
	return true;
}

/* The pieces of advice that take a sum away as things are. @return how many. */
static size_t members(const struct cover *c, const struct advice_key *key,
	size_t cells[static MEMBERS_MAX])
{
	const struct advice_rules *rules = &c->a->rules;
	size_t count = 0;

	if (key->cause_rule) {
		const struct advice_rule *rule = &rules->rules[key->cause_rule - 1];

		cells[count++] = cell(c, key->cause_rule - 1u,
			rule->by_hider ? key->hider : key->layer);
	}
	if (category_cell(c, key, &cells[count])) {
		count++;
	}
	if (key->flags & ADVICE_IS_STRIPPED && rules->by_what[ADVICE_STRIP]) {
		cells[count++] = cell_of_what(c, ADVICE_STRIP, key->origin);
	}
	if (key->flags & ADVICE_IS_COPY && rules->by_what[ADVICE_DUPLICATES]) {
		cells[count++] = cell_of_what(c, ADVICE_DUPLICATES, key->layer);
	}
	for (int i = 0; key->node != ADVICE_NO_NODE && i < rules->package_rule_count; i++) {
		unsigned set = c->followed[key->origin + 1] | 1u << i;

		if (c->a->gone && c->a->gone[key->node] & 1u << set) {
			cells[count++] = cell(c, rules->package_rules[i], key->origin);
		}
	}
	return count;
}

static bool is_strip_cell(const struct cover *c, size_t at)
{
	return c->a->rules.rules[at / c->columns].what == ADVICE_STRIP;
}

/* True where a rule has a part in taking a package away: with some of the others it goes, without it it stays. */
static bool has_part(uint8_t gone, int bit)
{
	for (unsigned set = 0; set < ADVICE_SETS; set++) {
		if (!(set & 1u << bit) && !(gone & 1u << set) && gone & 1u << (set | 1u << bit)) {
			return true;
		}
	}
	return false;
}

/* The bytes that each piece has a part in. */
static void reckon_gross(struct cover *c)
{
	const struct advice_rules *rules = &c->a->rules;

	memcpy(c->gross, c->left, c->cells * sizeof(*c->left));
	for (size_t i = 0; c->a->gone && i < c->a->sums.count; i++) {
		const struct advice_sum *sum = &c->a->sums.items[i];
		const struct advice_key *key = &sum->key;

		for (int bit = 0; key->node != ADVICE_NO_NODE && bit < rules->package_rule_count;
			bit++) {
			uint8_t gone = c->a->gone[key->node];
			size_t at = cell(c, rules->package_rules[bit], key->origin);

			/* What it takes away by itself is there already. */
			if (has_part(gone, bit) && !(gone & 1u << (1u << bit))) {
				sum_add(&c->gross[at], sum->bytes);
				c->files[at] += key->flags & ADVICE_IS_STRIPPED ? 0 : sum->files;
			}
		}
	}
}

/* What each piece would save now. */
static void reckon(struct cover *c, bool first)
{
	memset(c->left, 0, c->cells * sizeof(*c->left));
	for (size_t i = 0; i < c->a->sums.count; i++) {
		const struct advice_sum *sum = &c->a->sums.items[i];
		size_t cells[MEMBERS_MAX];
		size_t count = sum->taken || sum->files == 0 ? 0 : members(c, &sum->key, cells);

		for (size_t k = 0; k < count; k++) {
			sum_add(&c->left[cells[k]], sum->bytes);
			/* What strip takes of a file is a sum beside that of the rest. */
			if (first &&
				(!(sum->key.flags & ADVICE_IS_STRIPPED) ||
					is_strip_cell(c, cells[k]))) {
				c->files[cells[k]] += sum->files;
			}
		}
	}
	if (first) {
		reckon_gross(c);
	}
}

/* A path that several layers ship is told once. */
static bool has_path(const struct cover *c, const char *path)
{
	for (size_t i = 0; i < c->path_count; i++) {
		if (strcmp(c->paths[i], path) == 0) {
			return true;
		}
	}
	return false;
}

static void add_paths(struct cover *c, const struct advice_sum *sum)
{
	for (size_t i = 0; i < sum->path_count; i++) {
		size_t at = c->path_count;

		while (at > 0 && c->path_bytes[at - 1] < sum->path_bytes[i]) {
			at--;
		}
		if (at == ADVICE_PATHS || has_path(c, sum->paths[i])) {
			continue;
		}
		c->path_count += c->path_count < ADVICE_PATHS;
		for (size_t k = c->path_count - 1; k > at; k--) {
			c->paths[k] = c->paths[k - 1];
			c->path_bytes[k] = c->path_bytes[k - 1];
		}
		c->paths[at] = sum->paths[i];
		c->path_bytes[at] = sum->path_bytes[i];
	}
}

/* A piece is followed: what it takes away is taken. */
static void take(struct cover *c, size_t chosen)
{
	const struct advice_rule *rule = &c->a->rules.rules[chosen / c->columns];

	c->path_count = 0;
	for (size_t i = 0; i < c->a->sums.count; i++) {
		struct advice_sum *sum = &c->a->sums.items[i];
		size_t cells[MEMBERS_MAX];
		size_t count = sum->taken ? 0 : members(c, &sum->key, cells);

		for (size_t k = 0; k < count; k++) {
			if (cells[k] == chosen && !sum->taken) {
				sum->taken = true;
				add_paths(c, sum);
				if (rule->package_bit >= 0 && sum->key.node != ADVICE_NO_NODE) {
					sum_add(&c->taken[sum->key.node], sum->bytes);
				}
			}
		}
	}
	if (rule->package_bit >= 0) {
		c->followed[chosen % c->columns] |= (uint8_t)(1u << rule->package_bit);
	}
}

/* The names of the packages that go, largest first, behind the action. @return NULL: no memory. */
static char *write_action(struct cover *c, const struct advice_rule *rule)
{
	size_t count = c->a->graph && rule->package_bit >= 0 ? advice_graph_count(c->a->graph) : 0;
	size_t left = 0;
	size_t size = 0;
	char *text = NULL;
	FILE *out = peel_text_stream(&text, &size);
	char name[NAME_SIZE];

	if (!out) {
		return NULL;
	}
	fputs(rule->action, out);
	for (uint32_t node = 0; node < count; node++) {
		left += c->taken[node] > 0;
	}
	for (size_t told = 0; left > 0 && told < NAMES_MAX; told++, left--) {
		uint32_t largest = 0;

		for (uint32_t node = 1; node < count; node++) {
			largest = c->taken[node] > c->taken[largest] ? node : largest;
		}
		c->taken[largest] = 0;
		fputs(told == 0 ? "# it leaves out " : ", ", out);
		fputs(peel_text_escape_into(name, sizeof(name),
			      advice_graph_name(c->a->graph, largest),
			      strlen(advice_graph_name(c->a->graph, largest))),
			out);
		if (left == 1) {
			fputs("\n", out);
		}
	}
	if (left > 0) {
		fprintf(out, " and %zu more\n", left);
	}
	for (uint32_t node = 0; node < count; node++) {
		c->taken[node] = 0;
	}
	if (ferror(out) | fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static int tell(struct cover *c, size_t chosen, peel_advice_fn *each, void *arg)
{
	const struct advice_rule *rule = &c->a->rules.rules[chosen / c->columns];
	cleanup_free char *action = write_action(c, rule);
	int layer = (int)(chosen % c->columns) - 1;
	struct peel_layer_stat stat;
	bool known = layer >= 0 && peel_layer_stat(c->a->index, layer, &stat, NULL) == 0;

	if (!action) {
		return peel_fail(c->a->err, PEEL_ENOMEM, "no memory");
	}
	return each(arg,
		       &(struct peel_advice){
			       .id = rule->id,
			       .title = rule->title,
			       .action = action,
			       .layer = layer,
			       .instruction = known ? stat.layer.instruction : "",
			       .files = c->files[chosen],
			       .saves = c->left[chosen],
			       .gross = c->gross[chosen],
			       .paths = c->paths,
			       .path_count = c->path_count,
		       })
		? 1
		: 0;
}

static bool make_room(struct cover *c)
{
	size_t nodes = c->a->graph ? advice_graph_count(c->a->graph) : 0;

	c->left = calloc(c->cells + 1, sizeof(*c->left));
	c->gross = calloc(c->cells + 1, sizeof(*c->gross));
	c->files = calloc(c->cells + 1, sizeof(*c->files));
	c->followed = calloc(c->columns, sizeof(*c->followed));
	c->taken = calloc(nodes + 1, sizeof(*c->taken));
	return c->left && c->gross && c->files && c->followed && c->taken;
}

int advice_cover(struct advising *a, uint64_t min_saves, peel_advice_fn *each, void *arg)
{
	size_t columns = (size_t)peel_layer_count(a->index) + 1;
	cleanup(cover_finish) struct cover c = {
		.a = a, .columns = columns, .cells = a->rules.count * columns};
	int r = 0;

	if (!make_room(&c)) {
		return peel_fail(a->err, PEEL_ENOMEM, "no memory");
	}
	for (int told = 0; r == 0 && told < ADVICE_TOLD_MAX; told++) {
		size_t chosen = 0;

		reckon(&c, told == 0);
		for (size_t i = 1; i < c.cells; i++) {
			chosen = c.left[i] > c.left[chosen] ? i : chosen;
		}
		if (c.left[chosen] == 0 || c.left[chosen] < min_saves) {
			break;
		}
		take(&c, chosen);
		r = tell(&c, chosen, each, arg);
	}
	return r;
}
