#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# files.sh DIR [PATTERN...]: the project's own files below DIR, tracked or about to be, one a line, sorted.
# PATTERNs are shell patterns on the whole relative path; none means every file.
set -eu
cd "$1"
shift
# A tree without git, or one that git distrusts because another user owns it, is walked instead.
if ! git ls-files -co --exclude-standard 2>/dev/null | grep .; then
	find . \( -name .git -o -path './build*' -o -name __pycache__ \) -prune -o -type f -print | sed 's|^\./||'
fi | LC_ALL=C sort -u | while IFS= read -r file; do
	[ -f "$file" ] || continue
	[ $# -gt 0 ] || printf '%s\n' "$file"
	for pattern in "$@"; do
		# shellcheck disable=SC2254
		case $file in
		$pattern)
			printf '%s\n' "$file"
			break
			;;
		esac
	done
done
