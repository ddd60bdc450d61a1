# SPDX-License-Identifier: Apache-2.0
# Through a pipe: in one pass where headers are enough, and without a trace; else spooled, which is said.
image app app.tar
mkimage=$golden/../lib/mkimage.py
python3 "$mkimage" big.tar <<'END'
layer COPY model /
d etc
f etc/passwd data="root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:\n"
f model size=5000000 seed=1 uid=1000
END
mkdir spool cache
export XDG_CACHE_HOME=$PWD/cache

# piped FILE ARG...: the command line, what it writes, and the status if it is not 0.
piped() {
	local file=$1 status
	shift
	echo "\$ cat $file | peel $*"
	# The reader may be gone before it has read all.
	{ cat "$file" 2>/dev/null || :; } | "$PEEL" "$@" 2>&1
	status=${PIPESTATUS[1]}
	[ "$status" -eq 0 ] || echo "= $status"
	[ -z "$(ls -A spool)" ] || echo "left behind: $(ls spool)"
}

# As of a file, with nothing said.
for words in 'history IMAGE' 'ls -l IMAGE /' 'which IMAGE tool' 'stat -c %s:%U IMAGE /model' 'du IMAGE /' \
	'find IMAGE -name model -size +1M' 'inspect --output json IMAGE' 'sql IMAGE SELECT*FROM(tree)' \
	'export --format mtree IMAGE'; do
	for file in app.tar big.tar; do
		# shellcheck disable=SC2086
		piped "$file" ${words/IMAGE/-} >piped.txt
		# shellcheck disable=SC2086
		{ "$PEEL" ${words/IMAGE/$file} 2>&1 || echo "= $?"; } >asked.txt
		sed -i 1d piped.txt
		sed -i "s/$file/-/" asked.txt
		cmp -s piped.txt asked.txt && echo "same: $file: $words" || diff asked.txt piped.txt
	done
done
piped big.tar ls -l --spool-dir spool - /
cat big.tar | "$PEEL" cat -q --spool-dir spool - /model | cmp - <("$PEEL" cat big.tar /model) && echo "the same bytes"
piped big.tar cat -q --spool-dir spool - /etc/passwd
piped big.tar cat --spool-dir spool - /etc/passwd
piped big.tar why --spool-dir spool - /model
piped big.tar ls --verify --spool-dir spool - /
piped big.tar find --spool-dir spool - -kind text
piped big.tar find --spool-dir spool - -maxdepth 1 -printf '%p %{kind}\n'
piped big.tar cat --spool-dir spool --spool-limit 1M - /etc/passwd
piped big.tar ls --spool-dir spool --spool-limit 1M - /
piped big.tar cat --spool-dir nowhere - /etc/passwd
piped big.tar ls --spool-dir nowhere - /
gzip -1 <big.tar >big.tar.gz
piped big.tar.gz ls --spool-dir spool - / | sed 's/ 5\.[0-9] MB / 5.x MB /'
piped big.tar verify -q --spool-dir spool docker-archive:-
