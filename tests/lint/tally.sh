#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The sum at the end of tools/test: what counts as a case, what as a failure, and the status.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
number=0

expect() { # STATUS LAST-LINE OPTION... LOG
	number=$((number + 1))
	status=$1
	line=$2
	shift 2
	got=0
	out=$(python3 "$here/../lib/tally.py" "$@") || got=$?
	if [ "$got" -eq "$status" ] && [ "$(printf '%s\n' "$out" | tail -n 1)" = "$line" ]; then
		echo "ok $number - $line"
	else
		echo "not ok $number - wanted status $status and '$line', got $got:"
		printf '%s\n' "$out" | sed 's/^/# /'
		failed=1
	fi
}

cat >"$work/good" <<'EOT'
{"name": "peel:unit / path", "result": "OK", "returncode": 0, "stdout": "1..2\nok 1 - a\nok 2 - b\n"}
{"name": "peel:lint / words", "result": "OK", "returncode": 0, "stdout": "nothing\n"}
{"name": "peel:header / alone", "result": "OK", "returncode": 0, "stdout": "ok 1 - a # SKIP no compiler\nok 2 - b\n"}
EOT
cat >"$work/skip" <<'EOT'
{"name": "peel:mount / plain", "result": "SKIP", "returncode": 77, "stdout": "SKIP: no /dev/fuse\n"}
EOT
cat >"$work/bad" <<'EOT'
{"name": "peel:unit / path", "result": "FAIL", "returncode": 1, "stdout": "ok 1 - a\nnot ok 2 - b\nnot ok 3 - c\n"}
{"name": "peel:unit / crash", "result": "FAIL", "returncode": -6, "stdout": "ok 1 - a\n", "stderr": "aborted"}
{"name": "peel:lint / slow", "result": "TIMEOUT", "returncode": null, "stdout": ""}
EOT
# A program that says "not ok" and exits 0 has failed all the same.
printf '%s\n' '{"name": "peel:unit / liar", "result": "OK", "returncode": 0, "stdout": "not ok 1 - a\n"}' >"$work/liar"
: >"$work/none"

expect 0 '4 passed, 0 failed, 1 skipped' "$work/good"
expect 0 '4 passed, 0 failed, 2 skipped' "$work/good" "$work/skip"
expect 1 '4 passed, 1 failed, 1 skipped' --must-run mount "$work/good" "$work/skip"
expect 1 '4 passed, 1 failed, 1 skipped' --broken 'build of clang' "$work/good"
expect 1 '2 passed, 4 failed, 0 skipped' "$work/bad"
expect 1 '0 passed, 1 failed, 0 skipped' "$work/liar"
expect 1 '0 passed, 0 failed, 0 skipped' "$work/none"
echo "1..$number"
exit "$failed"
