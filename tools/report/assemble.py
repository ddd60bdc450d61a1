#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""assemble.py PAGE CSS JS D3 LICENCE OUT: the report's page as two C arrays, what is before the data and what is after it.

Scripts and styles are named by their SHA-256 in the page's content security policy, so that no other can run: not
from the image, not from elsewhere."""
import base64
import hashlib
import html
import sys


def digest(text):
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def array(name, text):
    data = text.encode()
    rows = ["\t" + ", ".join("0x%02x" % byte for byte in data[at:at + 16]) + "," for at in range(0, len(data), 16)]
    return "static const unsigned char %s[] = {\n%s\n};\n" % (name, "\n".join(rows))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main():
    page, css, js, d3, licence = (read(path) for path in sys.argv[1:6])
    for script in (js, d3):
        # Would end the element that holds it.
        assert "</script" not in script.lower() and "<!--" not in script
    assert "</style" not in css.lower()
    policy = "; ".join(["default-src 'none'", "script-src " + " ".join(digest(s) for s in (d3, js)),
                        "style-src " + digest(css), "base-uri 'none'", "form-action 'none'"])
    head, tail = page.split("@DATA@")
    parts = {"@CSP@": html.escape(policy, quote=True).replace("&#x27;", "'"), "@CSS@": css}
    for key, text in parts.items():
        head = head.replace(key, text)
    parts = {"@LICENCE@": licence.replace("<", "&lt;"), "@D3@": d3, "@JS@": js}
    for key in ("@LICENCE@", "@D3@", "@JS@"):
        before, after = tail.split(key)
        tail = before + parts[key] + after
    with open(sys.argv[6], "w", encoding="utf-8") as out:
        out.write("/* Made by assemble.py. */\n" + array("report_page_head", head) + array("report_page_tail", tail))


main()
