# SPDX-License-Identifier: Apache-2.0
# An index that somebody changed, given with --index: folders in a circle, names that are no names, entries that point nowhere.
# No crash, no endless answer. What it says is not kept here: an answer or one line, within ten seconds.
image app app.tar
sleep 2.2
"$PEEL" index --index good.peel app.tar >/dev/null
number=0
while IFS= read -r change; do
	number=$((number + 1))
	cp good.peel forged.peel
	sqlite3 forged.peel "$change" || continue
	for verb in 'ls -laR' 'why' 'history' 'inspect' 'which' 'cat' 'stat' 'sql' 'find'; do
		case $verb in
		why) set -- why app.tar /srv/big ;;
		which) set -- which -a app.tar tool sh ;;
		cat) set -- cat app.tar /etc/passwd /srv/holes ;;
		stat) set -- stat -L app.tar /etc/passwd /sbin /loop ;;
		sql) set -- sql app.tar 'SELECT count(*) FROM tree' ;;
		find) set -- find app.tar -L . ! -hidden -printf '%p %Y %l %u %S %{kind}\n' -o -empty -o -printf '%{why}\n' ;;
		*) set -- $verb app.tar ;;
		esac
		timeout 10 "$PEEL" "$1" --index forged.peel "${@:2}" 2>&1 | head -c 1000000 >out
		status=${PIPESTATUS[0]}
		case $status in
		0 | 1 | 2 | 3 | 141) ;; # 141: more than is kept
		*) printf '%s: %s: status %s, %s bytes\n%s\n' "$change" "$verb" "$status" "$(stat -c %s out)" "$(tail -n 3 out | head -c 500 | tr -d '\0')" ;;
		esac
	done
done <<'END'
UPDATE dir SET parent = id WHERE id = 5
UPDATE dir SET parent = 4 WHERE id = 3; UPDATE dir SET parent = 3 WHERE id = 4
UPDATE entry SET self = 1 WHERE type = 'd' AND name = CAST('bin' AS BLOB)
UPDATE entry SET self = (SELECT id FROM dir WHERE name = CAST('usr' AS BLOB)) WHERE type = 'd' AND name = CAST('bin' AS BLOB)
UPDATE entry SET dir = self WHERE type = 'd'
UPDATE entry SET name = CAST('a/b' AS BLOB) WHERE name = CAST('passwd' AS BLOB)
UPDATE entry SET name = CAST('..' AS BLOB) WHERE type = 'd'
UPDATE entry SET name = x''
UPDATE entry SET name = zeroblob(100000)
UPDATE entry SET link = zeroblob(1000000) WHERE type = 'l'
UPDATE entry SET link = NULL WHERE type = 'l'
UPDATE entry SET size = 9223372036854775807 WHERE type = 'f'
UPDATE entry SET size = -1
UPDATE entry SET data = 9223372036854775807 WHERE type = 'f'
UPDATE entry SET data = -5 WHERE type = 'f'
UPDATE entry SET inode = id + 100000 WHERE type = 'h'
UPDATE entry SET inode = id WHERE type = 'h'
UPDATE entry SET type = 'd'
UPDATE entry SET type = 'f'
UPDATE entry SET type = 'l', link = CAST('x' AS BLOB)
UPDATE entry SET layer = 1000000
UPDATE entry SET layer = -7
UPDATE entry SET mtime = 9223372036854775807, nsec = -1
UPDATE entry SET mtime = -9223372036854775808
UPDATE entry SET why = 99, hidden_by = 99
UPDATE extent SET offset = offset + 9223372036854700000, length = 9223372036854775807
UPDATE extent SET length = -1
UPDATE layer SET blob = 77
UPDATE layer SET id = id + 5
DELETE FROM layer
UPDATE layer SET digest = zeroblob(100), instruction = x'1b5b'
UPDATE layer SET codec = 9, state = 9
UPDATE layer SET codec = 1
UPDATE layer SET tar_size = 9223372036854775807
UPDATE blob SET offset = 9223372036854775807
UPDATE blob SET file = CAST('../../../etc/passwd' AS BLOB)
UPDATE blob SET size = -1, out_size = -1
UPDATE history SET layer = 99
UPDATE history SET layer = -99
UPDATE image SET value = NULL
UPDATE image SET value = 'x' WHERE key = 'root'
UPDATE image SET value = 7 WHERE key = 'root'
UPDATE image SET value = zeroblob(3000000) WHERE key = 'config'
DELETE FROM image
DELETE FROM dir
DELETE FROM entry
DROP VIEW tree
DROP TABLE entry
ALTER TABLE entry RENAME TO entry2
UPDATE finding SET detail = x'1b1b', path = zeroblob(10)
INSERT INTO finding VALUES (1, 'x', 99, x'00', -1, 'y')
CREATE TRIGGER t AFTER INSERT ON entry BEGIN SELECT 1; END
DROP VIEW tree; CREATE VIEW tree AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 3
PRAGMA user_version = 99
PRAGMA application_id = 1
END
echo "$number changes"
