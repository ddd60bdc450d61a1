# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What golden cases call. The folder is empty but for what the case makes.

# run ARG...: the command line, standard output, standard error with "! " before each line, and the status if it is not 0.
run() {
	local status=0
	printf '$ peel'
	local word
	for word; do
		case $word in
		'' | *[!a-zA-Z0-9_./:=@,%+-]*) printf ' %s' "${word@Q}" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	echo
	"$PEEL" "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
	${filter:-cat} <"$scratch/out"
	sed 's/^/! /' "$scratch/err"
	[ "$status" -eq 0 ] || echo "= $status"
}

# image NAME OUT [OPTION]...: make an image of images/NAME.txt
image() {
	local name=$1 out=$2
	shift 2
	python3 "$golden/../lib/mkimage.py" "$@" "$out" <"$golden/images/$name.txt"
}

# show_nul: a filter that shows NUL as @ and ends the line.
show_nul() {
	tr '\0' '@'
	echo
}

# damage OP...: see damage.py
damage() {
	python3 "$golden/damage.py" "$@"
}
