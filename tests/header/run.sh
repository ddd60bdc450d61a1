#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each public header compiles alone and twice in one file, in C11 and in C++, without a warning; the private ones
# compile alone in our own dialect. CC and CXX name the compilers.
set -eu
source=${PEEL_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
cxx=
for candidate in "${CXX:-}" c++ clang++ clang++-14; do
	if [ -z "$cxx" ] && [ -n "$candidate" ] && command -v "$candidate" >/dev/null; then
		cxx=$candidate
	fi
done
number=0
failed=0

try() { # NAME COMMAND...
	number=$((number + 1))
	name=$1
	shift
	if out=$("$@" 2>&1); then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		printf '%s\n' "$out" | sed 's/^/# /'
		failed=1
	fi
}

alone() { # HEADER DIALECT... : both from standard input, so that no file is left behind
	header=$1
	shift
	printf '#include "%s"\n#include "%s"\nextern int peel_unit;\n' "$header" "$header" |
		"$@" -fsyntax-only -Wall -Wextra -pedantic -Werror -I "$source/include" -iquote "$source/index" -
}

for path in "$source"/include/peel/*.h; do
	header=peel/$(basename "$path")
	try "$header in C" alone "$header" "${CC:-cc}" -x c -std=c11
	if [ -n "$cxx" ]; then
		try "$header in C++" alone "$header" "$cxx" -x c++ -std=c++11
	else
		number=$((number + 1))
		echo "ok $number - $header in C++ # SKIP no C++ compiler"
	fi
done
for path in "$source"/index/*.h; do
	# Statement expressions and other gnu17 are ours to use here.
	try "$(basename "$path") in gnu17" alone "$(basename "$path")" "${CC:-cc}" -x c -std=gnu17 -Wno-pedantic
done
echo "1..$number"
exit "$failed"
