# SPDX-License-Identifier: Apache-2.0
# A reader that goes away is no error to talk about; a disk that is full is.
image app app.tar
"$PEEL" cat --layer 0 app.tar srv/big | head -c 10 | wc -c
(
	trap '' PIPE
	"$PEEL" cat --layer 0 app.tar srv/big
	echo "status $?" >&2
) 2>err | head -c 10 | wc -c
cat err
"$PEEL" cat --layer 0 app.tar srv/big >/dev/full
echo "status $?"
"$PEEL" ls app.tar >/dev/full
echo "status $?"
"$PEEL" ls app.tar >&-
echo "status $?"
