/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is looked into: programs for what they need and what is appended to them, scripts for their line and a
 * ZIP behind it, ZIP files and static libraries for their members, data for the mark of a bundle at its end.
 *
 * Members are listed all, and what they are is found out by their first bytes; programs among them are unpacked and
 * searched whole. An archive that would cost more than its budget, or has a member that cannot be unpacked, counts as
 * listed in part: nothing is proved by it.
 */
#include "facts_inside.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "facts.h"
#include "facts_gather_ar.h"
#include "facts_scan.h"
#include "facts_wanted.h"
#include "util.h"

/** Longest line of a script that is kept, bytes. */
#define SCRIPT_LINE_MAX 512

/** What is done with files of a kind. */
enum treatment {
	LOOK_ELF = 1,
	LOOK_SCRIPT = 2,
	LOOK_ZIP = 4,
	LOOK_AR = 8,
	LOOK_BUNDLE = 16,
	/** An archive that is only named. */
	NAME_ARCHIVE = 32,
	/** Compressed: nothing is looked for in it. */
	PACKED = 64,
};

static const struct {
	unsigned treatment;
	/** Markers, enum facts_in; 0 with PACKED: none, else FACTS_IN_DATA. */
	unsigned in;
} kinds[] = {
	[PEEL_KIND_TEXT] = {0, FACTS_IN_TEXT},
	[PEEL_KIND_DATA] = {LOOK_BUNDLE, FACTS_IN_DATA},
	[PEEL_KIND_AR] = {LOOK_AR, FACTS_IN_PROGRAMS},
	[PEEL_KIND_BZIP2] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_CLASS] = {0, FACTS_IN_PROGRAMS},
	[PEEL_KIND_COMPRESS] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_CPIO] = {NAME_ARCHIVE, FACTS_IN_DATA},
	[PEEL_KIND_DEB] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_ELF] = {LOOK_ELF | LOOK_BUNDLE, FACTS_IN_PROGRAMS},
	[PEEL_KIND_GIF] = {PACKED, 0},
	[PEEL_KIND_GITPACK] = {PACKED, 0},
	[PEEL_KIND_GZIP] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_JPEG] = {PACKED, 0},
	[PEEL_KIND_LZ4] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_LZIP] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_MACHO] = {LOOK_BUNDLE, FACTS_IN_PROGRAMS},
	[PEEL_KIND_PDF] = {PACKED, 0},
	[PEEL_KIND_PE] = {LOOK_BUNDLE, FACTS_IN_PROGRAMS},
	[PEEL_KIND_PNG] = {PACKED, 0},
	[PEEL_KIND_RAR] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_RPM] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_SCRIPT] = {LOOK_SCRIPT | LOOK_BUNDLE, FACTS_IN_TEXT},
	[PEEL_KIND_SEVENZIP] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_SQUASHFS] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_TAR] = {NAME_ARCHIVE, FACTS_IN_DATA},
	[PEEL_KIND_WASM] = {0, FACTS_IN_PROGRAMS},
	[PEEL_KIND_WEBP] = {PACKED, 0},
	[PEEL_KIND_XZ] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_ZIP] = {LOOK_ZIP | LOOK_BUNDLE | PACKED, 0},
	[PEEL_KIND_ZSTD] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_CAB] = {NAME_ARCHIVE | PACKED, 0},
	[PEEL_KIND_DISK] = {NAME_ARCHIVE, FACTS_IN_DATA},
	[PEEL_KIND_FILESYSTEM] = {NAME_ARCHIVE, FACTS_IN_DATA},
};

static unsigned treatment_of(enum peel_kind kind)
{
	return (size_t)kind < countof(kinds) ? kinds[kind].treatment : 0;
}

enum facts_inside_part facts_inside_of(enum peel_kind kind)
{
	const unsigned treatment = treatment_of(kind);

	return treatment & (LOOK_ELF | LOOK_ZIP | LOOK_AR) ? FACTS_INSIDE_ALL
		: treatment & (LOOK_SCRIPT | LOOK_BUNDLE)  ? FACTS_INSIDE_END
							   : FACTS_INSIDE_NOTHING;
}

bool facts_is_archive(enum peel_kind kind)
{
	return treatment_of(kind) & NAME_ARCHIVE;
}

unsigned facts_in_of(enum peel_kind kind)
{
	const unsigned in = (size_t)kind < countof(kinds) ? kinds[kind].in : 0;

	return in || (treatment_of(kind) & PACKED) || kind == PEEL_KIND_EMPTY ? in : FACTS_IN_DATA;
}

