# SPDX-License-Identifier: Apache-2.0
# fish.fish SCRIPT: as bash.sh, for fish.
source $argv[1]
while read -l line
	complete -C "peel $line" | string replace -r '\t.*' ''
	echo
end
