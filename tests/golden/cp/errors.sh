# SPDX-License-Identifier: Apache-2.0
image app app.tar
mkdir into
echo x >file
ln -s file link
ln -s nowhere dangling
ln -s into folder
run cp app.tar /nope into
run cp app.tar etc into
run cp app.tar etc/passwd nope etc/group into
ls into
run cp app.tar etc/passwd none/passwd
run cp app.tar etc/passwd new/
run cp app.tar etc/passwd etc/group file
run cp app.tar etc/passwd etc/group absent
run cp -r app.tar etc file
run cp app.tar etc/passwd link
run cp app.tar etc/passwd dangling
run cp app.tar etc/passwd folder
ls into
mkdir -p into/opt/app
run cp -r app.tar opt into
rm -rf into/etc
ln -s /tmp into/etc
run cp -r app.tar etc into
readlink into/etc
run cp app.tar /dev/null /run/fifo loop gone into
run cp -r app.tar /dev into
run cp --layer 7 app.tar etc into
run cp app.tar etc
run cp app.tar -t into etc
cat file
