#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail on a shell or Python file that its own interpreter cannot parse, or that is not executable though it has a #! line.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${PEEL_SOURCE:-$here/../..}"
failed=0
for file in $("$here/files.sh" .); do
	first=$(head -n 1 "$file" | tr -d '\0')
	case $first in
	'#!'*bash*) bash -n "$file" || failed=1 ;;
	'#!'*python*) python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file" || failed=1 ;;
	'#!'*sh*) sh -n "$file" || failed=1 ;;
	*) continue ;;
	esac
	if [ ! -x "$file" ]; then
		echo "$file:1: begins with #! and is not executable"
		failed=1
	fi
done
exit "$failed"
