# SPDX-License-Identifier: Apache-2.0
# Help is a screen a verb, 24 lines of 80 columns, names each of its options, and with -a says what each means.
verbs=$("$PEEL" --help-tables | sed -n 's/^verb\t\([a-z]*\)\t.*/\1/p')

# fits NAME LINES ARG...: no more lines than that, none wider than 80 columns
fits() {
	"$PEEL" "${@:3}" | awk -v name="$1" -v most="$2" '
	length($0) > 80 { printf "%s: %d columns: %s\n", name, length($0), $0 }
	END { if (NR > most || NR < 3) { printf "%s: %d lines\n", name, NR } }'
}
fits overview 40 help
fits options 40 help options
checked=0
for verb in $verbs; do
	fits "$verb" 24 "$verb" --help
	"$PEEL" help "$verb" >short
	"$PEEL" help -a "$verb" >long
	while IFS=$'\t' read -r name text; do
		grep -qF -e "$name" short || echo "$verb: help does not name $name"
		tr -s ' \n' ' ' <long | grep -qF -e "$text" || echo "$verb: help -a does not say of $name: $text"
		checked=$((checked + 1))
	done < <("$PEEL" --help-tables | awk -F '\t' -v verb="$verb" -v OFS='\t' '
		$1 == "option" && $2 == verb { print $3, $5 }
		$1 == "word" && $2 == verb { print $3, "" }')
done
[ "$(echo "$verbs" | wc -w)" -ge 14 ] && [ "$checked" -ge 50 ] && echo 'verbs and options'
