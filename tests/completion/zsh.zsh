# SPDX-License-Identifier: Apache-2.0
# zsh.zsh SCRIPT: as bash.sh, for zsh. An interactive shell on a pseudo-terminal completes the line; its compadd tells what would
# be added, between two lines of "-----".
zmodload zsh/zpty || exit 1
setopt rcquotes extendedglob
dump=$(mktemp)
inner=$(mktemp)
cat >$inner <<'END'
PROMPT= PS2=
autoload -Uz compinit
compinit -u -d $dump
source $script
bindkey '^M' undefined
bindkey '^J' undefined
bindkey '^I' complete-word
mark() { print -r -- ----- }
compprefuncs=(mark)
comppostfuncs=(mark exit)
zstyle ':completion:*' insert-tab false
zmodload zsh/zutil
compadd() {
	local -a hits
	local -A before hidden after
	local hit slash
	if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
		builtin compadd "$@"
		return
	fi
	# It is added as well: nothing added makes the next pattern of _files be tried.
	builtin compadd -A hits "$@"
	builtin compadd "$@"
	zparseopts -E P:=before p:=hidden S:=after
	for hit in $hits; do
		slash=
		[[ $after != '' || ! -d $hit || " ${(j: :)${@[1,(i)(-|--)]}}" != *\ -[[:alnum:]]#f* ]] || slash=/
		print -r - "$IPREFIX$before$hidden$hit$slash$after"
	done
}
END
while IFS= read -r line; do
	zpty inner dump=${(q)dump} script=${(q)1} zsh -f -i
	zpty -w inner ". $inner; print ready"
	while zpty -r inner said && [[ $said != ready* ]]; do :; done
	zpty -n -w inner "peel $line"$'\t'
	marks=0
	while (( marks < 2 )) && zpty -r inner said; do
		said=${said%%[[:space:]]##}
		if [[ $said == *----- ]]; then
			marks=$((marks + 1))
		elif (( marks == 1 )); then
			print -r - $said
		fi
	done
	zpty -d inner
	print
done
rm -f $dump $inner
