#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# peel run: a command in a mount of its own is what it would be in the mount: its answers, its status, its rights.
#
#   run.sh         as root
#   run.sh user    as an ordinary user with and without subordinate ids; skipped where users may have no namespaces
. "$(dirname "$0")/lib.sh"

make_image image.tar <<'END'
layer COPY
d usr/bin
d etc
d private mode=700
f private/key mode=600 data=secret
f usr/bin/tool mode=755 data="#!/bin/sh\necho tool of the image\n"
f etc/passwd data="root:x:0:0::/:/bin/sh\n"
f name data=x
f big size=700000 seed=3
f other uid=1234 gid=4321 mode=640 data=y
f high uid=3000000 data=z
l link -> /etc/passwd
f odd\x1b[31m data=o
f findx mode=755 data="#!/bin/sh\necho find of the image\n"
f plain mode=755 data="echo no interpreter line $1 $2\n"
f broken mode=755 data="#!/nowhere/sh\n"
f same.sh mode=755 data="#!/bin/sh\necho both the same\n"
f differ.sh mode=755 data="#!/bin/sh\necho the wrong one\n"
f audit.sh mode=755 data="#!/bin/sh\nfind . -printf '%p %y %m %U %G %s %T@ %l %n %b\\n'; du -a .; sha256sum name big other etc/passwd link\nls -ln; stat -c '%n %u %g' * | cat -v; test -x usr/bin/tool && echo x; grep -r root etc; exit 7\n"
END
image=$dir/image.tar
work=$dir/work
mkdir "$work"
chmod 777 "$work"
cd "$work" || exit 1

peel_run() { # ARG...; $run is what to run as this user
	$run "$PEEL" run "$@"
}
# Its standard output and its status; standard error is in $work/err.
answer() {
	peel_run "$@" 2>"$dir/err"
	echo "= $?"
}
processes() { # Everything of a run that has the mark in its command line or environment.
	local folder
	for folder in /proc/[0-9]*; do
		if { tr '\0' '\n' <"$folder/environ"; } 2>/dev/null | grep -qx "MARK=$dir"; then
			[ "$folder" = "/proc/$$" ] || echo "${folder#/proc/}"
		fi
	done
}
none_left() {
	[ -z "$(processes)" ]
}

same_answers() {
	mount_image image.tar "$@"
	(cd "$mnt" && ./audit.sh) >"$dir/wanted" 2>&1
	echo "= $?" >>"$dir/wanted"
	unmount
	answer "$@" "$image" -- ./audit.sh >"$dir/got" 2>&1
	is "$who: a script says what it says in the mount" "$(sed "$mask" "$dir/got")" "$(sed "$mask" "$dir/wanted")"
}

statuses() {
	is "$who: the command's status" "$(answer -q "$image" sh -c 'exit 42')" '= 42'
	is "$who: ended by a signal" "$(answer -q "$image" -- sh -c 'kill -TERM $$')" '= 143'
	is "$who: not found" "$(answer -q "$image" -- no-such-command)" '= 127'
	is "$who: ... and says so" "$(cat "$dir/err")" 'peel: no-such-command: No such file or directory'
	is "$who: not executable" "$(answer -q "$image" -- ./name)" '= 126'
	is "$who: a folder" "$(answer -q "$image" -- ./etc)" '= 126'
	is "$who: an empty name" "$(answer -q "$image" -- '')" '= 127'
	is "$who: no such interpreter" "$(answer -q "$image" -- ./broken)" '= 127'
	is "$who: without an interpreter line" "$(answer -q "$image" -- ./plain 1 2)" $'no interpreter line 1 2\n= 0'
	is "$who: no path leads through a file" "$(answer -q "$image" -- ./name/x)" '= 127'
	is "$who: exec is forbidden with noexec" "$(answer -q -o noexec "$image" -- ./usr/bin/tool)" '= 126'
}

whose_command() {
	is "$who: a file of the image" "$(answer -q "$image" usr/bin/tool)" $'tool of the image\n= 0'
	is "$who: a name is looked up in PATH" "$(answer -q "$image" -- find name)" $'name\n= 0'
	is "$who: PATH does not lead into the image" \
		"$(PATH=:.:usr/bin:$PATH answer -q "$image" -- tool) $(PATH=.:$PATH answer -q "$image" -- findx)" '= 127 = 127'
	printf '#!/bin/sh\necho mine, in "$(ls name)", as "$0"\n' >mine.sh
	printf '#!/bin/sh\necho both the same\n' >same.sh
	printf '#!/bin/sh\necho the right one\n' >differ.sh
	chmod 755 ./*.sh
	is "$who: a file of the working directory" "$(answer -q "$image" -- ./mine.sh)" \
		"mine, in name, as $work/./mine.sh"$'\n= 0'
	is "$who: both have it, and it is the same" "$(answer -q "$image" -- ./same.sh)" $'both the same\n= 0'
	is "$who: both have it, and it is not" "$(answer -q "$image" -- ./differ.sh)" '= 125'
	like "$who: ... and says so" "$(cat "$dir/err")" '^peel: ./differ.sh: both the image and .* differ: .*env ./differ.sh'
	is "$who: the image's then" "$(answer -q "$image" -- env ./differ.sh)" $'the wrong one\n= 0'
	is "$who: mine then" "$(answer -q "$image" -- "$work/differ.sh")" $'the right one\n= 0'
	rm ./*.sh
}

# Everything but the mount is as without peel.
surroundings() {
	cat >what.sh <<'END'
env | grep -v -e ^PEEL_ROOT= -e ^_= -e ^PWD= -e ^OLDPWD= | sort
grep -E "^(SigBlk|SigIgn|Cap|NoNewPrivs|Groups|Seccomp)" /proc/self/status
ls /proc/self/fd
ps -o pgid=,sid=,tty= -p $$
umask
ulimit -n
END
	is "$who: environment, descriptors, rights and signals" \
		"$(umask 027; trap '' USR1; $run "$PEEL" run -q "$image" -- sh "$work/what.sh" 7<name.list 9>&1)" \
		"$(umask 027; trap '' USR1; $run sh "$work/what.sh" 7<name.list 9>&1)"
	rm what.sh
	is "$who: a closed standard input stays closed" \
		"$(answer -q "$image" -- sh -c '[ -e /proc/$$/fd/0 ] || echo closed' <&-)" $'closed\n= 0'
	is "$who: standard input is the command's" "$(echo typed | answer -q "$image" -- cat)" $'typed\n= 0'
	is "$who: the working directory and PEEL_ROOT" \
		"$(answer -q "$image" -- sh -c '[ "$(pwd -P)" = "$PEEL_ROOT" ] && cat "$PEEL_ROOT/name"')" $'x= 0'
	is "$who: nobody else sees it" "$(answer -q -o "fsname=$dir" "$image" -- sh -c "
		grep -c ' $dir ' /proc/self/mountinfo; grep -c ' $dir ' /proc/$$/mountinfo")" $'1\n0\n= 1'
	is "$who: read-only, without set-id and devices" \
		"$(answer -q -o rw,suid,dev "$image" -- sh -c 'findmnt -nro OPTIONS -T . | cut -d, -f1-3')" $'ro,nosuid,nodev\n= 0'
	is "$who: files that it makes are the caller's" \
		"$(answer -q "$image" -- sh -c "id -u; touch $work/made; stat -c %u $work/made"; stat -c %u made; rm -f made)" \
		"$(printf '%s\n' "$uid" "$uid" '= 0' "$uid")"
	is "$who: the views" "$(answer -q -o view=layers "$image" -- sh -c 'cat merged/name; cat 00-*/name')" 'xx= 0'
	is "$who: from standard input" "$(answer -q - -- sh -c 'cat; cat name' <"$image")" 'x= 0'
	is "$who: and with a transport" "$(answer -q docker-archive:- -- sh -c 'cat; cat name' <"$image")" 'x= 0'
	is "$who: a run in a run" "$(answer -q "$image" -- "$PEEL" run -q "$image" -- cat name)" 'x= 0'
}

# start COMMAND...: in the background; $peel is peel's process, for env and setpriv become it. The command says "up".
start() {
	rm -f out
	MARK=$dir env --default-signal $run "$PEEL" run -q "$image" -- "$@" >out 2>"$dir/err" &
	peel=$!
	eventually grep -q up out
}
stopped() { # PID
	[ "$(ps -o stat= -p "$1" | cut -c1)" = T ]
}

signals() {
	local signal
	for signal in TERM HUP USR1 USR2 INT QUIT ALRM RTMIN+1; do
		start bash -c "trap 'echo got $signal; exit 9' $signal; echo up; while :; do sleep 0.05; done"
		kill -"$signal" "$peel"
		wait "$peel"
		is "$who: SIG$signal to peel reaches the command" "$? $(tail -n 1 out)" "9 got $signal"
	done
	start sh -c 'echo up; exec sleep 60'
	eventually pgrep -P "$peel" -x sleep >/dev/null
	kill -STOP "$(pgrep -P "$peel" -x sleep)"
	true_that "$who: a command that stops stops peel" eventually stopped "$peel"
	kill -CONT "$peel"
	kill -TERM "$peel"
	wait "$peel"
	is "$who: and both go on" "$?" 143
}

leftovers() {
	local began=$SECONDS
	MARK=$dir answer -q "$image" -- sh -c 'sleep 100 & (setsid sleep 101 &) ; echo done' >out
	is "$who: the status does not wait for what is left" "$(cat out)" $'done\n= 0'
	true_that "$who: what is left has two seconds" test $((SECONDS - began)) -lt 30
	true_that "$who: and is gone then" none_left
	is "$who: what ends by itself is not hurt" \
		"$(answer -q "$image" -- bash -c 'exec > >(sleep 0.5; cat); echo late')" $'late\n= 0'
	start sh -c 'echo up; (setsid sleep 60 &) ; sleep 60; :'
	kill -KILL "$(server_of "$peel")"
	wait "$peel"
	is "$who: the server is killed" "$? $(cat "$dir/err")" '125 peel: the server was killed'
	true_that "$who: nothing is left" eventually none_left
	start sh -c 'trap "" TERM; echo up; (setsid sleep 60 &) ; while :; do sleep 1; done'
	kill -KILL "$peel"
	wait "$peel" 2>/dev/null
	true_that "$who: peel is killed: nothing is left" eventually none_left
	start sh -c 'trap "" TERM; echo up; (setsid sleep 60 &) ; while :; do sleep 1; done'
	kill -KILL "$peel" "$(server_of "$peel")"
	wait "$peel" 2>/dev/null
	true_that "$who: peel and server are killed: nothing is left" eventually none_left
}
# Who has gone on into a namespace of his own still sees the mount.
deeper() {
	start unshare -m sh -c 'echo up; (setsid sleep 60 &) ; sleep 60; :'
	kill -KILL "$peel" "$(server_of "$peel")"
	wait "$peel" 2>/dev/null
	true_that "$who: killed with a namespace in the namespace: nothing is left" eventually none_left
	start "$PEEL" run -q "$image" -- sh -c 'echo up; (setsid sleep 60 &) ; sleep 60; :'
	kill -KILL "$peel"
	wait "$peel" 2>/dev/null
	true_that "$who: killed with a run in the run: nothing is left" eventually none_left
}
# What the caller had started before it became peel is not the command's.
neighbours() {
	local began=$SECONDS
	bash -c 'sleep 78 >&- & echo $! >pid; exec "$0" "$@"' "$PEEL" run -q "$image" -- true
	true_that "$who: what the caller had started before it became peel lives on" kill "$(cat pid)"
	true_that "$who: ... and is not waited for" test $((SECONDS - began)) -lt 30
}
server_of() { # PEEL-PID
	local pid
	for pid in $(pgrep -P "$1"); do
		[ ! "/proc/$pid/exe" -ef "$PEEL" ] || echo "$pid"
	done
}

each() { # WHO UID MOUNT-OPTION...; $run is what to run as this user
	who=$1 uid=$2
	shift 2
	: >name.list
	same_answers "$@"
	statuses
	whose_command
	surroundings
	signals
	leftovers
}

mask=
run=
refused() { # WHO WHY
	is "$1: status" "$got" '= 125'
	like "$1: says why" "$(head -n 1 "$dir/err")" "$2"
	like "$1: names the verbs without a mount" "$(tail -n 1 "$dir/err")" '^peel: without a mount, .* ls, .*cat'
}

as_root() {
	each root 0
	deeper
	neighbours
	python3 "$here/../golden/damage.py" "$image" "$dir/half.tar" drop:layer0
	is 'root: an incomplete image' "$(answer "$dir/half.tar" -- true)" '= 125'
	is 'root: and with what is there of it' "$(answer -q --allow-missing "$dir/half.tar" -- ls)" '= 0'
	is 'root: an image that is none' "$(answer "$mkimage" -- true)" '= 125'
	got=$(run="$NOUNSHARE"; answer "$image" -- true)
	refused 'root where namespaces are forbidden' 'not allowed here: cannot make a namespace: Operation not permitted'
}
if [ "${1-}" != user ]; then
	as_root
	done_testing
fi

give_back() { # What is bound outside of $dir.
	umount /etc/subuid /etc/subgid 2>/dev/null
	umount /etc/subuid /etc/subgid /dev/fuse 2>/dev/null
	umount /dev/fuse 2>/dev/null
	clean_up
}
trap give_back EXIT
open_device_to_users
chmod 755 "$dir/cache"
user=nobody
group=$(id -gn "$user")
mkdir -p "$dir/user"
chown "$user" "$dir/user" "$work"
become="env HOME=$dir/user XDG_CACHE_HOME=$dir/user setpriv --reuid $user --regid $group --clear-groups --"
got=$(run="$become $NOUNSHARE"; answer "$image" -- true)
refused 'a user where namespaces are forbidden' 'not allowed here: cannot make a namespace: Operation not permitted'
got=$(run="$become"; answer -q "$image" -- true)
[ "$got" = '= 0' ] || skip "no user namespaces for users: $(head -n 1 "$dir/err")"

run="env HOME=$dir/user XDG_CACHE_HOME=$dir/user setpriv --reuid 12345 --regid 12345 --clear-groups --"
is 'a user without a name' "$(answer -q "$image" -- cat name)" "$(run=$become; answer -q "$image" -- cat name)"

# As the user, owners are what his namespace can show: all with subordinate ids, else his own.
: >"$dir/none"
lend() { # FILE: what both tables hold
	mount --bind "$1" /etc/subuid && mount --bind "$1" /etc/subgid
}
[ -e /etc/subuid ] && [ -e /etc/subgid ] || skip 'no /etc/subuid to bind over'
lend "$dir/none"
run=$become
is 'a user without subordinate ids: a remark' "$(answer "$image" -- stat -c %u name; cat "$dir/err")" \
	$'65534\n= 0\npeel: owners and groups of files are not shown true: no subordinate ids can be used (see newuidmap(1))'
is '... which -q keeps quiet' "$(answer -q "$image" -- true; cat "$dir/err")" '= 0'
is '... and his own id' "$(answer -q -o "uid=$(id -u "$user")" "$image" -- stat -c %u name)" "$(id -u "$user")"$'\n= 0'
mask='s/  *[0-9][0-9]*/ N/g'
each 'a user' "$(id -u "$user")"
command -v newuidmap >/dev/null || skip 'no newuidmap'
printf '%s:300000:%d\n%s:400000:%d\n' "$user" 3000 "$user" 100000 >"$dir/lent"
umount /etc/subuid /etc/subgid
lend "$dir/lent"
mask='s/3000000/65534/; s/  */ /g'
each 'a user with subordinate ids' "$(id -u "$user")"
is 'subordinate ids: no remark' "$(answer "$image" -- true; cat "$dir/err")" '= 0'
printf '%s:300000:%d\n' "$(id -u "$user")" 65536 >"$dir/lent"
is 'by number' "$(answer -q "$image" -- stat -c '%u %g' other)" $'1234 4321\n= 0'
: >"$dir/closed"
mount --bind "$dir/closed" /dev/fuse
chmod 600 "$dir/closed"
got=$(answer "$image" -- true)
refused 'a user who may not open /dev/fuse' '^peel: /dev/fuse: Permission denied$'
done_testing
