# SPDX-License-Identifier: Apache-2.0
# A facts file that is damaged, another's, or not to be trusted is never believed.
image facts app.tar --form oci-archive --compress gzip
image app other.tar --form oci-archive --compress gzip
sleep 2.2
ask() {
	"$PEEL" sql --facts "$@" --output tsv app.tar 'SELECT count(*), sum(kind), sum(looked) FROM facts.file; SELECT name FROM facts.marker; SELECT * FROM facts.archive' 2>&1
}
cache=$HOME/.cache/peel
ask >want
cp "$cache"/*.facts good.facts
size=$(stat -c %s good.facts)
for place in 0 24 60 68 100 1000 5000 9000 $((size / 2)) $((size - 30)) $((size - 20)) $((size - 1)); do
	for facts in "$cache"/*.facts; do
		printf '\377' | dd of="$facts" bs=1 seek="$place" conv=notrunc status=none
	done
	ask | cmp - want && cmp "$cache"/*.facts good.facts && echo "a byte: built anew"
done
truncate -s $((size / 2)) "$cache"/*.facts
ask | cmp - want && cmp "$cache"/*.facts good.facts && echo "cut: built anew"
: >"$(echo "$cache"/*.facts)"
ask | cmp - want && cmp "$cache"/*.facts good.facts && echo "empty: built anew"
# Another image's, under this one's name.
mine=$(echo "$cache"/*.facts)
"$PEEL" index --facts --cache-dir others other.tar >/dev/null
cp others/*.facts "$mine"
ask | cmp - want && cmp "$mine" good.facts && echo "another image's: built anew"
chmod 666 "$mine"
ask | cmp - want && cmp "$mine" good.facts && stat -c %a "$mine"
mv "$mine" elsewhere.facts
ln -s "$PWD/elsewhere.facts" "$mine"
ask | cmp - want && [ ! -L "$mine" ] && echo "a link: built anew"
# Beside an index that was named.
ask --index named.peel | cmp - want && ls named.peel*
cp others/*.facts named.peel.facts
ask --index named.peel | cmp - want && echo "named, another image's: built anew"
chmod 666 named.peel.facts
ask --index named.peel
chmod 600 named.peel.facts
echo precious >named.peel.facts
ask --index named.peel
cat named.peel.facts
"$PEEL" cache ls --output json | grep -E '"(state|kind)"'
"$PEEL" cache gc --all | tail -n 1 | cut -d , -f 1
ls "$cache"
