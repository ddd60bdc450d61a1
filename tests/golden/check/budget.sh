# SPDX-License-Identifier: Apache-2.0
# The document of an image before is what the growth of one after is measured from.
python3 "$golden/../lib/mkimage.py" before.tar <<'END'
layer first
f a size=100000 seed=1
END
python3 "$golden/../lib/mkimage.py" after.tar <<'END'
layer first
f a size=100000 seed=1
layer second
f b size=10000 seed=2
END
run check --deny python -q --output json=base.json before.tar
budget() {
	printf 'version: 1\nbudgets_vs: {file: base.json, grow: %s}\n' "$1" >policy.yaml
	run check -c policy.yaml after.tar
}
budget '{bytes: 9999}'
budget '{bytes: 10000}'
budget '{percent: 9.9}'
budget '{bytes: 9999, percent: 10}'
budget '{bytes: 9999, percent: 10, fail: both}'
mkdir sub
mv base.json policy.yaml sub
run check -c sub/policy.yaml before.tar
