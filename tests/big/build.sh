#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Make the multi-gigabyte test image from Debian's packages: seven layers as an unfortunate Dockerfile would leave
# them. Once: what is there is kept. Needs root, the network, mmdebstrap, skopeo, umoci, and about 25 GB while it works.
#
#   plain.tar       docker-archive, plain layers      gzip.oci.tar   oci-archive, gzip layers
#   zstd.oci.tar    oci-archive, zstd layers          rootfs/        what umoci unpacks of it
#   rootfs.sqfs     a squashfs of that, where mksquashfs is installed
#
# usage: build.sh [FOLDER]     default: $PEEL_BIG, else ~/.cache/peel-tests
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-${PEEL_BIG:-$HOME/.cache/peel-tests}}
mirror=${PEEL_MIRROR:-http://deb.debian.org/debian}
mkdir -p "$out"
out=$(cd "$out" && pwd)
if [ -e "$out/complete" ]; then
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "build.sh: needs root (chroot and apt)" >&2
	exit 77
fi
for tool in mmdebstrap skopeo umoci setcap python3; do
	command -v $tool >/dev/null || { echo "build.sh: $tool is not installed" >&2; exit 77; }
done

work=$out/work
root=$work/root
state=$work/state
plain=$work/plain.tar

# The chroot's mounts live in a namespace of their own: nothing is left behind, and no layer sees them.
inside() {
	"$here/../lib/private.sh" sh -ec '
		mount -t proc proc "$0/proc"
		mount --bind /dev "$0/dev"
		exec chroot "$0" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C sh -ec "$1"
	' "$root" "$1"
}

install() {
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	inside "apt-get update -q && apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io $1"
}

layer() {
	python3 "$here/layers.py" layer "$root" "$state" "$plain" "$1"
}

build_plain() {
	rm -rf "$work"
	mkdir -p "$work"
	mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$root" "$mirror"
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	printf 'APT::Keep-Downloaded-Packages "1";\n' >"$root/etc/apt/apt.conf.d/keep"
	python3 "$here/layers.py" snapshot "" "$state"
	layer "FROM debian:bookworm (minbase)"

	tools="git mercurial imagemagick openssh-client curl"
	install "$tools"
	layer "RUN apt-get install -y $tools"

	compilers="build-essential cmake clang-14 llvm-14-dev libboost1.74-dev golang-1.19 libssl-dev qtbase5-dev"
	install "$compilers"
	layer "RUN apt-get install -y $compilers"

	python="python3-torch python3-scipy python3-pandas python3-matplotlib python3-sklearn python3-pip
		openjdk-17-jdk-headless cargo r-base-core texlive-latex-base"
	python=$(echo $python)
	install "$python"
	layer "RUN apt-get install -y $python"

	# Deletes: whole folders, single files, and a folder that is deleted and made anew.
	inside 'apt-get clean; rm -rf /var/lib/apt/lists/*; rm -rf /usr/share/doc /usr/share/man; mkdir /usr/share/doc
		echo gone >/usr/share/doc/README; rm -f /usr/lib/llvm-14/lib/*.a; find /usr/lib/python3 -name __pycache__ -prune -exec rm -rf {} +'
	layer "RUN apt-get clean && rm -rf /usr/share/doc /usr/share/man"

	# Overwrites: other content, the same content again, other mode only, a file that becomes a link, a link that becomes a folder.
	inside 'for f in /usr/lib/go-1.19/bin/* /usr/bin/cmake; do strip $f 2>/dev/null || true; done
		find /usr/include/boost -type f -exec touch {} +; find /usr/share/go-1.19/src -type f -exec chmod a-w {} +
		rm /etc/motd; ln -s /run/motd /etc/motd; rm -f /var/run; mkdir /var/run; echo one >/var/run/one
		ln /usr/bin/git /usr/local/bin/git-again; ln /usr/local/bin/git-again /usr/local/bin/git-once-more'
	layer "RUN strip, touch, chmod, link"

	# A chown of everything, and what the owner may do: capabilities, ACL-free xattrs, a fifo, a device, odd names.
	inside 'chown -R 1000:1000 /usr/lib/python3 /usr/share/texlive; mkfifo -m 600 /srv/fifo; mknod /srv/null c 1 3
		printf x >"/srv/$(printf "not utf8 \377\376")"; printf x >"/srv/new
line"; chown 3000000:4000000 /srv/null'
	if command -v setcap >/dev/null; then
		setcap cap_net_raw+ep "$root/usr/bin/curl"
		setcap cap_net_bind_service,cap_sys_nice+ep "$root/usr/bin/python3.11"
		setfattr -n user.note -v "a note" "$root/srv/fifo" 2>/dev/null || true
		setfattr -n user.note -v "a note" "$root/usr/bin/cmake" 2>/dev/null || true
	fi
	layer "RUN chown -R 1000:1000 /usr/lib/python3 && setcap …"
	python3 "$here/layers.py" finish "$plain" big:latest
	rm -rf "$root"
	mv "$plain" "$out/plain.tar"
}

# convert SOURCE TARGET FORMAT: the same image with other layers
convert() {
	TMPDIR=$work skopeo --insecure-policy copy -q --dest-compress-format "$3" --format oci "$1" "oci:$work/oci-$3:t"
	tar -C "$work/oci-$3" -cf "$work/$3.tar" oci-layout index.json blobs
}

[ -e "$out/plain.tar" ] || build_plain
mkdir -p "$work"
if [ ! -e "$out/gzip.oci.tar" ]; then
	rm -rf "$work/oci-gzip"
	convert "docker-archive:$out/plain.tar" gzip gzip
	rm -rf "$out/rootfs" "$work/bundle"
	umoci unpack --image "$work/oci-gzip:t" "$work/bundle"
	mv "$work/bundle/rootfs" "$out/rootfs"
	rm -rf "$work/bundle" "$work/oci-gzip"
	mv "$work/gzip.tar" "$out/gzip.oci.tar"
fi
if [ ! -e "$out/zstd.oci.tar" ]; then
	rm -rf "$work/oci-zstd"
	convert "docker-archive:$out/plain.tar" zstd zstd
	rm -rf "$work/oci-zstd"
	mv "$work/zstd.tar" "$out/zstd.oci.tar"
fi
# Only the bench mounts it.
if [ ! -e "$out/rootfs.sqfs" ] && command -v mksquashfs >/dev/null; then
	mksquashfs "$out/rootfs" "$out/rootfs.sqfs.new" -quiet -no-progress -comp zstd -Xcompression-level 3
	mv "$out/rootfs.sqfs.new" "$out/rootfs.sqfs"
fi
rm -rf "$work"
: >"$out/complete"
