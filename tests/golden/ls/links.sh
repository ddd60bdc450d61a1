# SPDX-License-Identifier: Apache-2.0
image app app.tar
run ls app.tar bin
run ls -l app.tar bin
run ls -l app.tar bin/
run ls app.tar sbin/tool
run ls -d app.tar bin sbin
run ls app.tar loop gone loop/ gone/
run ls app.tar /usr/../../../etc ./tmp/../etc
