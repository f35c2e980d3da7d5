"""A dashboard that Grafana can import and people can read, and its names in a live scrape.

dashboard.py DASHBOARD EXPRS_OUT     checks it; writes its queries as recording rules for promtool
dashboard.py --names SCRAPE FILE...  every metric and label value that the files name is in the scrape
"""

import json
import re
import sys


def fail(sentence):
    sys.exit(f"failed: {sentence}")


def check(path, out):
    board = json.load(open(path))
    panels = board["panels"]
    if board["uid"] != "hecate" or len({p["id"] for p in panels}) != len(panels):
        fail("the dashboard's uid is not stable, or two panels share an id")
    cells = set()
    for panel in panels:
        grid = panel["gridPos"]
        mine = {
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        }
        if mine & cells or grid["x"] + grid["w"] > 24:
            fail(f"{panel['title']} lies on another panel or beyond the edge")
        cells |= mine
    shown = [p for p in panels if p["type"] != "row"]
    known = {"timeseries", "stat", "heatmap", "state-timeline", "table"}
    exprs = []
    for panel in shown:
        if panel["type"] not in known:
            fail(f"{panel['title']}: {panel['type']} is not a panel of Grafana itself")
        if not panel["description"] or not panel["fieldConfig"]["defaults"]["unit"]:
            fail(f"{panel['title']} has no description or no unit")
        for thing in [panel, *panel["targets"]]:
            if thing["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
                fail(f"{panel['title']} names a data source")
        if not panel["targets"]:
            fail(f"{panel['title']} asks nothing")
        exprs += [t["expr"] for t in panel["targets"]]
    names = [v["name"] for v in board["templating"]["list"]]
    if names != ["datasource", "job", "instance"]:
        fail(f"the choices at the top are {names}")
    with open(out, "w") as rules:
        rules.write("groups:\n  - name: panels\n    rules:\n")
        for i, expr in enumerate(exprs):
            expr = expr.replace("$__rate_interval", "5m").replace("'", "''")
            rules.write(f"      - record: panel:{i}\n        expr: '{expr}'\n")


SELECTOR = re.compile(r"\b((?:hecate|process)_[a-z0-9_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'([a-z_]+)(=~|!=|=)"([^"]*)"')


def names(scrape, files):
    series = []
    for line in open(scrape):
        found = re.match(r"([a-zA-Z_:]\w*)(?:\{(.*)\})? ", line)
        if found and not line.startswith("#"):
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found[2] or ""))
            series.append((found[1], labels))
            if found[1].endswith("_bucket"):  # what prose calls the histogram
                series.append((found[1][: -len("_bucket")], labels))
    asked = set()
    for path in files:
        for name, matchers in SELECTOR.findall(open(path).read().replace('\\"', '"')):
            asked.add((name, tuple(MATCHER.findall(matchers))))
    if len(asked) < 40:
        fail(f"only {len(asked)} metrics are named: the files are not what they should be")
    for name, matchers in sorted(asked):
        if not any(s[0] == name for s in series):
            fail(f"{name} is named and stands in no scrape")
        for label, how, value in matchers:
            if label in ("job", "instance"):  # the scraper's own
                continue
            for one in value.split("|") if how == "=~" else [value]:
                if not any(s[0] == name and s[1].get(label) == one for s in series):
                    fail(f'{name}{{{label}="{one}"}} is named and stands in no scrape')
    print(f"{len(asked)} selectors, all in the scrape")


if sys.argv[1] == "--names":
    names(sys.argv[2], sys.argv[3:])
else:
    check(sys.argv[1], sys.argv[2])
