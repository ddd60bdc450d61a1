/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -print, -print0 and -printf. To a file and a pipe names go out byte by byte, as GNU find writes them; on a terminal
 * they are escaped. -print0 is for programs, always.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "find.h"
#include "find_format.h"
#include "format.h"

/* Bytes of a value while its directive is printed. */
#define BLOCK 512

static void print_name(const struct find *find, const char *name, size_t len)
{
	if (find->terminal) {
		peel_text_print(stdout, name, len);
	} else {
		fwrite(name, 1, len, stdout);
	}
}

bool find_eval_print(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	(void)node;
	print_name(find, entry->step->path, entry->step->path_len);
	putchar('\n');
	return true;
}

bool find_eval_print0(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	(void)find;
	(void)node;
	fwrite(entry->step->path, 1, entry->step->path_len, stdout);
	putchar(0);
	return true;
}

/* One directive that is printed. */
struct print {
	struct find *find;
	const struct find_entry *entry;
	const struct peel_node *node;
	const struct find_piece *piece;
};

/* Text from the image. */
static void put_name(const struct print *print, const char *name, size_t len)
{
	cleanup_free char *escaped = NULL;

	if (print->find->terminal) {
		name = escaped = format_escaped(name, len);
		len = strlen(escaped);
	}
	field_bytes(stdout, &print->piece->field, name, len);
}

static void put_text(const struct print *print, const char *text)
{
	field_bytes(stdout, &print->piece->field, text, strlen(text));
}

/* GNU prints these numbers as text: a zero before the width says nothing. */
static void put_number(const struct print *print, uint64_t number)
{
	char buf[FORMAT_SIZE];

	put_text(print, format_number(buf, number));
}

static void put_depth(const struct print *print)
{
	const struct field *field = &print->piece->field;
	char buf[FORMAT_SIZE];

	field_digits(stdout, field,
		field->plus            ? "+"
			: field->space ? " "
				       : "",
		format_number(buf, print->entry->step->depth));
}

static void put_mode(const struct print *print)
{
	const struct field *field = &print->piece->field;
	uint32_t mode = print->node->mode & 07777;
	char buf[FORMAT_SIZE];
	int len = snprintf(buf, sizeof(buf), "%" PRIo32, mode);

	field_digits(stdout, field, field->hash && mode && field->precision <= len ? "0" : "", buf);
}

/* Allocated bytes by size: 1 where nothing is missing. */
static void put_sparseness(const struct print *print)
{
	const struct peel_node *node = print->node;
	struct field field = print->piece->field;
	double value = node->size == 0 ? 1.0 : (double)node->allocated / (double)node->size;
	char buf[FIELD_MAX + FORMAT_SIZE];
	int precision = field.precision < 0 ? 6 : field.precision;

	if (field.hash) {
		snprintf(buf, sizeof(buf), "%#.*g", precision, value);
	} else {
		snprintf(buf, sizeof(buf), "%.*g", precision, value);
	}
	field.precision = -1;
	field_digits(stdout, &field, field.plus ? "+" : field.space ? " " : "", buf);
}

/* The last component; a slash behind it stays, one of several. */
static void put_base(const struct print *print)
{
	const struct walk_step *step = print->entry->step;
	size_t len;
	const char *name = find_base_name(step->path, step->path_len, &len);

	put_name(print, name, len + (name + len < step->path + step->path_len));
}

/* What stands before the last component. */
static void put_folder(const struct print *print)
{
	const struct walk_step *step = print->entry->step;
	size_t len = step->path_len;

	while (len > 1 && step->path[len - 1] == '/') {
		len--;
	}
	while (len > 0 && step->path[len - 1] != '/') {
		len--;
	}
	if (len == 0) {
		put_text(print, ".");
	} else {
		put_name(print, step->path, len - 1);
	}
}

/* The path without the start. */
static void put_rest(const struct print *print)
{
	const struct walk_step *step = print->entry->step;
	size_t start = print->entry->start_len;

	if (step->depth == 0) {
		start = step->path_len;
	} else if (step->path[start] == '/') {
		start++;
	}
	put_name(print, step->path + start, step->path_len - start);
}

static void put_target(const struct print *print)
{
	cleanup_free char *target = NULL;
	struct peel_error err = {0};
	size_t len = 0;

	if (S_ISLNK(print->node->mode) &&
		peel_readlink(print->find->index, print->node->ino, &target, &len, &err) < 0) {
		find_complain_error(print->find, print->entry->step->path, &err);
	}
	put_name(print, target ? target : "", len);
}

/* Type of what a link leads to: N nothing, L a loop. */
static void put_target_type(const struct print *print)
{
	struct peel_node target = *print->node;
	struct peel_error err = {0};
	char text[2] = {0};

	if (S_ISLNK(target.mode) &&
		find_resolve(print->find, print->entry, true, &target, &err) < 0) {
		text[0] = err.code == PEEL_ENOENT || err.code == PEEL_ENOTDIR ? 'N'
			: err.code == PEEL_ELOOP                              ? 'L'
									      : '?';
	} else {
		text[0] = find_type_letter(target.mode);
	}
	put_text(print, text);
}

