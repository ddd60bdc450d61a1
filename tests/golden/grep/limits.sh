# SPDX-License-Identifier: Apache-2.0
# A line that does not end is an error of its file; holes are passed over, not read as one line of NUL.
{
	printf 'layer RUN big\n'
	printf 'f endless size=8000000000000 extent=0:1 extent=7999999999000:10\n'
	printf 'f after data="abc\\n"\n'
} >endless.txt
python3 "$golden/../lib/mkimage.py" endless.tar <endless.txt
run grep -rc endless.tar 'abc' .
run grep -ac endless.tar 'abc' endless after
run grep -rl endless.tar 'abc' .
run grep -zc endless.tar 'abc' endless
# A line is held once, however long it is.
printf 'layer RUN long\nf long size=66000000 extent=0:1\n' | python3 "$golden/../lib/mkimage.py" long.tar
python3 - <<'END'
import os, resource, subprocess
done = subprocess.run([os.environ["PEEL"], "grep", "-ac", "long.tar", "abc", "long"], stdout=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
# A sanitizer's own memory tells nothing.
print(done.returncode, done.stdout, "100 MiB at most" if used <= 100 or "PEEL_SLOW" in os.environ else used)
END
