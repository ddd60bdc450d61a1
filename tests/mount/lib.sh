# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the mount tests: sourced first. Each test gets a private mount namespace, a private folder $dir and a private
# cache, and says its cases as TAP. Whatever a test leaves mounted or running under $dir is taken away at its end.
#
# Exit 77, with the reason on the last line, where there is no FUSE to test with.
set -u
: "${PEEL:?path of the command}"
here=$(cd "$(dirname "$0")" && pwd)
mkimage=$here/../lib/mkimage.py

number=0
failures=0
skip() { # REASON; what was tested until here counts
	if [ "$number" -gt 0 ]; then
		number=$((number + 1))
		echo "ok $number - the rest # SKIP $1"
		done_testing
	fi
	echo "SKIP: $1"
	exit 77
}

# A mount namespace of our own: nothing that a test mounts is seen by anyone else, or outlives it.
if [ -z "${PEEL_TEST_NAMESPACE-}" ]; then
	if [ "$(id -u)" = 0 ]; then
		PEEL_TEST_NAMESPACE=1 exec "$here/../lib/private.sh" bash "$here/$(basename "$0")" "$@"
	fi
	unshare -rm true 2>/dev/null || skip 'not root, and no user namespaces'
	PEEL_TEST_NAMESPACE=1 PEEL_TEST_USERNS=1 exec unshare -rm --propagation private -- bash "$0" "$@"
fi
[ -e /dev/fuse ] || skip 'no /dev/fuse'
(exec 3<>/dev/fuse) 2>/dev/null || skip '/dev/fuse cannot be opened'

dir=$(mktemp -d "${TMPDIR:-/tmp}/peel-mount.XXXXXX")
chmod 755 "$dir"
export XDG_CACHE_HOME=$dir/cache
mkdir "$dir/cache" "$dir/mnt"
mnt=$dir/mnt

# Processes whose command line names our folder: supervisors and servers.
mount_pids() { # [MOUNT-POINT]
	pgrep -f -- "mount .*${1:-$dir}" || :
}
server_pid() {
	local pid
	for pid in $(mount_pids "$mnt"); do
		case " $(mount_pids "$mnt" | tr '\n' ' ') " in
		*" $(ps -o ppid= -p "$pid" | tr -d ' ') "*) echo "$pid" ;;
		esac
	done
}
supervisor_pid() {
	ps -o ppid= -p "$(server_pid)" | tr -d ' '
}
is_mounted() { # [MOUNT-POINT]
	awk -v at="${1:-$mnt}" '$5 == at { found = 1 } END { exit !found }' /proc/self/mountinfo
}

clean_up() {
	local at pid
	awk -v under="$dir/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r at; do
		umount -l "$at"
	done
	for pid in $(mount_pids); do
		kill -9 "$pid" 2>/dev/null
	done
	cd / || exit 1
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

ok() { # NAME
	number=$((number + 1))
	echo "ok $number - $1"
}
not_ok() { # NAME WHY...
	number=$((number + 1))
	failures=$((failures + 1))
	echo "not ok $number - $1"
	shift
	printf '%s\n' "$@" | sed 's/^/# /'
}
is() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted: $3" "got:    $2"; fi
}
like() { # NAME GOT EXTENDED-REGEX
	if printf '%s\n' "$2" | grep -qE -- "$3"; then ok "$1"; else not_ok "$1" "wanted: /$3/" "got:    $2"; fi
}
true_that() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then ok "$name"; else not_ok "$name" "failed: $*"; fi
}
false_that() { # NAME COMMAND...
	local name=$1
	shift
	if "$@" 2>/dev/null; then not_ok "$name" "did not fail: $*"; else ok "$name"; fi
}
done_testing() {
	echo "1..$number"
	[ "$failures" -eq 0 ]
	exit
}

# Poll for up to ten seconds; every wait ends as soon as the command succeeds.
eventually() { # COMMAND...
	local i
	for ((i = 0; i < 500; i++)); do
		if "$@" 2>/dev/null; then return 0; fi
		sleep 0.02
	done
	return 1
}
is_gone() { # [MOUNT-POINT]
	! is_mounted "${1:-$mnt}" && [ -z "$(mount_pids "${1:-$mnt}")" ]
}

make_image() { # NAME [MKIMAGE-OPTION...]; description on stdin
	local name=$1
	shift
	python3 "$mkimage" "$@" "$dir/$name" || exit 1
}
mount_image() { # NAME [PEEL-MOUNT-OPTION...]
	local name=$1
	shift
	"$PEEL" mount "$@" "$dir/$name" "$mnt" || {
		not_ok "mount $name $*"
		exit 1
	}
}
unmount() {
	"$PEEL" umount "$mnt" && eventually is_gone
}

# A device node that every user may open, in this namespace only.
open_device_to_users() {
	[ -z "${PEEL_TEST_USERNS-}" ] || skip 'not root: no second user'
	mkdir -p "$dir/dev"
	mount -t tmpfs -o mode=755 none "$dir/dev" && mknod -m 666 "$dir/dev/fuse" c 10 229 &&
		mount --bind "$dir/dev/fuse" /dev/fuse || skip 'no right to make a device node'
	command -v fusermount3 >/dev/null || skip 'no fusermount3'
}
# The user must have a name: fusermount3 asks for it.
user=nobody
as_user() { # COMMAND...; the user owns $dir/user
	mkdir -p "$dir/user"
	chown "$user" "$dir/user"
	HOME=$dir/user XDG_CACHE_HOME=$dir/user setpriv --reuid "$user" --regid 12345 --clear-groups -- "$@"
}
