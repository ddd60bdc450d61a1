-- SPDX-License-Identifier: Apache-2.0
--
-- Facts about the contents of an image's files, beside its index: what each file really is, who owns it, where its bytes
-- belong. A cache as the index is. `peel sql` shows these tables as facts.NAME; entry is entry.id of the index.

PRAGMA application_id = 1885693286;	-- 'pef' and the same as the index's
PRAGMA user_version = 1;

-- index: stamp of the index that it belongs to; wanted: digest of what was looked for; complete (1 or 0), reasons.
CREATE TABLE about (
	key TEXT PRIMARY KEY,
	value
) WITHOUT ROWID;

-- One row a regular file with data of its own, visible or not, in order of entries.
CREATE TABLE file (
	entry INTEGER PRIMARY KEY,
	kind INTEGER NOT NULL,		-- enum peel_kind
	hash BLOB,			-- XXH3-128 of its content; NULL where nothing needed it (plain layers: no other file has its size)
	why INTEGER,			-- of a hidden one: the reason as contents decide it, a row of the index's table reason
	package INTEGER,		-- row of package; NULL: none owns it
	claim INTEGER,			-- enum peel_claim: how it owns it
	category INTEGER,		-- row of category; NULL: not visible
	head BLOB,			-- the first 32 bytes, where kind is data
	looked INTEGER NOT NULL		-- 1: its content was looked into; 0: only its first bytes; 2: it could not be read (see about.reasons)
);

-- Markers found, at their first place.
CREATE TABLE marker (
	entry INTEGER NOT NULL,
	name TEXT NOT NULL,
	offset INTEGER NOT NULL,	-- in the file
	PRIMARY KEY (entry, name)
) WITHOUT ROWID;

-- ELF files.
CREATE TABLE elf (
	entry INTEGER PRIMARY KEY,
	bits INTEGER NOT NULL,
	machine INTEGER NOT NULL,	-- e_machine
	type INTEGER NOT NULL,		-- e_type
	flags INTEGER NOT NULL,		-- enum facts_elf_flag
	debug_bytes INTEGER NOT NULL,	-- of debug sections
	strip_bytes INTEGER NOT NULL,	-- of those and the symbol table: what strip saves
	end INTEGER NOT NULL,		-- bytes behind it are appended
	interp BLOB NOT NULL,
	soname BLOB NOT NULL,
	runpath BLOB NOT NULL,
	build_id TEXT NOT NULL
);
CREATE TABLE need (
	entry INTEGER NOT NULL,
	position INTEGER NOT NULL,
	name BLOB NOT NULL,
	PRIMARY KEY (entry, position)
) WITHOUT ROWID;
-- Dynamic symbols that detectors ask for.
CREATE TABLE symbol (
	entry INTEGER NOT NULL,
	name TEXT NOT NULL,
	defined INTEGER NOT NULL,	-- 1: defined here; 0: needed from elsewhere
	PRIMARY KEY (entry, name)
) WITHOUT ROWID;
-- Code for GPUs in fat binaries.
CREATE TABLE gpu (
	entry INTEGER NOT NULL,
	arch TEXT NOT NULL,
	bytes INTEGER NOT NULL,
	PRIMARY KEY (entry, arch)
) WITHOUT ROWID;

-- Members of ZIP-like bundles and static libraries, one level deep.
CREATE TABLE member (
	entry INTEGER NOT NULL,
	position INTEGER NOT NULL,
	name BLOB NOT NULL,
	stored INTEGER NOT NULL,
	size INTEGER NOT NULL,
	kind INTEGER,			-- enum peel_kind of what it holds, where it was looked into
	PRIMARY KEY (entry, position)
) WITHOUT ROWID;
-- Archives: 1 listed whole, 2 in part, 0 not looked into (its format is only named).
CREATE TABLE archive (
	entry INTEGER PRIMARY KEY,
	listed INTEGER NOT NULL,
	bundle INTEGER NOT NULL,	-- enum facts_bundle
	bundle_offset INTEGER NOT NULL
);
-- First line of scripts: "#!/usr/bin/env python3" without its newline, at most 512 bytes.
CREATE TABLE script (
	entry INTEGER PRIMARY KEY,
	line BLOB NOT NULL
);

-- Packages of the merged tree by its databases.
CREATE TABLE package (
	id INTEGER PRIMARY KEY,
	db TEXT NOT NULL,		-- dpkg, status.d, apk, rpm, pip, egg, conda, npm, gem, go, cargo
	name BLOB NOT NULL,
	version BLOB NOT NULL,
	arch TEXT NOT NULL,
	source BLOB NOT NULL,		-- source or origin package; '' unknown
	record BLOB NOT NULL,		-- canonical path of the file that says so
	layer INTEGER NOT NULL,		-- the first layer whose database has it in this version
	claimed INTEGER NOT NULL	-- installed size as it claims itself, bytes; -1 unknown
);
-- Databases found, and those that could not be read.
CREATE TABLE package_db (
	path BLOB PRIMARY KEY,
	db TEXT NOT NULL,
	problem TEXT NOT NULL		-- '' read whole; else why not: an answer is then inconclusive
) WITHOUT ROWID;

-- Categories as the file of rules has them, in its order.
CREATE TABLE category (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL,		-- "pip-cache"
	title TEXT NOT NULL,
	parent TEXT NOT NULL		-- group
);
