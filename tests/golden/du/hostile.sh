# SPDX-License-Identifier: Apache-2.0
# To a pipe names go as they are, to a terminal they are escaped.
image hostile h.tar
filter='cat -v' run du -a h.tar
filter='cat -v' run du "h.tar" $'no\e[31mred'
if command -v script >/dev/null; then
	script -qec "'$PEEL' du -a h.tar" /dev/null </dev/null | cat -v | grep -c '\^\['
	script -qec "'$PEEL' du -a h.tar" /dev/null </dev/null | grep -ao 'esc.x1b.31mred'
fi
