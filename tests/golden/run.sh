#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run golden cases: each VERB/CASE.sh against VERB/CASE.out.
#
#   run.sh [--update] [VERB | VERB/CASE]...      all of them without an argument
#
# A case is sourced by bash in an empty folder of its own, with lib.sh at hand. What it writes is compared byte by
# byte; --update writes it down instead: read the difference before it is committed. A case that cannot run here says why and
# exits 77. PEEL names the program under test.
set -u
golden=$(cd "$(dirname "$0")" && pwd)
export golden
: "${PEEL:?names the program under test}"
[ -x "$PEEL" ] || {
	echo "$PEEL: no program"
	exit 2
}
update=false
if [ "${1-}" = --update ]; then
	update=true
	shift
fi
[ $# -gt 0 ] || set -- "$golden"/*/

cases=()
for wanted in "$@"; do
	wanted=$golden/${wanted#"$golden"/}
	if [ -d "$wanted" ]; then
		for case in "${wanted%/}"/*.sh; do
			[ ! -e "$case" ] || cases+=("$case")
		done
	else
		cases+=("${wanted%.sh}.sh")
	fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C TZ=UTC
unset XDG_CACHE_HOME
failed=0
number=0
for case in "${cases[@]}"; do
	number=$((number + 1))
	name=${case#"$golden"/}
	name=${name%.sh}
	mkdir -p "$work/$number/here"
	# shellcheck source=/dev/null
	(
		cd "$work/$number/here" || exit 1
		export HOME=$work/$number scratch=$work/$number
		. "$golden/lib.sh"
		. "$case"
	) </dev/null >"$work/out" 2>&1
	if [ $? -eq 77 ]; then
		echo "ok $number - $name # SKIP $(tail -n 1 "$work/out")"
	elif $update; then
		cmp -s "$work/out" "${case%.sh}.out" || cp "$work/out" "${case%.sh}.out"
	elif diff -Nu --label "$name.out" --label got "${case%.sh}.out" "$work/out" >"$work/diff" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$work/diff"
		failed=1
	fi
	rm -rf "${work:?}/$number"
done
$update || echo "1..$number"
exit "$failed"
