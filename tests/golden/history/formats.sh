# SPDX-License-Identifier: Apache-2.0
image app app.tar
run history --output csv app.tar
run history --output markdown app.tar
image hostile h.tar
run history --output markdown -q h.tar
run history --output csv h.tar
python3 - <<'END'
import csv, json, subprocess, os
doc = json.loads(subprocess.run([os.environ["PEEL"], "history", "--output", "json", "app.tar"], capture_output=True).stdout)
rows = list(csv.DictReader(subprocess.run([os.environ["PEEL"], "history", "--output", "csv", "app.tar"], capture_output=True, text=True).stdout.splitlines()))
total = doc["total"]
assert total["bytes"] == total["visible_bytes"] + total["wasted_bytes"]
for key, column in (("bytes", "size"), ("visible_bytes", "visible"), ("wasted_bytes", "wasted"), ("files", "files"), ("tar_bytes", "tar"), ("stored_bytes", "stored"), ("allocated_bytes", "allocated")):
    assert sum(int(row[column]) for row in rows) == total[key] == sum(layer[key] for layer in doc["history"])
END