/** A look under way. */
struct look {
	const struct facts_inside *inside;
	const struct facts_file *outer;
	/** The same, with failures noted: damage of an archive is none. */
	struct facts_file file;
	int failure;
	/** Budget of the archive at hand. */
	unsigned members;
	uint64_t bytes;
	bool is_ar;
	unsigned markers;
	/** Something in the archive was not looked at. */
	bool partial;
	/** For members, FACTS_INSIDE_PIECE; made when first needed. */
	uint8_t *room;
};

static int read_file(void *arg, uint64_t offset, void *buf, size_t len, struct peel_error *err)
{
	struct look *look = arg;

	if (look->failure == 0) {
		look->failure = look->outer->read(look->outer->arg, offset, buf, len, err);
	}
	return look->failure;
}

static void add_text(struct look *look, enum facts_item_kind kind, const char *text, uint64_t bytes,
	bool defined)
{
	const struct facts_item item = {
		.kind = kind,
		.text = text,
		.text_len = strlen(text),
		.bytes = bytes,
		.defined = defined,
	};

	facts_record_add(look->inside->pack, &item);
}

static void take_need(void *arg, const char *name)
{
	add_text(arg, FACTS_ITEM_NEED, name, 0, false);
}

static void take_symbol(void *arg, const char *name, bool defined)
{
	add_text(arg, FACTS_ITEM_SYMBOL, name, 0, defined);
}

static void take_gpu(void *arg, const char *arch, uint64_t bytes)
{
	add_text(arg, FACTS_ITEM_GPU, arch, bytes, false);
}

/** @param ret_end where what is appended begins; the file's size where nothing is. */
static int look_elf(struct look *look, uint64_t *ret_end, struct peel_error *err)
{
	const struct facts_elf_sink sink = {
		.need = take_need, .symbol = take_symbol, .gpu = take_gpu, .arg = look};
	cleanup_free struct facts_item *item = calloc(1, sizeof(*item));
	int code = item ? facts_elf_look(&look->file, look->inside->wanted, &sink, &item->elf, err)
			: peel_fail(err, PEEL_ENOMEM, "no memory");

	if (code > 0) {
		item->kind = FACTS_ITEM_ELF;
		facts_record_add(look->inside->pack, item);
		*ret_end = item->elf.end ? item->elf.end : look->file.size;
	}
	return code < 0 ? code : 0;
}

static int look_script(struct look *look, struct peel_error *err)
{
	char line[SCRIPT_LINE_MAX];
	const size_t len = (size_t)min_u64(look->file.size, sizeof(line));
	int code = read_file(look, 0, line, len, err);
	const char *end = memchr(line, '\n', len);
	const struct facts_item item = {
		.kind = FACTS_ITEM_SCRIPT,
		.text = line,
		.text_len = end ? (size_t)(end - line) : len,
	};

	if (code == 0) {
		facts_record_add(look->inside->pack, &item);
	}
	return code;
}

static void take_marker(void *arg, size_t marker, uint64_t offset)
{
	struct look *look = arg;
	const struct facts_item item = {
		.kind = FACTS_ITEM_MEMBER_MARKER, .marker = marker, .offset = offset};

	if (look->markers++ >= FACTS_INSIDE_MARKERS) {
		return;
	}
	facts_record_add(look->inside->pack, &item);
}

/** Bytes of a member: unpacked ones of a ZIP. @return how many, 0 where they cannot be read, or less than 0. */
static int64_t read_member(struct look *look, const struct facts_member *member, size_t room,
	struct peel_error *err)
{
	struct peel_error damage = {0};
	int64_t got;

	if (look->is_ar) {
		const size_t len = (size_t)min_u64(member->stored, room);

		if (member->offset > look->file.size || len > look->file.size - member->offset) {
			return 0;
		}
		got = read_file(look, member->offset, look->room, len, err);
		return got < 0 ? got : (int64_t)len;
	}
	got = facts_zip_read(&look->file, member, look->room, room, &damage);
	if (got < 0 && (look->failure < 0 || damage.code == PEEL_ENOMEM)) {
		return peel_fail(err, damage.code, "%s", damage.message);
	}
	return got < 0 ? 0 : got;
}

/** What a member is, where the budget has room for it. @return 0, or less than 0. */
static int look_member(struct look *look, const struct facts_member *member,
	enum peel_kind *ret_kind, struct peel_error *err)
{
	const bool folder = member->name_len > 0 && member->name[member->name_len - 1] == '/';
	int64_t got;

	if (folder) {
		return 0;
	}
	if (look->members >= FACTS_INSIDE_MEMBERS || look->bytes > FACTS_INSIDE_BYTES) {
		look->partial = true;
		return 0;
	}
	look->members++;
	if (!look->room) {
		look->room = malloc(FACTS_INSIDE_PIECE);
	}
	if (!look->room) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	got = read_member(look, member, look->is_ar ? FACTS_AR_HEAD : FACTS_HEAD, err);
	if (got <= 0 && (got < 0 || member->size > 0)) {
		look->partial = true;
		return (int)got;
	}
	*ret_kind = facts_kind(look->room, (size_t)got);
	look->bytes += (uint64_t)got;
	return 0;
}

