# SPDX-License-Identifier: Apache-2.0
# An archive cut at every interesting place.
image app app.tar
damage app.tar t truncate:0
run ls t
damage app.tar t truncate:100
run ls t
damage app.tar t truncate:512
run ls t
for role in layer0 layer1 config manifest; do
	for size in 0 1 50; do
		damage app.tar t until:$role:$size
		run ls t /opt
	done
done
# Last: the whole manifest, and nothing after it.
size=$(stat -c %s app.tar)
damage app.tar t "truncate:$((size - 1))"
run ls t /opt
