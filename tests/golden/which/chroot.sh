# SPDX-License-Identifier: Apache-2.0
# The same answers and statuses as Debian's own which in a chroot of the tree, for many PATHs and names.
if ! [ "$(head -c 2 /usr/bin/which)" = '#!' ] || ! chroot / true 2>/dev/null; then
	echo "needs debianutils' which, and the right to chroot"
	exit 77
fi
mkdir -p tree/{usr/bin,usr/local/bin,opt/tools,abs,'odd dir',dir/sub} tree/abs/folder
cp /bin/dash tree/usr/bin/sh
cp /usr/bin/which tree/usr/bin/which
for lib in $(ldd /bin/dash | grep -o '/[^ ]*'); do
	mkdir -p "tree$(dirname "$lib")"
	cp -L "$lib" "tree$lib"
done
ln -s usr/bin tree/bin
make_executable() { printf '#!/bin/sh\n' >"tree/$1" && chmod "$2" "tree/$1"; }
make_executable usr/bin/plain 755
make_executable usr/bin/group-only 750
make_executable usr/bin/others-only 701
make_executable usr/bin/unreadable 111
make_executable usr/bin/not-executable 644
make_executable usr/local/bin/plain 755
make_executable opt/tools/tool 700
make_executable 'odd dir/spaced' 755
make_executable rooted 755
ln -s /opt/tools/tool tree/usr/bin/absolute
ln -s ../../opt/tools/tool tree/usr/bin/relative
ln -s ../../../../../../opt/tools/tool tree/usr/bin/clamped
ln -s /nowhere tree/usr/bin/dangling
ln -s loop tree/usr/bin/loop
ln -s /opt/tools tree/usr/bin/to-folder
ln -s absolute tree/usr/bin/twice
ln -s /opt tree/abs/opt
all_names='plain sh group-only others-only unreadable not-executable tool spaced rooted absolute relative clamped dangling loop
	to-folder twice folder nothing /usr/bin/plain /usr/bin/folder ./rooted rooted/ usr/../rooted /abs/opt/tools/tool
	../../rooted /opt/tools . .. /'
tar -cf tree.tar --sort=name --numeric-owner --owner=0 --group=0 -C tree .
number=0
compare() { # PATH ARG...: both programs, output and status
	local path=$1 want got
	shift
	number=$((number + 1))
	want=$(PATH=$path /usr/sbin/chroot tree /usr/bin/which "$@" 2>&1; echo "= $?")
	got=$("$PEEL" which "${@:1:$(($# - ${#names[@]}))}" image.tar "${names[@]}" 2>&1; echo "= $?")
	[ "$want" = "$got" ] || printf 'PATH=%s which %s\n%s\n-- peel:\n%s\n' "$path" "$*" "$want" "$got"
}
for path in /usr/local/bin:/usr/bin:/bin /usr/bin:/usr/local/bin: :/usr/bin /usr/bin::/opt/tools '/odd dir:/usr/bin' /abs/opt/tools \
	usr/bin:opt/tools ./usr/bin: /nothing:/usr/bin/plain:/usr/bin /usr/bin/:/opt//tools/ : :: /bin/../opt/tools '/usr/b*:/opt/?ools' .; do
	python3 - "$path" <<'END'
import os, sys
sys.path.insert(0, os.path.join(os.environ["golden"], "..", "lib"))
import mkimage
mkimage.build("image.tar", [{"tar": open("tree.tar", "rb").read()}], env=["PATH=" + sys.argv[1]])
END
	read -r -d '' -a names <<<"$all_names"
	compare "$path" "${names[@]}"
	compare "$path" -a "${names[@]}"
	[ "$number" -eq 2 ] || continue
	for name in $all_names; do
		names=("$name")
		compare "$path" "$name"
	done
done
echo "$number compared"
