# SPDX-License-Identifier: Apache-2.0
image app app.tar
run grep app.tar
run grep app.tar root
run grep app.tar root etc
run grep -c app.tar root etc etc/group
run grep -s app.tar root etc /nope
run grep app.tar root /nope etc/passwd
run grep -q app.tar root /nope etc/passwd
run grep app.tar root -
run grep app.tar root dev/null run/fifo
run grep -D skip app.tar root dev/null
run grep -R app.tar root .
run grep -P app.tar root etc/passwd
run grep -E -F app.tar root etc/passwd
run grep app.tar '\(' etc/passwd
run grep -E app.tar 'a{70000}' etc/passwd
run grep -E app.tar '((a{300}){300}){2}' etc/passwd
run grep app.tar '[[:nothing:]]' etc/passwd
run grep app.tar '[:space:]' etc/passwd
run grep -A -1 app.tar root etc/passwd
run grep -m many app.tar root etc/passwd
run grep --color=always app.tar root etc/passwd
run grep --color app.tar root usr/bin/tool
run grep -d walk app.tar root etc
run grep -D ask app.tar root etc
run grep --binary-files=yes app.tar root etc
run grep -f /nope app.tar etc/passwd
run grep --exclude-from=/nope app.tar root etc/passwd
printf '%5000s' '' | tr ' ' '(' >deep
run grep -E -f deep app.tar etc/passwd
