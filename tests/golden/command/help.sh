# SPDX-License-Identifier: Apache-2.0
for verb in $("$PEEL" --help-tables | sed -n 's/^verb\t\([a-z]*\)\t.*/\1/p'); do
	run help "$verb"
	cp "$scratch/out" "$scratch/help"
	"$PEEL" "$verb" --help | cmp - "$scratch/help"
done
