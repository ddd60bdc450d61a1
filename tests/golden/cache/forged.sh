# SPDX-License-Identifier: Apache-2.0
# Indexes in the cache that somebody damaged or made: ls and gc --dry-run answer within ten seconds, whatever is in them.
cache=$HOME/.cache/peel
image app app.tar
sleep 2.2
good=$("$PEEL" index app.tar | sed -n 's/^index *//p')
cp "$good" good.peel
# looks WHAT: nothing but the status is kept here
looks() {
	local status=0
	timeout 10 "$PEEL" cache ls >out 2>err || status=$?
	timeout 10 "$PEEL" cache gc --dry-run --output json >json 2>>err || status=$?
	python3 -c 'import json; json.load(open("json"))' 2>>err || status=json
	[ "$status" = 0 ] && [ ! -s err ] || printf '%s: status %s %s\n' "$1" "$status" "$(head -c 300 err)"
	! LC_ALL=C grep -q '[[:cntrl:]]' out || printf '%s: a control character\n' "$1"
}
tried=0
while IFS= read -r change; do
	cp good.peel "$good"
	sqlite3 "$good" "$change" || continue
	looks "$change"
	tried=$((tried + 1))
done <<'END'
UPDATE image SET value = CAST(x'1b5b33316d0a' AS TEXT) WHERE key IN ('location', 'kind', 'platform')
UPDATE image SET value = '/etc/passwd' WHERE key = 'location'
UPDATE image SET value = '/dev/tty' WHERE key = 'location'
UPDATE image SET value = '/' WHERE key = 'location'
UPDATE image SET value = 'oci:/' WHERE key = 'location'
UPDATE image SET value = '-' WHERE key = 'location'
UPDATE image SET value = 'docker://x' WHERE key = 'location'
UPDATE image SET value = zeroblob(900000)
UPDATE image SET value = replace(hex(zeroblob(400000)), '00', 'a') WHERE key = 'location'
UPDATE image SET value = NULL
UPDATE image SET value = -1
UPDATE image SET value = 9223372036854775807
UPDATE image SET value = -9223372036854775808 WHERE key = 'built'
UPDATE image SET value = 1e308
DELETE FROM image
DROP TABLE image
DROP VIEW tree; CREATE VIEW tree AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n
CREATE TRIGGER t AFTER INSERT ON entry BEGIN SELECT 1; END
ALTER TABLE image RENAME TO image2; CREATE VIEW image AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS key, i AS value FROM n
PRAGMA application_id = 1
PRAGMA user_version = -1
END
for seed in $(seq 24); do
	python3 - good.peel "$good" "$seed" <<'END'
import random, sys
chance = random.Random(int(sys.argv[3]))
data = bytearray(open(sys.argv[1], "rb").read())
for _ in range(chance.choice((1, 10, 500))):
    data[chance.randrange(chance.choice((100, 8192, len(data))))] = chance.randrange(256)
open(sys.argv[2], "wb").write(data[:chance.choice((len(data), 99, 4096, 8192, 20000))])
END
	looks "seed $seed"
	tried=$((tried + 1))
done
touch -d @-99999999999 "$good" 2>/dev/null || touch -d 1950-01-01 "$good"
looks 'a time long ago'
cp good.peel "$good"
"$PEEL" cache ls | grep -c current
echo "$tried tried"
ls -A "$cache" | wc -l
