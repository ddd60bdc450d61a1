# SPDX-License-Identifier: Apache-2.0
image app app.tar
run cat app.tar /nope
run cat app.tar /etc
run cat app.tar /dev/null
run cat app.tar loop
run cat app.tar gone
run cat app.tar /srv/big
run cat app.tar /nope /opt/app
run cat app.tar
