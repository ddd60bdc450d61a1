-- SPDX-License-Identifier: Apache-2.0
--
-- The index of one container image: its files by layer, and the merged tree. A cache: deleting it is always
-- safe, another version is rebuilt, never migrated. Names, paths and link targets are raw bytes (BLOB);
-- the views cast them to text where they are meant for people.
--
-- Start with the views at the end: `tree` (what a container would see), `entries` (every tar entry of every
-- layer and what became of it), `hidden` (what an upper layer hides, which and why), `layers`, `findings`.
--
--   SELECT path, size FROM tree WHERE type = 'f' ORDER BY size DESC LIMIT 20;
--   SELECT layer, why, sum(size) FROM hidden GROUP BY layer, why;

PRAGMA application_id = 1885693292;	-- 'peel'
PRAGMA user_version = 2;

-- Facts of the image: kind, codec, reference, manifest_digest, config_digest, platform, config, env_path,
-- image_findings and layer_findings (findings up to these ids are the file's, and the layers' own),
-- identity (what the file was when it was indexed), location (where), built (when, seconds since 1970),
-- complete (1 or 0), reasons, root (entry of the root folder).
CREATE TABLE image (
	key TEXT PRIMARY KEY,
	value
) WITHOUT ROWID;

-- Where stored bytes are: blob 0 is the image file itself (of use where that is compressed).
CREATE TABLE blob (
	id INTEGER PRIMARY KEY,
	file BLOB,			-- file below the layout folder; NULL: the (decoded) image file
	offset INTEGER NOT NULL,	-- slice of that file, bytes
	size INTEGER NOT NULL,
	codec INTEGER NOT NULL,		-- 0 none, 1 gzip, 2 zstd
	out_size INTEGER NOT NULL	-- bytes when decoded
);

-- Access points into compressed blobs: decoding can start here.
CREATE TABLE point (
	blob INTEGER NOT NULL,
	out_off INTEGER NOT NULL,	-- offset in the decoded bytes
	in_off INTEGER NOT NULL,	-- first compressed byte to feed
	bits INTEGER NOT NULL,		-- unread bits at the top of the byte before
	window_len INTEGER NOT NULL,	-- bytes of history needed; 0 at a member or frame start
	window BLOB			-- that history, compressed with zstd
);

-- Layers, lowest first.
CREATE TABLE layer (
	id INTEGER PRIMARY KEY,		-- from 0
	digest TEXT NOT NULL,		-- of the blob as stored, as claimed; '' unknown
	diff_id TEXT NOT NULL,		-- of the uncompressed tar, as claimed
	blob_hashed TEXT NOT NULL,	-- computed from the bytes; '' not hashed
	diff_hashed TEXT NOT NULL,
	media_type TEXT NOT NULL,
	codec INTEGER NOT NULL,
	state INTEGER NOT NULL,		-- 0 ok, 1 missing, 2 unsupported, 3 broken
	state_reason TEXT NOT NULL,
	blob INTEGER,			-- NULL where missing
	stored_size INTEGER NOT NULL,	-- bytes as stored
	tar_size INTEGER NOT NULL,	-- bytes of the uncompressed tar
	first_id INTEGER NOT NULL,	-- its entries: first_id <= entry.id < end_id
	end_id INTEGER NOT NULL,
	entries INTEGER NOT NULL,	-- tar entries, whiteouts included
	files INTEGER NOT NULL,		-- regular files
	bytes INTEGER NOT NULL,		-- their payload
	allocated INTEGER NOT NULL,	-- the same in 4 KiB blocks, less holes
	visible_bytes INTEGER NOT NULL,	-- of bytes, what the merged tree still shows
	created TEXT NOT NULL,
	instruction TEXT NOT NULL,
	comment TEXT NOT NULL
);

-- The history as the configuration has it; layer is NULL for instructions that made none.
CREATE TABLE history (
	id INTEGER PRIMARY KEY,
	layer INTEGER,
	created TEXT NOT NULL,
	instruction TEXT NOT NULL,
	comment TEXT NOT NULL,
	author TEXT NOT NULL
);

-- Every folder that any layer names, as a folder or on the way to something. A parent's id is less than its child's.
CREATE TABLE dir (
	id INTEGER PRIMARY KEY,		-- 1: the root
	parent INTEGER NOT NULL,	-- 0 for the root
	name BLOB NOT NULL,
	entry INTEGER,			-- its entry in the merged tree; NULL: not there
	subdirs INTEGER NOT NULL DEFAULT 0	-- folders in it in the merged tree
);
CREATE UNIQUE INDEX dir_name ON dir (parent, name);

-- Folders that a layer needs without having an entry for them.
CREATE TABLE touch (
	dir INTEGER NOT NULL,
	id INTEGER NOT NULL,		-- the entry that needs it
	layer INTEGER NOT NULL,
	whiteout INTEGER NOT NULL,	-- 1: only a whiteout or an opaque marker needs it
	PRIMARY KEY (dir, id)
) WITHOUT ROWID;

