# SPDX-License-Identifier: Apache-2.0
# How limits are given, and how not.
image app app.tar
run --limit help
run ls --limit nothing=1 app.tar
run ls --limit entries app.tar
run ls --limit entries= app.tar
run ls --limit entries=x app.tar
run ls --limit entries=0 app.tar
run ls --limit entries=99999999999999999999 app.tar
run ls --limit symlink-hops=41 app.tar
run ls --limit symlink-hops=none app.tar
run ls --limit time=90x app.tar
run ls --limit 'entries=1,' app.tar
run ls --limit $'\033[31m=1' app.tar
run ls --limit time=90s,ratio=none --limit index-size=20G app.tar /etc
export PEEL_LIMITS=entries=3,time=2h
run ls app.tar /etc
run ls --limit entries=1000 app.tar /etc
export PEEL_LIMITS=entries=many
run ls app.tar /etc
