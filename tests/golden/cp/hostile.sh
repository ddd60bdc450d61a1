# SPDX-License-Identifier: Apache-2.0
# Names that would deceive a terminal are copied as they are, and said escaped.
image hostile hostile.tar
mkdir all
run cp -r hostile.tar / all
ls -1b all all/etc
run cp hostile.tar $'esc\033[31mred' /nope/$'esc\033[31m' all
mkdir all/tab$'\t'here2
run cp hostile.tar tab$'\t'here all/line$'\n'break all/nope/x
