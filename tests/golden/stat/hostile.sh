# SPDX-License-Identifier: Apache-2.0
image hostile h.tar
run stat h.tar "esc"$'\033'"[31mred" link
run stat -c '%n %U %N' h.tar $'line\nbreak' $'bad\xff\xfeutf8' link $'esc\033[31mred'
