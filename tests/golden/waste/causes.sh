# SPDX-License-Identifier: Apache-2.0
# Every cause, and shipped = visible + wasted. What hid a file with several names is what hid the last of them.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer FROM base
f a/overwritten size=100 seed=1
f a/identical size=200 seed=2
f a/metadata size=400 seed=3
f a/deleted size=800 seed=4
f folder/deleted size=1600 seed=5
f opaque/hidden size=3200 seed=6
f replaced size=6400 seed=7
f twice size=12800 seed=8
f twice size=12801 seed=8
f links/first size=25600 seed=9
h links/second -> links/first
f kept/first size=51200 seed=10
h kept/second -> kept/first
f empty
f changed/size size=7 seed=11
f last/one size=3 seed=12
h last/two -> last/one
layer RUN one
f a/overwritten size=100 seed=11
f a/identical size=200 seed=2
f a/metadata size=400 seed=3 uid=1000
w a/deleted
w folder
o opaque
d replaced
w links/first
w kept/first
f changed/size size=8 seed=11
w last/one
layer RUN two
w links/second
f empty uid=7
h above -> kept/second
f last/two size=3 seed=12 uid=9
END
run waste --top 0 image.tar
run waste --top 0 --output json=doc.json image.tar
python3 - <<'END'
import json
doc = json.load(open("doc.json"))
total = doc["total"]
print(total)
assert total["bytes"] == total["visible_bytes"] + total["wasted_bytes"]
for part in ("by_cause", "by_layer", "by_instruction", "by_path"):
    assert sum(row["wasted_bytes"] for row in doc[part]) == total["wasted_bytes"], part
    assert sum(row["wasted_files"] for row in doc[part]) == total["wasted_files"], part
assert doc["by_folder"][0]["folder"] == "/" and doc["by_folder"][0]["wasted_bytes"] == total["wasted_bytes"]
END
