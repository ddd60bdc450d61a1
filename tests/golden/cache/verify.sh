# SPDX-License-Identifier: Apache-2.0
# verify holds every byte of the cache's files against their seals: what was damaged after it was published is said,
# removed, and built anew by the next use.
cache=$HOME/.cache/peel
plain() {
	sed -E -e "s#$(realpath "$scratch")#TOP#g; s#$scratch#TOP#g" -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}/TIME/g' \
		-e 's/"(built|used)": [0-9]+/"\1": TIME/; s/"file": "[0-9a-f]{40}/"file": "NAME/; s/-[0-9a-f]{12}.facts/-DIGEST.facts/' \
		-e 's/"(total_)?bytes": [0-9]+/"\1bytes": SIZE/; s/(^|  |, )[0-9.]+ [kM]?B/\1SIZE/g' \
		-e 's/[0-9a-f]{40}([-.])/NAME\1/; s/\.building-[0-9a-f]*/.building-N/' -e 's/  +/  /g'
}
filter=plain
run cache verify
for name in whole flipped value cut tail version foreign facts moved; do
	image app "$name.tar"
done
sleep 2.2
for name in moved facts foreign version tail cut value flipped whole; do
	"$PEEL" index "$name.tar" | sed -n 's/^index *//p' >"$scratch/path.$name"
	sleep 0.02
done
"$PEEL" index --facts facts.tar >/dev/null
file() { # NAME: the index of an image
	cat "$scratch/path.$1"
}
put() { # FILE OFFSET BYTES
	printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
run cache verify
run cache verify --deep --output json
# One bit of a number that SQLite has no reason to doubt: only the seal knows.
offset=$(grep -abom 1 passwd "$(file flipped)" | cut -d : -f 1)
put "$(file flipped)" "$offset" P
"$PEEL" ls flipped.tar /etc
sleep 0.02
sqlite3 "$(file value)" "UPDATE entry SET size = size + 1 WHERE type = 'f'"
sleep 0.02
truncate -s -5000 "$(file cut)"
sleep 0.02
truncate -s +1 "$(file tail)"
sleep 0.02
sqlite3 "$(file version)" 'PRAGMA user_version = 77'
chmod 666 "$(file foreign)"
sleep 0.02
put "$(find "$cache" -name '*.facts')" 30000 '\377\377\377'
mv "$(file moved)" "$cache/$(printf %040d 7).peel"
sleep 0.02
echo half >"$cache/.building-0000000000000001"
run cache verify --dry-run
run cache verify -n --output json=found.json
python3 -c 'import json; found = json.load(open("found.json")); print(found["damaged"], [f["removed"] for f in found["files"]])'
run cache verify
run cache verify
ls -A "$cache" | plain
# Anew, and right.
"$PEEL" ls -R --no-cache whole.tar >expected
for name in flipped value cut tail facts moved; do
	"$PEEL" ls -R "$name.tar" | cmp - expected
	sleep 0.02
done
run cache verify
# A verdict rests on no damaged byte: the index is held against its seal before facts are used, and built anew.
offset=$(grep -abom 1 passwd "$(file flipped)" | cut -d : -f 1)
sleep 0.02
put "$(file flipped)" "$offset" P
"$PEEL" sql --facts flipped.tar "SELECT count(*) FROM entries WHERE path GLOB '*Passwd'"
run cache verify
# Where SQLite stumbles over it only while it answers, the message says what to do.
offset=$(grep -abom 1 passwd "$(file cut)" | cut -d : -f 1)
put "$(file cut)" $((offset / 8192 * 8192)) '\377\377\377\377'
run ls cut.tar /etc
run ls cut.tar /etc
run cache verify -q
run ls cut.tar /etc
run cache ls --deep
run cache ls --dry-run
run cache verify --all
run cache verify --limit 1
