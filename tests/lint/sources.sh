#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail on a source or a test that no meson.build names: it would be neither compiled nor run. The same of fuzz targets,
# which are rows of a table, and of inputs that once failed, which are told beside them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${PEEL_SOURCE:-$here/../..}"
failed=0
for file in $("$here/files.sh" . 'fs/*.c' 'include/*.h' 'index/*.c' 'tools/*.c' 'tests/unit/*.c' 'tests/lib/*.c'); do
	folder=${file%%/*}
	name=${file#"$folder"/}
	case $name in
	unit/test_*) name=$(basename "${name#unit/test_}" .c) ;;
	esac
	if ! grep -qF "'$name'" "$folder/meson.build"; then
		# mount.h is for the command alone: libpeel does not hold what it promises.
		[ "$file" != include/peel/mount.h ] || continue
		echo "$file:1: $folder/meson.build does not name it"
		failed=1
	fi
done
for file in $("$here/files.sh" . 'tests/fuzz/*.c'); do
	name=$(basename "$file" .c)
	if ! grep -qF "'$name.c'" tests/fuzz/meson.build &&
		! { [ "$name" != "${name#fuzz_}" ] && grep -q "^${name#fuzz_}	" tests/fuzz/targets.tsv; }; then
		echo "$file:1: neither tests/fuzz/meson.build nor targets.tsv names it"
		failed=1
	fi
done
for file in $("$here/files.sh" . 'tests/fuzz/cases/*/*'); do
	target=$(basename "$(dirname "$file")")
	if ! grep -qF "| $target | $(basename "$file") |" tests/fuzz/cases/README.md; then
		echo "$file:1: tests/fuzz/cases/README.md does not tell what it is"
		failed=1
	fi
done
exit "$failed"
