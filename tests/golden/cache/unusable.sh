# SPDX-License-Identifier: Apache-2.0
# A cache folder that cannot be used is no obstacle to any verb: the answer is the same, and one line says so, unless -q.
image app app.tar
sleep 2.2
"$PEEL" ls -lR app.tar >expected
# answers NAME: the same answer whatever NAME is; what is said about it, once; nothing with -q; nothing left behind
answers() {
	echo "$1:"
	shift
	"$@" ls -lR app.tar 2>said | cmp - expected && sed "s#$scratch#TOP#" said
	"$@" -q ls -lR app.tar 2>said | cmp - expected && cat said
	"$@" stat -c %s app.tar /etc/passwd 2>&1 | grep -c 'is not kept'
	"$@" verify app.tar 2>&1 | head -n 2
}
mkdir -m 777 shared
answers 'others may write it' "$PEEL" --cache-dir shared
: >file
answers 'a file' "$PEEL" --cache-dir file
answers 'cannot be made' "$PEEL" --cache-dir file/below
answers 'no home' env -u HOME "$PEEL"
answers 'no such home' env HOME=/proc/none "$PEEL"
answers 'not wanted' "$PEEL" --no-cache
if [ "$(id -u)" -eq 0 ]; then
	mkdir -m 700 foreign
	chown 12345 foreign
	answers 'of another user' "$PEEL" --cache-dir foreign | sed 's/^of another/not to be written by this/; s/foreign: .*/X: no/'
else
	mkdir -m 500 readonly
	answers 'not to be written by this user' "$PEEL" --cache-dir readonly | sed 's/readonly: .*/X: no/'
	chmod 700 readonly
fi
ls -A shared foreign readonly 2>/dev/null | grep -v ':$' | grep .
# Standard input is spooled where there is a place for it; here little is kept, and that in memory.
for who in 'env -u HOME' 'env HOME=/proc/none' 'env'; do
	cat app.tar | $who "$PEEL" -q ls -lR - | cmp - expected
	cat app.tar | $who "$PEEL" -q cat - /etc/passwd | wc -l
	cat app.tar | $who "$PEEL" -q --cache-dir shared verify - | wc -l
	gzip -c <app.tar | $who "$PEEL" -q --cache-dir file ls -lR - | cmp - expected
done
