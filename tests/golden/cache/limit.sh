# SPDX-License-Identifier: Apache-2.0
# All indexes together stay within the limit: after each build those go that were used least recently.
images='a b c d'
for name in $images; do
	image app "$name.tar"
done
sleep 2.2
# kept: the images that have an index, and whether their indexes are within the limit
kept() {
	"$PEEL" cache ls | sed -n 's#.*/\([a-z]*\)\.tar$#\1#p' | sort | tr '\n' ' '
	"$PEEL" cache ls --output json | python3 -c '
import json, sys
print("within" if json.load(sys.stdin)["total_bytes"] <= int(sys.argv[1]) else "over")' "$1"
}
for name in a b; do
	"$PEEL" ls "$name.tar" etc >/dev/null
done
one=$(stat -c %s "$HOME"/.cache/peel/*.peel | sort -n | tail -n 1)
room=$((2 * one + one / 2))
echo "two fit:"
kept $room
# a was built first; it is b that was used last but one.
"$PEEL" ls a.tar etc >/dev/null
"$PEEL" ls --cache-limit "$room" c.tar etc >/dev/null
kept $room
PEEL_CACHE_LIMIT=$room "$PEEL" ls d.tar etc >/dev/null
kept $room
# The option is stronger than the variable; 0 is no limit.
PEEL_CACHE_LIMIT=$room "$PEEL" ls --cache-limit 0 a.tar etc >/dev/null
PEEL_CACHE_LIMIT=0 "$PEEL" ls b.tar etc >/dev/null
kept $((5 * one))
# gc holds it too, the least recently used first.
"$PEEL" ls c.tar etc >/dev/null
"$PEEL" cache gc --limit "$room" | sed -n 's#.*/\([a-z]*\)\.tar$#\1#p'
kept $room
PEEL_CACHE_LIMIT=$one "$PEEL" cache gc | sed -n 's#.*/\([a-z]*\)\.tar$#\1#p'
kept "$one"
# An index that is larger than the limit serves, is not kept, and drives nothing else out.
"$PEEL" ls --cache-limit 4K a.tar etc 2>&1 | sed -E 's/its [0-9]+ bytes/its N bytes/'
"$PEEL" ls -q --cache-limit 4K a.tar etc
kept "$one"
run index --cache-limit 4K -q a.tar | grep -v '^[se]'