static void put_owner(const struct print *print, const struct names *names, uint32_t id)
{
	const char *name = names_find_raw(names, id);

	if (name) {
		put_name(print, name, strlen(name));
	} else {
		put_number(print, id);
	}
}

static void put_context(const struct print *print)
{
	cleanup_free char *context = NULL;

	if (find_xattr(print->find, print->node->ino, "security.selinux", &context)) {
		put_name(print, context, strlen(context));
		return;
	}
	find_complain_path(print->find, print->entry->step->path, "no SELinux context");
	put_text(print, "");
}

static void put_kind(const struct print *print)
{
	struct peel_error err = {0};
	enum peel_kind kind;

	if (!S_ISREG(print->node->mode)) {
		put_text(print, "-");
	} else if (peel_kind(print->find->index, print->node->ino, &kind, &err) < 0) {
		find_complain_error(print->find, print->entry->step->path, &err);
		put_text(print, "?");
	} else {
		put_text(print, peel_kind_name(kind));
	}
}

/* A layer's number, "-" for none. */
static void put_layer(const struct print *print, int layer)
{
	if (layer < 0) {
		put_text(print, "-");
	} else {
		put_number(print, (uint64_t)layer);
	}
}

/* Directives of names. @return false where the letter is none of them. */
static bool put_names(const struct print *print)
{
	const struct users *users = &print->find->users;

	switch (print->piece->letter) {
	case 'f':
		put_base(print);
		return true;
	case 'g':
		put_owner(print, &users->groups, print->node->gid);
		return true;
	case 'h':
		put_folder(print);
		return true;
	case 'H':
		put_name(print, print->entry->step->path, print->entry->start_len);
		return true;
	case 'l':
		put_target(print);
		return true;
	case 'p':
		put_name(print, print->entry->step->path, print->entry->step->path_len);
		return true;
	case 'P':
		put_rest(print);
		return true;
	case 'u':
		put_owner(print, &users->users, print->node->uid);
		return true;
	case 'Z':
		put_context(print);
		return true;
	default:
		return false;
	}
}

/* Directives of times: a file of an image has one, for all three; none is known of its birth. */
static bool put_times(const struct print *print)
{
	const struct find_time when = {print->node->mtime_sec, print->node->mtime_nsec};
	char buf[FIND_TIME_SIZE];

	if (print->piece->letter == 'B') {
		put_text(print, "");
	} else if (print->piece->detail) {
		put_text(print, find_time_format(buf, &when, print->piece->detail));
	} else if (strchr("act", print->piece->letter)) {
		put_text(print, find_time_plain(buf, &when));
	} else {
		return false;
	}
	return true;
}

static bool put_numbers(const struct print *print)
{
	const struct peel_node *node = print->node;
	const uint64_t blocks = node->allocated / BLOCK;
	static const char letters[] = "bDGiknsU";
	const uint64_t values[] = {blocks, 0, node->gid, node->ino, blocks / 2 + blocks % 2,
		node->nlink, node->size, node->uid};
	const char *at = strchr(letters, print->piece->letter);

	if (at) {
		put_number(print, values[at - letters]);
	}
	return at != NULL;
}

static void put_rest_of_letters(const struct print *print)
{
	char mode[11];
	char type[2] = {find_type_letter(print->node->mode), 0};

	switch (print->piece->letter) {
	case 'd':
		put_depth(print);
		return;
	case 'm':
		put_mode(print);
		return;
	case 'M':
		put_text(print, format_mode(mode, print->node->mode));
		return;
	case 'S':
		put_sparseness(print);
		return;
	case 'y':
		put_text(print, type);
		return;
	case 'Y':
		put_target_type(print);
		return;
	case FIND_LAYER:
		put_layer(print, print->node->implied ? -1 : print->node->layer);
		return;
	case FIND_HIDDEN_BY:
		put_layer(print, print->node->hidden_by);
		return;
	case FIND_WHY:
		put_text(print, print->node->hidden_by < 0 ? "-" : print->node->why);
		return;
	case FIND_KIND:
		put_kind(print);
		return;
	default:
		return;
	}
}

bool find_eval_printf(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	const struct find_format *format = node->format;
	struct print print = {.find = find, .entry = entry, .node = entry->step->node};

	for (size_t i = 0; i < format->count; i++) {
		print.piece = &format->pieces[i];
		if (print.piece->kind == FIND_LITERAL) {
			fwrite(print.piece->text, 1, print.piece->len, stdout);
		} else if (print.piece->kind == FIND_STOP) {
			fflush(stdout);
		} else if (!put_names(&print) && !put_times(&print) && !put_numbers(&print)) {
			put_rest_of_letters(&print);
		}
	}
	return true;
}
