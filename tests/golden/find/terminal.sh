# SPDX-License-Identifier: Apache-2.0
# On a terminal names are escaped.
if ! script -qec true /dev/null </dev/null >/dev/null 2>&1; then
	echo 'no pseudo terminal'
	exit 77
fi
image hostile h.tar
on_terminal() {
	printf '$ peel %s\n' "$*"
	COLUMNS=200 script -qec "$(printf '%q ' "$PEEL" "$@")" /dev/null </dev/null | tr -d '\r' | cat -v
}
on_terminal find -q h.tar -name 'e*'
on_terminal find -q h.tar -printf '%f|%l|%u\n'
on_terminal find -q h.tar -uid 1000 -ls
