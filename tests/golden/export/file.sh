# SPDX-License-Identifier: Apache-2.0
# -o: the file appears when it is whole, and what was there stays until then.
image app app.tar
umask 022
run export -o out.tar app.tar
"$PEEL" export app.tar | cmp - out.tar && stat -c %a out.tar
echo old >kept
chmod 640 kept
ln -s kept link
run export --format csv -o link app.tar
head -n 1 kept | tr -d '\r'
stat -c '%A %n' kept link
run export -o none/out.tar app.tar
run export --format csv -o /dev/full app.tar
run export --format csv -o /dev/stdout --layer 2 app.tar | tr -d '\r'
# An image that cannot be read whole.
damage app.tar cut.tar cut:layer2:2000
run export -o kept cut.tar
head -n 1 kept | tr -d '\r'
run export --allow-missing --format csv -o kept cut.tar
head -n 1 kept | tr -d '\r'
ls -A
