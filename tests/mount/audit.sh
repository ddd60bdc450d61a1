#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Audits with shell tools over the mount: the examples of README.md, "Audits with shell tools", and what they must answer. The machine
# has what the image has not, and the other way round, so that an answer about the machine is a wrong one.
. "$(dirname "$0")/lib.sh"

make_image image.tar <<'END'
layer COPY
d usr/bin
d usr/sbin
l bin -> usr/bin
f usr/bin/busybox mode=755 data="#!busybox"
l usr/bin/sh -> /bin/busybox
l usr/bin/python3 -> /opt/py/bin/python3.11
f opt/py/bin/python3.11 mode=755 data="ELF"
f usr/bin/notes mode=644 data="no command"
l usr/bin/awk -> /etc/alternatives/awk
l etc/alternatives/awk -> /usr/bin/mawk
l usr/bin/bash -> /usr/bin/zsh
f usr/bin/passwd mode=4755 data="x"
f usr/bin/wall mode=2755 gid=5 data="x"
f var/spool/drop mode=666 data="x"
f etc/app.conf data="password = secret1\n"
f etc/other.conf data="nothing\n"
f root/.ssh/id mode=600 data="-----BEGIN OPENSSH PRIVATE KEY-----\n"
f var/lib/apt/lists/x data="gone"
layer RUN rm -r /var/lib/apt/lists
w var/lib/apt/lists
END
mount_image image.tar
# Each command of README.md's section runs as it stands there, in the folder that holds mnt.
readme=$here/../../README.md
section() {
	awk '/^### Audits with shell tools/ { on = 1; next } on && /^##/ { exit } on && /^```/ { code = !code; next } on && code' "$readme"
}
answer() { # WHAT WANTED: the command of the section that begins with "# WHAT"
	local command
	command=$(section | awk -v what="# $1" '$0 == what { on = 1; next } on && (/^#/ || /^$/) { exit } on')
	[ -n "$command" ] || command='echo "the section has no such example"'
	is "$1" "$(cd "$dir" && LC_ALL=C bash -c "$command" 2>&1 | LC_ALL=C sort)" "$2"
}
answer 'set-user-ID and set-group-ID files' 'mnt/usr/bin/passwd
mnt/usr/bin/wall'
answer 'is there a shell that runs?' 'mnt/bin/sh'
answer 'which of these are commands?' 'mnt/usr/bin/python3'
answer 'links that lead to nothing' 'mnt/etc/alternatives/awk
mnt/usr/bin/awk
mnt/usr/bin/bash'
answer 'private keys, wherever they are' 'mnt/root/.ssh/id'
answer 'what anybody may write to' 'mnt/var/spool/drop'
answer 'names of Python, and what they lead to' 'mnt/opt/py/bin/python3.11
mnt/opt/py/bin/python3.11'
answer 'passwords in configuration files' 'mnt/etc/app.conf:1:password = secret1'
done_testing
