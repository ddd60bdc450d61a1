# SPDX-License-Identifier: Apache-2.0
# What a network's disk says only when a file is closed. A sanitizer's runtime does not go with strace either.
if ! strace -qq -o trace "$PEEL" --version >out 2>err; then
	echo 'strace is not here, or may not trace'
	exit 77
fi
strace -qq -o trace -P out -e inject=close:error=EDQUOT "$PEEL" --version >out 2>err
echo "status $?"
grep -v ^strace: err