-- One row a tar entry, and one a folder of the merged tree that no layer has an entry for (flag 1; its id is
-- past those of the layers). ids ascend by layer, then by position in the tar. The id of the entry that holds
-- a file's data is its inode number.
CREATE TABLE entry (
	id INTEGER PRIMARY KEY,
	layer INTEGER NOT NULL,
	dir INTEGER NOT NULL,		-- folder that holds it; 0: this is the root
	name BLOB NOT NULL,		-- of a whiteout: the name it deletes; of an opaque marker: empty
	type TEXT NOT NULL,		-- f d l c b p, h hard link, w whiteout, o opaque marker, ? unknown
	mode INTEGER NOT NULL,		-- permission bits 07777
	uid INTEGER NOT NULL,		-- as stored, may exceed 32 bits
	gid INTEGER NOT NULL,
	size INTEGER NOT NULL,		-- payload of a regular file in bytes, holes included; else 0
	mtime INTEGER NOT NULL,		-- seconds since 1970
	nsec INTEGER NOT NULL,
	data INTEGER,			-- offset of the data in the uncompressed layer
	link BLOB,			-- target of a symlink or hard link as stored
	self INTEGER,			-- of a folder: its dir.id
	inode INTEGER,			-- of a hard link: the entry that holds the data
	owner INTEGER,			-- row of table owner
	flags INTEGER NOT NULL,		-- 1 implied, 2 xattrs, 4 sparse, 8 several names, 16 in table extra, 32 cannot be shown
	hash BLOB,			-- XXH3-128 of the data where it was read
	hidden_by INTEGER,		-- layer that hid it; NULL: visible
	why INTEGER			-- row of table reason; NULL: visible
);

-- All that layers say of one path, and the order in which the merge reads.
CREATE INDEX entry_path ON entry (dir, name, type);
-- The listing of a folder, in the order of the layers' tars.
CREATE INDEX entry_dir ON entry (dir);
-- The names of a file with several.
CREATE INDEX entry_inode ON entry (inode) WHERE inode IS NOT NULL;

-- Why an entry is not visible.
CREATE TABLE reason (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	meaning TEXT NOT NULL
);
INSERT INTO reason VALUES
	(1, 'overwritten', 'an upper layer has another content at this path'),
	(2, 'identical', 'an upper layer has the same content and metadata again'),
	(3, 'metadata', 'an upper layer has the same content with other metadata (chown, chmod, touch)'),
	(4, 'deleted', 'a whiteout of an upper layer deletes it'),
	(5, 'deleted-with-folder', 'a whiteout of an upper layer deletes a folder above it'),
	(6, 'opaque', 'an upper layer makes a folder above it opaque'),
	(7, 'replaced', 'an entry of another type took its place, or that of a folder above it'),
	(8, 'duplicate', 'the same layer has the path again'),
	(9, 'unreachable', 'something above it is no folder'),
	(10, 'broken-link', 'a hard link to nothing'),
	(11, 'marker', 'metadata of aufs, an invalid whiteout, or a typeflag that is not known');

-- Owner names as the tar has them.
CREATE TABLE owner (
	id INTEGER PRIMARY KEY,
	uname BLOB NOT NULL,
	gname BLOB NOT NULL
);
CREATE UNIQUE INDEX owner_names ON owner (uname, gname);

-- What few entries have.
CREATE TABLE extra (
	entry INTEGER PRIMARY KEY,
	path BLOB,			-- the path as the tar has it, where it is not dir/name
	major INTEGER NOT NULL,		-- of devices
	minor INTEGER NOT NULL,
	header INTEGER NOT NULL,	-- offset of its first header in the uncompressed layer
	allocated INTEGER,		-- of a sparse file: bytes of the 4 KiB blocks that hold data
	pax BLOB			-- pax records that peel keeps but does not interpret
);
CREATE TABLE xattr (
	entry INTEGER NOT NULL,
	name TEXT NOT NULL,
	value BLOB NOT NULL,
	PRIMARY KEY (entry, name)
) WITHOUT ROWID;
-- Data of sparse files; what is between is holes.
CREATE TABLE extent (
	entry INTEGER NOT NULL,
	offset INTEGER NOT NULL,	-- in the file
	length INTEGER NOT NULL,
	data INTEGER NOT NULL,		-- in the uncompressed layer
	PRIMARY KEY (entry, offset)
) WITHOUT ROWID;
-- Files with several names, or whose metadata a hard link's header set.
CREATE TABLE hardlink (
	inode INTEGER PRIMARY KEY,	-- entry that holds the data
	nlink INTEGER NOT NULL,		-- names in the merged tree
	meta INTEGER NOT NULL		-- entry whose header gives the metadata
);

-- Anomalies: where engines disagree, what they refuse, what could deceive.
CREATE TABLE finding (
	id INTEGER PRIMARY KEY,
	code TEXT NOT NULL,
	layer INTEGER,			-- NULL: the image
	path BLOB,
	offset INTEGER,			-- in the uncompressed layer or the archive
	detail TEXT NOT NULL
);

