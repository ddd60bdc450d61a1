# SPDX-License-Identifier: Apache-2.0
# Names that would deceive a terminal or break a line: exact for machines, one line each.
image hostile hostile.tar
for format in csv jsonl mtree; do
	filter='tr -d \r' run export --format $format hostile.tar
done
filter='cat -v' run export --format ncdu hostile.tar
"$PEEL" export hostile.tar | tar -t --quoting-style=c
