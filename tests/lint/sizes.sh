#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail on a file of more than 500 lines, a function of more than 80, a line of C wider than 120 columns (tabs are 8).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${PEEL_SOURCE:-$here/../..}"
"$here/files.sh" . '*.[ch]' '*.sh' '*.py' '*.sql' '*meson.build' | LC_ALL=C.UTF-8 xargs awk '
function bad(line, text) {
	printf "%s:%d: %s\n", FILENAME, line, text
	failed = 1
}
FNR == 1 { start = 0 }
FNR == 501 { bad(FNR, "the file has more than 500 lines") }
{
	wide = $0
	while (match(wide, /\t/)) {
		wide = substr(wide, 1, RSTART - 1) substr("        ", 1, 8 - (RSTART - 1) % 8) substr(wide, RSTART + 1)
	}
	if (FILENAME ~ /\.[ch]$/ && length(wide) > 120) { bad(FNR, "the line has " length(wide) " columns") }
}
FILENAME !~ /\.[ch]$/ { next }
/^\{/ { start = FNR }
/^\}/ {
	if (start && FNR - start - 1 > 80) { bad(start, "the function has " FNR - start - 1 " lines") }
	start = 0
}
END { exit failed }
'
