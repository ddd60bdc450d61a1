#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A mount serves on when its index is collected from under it; -o takes the cache's options.
. "$(dirname "$0")/lib.sh"

make_image image.tar <<'END'
layer COPY
d etc
f etc/passwd data="root:x:0:0::/:/bin/sh\n"
f big size=3000000 seed=3
END
sleep 2.2
want=$("$PEEL" ls -lR --no-cache "$dir/image.tar" | sha256sum)
indexes() {
	find "$XDG_CACHE_HOME" -name '*.peel' | wc -l
}
"$PEEL" mount "$dir/image.tar" "$mnt" || exit 1
is 'the index is kept' "$(indexes)" 1
is 'gc leaves what can be used' "$("$PEEL" cache gc >/dev/null; indexes)" 1
is 'gc --all takes it' "$("$PEEL" cache gc --all >/dev/null; indexes)" 0
is 'names are still served' "$(find "$mnt" | wc -l)" 4
is 'and contents' "$(wc -c <"$mnt/big")" 3000000
is 'and what was not asked for before' "$(cat "$mnt/etc/passwd")" 'root:x:0:0::/:/bin/sh'
is 'another asks anew' "$("$PEEL" ls -lR "$dir/image.tar" | sha256sum)" "$want"
is 'and keeps it' "$(indexes)" 1
"$PEEL" umount "$mnt"
rm -rf "$XDG_CACHE_HOME"
"$PEEL" mount -o "cache_limit=4K" "$dir/image.tar" "$mnt" 2>"$dir/said"
is 'a limit that nothing fits' "$(indexes) $(grep -c 'more than the cache.s limit of 4096' "$dir/said")" '0 1'
is 'is mounted all the same' "$(find "$mnt" | wc -l)" 4
"$PEEL" umount "$mnt"
mkdir -p "$dir/shared"
chmod 777 "$dir/shared"
"$PEEL" mount -o "cache_dir=$dir/shared" "$dir/image.tar" "$mnt" 2>"$dir/said"
is 'a folder that others may write' "$(find "$dir/shared" -type f | wc -l) $(grep -c 'others may write it' "$dir/said")" '0 1'
is 'is no obstacle' "$(cat "$mnt/etc/passwd")" 'root:x:0:0::/:/bin/sh'
"$PEEL" umount "$mnt"
PEEL_CACHE_LIMIT=4K "$PEEL" mount "$dir/image.tar" "$mnt" 2>/dev/null
is 'the limit of the environment' "$(indexes)" 0
"$PEEL" umount "$mnt"
done_testing
