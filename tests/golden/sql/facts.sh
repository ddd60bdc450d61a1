# SPDX-License-Identifier: Apache-2.0
# Facts are the same however the layers are stored, and whenever they were gathered.
image facts plain.tar
image facts gzip.tar --form oci-archive --compress gzip
image facts zstd.tar --form oci-archive --compress zstd
image facts outer.tar --outer gzip
sleep 2.2
dump() {
	"$PEEL" sql --facts --output tsv "$@" "
		SELECT e.path, f.kind, f.looked, hex(f.hash) AS hash, coalesce(r.name, e.why) AS why, hex(f.head) AS head
		FROM entries e JOIN facts.file f ON f.entry = e.id LEFT JOIN reason r ON r.id = f.why
		ORDER BY e.id;
		SELECT * FROM facts.script ORDER BY entry; SELECT * FROM facts.archive ORDER BY entry;
		SELECT entry, position, CAST(name AS TEXT) AS name, stored, size, kind FROM facts.member ORDER BY 1, 2;
		SELECT * FROM facts.elf; SELECT key, value FROM facts.about WHERE key IN ('complete', 'reasons')"
}
dump plain.tar >want
# Without hashes: those of what is like nothing else are known of compressed layers only.
cut -f 1-3,5- want
# What is alike by its hash.
cut -f 1,4 want | sed -n '2,20p' | awk '{ if ($2 != "") seen[$2] = seen[$2] " " $1 } END { for (h in seen) print seen[h] }' | sort
for image in gzip.tar zstd.tar outer.tar; do
	dump "$image" | cut -f 1-3,5- | cmp - <(cut -f 1-3,5- want) && echo "$image is the same"
done
dump - <gzip.tar | cut -f 1-3,5- | cmp - <(cut -f 1-3,5- want) && echo "standard input is the same"
# An index that was at hand: facts are gathered from it.
rm -rf "$HOME/.cache"
"$PEEL" index gzip.tar >/dev/null
dump gzip.tar | cut -f 1-3,5- | cmp - <(cut -f 1-3,5- want) && echo "later is the same"
run sql gzip.tar 'SELECT count(*) FROM facts.file'
run sql --facts gzip.tar 'SELECT count(*) FROM facts.file'
run sql --facts gzip.tar 'DELETE FROM facts.file'
run sql --facts gzip.tar "ATTACH 'x' AS y"
run index --facts --no-cache plain.tar
# One core gives the same bytes as all of them.
for cores in 0 0-15; do
	rm -rf "$HOME/.cache"
	taskset -c "$cores" "$PEEL" index --facts gzip.tar >/dev/null
	cat "$HOME"/.cache/peel/*.facts | cksum >"cores.$cores"
done
cmp cores.0 cores.0-15 && echo "any number of cores gives the same"
