# SPDX-License-Identifier: Apache-2.0
image app app.tar
run ls app.tar
run ls app.tar /usr/bin etc
run ls -A app.tar /srv
run ls -a app.tar /srv
run ls -1 --color no app.tar /srv
