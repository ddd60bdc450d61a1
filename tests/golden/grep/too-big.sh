# SPDX-License-Identifier: Apache-2.0
# Expressions that would take gigabytes, or the stack, are refused before anything is made of them.
image app app.tar
python3 -c 'print("a?" * 900 + "root")' >fits
python3 -c 'print("a?" * 30000)' >optional
python3 -c 'print("(a|b)*" * 300000)' >repeats
python3 -c 'print("[a-z]" * 300000)' >classes
python3 -c 'print("\n".join("^w%d.*x" % i for i in range(3000)))' >lines
run grep -c -E -f fits app.tar /etc/passwd
run grep -c -E -f lines app.tar /etc/passwd
for name in optional repeats classes; do
	run grep -E -f "$name" app.tar /etc/passwd
done
run grep -E app.tar '((a{99}){99}){99}' /etc/passwd
