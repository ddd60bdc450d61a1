/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Bounded readers of file formats: what an ELF file needs, what an archive holds. They read through a window function,
 * never the whole file, and take every byte as hostile: a lie gives less facts, never a crash, a hang or a large
 * allocation. Checked against readelf, unzip -l, ar t (tests/unit).
 */
#ifndef FACTS_LOOK_H
#define FACTS_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct facts_wanted;
struct peel_error;

/** A file to look into. */
struct facts_file {
	uint64_t size;
	/** Read len bytes at an offset that are all within size. @return 0, or less than 0 (looking ends with that). */
	int (*read)(void *arg, uint64_t offset, void *buf, size_t len, struct peel_error *err);
	void *arg;
};

/** Most needs of a file, symbols matched by a prefix, kinds of GPU code, members of an archive; beyond them
 *  truncated is set. */
#define FACTS_NEEDS_MAX 256
#define FACTS_FOUND_SYMBOLS_MAX 256
#define FACTS_GPU_MAX 64
#define FACTS_MEMBERS_MAX 65536
/** Longest name out of an ELF file or an archive, bytes. */
#define FACTS_NAME_MAX 1024

/** Bits about an ELF file. */
enum facts_elf_flag {
	/** No program interpreter and no dynamic section (or only one that needs nothing: static-pie). */
	FACTS_ELF_STATIC = 1,
	/** Has sections .debug_* or .zdebug_*. */
	FACTS_ELF_DEBUG = 2,
	/** Has a .symtab. */
	FACTS_ELF_SYMTAB = 4,
	/** Has no section headers at all. */
	FACTS_ELF_NO_SECTIONS = 8,
	/** Has .gopclntab or .go.buildinfo: made by Go. */
	FACTS_ELF_GO = 16,
	/** Has .dep-v0 (cargo auditable): made by Rust. */
	FACTS_ELF_RUST_AUDIT = 32,
	/** Has .nv_fatbin or __nv_relfatbin. */
	FACTS_ELF_GPU = 64,
	/** Its tables lie about offsets or sizes, or are cut. */
	FACTS_ELF_DAMAGED = 128,
	/** Something above one of the caps was left out. */
	FACTS_ELF_TRUNCATED = 256,
};

/** Facts of an ELF file. */
struct facts_elf {
	/** 32 or 64; e_machine; e_type (ET_REL 1, ET_EXEC 2, ET_DYN 3, ET_CORE 4). */
	int bits;
	unsigned machine, type;
	/** A set of enum facts_elf_flag. */
	unsigned flags;
	/** Bytes of .debug_* and .zdebug_* sections in the file; of .symtab and .strtab with them (what strip saves).
	 * Those
	 *  that are loaded with the program do not count. */
	uint64_t debug_bytes, strip_bytes;
	/** End of the last byte that headers claim: what lies behind is appended (a bundle's payload). 0: not known. */
	uint64_t end;
	/** PT_INTERP, DT_SONAME, DT_RUNPATH or else DT_RPATH, GNU build ID in hex; "" none. */
	char interp[FACTS_NAME_MAX], soname[FACTS_NAME_MAX], runpath[FACTS_NAME_MAX], build_id[65];
};

/** Takes what there are several of. Any may be NULL. What is told may be anything but NUL, an empty string too. */
struct facts_elf_sink {
	/** DT_NEEDED, and DT_AUXILIARY and DT_FILTER, which the dynamic linker loads as well; in the file's order. */
	void (*need)(void *arg, const char *name);
	/** A symbol of .dynsym (of .symtab where there is no .dynsym) that is wanted; defined here, or only wanted
	 * here.
	 *  Each name once. Those wanted whole are told always, of those by a prefix FACTS_FOUND_SYMBOLS_MAX. */
	void (*symbol)(void *arg, const char *name, bool defined);
	/** Name and bytes of a section, for all that have bytes in the file. */
	void (*section)(void *arg, const char *name, uint64_t offset, uint64_t bytes);
	/** Bytes of one architecture in fat binaries: "sm_90", "ptx_90"; told once each, added up. */
	void (*gpu)(void *arg, const char *arch, uint64_t bytes);
	void *arg;
};

/**
 * Where an ELF file's dynamic section begins by its first bytes, as far as they say it: a guess at what will be asked
 * for.
 * @return 0: there is none, or they do not say.
 */