-- Path of every folder; deeper than 1,024 folders it ends.
CREATE VIEW dir_path AS
	WITH RECURSIVE walk (id, path, depth) AS (
		-- From the table, so that id is an integer column and joins find it by an index.
		SELECT id, x'', 0 FROM dir WHERE id = 1
		UNION ALL
		SELECT dir.id, CAST(walk.path || x'2f' || dir.name AS BLOB), depth + 1
		FROM walk JOIN dir ON dir.parent = walk.id WHERE depth < 1024
	)
	SELECT id, path, depth FROM walk;

-- Every tar entry of every layer: where it is, what it is, what became of it.
CREATE VIEW entries AS
	SELECT e.id, e.layer,
		CAST(CASE e.dir WHEN 0 THEN x'2f' ELSE p.path || x'2f' || e.name END AS TEXT) AS path,
		e.type, e.mode, e.uid, e.gid, o.uname, o.gname, e.size,
		e.mtime AS mtime_sec, e.nsec AS mtime_nsec, CAST(e.link AS TEXT) AS link,
		x.major AS rdev_major, x.minor AS rdev_minor, e.data, e.hash,
		e.why IS NULL AND e.type NOT IN ('w', 'o') AS visible,
		e.hidden_by, r.name AS why
	FROM entry e
		LEFT JOIN dir_path p ON p.id = e.dir
		LEFT JOIN owner o ON o.id = e.owner
		LEFT JOIN extra x ON x.entry = e.id
		LEFT JOIN reason r ON r.id = e.why
	WHERE NOT e.flags & 1;

-- What an upper layer (or the same one) hides.
CREATE VIEW hidden AS
	SELECT id, layer, path, type, size, hidden_by, why FROM entries WHERE why IS NOT NULL;

-- One row a directory entry of the merged tree.
CREATE VIEW dirent AS
	SELECT e.dir, e.name, coalesce(e.inode, e.id) AS ino, e.id AS entry
	FROM entry e
	WHERE e.why IS NULL AND e.type NOT IN ('w', 'o') AND NOT e.flags & 32 AND e.dir <> 0;

-- One row an inode of the merged tree: what stat shows (a symlink's mode is always 0777). layer is where its data is,
-- meta the entry that gives the metadata.
CREATE VIEW inode AS
	SELECT e.id AS ino, e.type, CASE e.type WHEN 'l' THEN 511 ELSE m.mode END AS mode, m.uid, m.gid, e.size,
		CASE WHEN e.type <> 'f' THEN 0
			WHEN e.flags & 4 THEN (SELECT x.allocated FROM extra x WHERE x.entry = e.id)
			ELSE (e.size + 4095) / 4096 * 4096 END AS allocated,
		m.mtime AS mtime_sec, m.nsec AS mtime_nsec, e.link,
		CASE e.type WHEN 'd' THEN 2 + (SELECT subdirs FROM dir WHERE dir.id = e.self)
			ELSE coalesce(h.nlink, 1) END AS nlink,
		e.layer AS layer, m.id AS meta
	FROM entry e
		LEFT JOIN hardlink h ON h.inode = e.id
		JOIN entry m ON m.id = coalesce(h.meta, e.id)
	WHERE e.type NOT IN ('w', 'o', 'h') AND (e.why IS NULL AND NOT e.flags & 32 OR h.nlink > 0);

-- The merged tree: what a container would see, a row a name. Sum sizes over inode, where a file with several names
-- is one row.
CREATE VIEW tree AS
	SELECT CAST(CASE d.dir WHEN 0 THEN x'2f' ELSE p.path || x'2f' || d.name END AS TEXT) AS path,
		i.ino, i.type, i.mode,
		-- Owners as engines apply them: 32 bits, and chown(-1) leaves root.
		CASE i.uid & 4294967295 WHEN 4294967295 THEN 0 ELSE i.uid & 4294967295 END AS uid,
		CASE i.gid & 4294967295 WHEN 4294967295 THEN 0 ELSE i.gid & 4294967295 END AS gid,
		i.size, i.allocated,
		i.mtime_sec, i.mtime_nsec, CAST(i.link AS TEXT) AS link,
		x.major AS rdev_major, x.minor AS rdev_minor, i.nlink, i.layer
	FROM (SELECT dir, name, ino FROM dirent UNION ALL
			SELECT 0, x'', value FROM image WHERE key = 'root') d
		JOIN inode i ON i.ino = d.ino
		LEFT JOIN dir_path p ON p.id = d.dir
		LEFT JOIN extra x ON x.entry = i.ino;

CREATE VIEW layers AS
	SELECT id AS layer, created, instruction, entries, files, bytes, allocated, stored_size, visible_bytes,
		bytes - visible_bytes AS wasted_bytes, digest, diff_id, blob_hashed, diff_hashed
	FROM layer;

CREATE VIEW findings AS
	SELECT layer, code, CAST(path AS TEXT) AS path, offset, detail FROM finding ORDER BY layer, offset, id;
