#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The report's page in headless Chromium: it is walked through as a person would, with clicks and keys.

    page.py [--screenshot FILE]

An image with hostile names, packages' and instructions' text included, and a second one to compare with are reported
on; nothing of them may run or become markup. What is not there (Chromium) is skipped, which is said. $PEEL is the command.
"""
import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]
import mkimage  # noqa: E402
import tarbytes  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
TIMEOUT = 60
EVIL = "<img src=x onerror=window.hit=1><script>window.hit=1</script>&amp;\"'</script>"
CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--remote-debugging-pipe", "--hide-scrollbars"]


class Browser:
    """Chromium behind a pipe: messages are JSON, a NUL ends each."""

    def __init__(self, folder):
        to_read, self.to = os.pipe()
        self.back, back_write = os.pipe()

        def hand_over():
            # Chromium reads from descriptor 3 and writes to 4.
            os.dup2(to_read, 10)
            os.dup2(back_write, 11)
            os.dup2(10, 3)
            os.dup2(11, 4)

        self.process = subprocess.Popen([*CHROMIUM, "--user-data-dir=" + folder], close_fds=False, preexec_fn=hand_over,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(back_write)
        self.number, self.rest, self.session, self.logged = 0, b"", None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def message(self):
        while b"\0" not in self.rest:
            part = os.read(self.back, 1 << 20)
            if not part:
                raise SystemExit("not ok - the browser is gone")
            self.rest += part
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **params):
        self.number += 1
        number = self.number
        request = {"id": number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.to, json.dumps(request).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("id") == number:
                if "error" in message:
                    raise SystemExit("not ok - %s: %s" % (method, message["error"]))
                return message["result"]
            self.note(message)

    def note(self, message):
        """What the page complains of, and what it asks the network for."""
        if message.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.logged.append(json.dumps(message["params"])[:400])
        if message.get("method") == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if not url.startswith(("file:", "about:")):
                self.logged.append("asked for " + url)

    def open(self, path):
        self.call("Page.navigate", url="file://" + path)
        while True:
            message = self.message()
            self.note(message)
            if message.get("method") == "Page.loadEventFired":
                return

    def run(self, script):
        """The value of an expression on the page, after what it waits for."""
        result = self.call("Runtime.evaluate", expression="(async () => { %s })()" % script, awaitPromise=True,
                           returnByValue=True)
        if "exceptionDetails" in result:
            raise SystemExit("not ok - %s: %s" % (script, result["exceptionDetails"]))
        return result["result"].get("value")

    def key(self, name):
        codes = {"Enter": 13, "Backspace": 8, "ArrowRight": 39, "ArrowLeft": 37, "Tab": 9}
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if name == "Enter" and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=codes[name], **text)

    def size(self, width, height, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def shot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.process.kill()
        self.process.wait()


def layer(instruction, *files):
    out = []
    for name, content in files:
        if content is None:
            out.append(tarbytes.entry(name.encode() + b"/", "d", mode=0o755))
            continue
        data = content.encode() if isinstance(content, str) else content
        out.append(tarbytes.entry(name.encode(), "f", mode=0o755, size=len(data)) + data + tarbytes.pad(len(data)))
    return {"instruction": instruction, "tar": b"".join(out) + tarbytes.END}


def images(folder):
    status = "Package: evil<b>bold\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"
    evil = EVIL.replace("/", "!")
    fat = [
        layer("RUN " + EVIL, ("usr", None), ("usr/bin", None), ("usr/bin/big", b"B" * 300000), ("usr/bin/small", b"s" * 50),
              ("var/lib/dpkg/status", status), ("var/lib/dpkg/info/evil<b>bold.list", "/usr/bin/small\n"),
              ("opt/" + evil, b"x" * 90000), ("opt/deep/constructor/file", b"d" * 60000), ("cache/x", b"y" * 40000)),
        layer("RUN rm -rf /cache", (".wh.cache", "")),
        layer("RUN chmod +x /usr/bin/big", ("usr/bin/big", b"B" * 300000)),
    ]
    slim = [layer("COPY app", ("app/serve", b"a" * 120000), ("opt/" + evil, b"x" * 90000))]
    paths = []
    for name, layers in (("fat", fat), ("slim", slim)):
        paths.append(os.path.join(folder, name + ".tar"))
        mkimage.build(paths[-1], layers, form="docker-archive", compress="none", tags=[name + ":1"])
    return paths


CASES = []


def case(function):
    CASES.append(function)
    return function


TEXT = "document.getElementById('main').innerText"
CLICK = "document.getElementById('%s').click(); await new Promise(r => setTimeout(r, 30));"


def tab(browser, name):
    browser.run(CLICK % ("tab-" + name))


def cells(browser):
    return browser.run("return [...document.querySelectorAll('.cell')].map(c => c.getAttribute('aria-label'));")


def rows(browser, at=0):
    return browser.run("return [...document.querySelectorAll('table')[%d].tBodies[0].rows]"
                       ".map(r => [...r.cells].map(c => c.innerText));" % at)


@case
def the_page_shows_its_sizes(browser):
    text = browser.run("return " + TEXT)
    return "shipped" in text and "790.1 kB" in text and "visible in the end" in text, text[:200]


@case
def a_hostile_name_is_text(browser):
    tab(browser, "files")
    paths = [row[0] for row in rows(browser)]
    found = any("<img src=x" in path for path in paths)
    tags = browser.run("return document.querySelectorAll('main img, main script, main b b').length;")
    return found and tags == 0 and browser.run("return window.hit === undefined;"), paths[:3]


@case
def an_instruction_is_text(browser):
    tab(browser, "layers")
    return "<script>" in browser.run("return " + TEXT), ""


@case
def the_treemap_is_walked_down(browser):
    tab(browser, "map")
    top = cells(browser)
    browser.run("[...document.querySelectorAll('.cell')].find(c => c.getAttribute('aria-label').startsWith('usr,')).click();")
    below = cells(browser)
    crumbs = browser.run("return document.querySelector('.crumbs').innerText;")
    browser.run("document.querySelector('.crumbs button').click();")
    return top != below and any(c.startswith("bin,") for c in below) and "usr" in crumbs and cells(browser) == top, \
        (top, below, crumbs)


@case
def the_treemap_is_walked_by_keys(browser):
    tab(browser, "map")
    browser.run("document.querySelector('.cell').focus();")
    first = browser.run("return document.activeElement.getAttribute('aria-label');")
    browser.key("ArrowRight")
    second = browser.run("return document.activeElement.getAttribute('aria-label');")
    browser.key("ArrowLeft")
    before = cells(browser)
    browser.key("Enter")
    inside = cells(browser)
    browser.key("Backspace")
    return first != second and inside != before and cells(browser) == before, (first, second, before, inside)


@case
def every_cell_has_a_color(browser):
    """One whose name is that of a member of all JavaScript objects, too."""
    tab(browser, "map")
    for name in ("opt", "deep"):
        browser.run("[...document.querySelectorAll('.cell')].find(c => c.getAttribute('aria-label').startsWith('%s,')).click();"
                    % name)
    colors = browser.run("return [...document.querySelectorAll('.cell')].map(c => c.style.backgroundColor);")
    names = cells(browser)
    browser.run("document.querySelector('.crumbs button').click();")
    return names[0].startswith("constructor,") and all(colors), (names, colors)


@case
def the_treemap_has_four_groups(browser):
    tab(browser, "map")
    seen = {}
    for group in ("package", "category", "layer", "folder"):
        browser.run(CLICK % ("by-" + group))
        seen[group] = cells(browser)
    good = any(c.startswith("(no package)") for c in seen["package"]) and any(c.startswith("layer 0") for c in seen["layer"])
    return good and any("(wasted)" in c for c in seen["category"]) and len({str(s) for s in seen.values()}) == 4, seen


@case
def a_table_sorts(browser):
    tab(browser, "layers")
    before = [row[0] for row in rows(browser)]
    browser.run("[...document.querySelectorAll('th button')].find(b => b.innerText.startsWith('Size')).click();")
    sizes = [row[1] for row in rows(browser)]
    order = browser.run("return [...document.querySelectorAll('th')].map(t => t.getAttribute('aria-sort'));")
    return before == ["0", "1", "2"] and sizes[0] == "490.1 kB" and sizes[-1] == "0 B" and order[1] == "descending", \
        (before, sizes, order)


@case
def the_search_narrows(browser):
    tab(browser, "files")
    all_rows = len(rows(browser))
    browser.run("const s = document.getElementById('search'); s.value = 'deep'; s.dispatchEvent(new Event('input'));")
    found = rows(browser)
    browser.run("const s = document.getElementById('search'); s.value = 'no such thing'; s.dispatchEvent(new Event('input'));")
    none = browser.run("return " + TEXT)
    browser.run("const s = document.getElementById('search'); s.value = ''; s.dispatchEvent(new Event('input'));")
    return 0 < len(found) < all_rows and "Nothing matches" in none and len(rows(browser)) == all_rows, (all_rows, found)


@case
def waste_and_advice_are_there(browser):
    tab(browser, "waste")
    causes = [row[0] for row in rows(browser)]
    tab(browser, "advice")
    text = browser.run("return " + TEXT)
    return set(causes) == {"identical", "deleted-with-folder"} and "would be saved together" in text, (causes, text[:200])


@case
def light_and_dark(browser):
    color = "return getComputedStyle(document.body).backgroundColor;"
    before = browser.run(color)
    browser.run("document.getElementById('theme').click();")
    after = browser.run(color)
    browser.run("document.getElementById('theme').click();")
    return before != after and browser.run(color) == before, (before, after)


@case
def the_licence_is_there(browser):
    browser.run("document.getElementById('licences').click();")
    text = browser.run("return document.getElementById('licence-text').innerText;")
    return "Bostock" in text and "Redistribution" in text, text[:80]


@case
def a_phone_can_read_it(browser):
    browser.size(375, 700, True)
    widths = []
    for name in browser.run("return [...document.querySelectorAll('[role=tab]')].map(t => t.id.slice(4));"):
        tab(browser, name)
        widths.append((name, browser.run("return document.documentElement.scrollWidth;")))
    browser.size(1200, 900)
    return all(width <= 375 for _, width in widths), widths


@case
def nothing_went_wrong(browser):
    return not browser.logged, browser.logged


PAIR = []


def pair(function):
    PAIR.append(function)
    return function


@pair
def two_images_are_compared(browser):
    text = browser.run("return " + TEXT)
    tab(browser, "paths")
    paths = [row[0] for row in rows(browser)]
    return "B against A" in text and "/app" in paths and "/usr" in paths, paths


@pair
def each_image_has_its_report(browser):
    browser.run("[...document.querySelectorAll('#images button')].find(b => b.innerText === 'B').click();")
    tab(browser, "files")
    paths = [row[0] for row in rows(browser)]
    return any("app/serve" in path for path in paths) and not any("usr/bin" in path for path in paths), paths


@pair
def nothing_went_wrong_with_two(browser):
    return not browser.logged and browser.run("return window.hit === undefined;"), browser.logged


def report(out, *paths):
    subprocess.run([PEEL, "report", "--no-cache", "--output", "html=" + out, *paths], check=True, timeout=TIMEOUT)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--screenshot")
    options = parser.parse_args()
    if not shutil.which("chromium"):
        print("1..0 # SKIP chromium is not installed")
        return 77
    number = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        paths = images(folder)
        browser = Browser(os.path.join(folder, "profile"))
        browser.size(1200, 900)
        print("1..%d" % (len(CASES) + len(PAIR)))
        for name, cases, of in (("one.html", CASES, paths[:1]), ("two.html", PAIR, paths)):
            page = os.path.join(folder, name)
            report(page, *of)
            browser.open(page)
            for check in cases:
                number += 1
                good, detail = check(browser)
                print("%sok %d - %s" % ("" if good else "not ", number, check.__name__.replace("_", " ")))
                if not good:
                    print("# %s" % (detail,))
                    failed += 1
                sys.stdout.flush()
        if options.screenshot:
            browser.shot(options.screenshot)
        browser.close()
    return 1 if failed else 0


sys.exit(main())