uint64_t facts_elf_dynamic_place(const void *head, size_t len);

/**
 * Look into an ELF file of either class and byte order.
 * @param wanted symbols that are told; NULL: none.
 * @return 1 and the facts; 0: it is no ELF file; less than 0 as file->read.
 */
int facts_elf_look(const struct facts_file *file, const struct facts_wanted *wanted,
	const struct facts_elf_sink *sink, struct facts_elf *ret_elf, struct peel_error *err);

/** The sections of an ELF file alone (and code for GPUs, if asked for): fewer reads. @return as facts_elf_look. */
int facts_elf_sections(const struct facts_file *file, const struct facts_elf_sink *sink,
	struct peel_error *err);

/** One member of an archive. */
struct facts_member {
	/** As stored, NUL-terminated; may be anything. */
	const char *name;
	size_t name_len;
	/** Bytes stored, and unpacked. */
	uint64_t stored, size;
	/** Offset of its local header (ZIP) or data (ar) in the file. */
	uint64_t offset;
	/** ZIP: compression method; flags bit 0 set: encrypted. */
	unsigned method, flags;
};

/** Take a member; nonzero stops (how the listing says that it ended does not matter then). */
typedef int facts_member_fn(void *arg, const struct facts_member *member);

/** How a listing ended. */
enum facts_list_end {
	FACTS_LIST_WHOLE = 1,
	/** Damaged, cut, encrypted, of many disks, or over FACTS_MEMBERS_MAX: there may be more. */
	FACTS_LIST_PARTIAL = 2,
};

/**
 * List a ZIP file by its central directory, also one behind other bytes (a script line, a program), ZIP64 too.
 * @return enum facts_list_end; 0: it is no ZIP file; less than 0 as file->read.
 */
int facts_zip_list(const struct facts_file *file, facts_member_fn *each, void *arg,
	struct peel_error *err);
/** Takes a member unpacked, piece by piece. */
struct facts_pieces {
	/** Room for a piece, and bytes of it. */
	void *buf;
	size_t room;
	/** Most bytes that are unpacked. */
	uint64_t most;
	void (*piece)(void *arg, const void *bytes, size_t len);
	void *arg;
};

/** Unpack a member whole, or pieces->most bytes of it. @return how many bytes; as facts_zip_read. */
int64_t facts_zip_each(const struct facts_file *file, const struct facts_member *member,
	const struct facts_pieces *pieces, struct peel_error *err);
/** Read a member of a ZIP unpacked (stored or deflated), at most room bytes of it; its size is only claimed, and not
 * gone
 *  by. @return bytes; PEEL_EUNSUPPORTED (another method, encrypted), PEEL_EFORMAT, PEEL_ENOMEM, as file->read. */
int64_t facts_zip_read(const struct facts_file *file, const struct facts_member *member, void *buf,
	size_t room, struct peel_error *err);
/** Unpack DEFLATE without a header that lies between two offsets of the file. @param room at most UINT32_MAX.
 *  @return as facts_zip_read. */
int64_t facts_inflate(const struct facts_file *file, uint64_t at, uint64_t end, void *buf,
	size_t room, struct peel_error *err);
/** List an ar archive (static library, .deb), GNU and BSD long names. @return as facts_zip_list. */
int facts_ar_list(const struct facts_file *file, facts_member_fn *each, void *arg,
	struct peel_error *err);

/** What a bundle of a script language is, by its own marks. */
enum facts_bundle {
	FACTS_BUNDLE_NONE = 0,
	/** PyInstaller: its cookie at the end of the file or of the section "pydata". */
	FACTS_BUNDLE_PYINSTALLER,
	/** Nuitka onefile: payload size in the last 8 bytes, "KAX" or "KAY" at its begin. */
	FACTS_BUNDLE_NUITKA,
	/** A ZIP with __main__.py (zipapp, pex, shiv), at the end of anything. */
	FACTS_BUNDLE_ZIPAPP,
	/** Node's single executables, Deno, Bun, AppImage and the like are rows of detectors, not here. */
};

/** Which bundle a file is, and at which offset its mark stands. @return a bundle; less than 0 as file->read. */
int facts_bundle_look(const struct facts_file *file, uint64_t *ret_offset, struct peel_error *err);

#endif
