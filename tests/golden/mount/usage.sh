# SPDX-License-Identifier: Apache-2.0
# What needs no /dev/fuse: usage, and images that must not be mounted.
image app app.tar
run mount app.tar
run mount -o nonsense app.tar mnt
run mount -o view=sideways app.tar mnt
run mount -o symlinks app.tar mnt
run mount -o uid=me app.tar mnt
run mount -o ro=1,provenance=2 app.tar mnt
run mount app.tar nowhere
mkdir mnt
damage app.tar drop.tar drop:layer1
run mount drop.tar mnt
run umount mnt
run umount
ls mnt
