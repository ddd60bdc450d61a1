# SPDX-License-Identifier: Apache-2.0
# What cache ls says of every kind of file, most recently used first, and what gc takes away.
cache=$HOME/.cache/peel
plain() {
	sed -E -e "s#$(realpath "$scratch")#TOP#g; s#$scratch#TOP#g" -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}/TIME/g' \
		-e 's/"(built|used)": [0-9]+/"\1": TIME/; s/"file": "[0-9a-f]{40}/"file": "NAME/; s/"(total_)?bytes": [0-9]+/"\1bytes": SIZE/' \
		-e 's/(^|  |, )[0-9.]+ [kM]?B/\1SIZE/g; s/[0-9a-f]{40}\.peel/NAME.peel/; s/\.building-[0-9a-f]*/.building-N/' -e 's/  +/  /g'
}
filter=plain
run cache ls
for name in current changed gone version damaged lost foreign; do
	image app "$name.tar"
done
image app $'odd\e[31m\nname.tar'
image app oci.tar --form oci-archive
mkdir layout
tar -C layout -xf oci.tar
sleep 2.2
for name in damaged version gone changed lost foreign current; do
	"$PEEL" index "$name.tar" | sed -n 's/^index *//p' >"$scratch/path.$name"
	sleep 0.02
done
for name in docker-archive:current.tar oci:layout $'odd\e[31m\nname.tar'; do
	"$PEEL" index "$name" >/dev/null
	sleep 0.02
done
image app young.tar
"$PEEL" index young.tar >/dev/null
rm gone.tar
echo more >>changed.tar
mv "$(cat "$scratch/path.lost")" "$cache/$(printf %040d 7).peel"
head -c 9000 "$(cat "$scratch/path.damaged")" >cut && cat cut >"$(cat "$scratch/path.damaged")"
sqlite3 "$(cat "$scratch/path.version")" 'PRAGMA user_version = 77'
chmod 666 "$(cat "$scratch/path.foreign")"
touch -d 2001-01-01 "$cache/$(printf %040d 7).peel" "$(cat "$scratch/path.damaged")" "$(cat "$scratch/path.version")"
touch -d 2001-01-02 "$(cat "$scratch/path.damaged")"
touch -d 2001-01-03 "$(cat "$scratch/path.foreign")"
echo junk >"$cache/$(printf %040d 1).peel"
touch -d 2001-01-04 "$cache/$(printf %040d 1).peel"
ln -s /etc/passwd "$cache/$(printf %040d 2).peel"
touch -h -d 2001-01-05 "$cache/$(printf %040d 2).peel"
mkfifo "$cache/$(printf %040d 3).peel"
touch -d 2001-01-06 "$cache/$(printf %040d 3).peel"
echo half >"$cache/.building-0000000000000001"
touch -d 2001-01-07 "$cache/.building-0000000000000001"
exec 9>"$cache/.building-0000000000000002"
flock 9
touch -d 2001-01-08 "$cache/.building-0000000000000002"
# What is not peel's by its name is left alone.
echo mine >"$cache/notes"
mkdir "$cache/$(printf %040d 4).peel"
run cache ls
run cache gc --dry-run
run cache gc
run cache ls --output json
ls -A "$cache" | plain
run cache gc --all -n --output json
run cache gc --all
ls -A "$cache" | plain
# What the answer was made of is not kept, but the answer is the same.
run ls current.tar etc
