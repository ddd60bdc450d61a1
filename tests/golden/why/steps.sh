# SPDX-License-Identifier: Apache-2.0
image app app.tar
run why app.tar /srv/big
run why app.tar /etc/group
run why app.tar usr/bin/tool2
run why app.tar /opt
run why app.tar bin/tool
run why --no-trunc app.tar /opt/app
run why app.tar /nope
run why app.tar
