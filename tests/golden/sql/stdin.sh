# SPDX-License-Identifier: Apache-2.0
image app app.tar
echo '$ echo QUERY | peel sql app.tar'
echo 'SELECT count(*) AS n FROM layers' | "$PEEL" sql app.tar
echo 'SELECT count(*) AS n FROM layers' | "$PEEL" sql app.tar -
head -c 1100000 /dev/zero | tr '\0' ' ' | "$PEEL" sql app.tar
echo "= $?"
printf 'SELECT 1\0;' | "$PEEL" sql app.tar
echo "= $?"
run sql -
