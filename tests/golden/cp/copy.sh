# SPDX-License-Identifier: Apache-2.0
# Where things go, and what they look like there.
image app app.tar
umask 022
show() {
	(cd "$1" && find . -mindepth 1 \( -type d -printf '%p %y %m\n' \) -o -printf '%p %y %m %n %s %l\n' | LC_ALL=C sort)
}
mkdir into
run cp app.tar etc/passwd /usr/bin/tool3 into
show into
run cp app.tar /opt/app name
cat name && echo
run cp -P app.tar sbin here
readlink here
run cp -r app.tar /usr new
show new
run cp -r app.tar /usr into
run cp -r app.tar usr/bin/. into/usr
show into
run cp -rL app.tar bin followed
show followed
run cp --layer 1 -r app.tar srv stored
show stored
# A name that is taken is replaced, a folder is filled.
echo other >into/passwd
ln -sf /nowhere into/app
run cp app.tar etc/passwd opt/app into
head -n 1 into/passwd
stat -c '%F %s' into/app
# Sources that share a name; a device takes bytes.
run cp app.tar /etc/passwd /usr/../etc/passwd into
"$PEEL" cp app.tar /opt/app /dev/stdout | cat && echo
run cp -p app.tar usr/bin/notes times
stat -c '%a %.Y' times
