#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The lints must fail on what they forbid: a small tree of offences, one lint and one offence at a time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
PEEL_SOURCE=$tree
export PEEL_SOURCE
echo 0 >"$tree/.number"

expect() { # LINT STATUS PATTERN FILE; the file's text on stdin
	number=$(($(cat "$tree/.number") + 1))
	echo "$number" >"$tree/.number"
	mkdir -p "$tree/$(dirname "$4")" "$tree/include/peel"
	cat >"$tree/$4"
	status=0
	out=$("$here/$1.sh" 2>&1) || status=$?
	[ "$status" -eq 0 ] || status=1
	if [ "$status" -eq "$2" ] && printf '%s\n' "$out" | grep -q "$3"; then
		echo "ok $number - $1: $4: $3"
	else
		echo "not ok $number - $1: $4: wanted status $2 and '$3', got $status: $out"
		touch "$tree/.failed"
	fi
	rm "$tree/$4"
}

spdx='/* SPDX-License-Identifier: Apache-2.0 */'
mkdir -p "$tree/index"
printf '%s\n#include "util.h"\n#include <stdio.h>\n' "$spdx" >"$tree/index/error.c"

echo '#include "store.h"' | expect layers 1 'index/source.c:1: level 1 includes store.h of level 4' index/source.c
echo '#include "source.h"' | expect layers 0 '' index/store.c
echo '#include <sqlite3.h>' | expect layers 1 'index/scan_pax.c:1: <sqlite3.h>' index/scan_pax.c
echo '#include <sqlite3.h>' | expect layers 0 '' index/query_why.c
echo '#include <archive.h>' | expect layers 1 'index/store.c:1: <archive.h>' index/store.c
echo '#include <jansson.h>' | expect layers 1 'index/image.c:1: <jansson.h>' index/image.c
echo '#include <yaml.h>' | expect layers 1 'index/audit.c:1: <yaml.h>' index/audit.c
echo '#include "yaml.h"' | expect layers 0 '' index/audit.c
echo '#include "surprise.h"' | expect layers 1 'index/surprise.h:1: belongs to no family' index/surprise.h
echo '#include <fuse_lowlevel.h>' | expect layers 1 'tools/main.c:1: <fuse_lowlevel.h>' tools/main.c
echo '#include "source.h"' | expect layers 1 'tools/main.c:1: fs/ and tools/' tools/main.c
echo '#include "../index/source.h"' | expect layers 1 'fs/ops.c:1: fs/ and tools/' fs/ops.c
echo '#include <sqlite3.h>' | expect layers 1 'include/peel/x.h:1: a public header' include/peel/x.h
printf '/** Said. */\nint said(void);\nint too(void);\n\nint unsaid(int a,\n\tint b);\n' |
	expect docs 1 'index/x.h:5: no comment' index/x.h
printf '/** Said. */\nint said(void);\n\nstruct x {\n\tint (*call)(void);\n};\n' | expect docs 0 '' index/x.h
yes | head -n 501 | expect sizes 1 'index/x.c:501: the file' index/x.c
{ printf 'void x(void)\n{\n' && yes ';' | head -n 81 && echo '}'; } | expect sizes 1 'index/x.c:2: the function' index/x.c
printf '\t%0113d\n' 0 | expect sizes 1 'index/x.c:1: the line has 121' index/x.c
echo 'int x;' | expect words 1 'index/x.c:1: no SPDX' index/x.c
printf '%s\n// TO''DO more\n' "$spdx" | expect words 1 'index/x.c:2: unfinished' index/x.c
printf '%s\n\tgoto out;\n' "$spdx" | expect words 1 'index/x.c:2: goto' index/x.c
printf '%s\n// in /Users/here\n' "$spdx" | expect words 1 'index/x.c:2: a path' index/x.c
mkdir -p "$tree/tests/fuzz/cases/tar"
echo "'fuzz.c'" >"$tree/tests/fuzz/meson.build"
printf 'tar\t1\t1\tx\n' >"$tree/tests/fuzz/targets.tsv"
: >"$tree/tests/fuzz/cases/README.md"
printf '%s\n' "'error.c'" >"$tree/index/meson.build"
echo | expect sources 1 'tests/fuzz/fuzz_zip.c:1: neither' tests/fuzz/fuzz_zip.c
echo | expect sources 0 '' tests/fuzz/fuzz_tar.c
echo | expect sources 1 'cases/tar/bad:1: tests/fuzz/cases/README.md' tests/fuzz/cases/tar/bad
figures='<!-- figures: tests/security/table -->'
mkdir -p "$tree/tests/security"
printf '{"title": "t", "command": "c", "commit": "1", "columns": ["a"], "rows": [[1]], "crashes": 0, "hangs": 0, "wrong": 0,
	"leaks": 0}' >"$tree/tests/security/t.json"
printf '%s\n<!-- end of figures -->\n' "$figures" | expect security 1 'SECURITY.md:1: the figures are not' SECURITY.md
{
	printf '%s\n\n| campaign | crashes | hangs | wrong answers | leaks |\n|---|---|---|---|---|\n| t | 0 | 0 | 0 | 0 |\n' "$figures"
	printf '\n### t\n\n`c` at 1\n\n| a |\n|---|\n| 1 |\n\n<!-- end of figures -->\n'
} | expect security 0 '' SECURITY.md
printf 'Authored by me\n' | expect words 1 'notes.md:1: names an author' notes.md
echo "1..$(cat "$tree/.number")"
[ ! -e "$tree/.failed" ]
