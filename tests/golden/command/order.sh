# SPDX-License-Identifier: Apache-2.0
# Verbs and options are in order of names in their tables.
"$PEEL" --help-tables | sed -n 's/^verb\t\([a-z]*\)\t.*/\1/p' | sort -c && echo verbs
"$PEEL" --help-tables | sed -n 's/^mount\tmount\t\([a-z_]*\)\t.*/\1/p' | sort -c && echo mount options
