# SPDX-License-Identifier: Apache-2.0
image app app.tar
run grep -r --layer 0 app.tar root etc
run grep -rc --layer 1 app.tar '' .
run grep -r --layer 3 app.tar root
