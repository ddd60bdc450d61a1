#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# peel run gives its command no more and no less than its caller has: everything that the kernel tells of a process's rights is
# compared with the same command run directly, as root, as a user, and as a caller who has given something up before.
. "$(dirname "$0")/../mount/lib.sh"

make_image image.tar <<'END'
layer COPY
f name data=x
END
cp "$dir/image.tar" "$dir/other.tar"
cat >"$dir/told.sh" <<'END'
grep -E '^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Groups|Sig(Blk|Ign|Cgt)|Speculation|CoreDumping|THP_enabled)' /proc/self/status
echo "uid_map $(cat /proc/self/uid_map)" "gid_map $(cat /proc/self/gid_map)" "setgroups $(cat /proc/self/setgroups)"
cat /proc/self/limits
echo "oom $(cat /proc/self/oom_score_adj) core $(cat /proc/self/coredump_filter) label $(cat /proc/self/attr/current 2>/dev/null)"
ls /proc/self/fd
for name in cgroup ipc net pid time uts; do readlink /proc/self/ns/$name; done
python3 - <<'PY' 2>/dev/null || echo 'no python3'
import ctypes
libc = ctypes.CDLL(None)
# PR_GET_SECUREBITS, _DUMPABLE, _KEEPCAPS, _NO_NEW_PRIVS, _SECCOMP, _TIMERSLACK, _CHILD_SUBREAPER (by pointer), _THP_DISABLE
print("prctl", *(libc.prctl(number, 0, 0, 0, 0) for number in (27, 3, 7, 39, 21, 30, 42)))
PY
nice
ulimit -a
END
# A user name space is peel's own where the caller may make no mount otherwise; nothing else may differ.
same_rights() { # WHO COMMAND...: run directly, and by peel
	local who=$1
	shift
	"$@" sh "$dir/told.sh" >"$dir/direct" 2>&1 7<"$dir/image.tar"
	"$@" "$PEEL" run -q "$dir/image.tar" -- sh "$dir/told.sh" >"$dir/run" 2>&1 7<"$dir/image.tar"
	if [ -n "${maps-}" ]; then
		sed -i 's/^uid_map .*//; s/^user:.*//' "$dir/direct" "$dir/run"
	fi
	if cmp -s "$dir/direct" "$dir/run"; then
		ok "$who"
	else
		not_ok "$who" "$(diff "$dir/direct" "$dir/run")"
	fi
}
true_that 'what is compared has rights in it' sh -c "sh '$dir/told.sh' | grep -q '^CapBnd'"
same_rights root env
same_rights 'root who may gain nothing' setpriv --no-new-privs
is '... and the command may not either' \
	"$(setpriv --no-new-privs "$PEEL" run -q "$dir/image.tar" -- grep NoNewPrivs /proc/self/status)" $'NoNewPrivs:\t1'
is 'one who may gain something: so may the command' "$("$PEEL" run -q "$dir/image.tar" -- grep NoNewPrivs /proc/self/status)" $'NoNewPrivs:\t0'
same_rights 'root with a smaller bounding set' setpriv --bounding-set=-sys_module,-net_raw
same_rights 'root with ambient capabilities' setpriv --inh-caps=+net_raw --ambient-caps=+net_raw
# In a chroot there are no user namespaces to try, and the message is another one.
is 'root without the rights of root may make no private mount, and is told' \
	"$(setpriv --securebits=+noroot,+no_setuid_fixup "$PEEL" run -q "$dir/image.tar" -- true 2>&1 | head -n 1 | cut -d: -f1,2 |
		sed 's/a private mount is not allowed here/user namespace/')" 'peel: user namespace'
same_rights 'root with a locked securebit' setpriv --securebits=+no_setuid_fixup,+no_setuid_fixup_locked
same_rights 'root with limits' prlimit --nofile=200:300 --core=0:0 --nproc=5000:5000 --as=unlimited
same_rights 'root under a filter' "$NOLANDLOCK"
same_rights 'root with signals ignored' env --ignore-signal=USR1 --ignore-signal=PIPE
is 'a set-user-id program has its effect in the command, as without peel' \
	"$(setpriv --reuid 65534 --regid 65534 --clear-groups true && cp "$(command -v id)" "$dir/id" && chmod 4755 "$dir/id" &&
		"$PEEL" run -q "$dir/image.tar" -- setpriv --reuid 65534 --clear-groups "$dir/id" -u)" \
	"$(setpriv --reuid 65534 --clear-groups "$dir/id" -u)"
true_that 'peel itself has no set-id bits and no capabilities' sh -c "! [ -u '$PEEL' ] && ! [ -g '$PEEL' ] && [ -z \"\$(getcap '$PEEL')\" ]"

open_device_to_users
mkdir -p "$dir/user" && chown "$user" "$dir/user"
chmod 755 "$dir/cache"
group=$(id -gn "$user")
become=(env "HOME=$dir/user" "XDG_CACHE_HOME=$dir/user" setpriv --reuid "$user" --regid "$group" --clear-groups --inh-caps=-all --)
"${become[@]}" "$PEEL" run -q "$dir/image.tar" -- true 2>/dev/null || skip 'users may have no namespaces'
maps=differ
same_rights 'a user' "${become[@]}"
same_rights 'a user who may gain nothing' "${become[@]}" setpriv --no-new-privs
same_rights 'a user with limits' "${become[@]}" prlimit --nofile=200:300
is 'a user: as who he is' "$("${become[@]}" "$PEEL" run -q "$dir/image.tar" -- id -u)" "$(id -u "$user")"
is 'a user: the command can mount nothing' \
	"$("${become[@]}" "$PEEL" run -q "$dir/image.tar" -- sh -c 'mount -t tmpfs none /mnt 2>/dev/null || echo no')" no
is 'a user: nor read what is not his' "$(touch "$dir/secret" && chmod 600 "$dir/secret" &&
	"${become[@]}" "$PEEL" run -q "$dir/image.tar" -- sh -c "cat $dir/secret 2>/dev/null || echo no")" no
done_testing
