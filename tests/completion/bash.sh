#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bash.sh SCRIPT: for each line of standard input, what bash would be offered at its end, a word a line, then an empty line. Words
# are whole again: readline's begin after the last ":" or "=".
set -u
# shellcheck source=/dev/null
. "$1"
[[ $(complete -p peel) == 'complete -F _peel peel' ]] || exit 1
# Names of files are quoted by readline, which knows them by this option; all else is put into the line as it is.
compopt() { [[ $* != *filenames* ]] || filenames=true; }
while IFS= read -r line; do
	COMP_LINE="peel $line" COMP_POINT=$((${#line} + 5))
	COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
	last=${COMP_LINE##*[[:blank:]]}
	filenames=false
	_peel peel "$last" ''
	for word in "${COMPREPLY[@]}"; do
		[[ -d ${word##*[:=]} ]] && word+=/
		$filenames && word=$(printf %q "$word")
		printf '%s%s\n' "${last%"${last##*[:=]}"}" "$word"
	done
	echo
done
