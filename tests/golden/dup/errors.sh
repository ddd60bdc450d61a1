# SPDX-License-Identifier: Apache-2.0
image app app.tar
run dup app.tar
run dup
run dup --min-size x app.tar
run dup --output xml app.tar
run dup app.tar extra
run dup /no/such/image
