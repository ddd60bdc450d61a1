#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a stranger does: install, compile the example by pkg-config against what was installed, run it on an image.
# CC and CFLAGS say how (sanitizer builds must be linked with the sanitizer).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${PEEL_BUILD:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
	echo "not ok - $*"
	exit 1
}

meson install -C "$build" --no-rebuild --quiet --destdir "$work/root" >"$work/log" 2>&1 || {
	cat "$work/log"
	fail 'meson install'
}
pc=$(find "$work/root" -name peel.pc)
[ -n "$pc" ] || fail 'no peel.pc was installed'
library=$(find "$work/root" -name libpeel.so)
[ -n "$library" ] || fail 'no libpeel.so was installed'
peel=$(find "$work/root" -path '*/bin/peel')

# Only what the public headers declare may show.
others=$(nm -D --defined-only "$library" | awk '$2 != "A" && $3 !~ /^(peel_|__(asan|ubsan|odr_asan|lsan))/ {print $3}')
[ -z "$others" ] || fail "libpeel shows more than peel_*: $others"
echo 'ok 1 - libpeel shows peel_* only'

PKG_CONFIG_PATH=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$work/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
# shellcheck disable=SC2046,SC2086
${CC:-cc} ${CFLAGS:-} -Wall -Wextra -pedantic -Werror "$here/list.c" $(pkg-config --cflags --libs peel) \
	-o "$work/list" || fail 'the example does not compile'
echo 'ok 2 - the example compiles by pkg-config'

mkdir -p "$work/tree/etc/deep"
printf 'hello\n' >"$work/tree/etc/greeting"
: >"$work/tree/etc/deep/empty"
tar -cf "$work/image.tar" -C "$work/tree" etc
LD_LIBRARY_PATH=$(dirname "$library") "$work/list" "$work/image.tar" | LC_ALL=C sort >"$work/out"
LC_ALL=C sort >"$work/expected" <<'EXPECTED'
0 /etc/deep/empty
6 /etc/greeting
2 files, 6 bytes
EXPECTED
diff -u "$work/expected" "$work/out" || fail 'the example lists something else'
echo 'ok 3 - the example lists an image'

"$peel" --version | grep -q '^peel [0-9]' || fail 'the installed command does not find its library'
echo 'ok 4 - the installed command finds its library'
echo '1..4'
