# SPDX-License-Identifier: Apache-2.0
# The page holds the same document as --output json, in which no "<" can end the element that holds it.
image app a.tar
image hostile h.tar
run report --output json=doc.json --output html=page.html a.tar h.tar
python3 - <<'CHECK'
import json, re
doc = json.load(open("doc.json"))
page = open("page.html", encoding="utf-8").read()
data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1)
assert "<" not in data and ">" not in data
assert json.loads(data) == doc
print(doc["schema"], [image["name"] for image in doc["images"]], sorted(doc["diff"]))
for image in doc["images"]:
    totals, leaves = image["totals"], image["leaves"]
    assert sum(leaves["bytes"]) == totals["bytes"] == sum(layer["bytes"] for layer in image["layers"])
    assert sum(b for b, c in zip(leaves["bytes"], leaves["cause"]) if not c) == totals["visible_bytes"]
    assert sum(c["bytes"] for c in image["categories"]) == totals["visible_bytes"]
    assert sum(c["bytes"] for c in image["causes"]) == totals["wasted_bytes"]
    print(totals)
policy = re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', page).group(1)
print(re.sub(r"sha256-[^']*", "sha256-...", policy))
print(len(re.findall(r"<script>", page)), "scripts", "src=" in page.lower() or "://" in re.sub(r"(?s)<script.*?</script>", "", page))
CHECK
