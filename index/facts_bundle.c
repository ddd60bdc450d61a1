/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that carry a Python program in themselves, by the marks that their own starters look for:
 *
 *   PyInstaller  a cookie behind the package: magic, then big-endian lengths of the package, place and length of its
 *   table
 *                of contents, version, and in all but the oldest the name of libpython. Its starter searches the file
 *                backwards from its end, so a signature may follow; objcopy may have put the package into "pydata".
 *   Nuitka       the last 8 bytes are the payload's length; the payload begins with "KAX" (stored) or "KAY" (zstd).
 *   zipapp       a ZIP file with __main__.py or __main__.pyc at its top, behind anything.
 */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "facts_look.h"
#include "facts_window.h"
#include "util.h"

/* How far from the end a cookie is looked for: a signature's certificates take some 10 KiB. */
#define TAIL_MAX (64u << 10)
#define COOKIE_MIN 24
#define COOKIE_MAX 88
#define NUITKA_TAIL 8
/* The least that a payload has: its mark, one name, one size. */
#define NUITKA_PAYLOAD_MIN 16

/* The cookie's magic, "MEI" and five control characters; split so that our own program does not hold it whole. */
static const char magic_head[] = "MEI\014";
static const char magic_tail[] = "\013\012\013\016";

static bool is_magic(const uint8_t *at)
{
	return memcmp(at, magic_head, 4) == 0 && memcmp(at + 4, magic_tail, 4) == 0;
}

/* Whether a cookie's lengths fit: its package ends with the cookie, and holds a table of contents. */
static bool is_cookie(const uint8_t *cookie, size_t left, uint64_t at)
{
	static const size_t sizes[] = {COOKIE_MAX, COOKIE_MIN};
	const uint64_t package = facts_get32(cookie + 8, true);
	const uint64_t table = facts_get32(cookie + 12, true);
	const uint64_t table_len = facts_get32(cookie + 16, true);

	for (size_t i = 0; i < countof(sizes); i++) {
		if (sizes[i] <= left && package <= at + sizes[i] && package >= sizes[i] &&
			table_len > 0 && table + table_len <= package - sizes[i]) {
			return true;
		}
	}
	return false;
}

/* Look for a cookie in the last bytes before a place. @return 1; 0; as file->read. */
static int find_cookie(const struct facts_file *file, uint64_t end, uint64_t *ret_offset,
	struct peel_error *err)
{
	const size_t len = min_u64(end, TAIL_MAX);
	cleanup_free uint8_t *tail = malloc(len + 1);
	const uint8_t *found;
	int result;

	if (!tail) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (len < COOKIE_MIN) {
		return 0;
	}
	result = file->read(file->arg, end - len, tail, len, err);
	if (result < 0) {
		return result;
	}
	found = tail + len - COOKIE_MIN + 1;
	while ((found = memrchr(tail, magic_head[0], (size_t)(found - tail)))) {
		const size_t at = (size_t)(found - tail);

		if (is_magic(found) && is_cookie(found, len - at, end - len + at)) {
			*ret_offset = end - len + at;
			return 1;
		}
	}
	return 0;
}

/* Where the section "pydata" ends; 0: there is none. */
static void take_section(void *arg, const char *name, uint64_t offset, uint64_t bytes)
{
	uint64_t *end = arg;

	if (strcmp(name, "pydata") == 0) {
		*end = offset + bytes;
	}
}

static int is_pyinstaller(const struct facts_file *file, uint64_t *ret_offset,
	struct peel_error *err)
{
	uint64_t section_end = 0;
	const struct facts_elf_sink sink = {.section = take_section, .arg = &section_end};
	int result = find_cookie(file, file->size, ret_offset, err);

	if (result != 0) {
		return result;
	}
	result = facts_elf_sections(file, &sink, err);
	return result > 0 && section_end > 0 ? find_cookie(file, section_end, ret_offset, err)
		: result < 0                 ? result
					     : 0;
}

static int is_nuitka(const struct facts_file *file, uint64_t *ret_offset, struct peel_error *err)
{
	uint8_t tail[NUITKA_TAIL];
	uint64_t payload;
	int result;

	if (file->size < NUITKA_TAIL + NUITKA_PAYLOAD_MIN) {
		return 0;
	}
	result = file->read(file->arg, file->size - NUITKA_TAIL, tail, sizeof(tail), err);
	payload = result < 0 ? 0 : facts_get64(tail, false);
	if (payload < NUITKA_PAYLOAD_MIN || payload > file->size - NUITKA_TAIL) {
		return result;
	}
	*ret_offset = file->size - NUITKA_TAIL - payload;
	result = file->read(file->arg, *ret_offset, tail, 3, err);
	return result < 0 ? result
			  : memcmp(tail, "KA", 2) == 0 && (tail[2] == 'X' || tail[2] == 'Y');
}

/* The member that is run. */
struct main_member {
	uint64_t size;
	uint64_t offset;
	bool found;
};

/* Keep where it is, and stop there. One whose data are outside of the file nobody can run. */
static int take_main(void *arg, const struct facts_member *member)
{
	struct main_member *run = arg;

	if (member->offset < run->size &&
		(strcmp(member->name, "__main__.py") == 0 ||
			strcmp(member->name, "__main__.pyc") == 0)) {
		run->offset = member->offset;
		run->found = true;
	}
	return run->found;
}

static int is_zipapp(const struct facts_file *file, uint64_t *ret_offset, struct peel_error *err)
{
	struct main_member run = {.size = file->size};
	int result = facts_zip_list(file, take_main, &run, err);

	*ret_offset = run.offset;
	return result < 0 ? result : run.found;
}

typedef int is_fn(const struct facts_file *file, uint64_t *ret_offset, struct peel_error *err);

static const struct {
	is_fn *is;
	enum facts_bundle bundle;
} bundles[] = {
	{is_pyinstaller, FACTS_BUNDLE_PYINSTALLER},
	{is_nuitka, FACTS_BUNDLE_NUITKA},
	{is_zipapp, FACTS_BUNDLE_ZIPAPP},
};

int facts_bundle_look(const struct facts_file *file, uint64_t *ret_offset, struct peel_error *err)
{
	for (size_t i = 0; i < countof(bundles); i++) {
		int result = bundles[i].is(file, ret_offset, err);

		if (result != 0) {
			return result < 0 ? result : (int)bundles[i].bundle;
		}
	}
	*ret_offset = 0;
	return FACTS_BUNDLE_NONE;
}
