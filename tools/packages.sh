# SPDX-License-Identifier: Apache-2.0
# Sourced by quickstart and test: Debian's packages, installed only where they are missing, as root or by sudo.

# What building and running peel needs, and nothing else.
packages_build='fuse3 gcc libarchive-dev libc6-dev libfuse3-dev libisal-dev libjansson-dev libjs-d3
	libseccomp-dev libsqlite3-dev libssl-dev libxxhash-dev libyaml-dev libzstd-dev meson pkg-config'

# Set as_root to what runs a command as root.
find_root() {
	if [ "$(id -u)" -eq 0 ]; then
		as_root=env
	elif command -v sudo >/dev/null; then
		as_root='sudo env'
	else
		return 1
	fi
}

# fusermount3 reads /etc/mtab when a user unmounts. Every installed Debian has it, a bare root made for a chroot has not.
need_mtab() {
	if [ -e /etc/mtab ] || ! find_root; then
		return 0
	fi
	$as_root ln -s ../proc/self/mounts /etc/mtab
}

# need PACKAGE...: install those that are missing.
need() {
	missing=
	for package in "$@"; do
		case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
		ii*) ;;
		*) missing="$missing $package" ;;
		esac
	done
	[ -n "$missing" ] || return 0
	if ! find_root; then
		echo "These packages are missing, and neither root nor sudo is here to install them:$missing" >&2
		return 1
	fi
	echo "Installing:$missing" >&2
	log=$(mktemp)
	# The lists may be old or absent; an install that fails for another reason shows its log.
	# shellcheck disable=SC2086
	if $as_root DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null >"$log" 2>&1 &&
		$as_root DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing \
			</dev/null >>"$log" 2>&1; then
		rm -f "$log"
		return 0
	fi
	cat "$log" >&2
	rm -f "$log"
	return 1
}
