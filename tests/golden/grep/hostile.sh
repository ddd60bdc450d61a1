# SPDX-License-Identifier: Apache-2.0
# To a pipe names and lines go as they are, to a terminal they are escaped.
image hostile h.tar
filter='cat -v' run grep -r h.tar .
filter='cat -v' run grep -c h.tar . $'esc\e[31mred' $'no\e[31mred'
if command -v script >/dev/null; then
	script -qec "'$PEEL' grep -r h.tar ." /dev/null </dev/null | cat -v | grep -c '\^\['
	script -qec "'$PEEL' grep -r h.tar 1000" /dev/null </dev/null | tr -d '\r' | cat -v
fi
