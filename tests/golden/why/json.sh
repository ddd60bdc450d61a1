# SPDX-License-Identifier: Apache-2.0
image app app.tar
run why --output json app.tar /srv/big
run why --output json app.tar /nope
image hostile h.tar
run why --output json h.tar $'bad\xff\xfeutf8'
run why h.tar $'esc\033[31mred'
