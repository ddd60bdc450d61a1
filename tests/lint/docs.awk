# SPDX-License-Identifier: Apache-2.0
# docs.awk HEADER...: fail on a prototype or a function type that no comment explains. Prototypes that stand
# together without a blank line share the comment above the first. Names that end in _ need none: a macro next to them is what is used.

FNR == 1 {
	explained = depth = in_comment = open = 0
}

# Inside of struct and enum bodies nothing is a prototype; a comment's last line explains what follows it.
{
	line = $0
}
in_comment {
	if (line ~ /\*\//) {
		in_comment = 0
		explained = 1
	}
	next
}
line ~ /^[ \t]*\/\*/ {
	if (line ~ /\*\/[ \t]*$/) {
		explained = 1
	} else {
		in_comment = 1
	}
	next
}
line ~ /^[ \t]*$/ {
	explained = 0
	next
}
line ~ /^(#|extern "C"|\})/ {
	depth = (line ~ /^\}/) ? 0 : depth
	next
}
depth {
	next
}
line ~ /\{[ \t]*$/ && line !~ /\(/ {
	depth = 1
	next
}
!open && line ~ /^[a-z].*\(/ {
	if (!explained && line !~ /_\(/) {
		printf "%s:%d: no comment explains this function\n", FILENAME, FNR
		failed = 1
	}
	open = 1
}
open && line ~ /;[ \t]*$/ {
	open = 0
}
open && line ~ /^\{/ {
	open = 0
	depth = 1
}

END {
	exit failed
}
