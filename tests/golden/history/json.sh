# SPDX-License-Identifier: Apache-2.0
image app app.tar --form oci-archive
run history --output json app.tar
run history --output json=doc.json --output table app.tar
python3 -c 'import json; print(json.load(open("doc.json"))["schema"])'
run history --output xml app.tar
run history --output json --output table app.tar
run history --output json=/no/such/folder/x app.tar
