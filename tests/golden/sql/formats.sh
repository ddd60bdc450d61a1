# SPDX-License-Identifier: Apache-2.0
image app app.tar
q="SELECT path, type, size, link, 0.5 AS half, NULL AS none FROM tree WHERE path LIKE '/usr/bin%' OR path = '/sbin' ORDER BY path"
run sql app.tar "$q"
run sql --output csv app.tar "$q"
run sql --output tsv app.tar "$q"
run sql --output json app.tar "$q"
run sql app.tar 'SELECT 1 AS a; SELECT 2 AS b, 3 AS c; SELECT 4 AS b, 5 AS c'
run sql --output csv app.tar "SELECT 'a,b' AS x, 'say \"hi\"' AS y, x'ff00' AS z"
run sql --output json app.tar "SELECT 1 AS a, 2 AS a, x'ff00' AS z"
run sql app.tar 'SELECT 1 WHERE 0'
