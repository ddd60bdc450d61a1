# SPDX-License-Identifier: Apache-2.0
"""Rows of figures: medians and ratios of pairs, as a Markdown table and as JSON."""
import json
import statistics
import sys

# A ratio may pass its limit by this: machines are noisy.
ALLOWED = 1.05


class Report:
    """Rows in the order in which they came."""

    def __init__(self, machine, command):
        self.machine, self.command, self.rows, self.sections = machine, command, [], []

    def section(self, title):
        """Rows that follow stand under a heading."""
        self.sections.append((len(self.rows), title))

    def add(self, row, line):
        self.rows.append(row)
        print(line, file=sys.stderr, flush=True)

    def pair(self, what, form, peel, peer, peer_name, limit):
        """Seconds of peel and of a peer, measured in turn; the ratio is the median of the pairs' ratios."""
        ratios = [a / b for a, b in zip(peel, peer)]
        ratio = statistics.median(ratios)
        self.add({"what": what, "form": form, "peel_s": peel, "peer_s": peer, "peer": peer_name, "ratio": ratio,
                  "spread": [min(ratios), max(ratios)], "limit": limit,
                  "met": None if limit is None else ratio <= limit * ALLOWED},
                 "%-38s %-6s %9.4f s %9.4f s  %6.2f (limit %s)  %s" % (
                     what, form, statistics.median(peel), statistics.median(peer), ratio, limit, peer_name))

    def value(self, what, form, value, unit, limit):
        """A figure that has no peer; limit in the same unit, None: none."""
        self.add({"what": what, "form": form, "value": value, "unit": unit, "limit": limit,
                  "met": None if limit is None else value <= limit * ALLOWED},
                 "%-38s %-6s %9.2f %s (limit %s)" % (what, form, value, unit, limit))

    def line(self, row):
        met = {True: "met", False: "**not met**", None: ""}[row["met"]]
        if "ratio" in row:
            limit = "" if row["limit"] is None else "%.2f" % row["limit"]
            return "| %s | %s | %.3f s | %.3f s (%s) | %.2f (%.2f to %.2f) | %s | %s |" % (
                row["what"], row["form"], statistics.median(row["peel_s"]), statistics.median(row["peer_s"]), row["peer"],
                row["ratio"], *row["spread"], limit, met)
        limit = "" if row["limit"] is None else "%.3g %s" % (row["limit"], row["unit"])
        return "| %s | %s | %.3g %s | | | %s | %s |" % (row["what"], row["form"], row["value"], row["unit"], limit, met)

    def markdown(self):
        """The page."""
        out = ["`%s` on %s" % (self.command, self.machine)]
        starts = [start for start, _ in self.sections] + [len(self.rows)]
        for (start, title), end in zip(self.sections, starts[1:]):
            if start == end:
                continue
            out += ["", "### " + title, "", "| what | of | peel | peer | ratio (spread) | limit | |",
                    "|---|---|---|---|---|---|---|"]
            out += [self.line(row) for row in self.rows[start:end]]
        return "\n".join(out) + "\n"

    def save(self, path):
        """Everything, as JSON."""
        with open(path, "w") as file:
            json.dump({"machine": self.machine, "command": self.command, "rows": self.rows}, file, indent=1)
            file.write("\n")