static void scan_piece(void *arg, const void *bytes, size_t len)
{
	facts_scan_feed(arg, bytes, len);
}

/** Markers in a member that is a program. */
static int scan_member(struct look *look, const struct facts_member *member, enum peel_kind kind,
	struct peel_error *err)
{
	const unsigned in = facts_in_of(kind) & FACTS_IN_PROGRAMS;
	const uint64_t left = look->bytes < FACTS_INSIDE_BYTES ? FACTS_INSIDE_BYTES - look->bytes
							       : 0;
	const struct facts_pieces pieces = {.buf = look->room,
		.room = FACTS_INSIDE_PIECE,
		.most = left,
		.piece = scan_piece,
		.arg = look->inside->scan};
	struct peel_error damage = {0};
	int64_t got;

	/* A static library is looked through as a whole. */
	if (!in || look->is_ar) {
		return 0;
	}
	facts_scan_begin(look->inside->scan, in, take_marker, look);
	got = facts_zip_each(&look->file, member, &pieces, &damage);
	if (got < 0 && (look->failure < 0 || damage.code == PEEL_ENOMEM)) {
		return peel_fail(err, damage.code, "%s", damage.message);
	}
	look->partial = look->partial || got < 0 || (uint64_t)got >= left;
	look->bytes += got > 0 ? (uint64_t)got : 0;
	return 0;
}

static int take_member(void *arg, const struct facts_member *member)
{
	struct look *look = arg;
	struct facts_item item = {
		.kind = FACTS_ITEM_MEMBER,
		.text = member->name,
		.text_len = member->name_len,
		.bytes = member->stored,
		.size = member->size,
	};
	struct peel_error err = {0};
	int code = look_member(look, member, &item.member_kind, &err);

	if (code == 0) {
		facts_record_add(look->inside->pack, &item);
		code = scan_member(look, member, item.member_kind, &err);
	}
	look->failure = code < 0 ? code : 0;
	return code;
}

/** Members, and how far they were listed: 0 none, 1 all, 2 some. */
static int list_members(struct look *look, bool is_ar, int *ret_listed, struct peel_error *err)
{
	int end;

	look->is_ar = is_ar;
	end = is_ar ? facts_ar_list(&look->file, take_member, look, err)
		    : facts_zip_list(&look->file, take_member, look, err);
	if (look->failure < 0) {
		return err && err->code < 0 ? err->code
					    : peel_fail(err, look->failure, "cannot read");
	}
	*ret_listed = end == FACTS_LIST_WHOLE &&
			(look->partial || look->markers > FACTS_INSIDE_MARKERS)
		? FACTS_LIST_PARTIAL
		: end > 0 ? end
			  : 0;
	return end < 0 ? end : 0;
}

static int look_archive(struct look *look, unsigned treatment, uint64_t end, struct peel_error *err)
{
	struct facts_item item = {.kind = FACTS_ITEM_ARCHIVE};
	const bool appended = end < look->file.size;
	int code = 0;

	if (treatment & LOOK_BUNDLE) {
		int bundle = facts_bundle_look(&look->file, &item.offset, err);

		if (bundle < 0) {
			return bundle;
		}
		item.bundle = (enum facts_bundle)bundle;
	}
	if ((treatment & (LOOK_ZIP | LOOK_SCRIPT)) || item.bundle == FACTS_BUNDLE_ZIPAPP ||
		((treatment & LOOK_ELF) && appended)) {
		code = list_members(look, false, &item.listed, err);
	} else if (treatment & LOOK_AR) {
		code = list_members(look, true, &item.listed, err);
	}
	if (code == 0 &&
		((treatment & (LOOK_ZIP | LOOK_AR | NAME_ARCHIVE)) || item.listed || item.bundle)) {
		facts_record_add(look->inside->pack, &item);
	}
	return code;
}

int facts_inside_look(const struct facts_inside *inside, enum peel_kind kind,
	const struct facts_file *file, struct peel_error *err)
{
	struct look look = {
		.inside = inside,
		.outer = file,
		.file = {.size = file->size, .read = read_file},
	};
	const unsigned treatment = treatment_of(kind);
	uint64_t end = file->size;
	int code = 0;

	look.file.arg = &look;
	if (treatment & LOOK_ELF) {
		code = look_elf(&look, &end, err);
	}
	if (code == 0 && (treatment & LOOK_SCRIPT)) {
		code = look_script(&look, err);
	}
	if (code == 0) {
		code = look_archive(&look, treatment, end, err);
	}
	free(look.room);
	return code;
}
