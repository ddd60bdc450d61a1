# SPDX-License-Identifier: Apache-2.0
image app app.tar
run sql app.tar 'SELECT layer, path, size, hidden_by, why FROM hidden ORDER BY layer, path'
run sql app.tar 'SELECT layer, count(*) AS entries, sum(size) AS bytes FROM entries GROUP BY layer'
run sql app.tar 'SELECT layer, entries, files, bytes, allocated, visible_bytes, wasted_bytes FROM layers'
run sql app.tar "SELECT sum(bytes) = (SELECT sum(size) FROM tree WHERE type = 'f' AND ino IN (SELECT DISTINCT ino FROM tree)) + sum(wasted_bytes) - (SELECT sum(size) FROM tree t WHERE type = 'f' AND EXISTS (SELECT 1 FROM tree u WHERE u.ino = t.ino AND u.path < t.path)) AS adds_up FROM layers"
