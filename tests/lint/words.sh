#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail on a missing licence line, on a note of unfinished work, on goto, and on anything that names a person, a
# tool that wrote a file, or a place on the machine where it was written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${PEEL_SOURCE:-$here/../..}"
report() { # what is wrong; stdin: file:line:text
	sed "s|^\\([^:]*:[0-9]*\\):.*|\\1: $1|"
}
# Licence texts and recorded outputs are not ours to judge; this file must name what it looks for.
all() { "$here/files.sh" . "$@" | grep -vE '^(LICENSE|tests/lint/(words|selftest)\.sh|.*\.out)$'; }

check() {
	all | while IFS= read -r file; do
		case $file in
		*.[ch] | *.sh | *.py | *.awk | *.sql | *.1 | *meson.build) ;;
		*) head -c 2 "$file" | grep -q '^#!' || continue ;;
		esac
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2\.0' || printf '%s:1:\n' "$file"
	done | report 'no SPDX line'
	search "$unfinished" | report 'unfinished work belongs into the tracker'
	search '^[[:space:]]*goto[[:space:]]' '*.[ch]' | report 'goto: use scoped cleanup'
	search "$author" | report 'names an author or a tool'
	search "$machine" | report 'a path of one machine'
}

# search REGEX [PATTERN...]: file:line:text
search() {
	regex=$1
	shift
	all "$@" | tr '\n' '\0' | xargs -0 grep -nIE "$regex" /dev/null || :
}

unfinished='\<(TODO|FIXME|XXX|HACK)\>'
author='\<([Cc]o-[Aa]uthored|[Ss]igned-[Oo]ff)-by\>|@author\>|\<([Aa]uthored|[Ww]ritten|[Gg]enerated) (by|with) (an? )?(AI|LLM|model|assistant|me)\>'
machine='(^|[^[:alnum:]_./-])/(work|Users)/|/home/[a-z]+/(src|git|projects?)/'
found=$(check)
[ -z "$found" ] || {
	printf '%s\n' "$found"
	exit 1
}
