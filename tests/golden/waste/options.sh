# SPDX-License-Identifier: Apache-2.0
image app app.tar
run waste --top 1 app.tar
run waste --by folder --depth 0 app.tar
run waste --by folder --depth 1 --top 0 app.tar
run waste --by cause --output json app.tar
run waste --by nothing app.tar
run waste --top -1 app.tar
run waste
run waste app.tar extra
run waste --output xml app.tar
run waste /no/such/image
