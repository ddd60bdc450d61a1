# SPDX-License-Identifier: Apache-2.0
image app app.tar
# A file younger than two seconds is not trusted to be the one that was indexed.
sleep 2.2
run index --index app.peel app.tar
run index --index app.peel app.tar
run index --index app.peel --rebuild app.tar
run index --no-cache app.tar
run index --no-cache --verify app.tar
ls
