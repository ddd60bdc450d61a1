# SPDX-License-Identifier: Apache-2.0
# An index given with --index is hostile input: no crash, one line.
image app app.tar
echo junk >junk.peel
run ls --index junk.peel app.tar
head -c 100000 /dev/zero >zero.peel
run ls --index zero.peel app.tar
: >empty.peel
run ls --index empty.peel app.tar etc
run index --index good.peel app.tar
head -c 8192 good.peel >cut.peel
run ls --index cut.peel app.tar
sqlite3 other.db 'CREATE TABLE x (a)'
run ls --index other.db app.tar
run ls --index /no/such/folder/x.peel app.tar
image hostile h.tar
run ls --index good.peel h.tar
