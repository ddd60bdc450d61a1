# SPDX-License-Identifier: Apache-2.0
image app app.tar
run grep app.tar alice etc/passwd
run grep app.tar -n : etc/passwd etc/group
run grep -r app.tar alice
run grep -rc app.tar root etc
run grep -ro app.tar '[a-z]*/sh'
run grep -rE -A1 app.tar '^(root|staff):' etc
run grep -rl app.tar .
run grep -rL app.tar '[a-z]'
run grep -q app.tar root etc/passwd
run grep -q app.tar nobody etc/passwd
filter=show_nul run grep -rZl app.tar root etc
run grep -rF -e '/bin/' -e 'x:0:' app.tar
printf 'staff\nbroken\n' >patterns
run grep -r -f patterns app.tar
: >none
run grep -c -f none app.tar etc/passwd
run grep -cv -f none app.tar etc/passwd
run grep -r --include='*.sh' --include=group app.tar .
run grep -rl --exclude-dir=usr app.tar .
# A link is followed where it is named, and everywhere with -R.
run grep -c app.tar '' sbin/tool3
run grep -rc app.tar '' usr/bin
run grep -Rc app.tar '' bin
