# SPDX-License-Identifier: Apache-2.0
# As mount(8)'s helper: its statuses.
image app app.tar
mkdir mnt
run app.tar mnt -o rw,dev,suid,nonsense
run app.tar -o rw
run ./nothing.tar mnt -o rw,nofail,_netdev,x-systemd.automount,user=me,comment=a
run app.tar ./nowhere -o ro
run -f app.tar mnt -o ro
damage app.tar drop.tar drop:layer1
run drop.tar mnt -o ro
(
	exec -a mount.fuse.peel "$PEEL" app.tar mnt -f -n -t fuse.peel -o 'ro,view=layers,fsname=a\,b'
)
echo "= $?"
