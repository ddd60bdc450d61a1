# SPDX-License-Identifier: Apache-2.0
# Lists through links of the root, diversions, checksums where there is no list, bytecode, what scripts make; only what is installed counts.
image dpkg image.tar
run packages image.tar
run packages --sort name --db dpkg --output csv image.tar
run packages --unowned image.tar
run packages --unowned=0 image.tar
run packages --unowned=1 --output csv image.tar
