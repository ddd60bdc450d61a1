# SPDX-License-Identifier: Apache-2.0
image hostile h.tar
run sql h.tar 'SELECT path FROM tree ORDER BY path'
run sql --output csv h.tar 'SELECT path, link FROM tree ORDER BY path'
run sql --output json h.tar "SELECT path FROM tree WHERE path LIKE '/bad%' OR path LIKE '/esc%' OR path LIKE '/uml%'"
run sql h.tar $'SELECT 1 AS "a\033[31m"'
