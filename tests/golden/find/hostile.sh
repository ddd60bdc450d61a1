# SPDX-License-Identifier: Apache-2.0
# Into a pipe names go as they are; on a terminal, and in messages, they are escaped.
image hostile h.tar
filter='cat -v' run find h.tar
filter='cat -v' run find h.tar -ls
filter='cat -v' run find h.tar -printf '%-12f|%l|%u\n'
filter="cat -v" run find h.tar -print0
on_terminal() {
	printf '$ peel %s\n' "$*"
	COLUMNS=200 script -qec "$(printf '%q ' "$PEEL" "$@")" /dev/null </dev/null | tr -d '\r' | cat -v
}
on_terminal find -q h.tar -name 'e*'
on_terminal find -q h.tar -printf '%f|%l|%u\n'
on_terminal find -q h.tar -uid 1000 -ls
run find h.tar "$(printf 'no\033such')"
run find h.tar -name x "$(printf 'no\033such')"
run find h.tar -printf '%p\n' -user "$(printf 'ev\033')"
