# SPDX-License-Identifier: Apache-2.0
# Standard input that is no image, or nothing at all, and answers that need what passed by.
image app app.tar
export XDG_CACHE_HOME=$PWD/cache

# say ARG...: standard error of a command line on the given standard input, and its status
say() {
	"$PEEL" "$@" 2>&1
	echo "= $?"
}

echo '$ closed' && say ls - <&-
echo '$ a folder' && say ls - <.
echo '$ /dev/null' && say ls - </dev/null
echo '$ a terminal' && python3 -c 'import os, pty, sys
master, slave = pty.openpty()
os.dup2(slave, 0)
sys.exit(os.spawnvp(os.P_WAIT, sys.argv[1], sys.argv[1:]))' "$PEEL" ls - 2>&1
echo "= $?"
echo '$ a socket' && python3 -c 'import socket, subprocess, sys
ours, theirs = socket.socketpair()
child = subprocess.Popen(sys.argv[1:], stdin=theirs)
theirs.close()
try:
    ours.sendall(open("app.tar", "rb").read())
except BrokenPipeError:
    pass
ours.close()
sys.exit(child.wait())' "$PEEL" ls - /opt
echo '$ text' && yes no image | say ls -
echo '$ xz' && { printf '\3757zXZ\0' && head -c 100000 /dev/zero; } | say ls -
echo '$ cut off' && head -c 30000 app.tar | say ls -
echo '$ cut off' && head -c 30000 app.tar | say ls rootfs:-
{ head -c 512 /dev/urandom && cat app.tar; } >late.tar
echo '$ from where it stands' && { dd bs=512 count=0 skip=1 2>/dev/null && say ls - /opt; } <late.tar
echo '$ the query too' && echo 'SELECT 1' | say sql -
echo '$ the query too' && echo 'SELECT 1' | say sql docker-archive:- -
echo '$ the operands too' && cat app.tar | say du --files0-from=- -
echo '$ a layout' && cat app.tar | say ls oci:-

echo '$ names of users behind a link'
python3 "$golden/../lib/mkimage.py" link.tar <<'END'
layer COPY . /
d etc
l etc/passwd -> users
f etc/users data="alice:x:1000:1000::/:\n"
f file uid=1000 data="1"
END
cat link.tar | say ls -l --full-time - /file
echo '$ the same layer twice'
python3 - <<'END'
import tarfile
with tarfile.open("app.tar") as old, tarfile.open("twice.tar", "w") as new:
    for member in old:
        new.addfile(member, old.extractfile(member))
        if member.name.endswith("layer.tar"):
            new.addfile(member, old.extractfile(member))
END
cat twice.tar | say ls - | sed 's/"[0-9a-f]*\//"ID\//g'
say ls twice.tar / | tail -1
