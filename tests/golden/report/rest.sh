# SPDX-License-Identifier: Apache-2.0
# The rows of what changed sum to the change: what is not shown is one row.
for name in a b; do
	{
		echo "layer $name"
		for i in $(seq 10 30); do
			echo "f folder$i/x size=$((i * (${#name} + (i % 2))))"
			[ $name = a ] || echo "f folder$i/y size=1000"
		done
	} >$name.txt
	python3 "$golden/../lib/mkimage.py" $name.tar <$name.txt
done
run report --output text=doc.txt a.tar b.tar
sed -n '/^By folder/,/^$/p' doc.txt
