# SPDX-License-Identifier: Apache-2.0
# Into a pipe names go as they are; in messages they are escaped.
image hostile h.tar
filter='cat -v' run find h.tar
filter='cat -v' run find h.tar -ls
filter='cat -v' run find h.tar -printf '%-12f|%l|%u\n'
filter="cat -v" run find h.tar -print0
run find h.tar "$(printf 'no\033such')"
run find h.tar -name x "$(printf 'no\033such')"
run find h.tar -printf '%p\n' -user "$(printf 'ev\033')"
run find h.tar -path "$(printf 'x\033/')"
