# SPDX-License-Identifier: Apache-2.0
"""The README's table: a few rows of a run, a column a form of the image."""
import json
import statistics

BEGIN, END = "<!-- figures: tests/bench/run --readme -->", "<!-- end of figures -->"
FORMS = ("plain", "gzip", "zstd")
ROWS = ["first mount", "first mount: peak memory", "index on disk", "mount with an index", "find, first", "find, second",
        "du -s, first", "du -s, second", "read every file, first", "read every file, second", "read the largest file",
        "random 4 KiB: 99 of 100", "check, facts at hand", "report, facts at hand"]


def seconds(value):
    """A time that a person can read."""
    return "%.1f ms" % (value * 1e3) if value < 0.1 else "%.2f s" % value


def cell(row):
    """A figure, and its ratio to the peer's."""
    if row is None:
        return ""
    if "ratio" in row:
        return "%s, **%.2f**" % (seconds(statistics.median(row["peel_s"])), row["ratio"])
    return "%.3g %s" % (row["value"], row["unit"])


def against(rows):
    """The peers of a line, each once."""
    return "; ".join(dict.fromkeys(row["peer"] for row in rows if row and "peer" in row))


def table(run):
    """The lines of the table."""
    by_name = {(row["what"], row["form"]): row for row in run["rows"]}
    lines = ["| | plain layers | gzip | zstd | ratio to |", "|---|---|---|---|---|"]
    for what in ROWS:
        rows = [by_name.get((what, form)) for form in FORMS]
        if any(rows):
            lines.append("| %s | %s | %s |" % (what, " | ".join(map(cell, rows)), against(rows)))
    pairs = max((len(row["peel_s"]) for row in run["rows"] if "peel_s" in row), default=0)
    return lines + ["", "`%s` on %s; medians of up to %d runs, **ratios** to the peer in turn with it." % (
        run["command"], run["machine"], pairs)]


def write(path, page):
    """Replace what stands between the markers of a page by the figures of a run. Raises where there are no markers."""
    with open(path) as file:
        run = json.load(file)
    with open(page) as file:
        text = file.read()
    head, rest = text.split(BEGIN + "\n", 1)
    tail = rest.split(END, 1)[1]
    with open(page, "w") as file:
        file.write(head + "\n".join([BEGIN, ""] + table(run) + ["", END]) + tail)
