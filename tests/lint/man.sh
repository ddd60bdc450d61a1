#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail on a manual page that mandoc or groff complains about.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${PEEL_SOURCE:-$here/../..}"
if ! command -v mandoc >/dev/null || ! command -v groff >/dev/null; then
	echo 'SKIP: mandoc or groff is not installed'
	exit 77
fi
for page in tools/*.1; do
	mandoc -T lint -W warning "$page"
	# Each warning of groff names the page and the line.
	warnings=$(groff -ww -man -T utf8 -z "$page" 2>&1)
	[ -z "$warnings" ] || {
		printf '%s\n' "$warnings"
		exit 1
	}
done

# The page's options are those of the command's tables, verb by verb: nothing is left out, nothing is left over.
if [ ! -x "${PEEL:-}" ]; then
	echo 'SKIP: the options are not compared: PEEL names no program'
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# "PLACE OPTION", PLACE being a verb, "*" for the shared options, or "mount-o" for the words of -o.
"$PEEL" --help-tables | awk -F '\t' '
$1 == "option" { print $2, $3 }
$1 == "shared" { print "*", $3 }
$1 == "mount" { print "mount-o", $3 }' | sort >"$work/tables"
awk '
/^\.SS peel / { place = $3; next }
/^\.SH SHARED OPTIONS/ { place = "*"; next }
/^\.SH MOUNT OPTIONS/ { place = "mount-o"; next }
/^\.S[HS]/ { place = ""; next }
/^\.TP/ { tag = 1; next }
tag && place != "" {
	line = $0
	while (match(line, /\\fB[^\\]*(\\-[^\\]*)*\\f[RI]/)) {
		word = substr(line, RSTART + 3, RLENGTH - 6)
		gsub(/\\-/, "-", word)
		print place, word
		line = substr(line, RSTART + RLENGTH)
	}
}
{ tag = 0 }' tools/peel.1 | sort >"$work/page"
# So are its limits, with their defaults and what they may be raised to.
"$PEEL" --help-tables | awk -F '\t' '$1 == "limit" { print $2, $3, $4 }' >"$work/limits"
sed -n '/^\.SH LIMITS/,/^\.SH EXIT/s/^\\fB\([^\\]*\(\\-[^\\]*\)*\)\\fR: \(.*\), at most \(.*\)$/\1 \3 \4/p' tools/peel.1 |
	sed 's/\\-/-/g' >"$work/page-limits"
diff -u --label 'limits of the command' --label 'limits of tools/peel.1' "$work/limits" "$work/page-limits"
"$PEEL" --help-tables | sed -n 's/^verb\t\([a-z]*\)\t.*/\1/p' | sort >"$work/verbs"
sed -n 's/^\.SS peel \([a-z]*\)$/\1/p' tools/peel.1 | sort >"$work/sections"
diff -u --label 'verbs of the command' --label 'sections of tools/peel.1' "$work/verbs" "$work/sections"
diff -u --label 'options of the command' --label 'options of tools/peel.1' "$work/tables" "$work/page"
