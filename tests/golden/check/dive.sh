# SPDX-License-Identifier: Apache-2.0
# .dive-ci as it is: dive's own figures decide, with its comparisons; peel's stand beside them.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer first
f a size=1000 seed=1
f b size=3000 seed=2
layer second
f b size=3000 seed=2 uid=1
f c size=1000 seed=3
END
run waste --dive-compat image.tar
dive() {
	cat >.dive-ci
	run check -c .dive-ci image.tar
}
dive <<<$'rules:\n  lowestEfficiency: 0.95\n  highestWastedBytes: 20MB\n  highestUserWastedPercent: 0.20'
dive <<<$'rules:\n  lowest-efficiency: "0.625"\n  highest-wasted-bytes: 6kB\n  highest-user-wasted-percent: disabled'
dive <<<$'rules:\n  lowest-efficiency: 0.1\n  highestWastedBytes: 5.9kb\n  highestUserWastedPercent: off'
dive <<<$'---\nplugins:\n  - plugin1\nrules:\n  plugin1/rule1: error\n  highestWastedBytes: 6 KiB'
