# SPDX-License-Identifier: Apache-2.0
# A layer that ends in the middle of a file: the file is not copied, what was there stays, and the status is 3.
image app app.tar
damage app.tar cut.tar cut:layer0:8500
mkdir out
run cp -r cut.tar / out
find out -type f | LC_ALL=C sort
damage app.tar missing.tar drop:layer1
echo mine >group
run cp missing.tar etc/group group
cat group
