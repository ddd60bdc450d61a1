-- SPDX-License-Identifier: Apache-2.0
-- What makes questions fast; made after the layers have been loaded, because sorting once is cheaper.

-- All that layers say of one path, and the order in which the merge reads.
CREATE INDEX IF NOT EXISTS entry_path ON entry (dir, name, type);
-- The listing of a folder, in the order of the layers' tars.
CREATE INDEX entry_dir ON entry (dir);
-- The names of a file with several.
CREATE INDEX IF NOT EXISTS entry_inode ON entry (inode) WHERE inode IS NOT NULL;
CREATE INDEX point_out ON point (blob, out_off);
