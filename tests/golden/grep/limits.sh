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
