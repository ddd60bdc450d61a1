/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pax records that are no header fields: xattrs as all engines read them (SCHILY.xattr.), and
 * the rest, kept as stored in the entry's extras (LIBARCHIVE.*, SCHILY.acl.*, RHT.security.selinux,
 * atime, …), which no engine applies.
 */
#include <string.h>

#include <peel/error.h>

#include "scan_priv.h"
#include "util.h"

/** True where libarchive has an interpretation of its own. */
static bool is_foreign(const struct tar_text *key)
{
	return tar_text_begins(key, "LIBARCHIVE.") || tar_text_begins(key, "RHT.") ||
		tar_text_begins(key, "SCHILY.acl.");
}

static bool is_xattr(const struct tar_text *key)
{
	return key->len > strlen(TAR_PAX_XATTR) && tar_text_begins(key, TAR_PAX_XATTR);
}

static int add_xattr(struct scanner *scanner, const struct tar_pax_record *record,
	struct peel_error *err)
{
	struct scan_entry *entry = &scanner->entry;

	if (!grow_array(&scanner->xattrs, entry->xattr_count, &scanner->xattr_room,
		    sizeof(*scanner->xattrs))) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory for xattrs");
	}
	scanner->xattrs[entry->xattr_count++] = (struct scan_xattr){
		.name = record->key.bytes + strlen(TAR_PAX_XATTR),
		.value = record->value.bytes,
		.value_len = record->value.len,
	};
	entry->xattrs = scanner->xattrs;
	if (record->value.len == 0) {
		scan_note(scanner, "engines-differ",
			"an xattr with an empty value: containerd keeps it, others drop it");
	}
	return 0;
}

/** Append "key=value\n". */
static int add_extra(struct scanner *scanner, const struct tar_pax_record *record,
	struct peel_error *err)
{
	struct scan_entry *entry = &scanner->entry;
	size_t wanted = entry->extras_len + record->key.len + record->value.len + 2;
	char *at;

	if (wanted > scanner->extras_room) {
		char *grown = realloc(scanner->extras, wanted + wanted / 2);

		if (!grown) {
			return peel_fail(err, PEEL_ENOMEM, "out of memory for pax records");
		}
		scanner->extras = grown;
		scanner->extras_room = wanted + wanted / 2;
	}
	at = mempcpy(scanner->extras + entry->extras_len, record->key.bytes, record->key.len);
	*at++ = '=';
	at = mempcpy(at, record->value.bytes, record->value.len);
	*at = '\n';
	entry->extras = scanner->extras;
	entry->extras_len = wanted;
	return 0;
}

int scan_decode_records(struct scanner *scanner, bool *ret_foreign, struct peel_error *err)
{
	const struct tar_pax *pax = &scanner->pax;

	*ret_foreign = false;
	for (size_t i = 0; i < pax->count; i++) {
		const struct tar_pax_record *record = &pax->records[i];
		int code = is_xattr(&record->key) ? add_xattr(scanner, record, err)
						  : add_extra(scanner, record, err);

		if (code < 0) {
			return code;
		}
		*ret_foreign = *ret_foreign || is_foreign(&record->key);
	}
	return 0;
}
