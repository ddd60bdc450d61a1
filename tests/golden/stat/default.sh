# SPDX-License-Identifier: Apache-2.0
image app app.tar
run stat app.tar / /usr/bin/tool /sbin /dev/sda /run/fifo srv/holes /tmp opt
run stat -L app.tar /sbin
run stat app.tar /nope /etc/passwd/x loop
run stat -L app.tar loop
run stat --layer 1 app.tar srv/.wh.big
