# SPDX-License-Identifier: Apache-2.0
# The later of two options counts; the environment gives the default.
image app app.tar
run du -h -k -s app.tar
run du -k -h -s app.tar
run du -b -h -s app.tar
DU_BLOCK_SIZE=1 run du -s app.tar
BLOCK_SIZE=M run du -s app.tar
BLOCKSIZE=si run du -s app.tar
POSIXLY_CORRECT=1 run du -s app.tar
DU_BLOCK_SIZE=wrong run du -s app.tar
run du -a -t 4097 app.tar
run du -a -t -4096 -d1 app.tar
TIME_STYLE=full-iso run du --time -s app.tar usr
TIME_STYLE=+%Y run du --time -s app.tar usr
run du --time=use --time-style=+%N app.tar usr/bin/tool
run du -D app.tar bin
run du -DP app.tar bin
run du -L --exclude=bin -a app.tar usr
printf 'bin\n\n l* \n' >patterns
run du -a -X patterns app.tar
printf 'usr\0etc\0usr\0' >list
run du --files0-from=list -c app.tar
run du --files0-from=- -c app.tar <list
printf 'etc\0\0-\0nothing\0' >list
run du --files0-from=- app.tar <list
