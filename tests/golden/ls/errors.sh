# SPDX-License-Identifier: Apache-2.0
image app app.tar
run ls app.tar /nope
run ls app.tar /nope etc
run ls app.tar /etc/passwd/x
run ls app.tar ''
run ls --layer 3 app.tar
run ls --layer -1 app.tar
run ls --lay 1 app.tar
run ls -z app.tar
run ls
