#!/usr/bin/env python3
"""Curves of hecate fewshot as one HTML file, and the verdict in words.

fewshot_report.py OUT.html TITLE=A.csv,B.csv [TITLE=...]

The first arm of the first file is the one that others are compared with, seed by seed: a difference
counts where the 95 % bootstrap interval of its mean leaves out 0.
"""
import csv
import html
import math
import random
import sys

COLOURS = ["#888", "#2b6cb0", "#c05621", "#2f855a", "#805ad5", "#b83280", "#975a16", "#319795"]
W, H, LEFT, LOW = 640, 340, 50, 40


def read(paths):
    told, order = {}, []
    for path in paths:
        with open(path) as lines:
            for row in csv.DictReader(lines):
                if row["arm"] not in order:
                    order.append(row["arm"])
                told.setdefault(row["arm"], {}).setdefault(int(row["shots"]), {})[
                    int(row["seed"])] = float(row["average_precision"])
    return told, order


def interval(values):
    draw = random.Random(1)
    n = len(values)
    means = sorted(sum(draw.choice(values) for _ in values) / n for _ in range(4000))
    # Few seeds: a percentile interval is too narrow by sqrt(n / (n - 1)).
    wide = math.sqrt(n / (n - 1)) if n > 1 else float("nan")
    mean = sum(values) / n
    return mean, mean + (means[100] - mean) * wide, mean + (means[3899] - mean) * wide


def chart(told, order):
    shots = sorted({n for arm in told.values() for n in arm})
    most = max(v for arm in told.values() for s in arm.values() for v in s.values())
    top = min(1.0, most * 1.05)

    def at(n, v):
        span = math.log(shots[-1]) - math.log(shots[0]) or 1
        return (LEFT + (W - LEFT - 10) * (math.log(n) - math.log(shots[0])) / span,
                H - LOW - (H - LOW - 10) * v / top)

    parts = [f'<svg viewBox="0 0 {W} {H}" role="img" aria-label="average precision by shots">']
    for i in range(6):
        x, y = at(shots[0], top * i / 5)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{W - 10}" y2="{y:.1f}" class="g"/>'
                     f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * i / 5:.2f}</text>')
    for n in shots:
        x, _ = at(n, 0)
        parts.append(f'<text x="{x:.1f}" y="{H - LOW + 16}" text-anchor="middle">{n}</text>')
    for arm, colour in zip(order, COLOURS):
        points = []
        for n in sorted(told[arm]):
            mean, low, high = interval(list(told[arm][n].values()))
            x, y = at(n, mean)
            points.append(f"{x:.1f},{y:.1f}")
            if not math.isnan(low):
                parts.append(f'<line x1="{x:.1f}" y1="{at(n, max(low, 0))[1]:.1f}" x2="{x:.1f}" '
                             f'y2="{at(n, min(high, top))[1]:.1f}" stroke="{colour}"/>')
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" '
                     f'stroke-width="2"><title>{html.escape(arm)}</title></polyline>')
    for i, (arm, colour) in enumerate(zip(order, COLOURS)):
        parts.append(f'<text x="{LEFT + 12}" y="{24 + 16 * i}" fill="{colour}">'
                     f'{html.escape(arm)}</text>')
    return "\n".join(parts) + "</svg>"


def verdicts(told, order):
    base = told[order[0]]
    rows, words = [], []
    for arm in order:
        cells = []
        for n in sorted(base):
            mean = sum(told[arm][n].values()) / len(told[arm][n])
            cell = f"{mean:.3f}"
            if arm != order[0]:
                apart = [told[arm][n][s] - base[n][s] for s in sorted(base[n])]
                effect, low, high = interval(apart)
                sign = "=" if not (low > 0 or high < 0) else "+" if effect > 0 else "-"
                cell += f" ({effect:+.3f}, {low:+.3f} to {high:+.3f}) {sign}"
                if n <= 20:
                    words.append((arm, n, effect, sign))
            cells.append(cell)
        rows.append((arm, cells))
    return rows, words


def main():
    out = sys.argv[1]
    body = []
    for given in sys.argv[2:]:
        title, paths = given.split("=", 1)
        told, order = read(paths.split(","))
        rows, words = verdicts(told, order)
        shots = sorted(told[order[0]])
        seeds = len(told[order[0]][shots[0]])
        body.append(f"<h2>{html.escape(title)}</h2>\n<p>{seeds} seeds; average precision; in "
                    f"brackets the paired difference from {html.escape(order[0])} with its 95 % "
                    "interval.</p>\n" + chart(told, order))
        body.append("<table><tr><th>shots</th>" + "".join(f"<th>{n}</th>" for n in shots) + "</tr>" +
                    "".join(f"<tr><th>{html.escape(arm)}</th>" +
                            "".join(f"<td>{c}</td>" for c in cells) + "</tr>"
                            for arm, cells in rows) + "</table>")
        print(f"{title}: average precision ({seeds} seeds)")
        for arm, cells in [("shots", [str(n) for n in shots])] + rows:
            print(f"  {arm:24s}" + "  ".join(f"{c:42s}" for c in cells))
        for arm, n, effect, sign in words:
            how = {"+": "better than", "-": "worse than", "=": "no different from"}[sign]
            sentence = f"At {n} shots {arm} is {how} {order[0]} ({effect:+.3f})."
            body.append(f"<p>{html.escape(sentence)}</p>")
            print("  " + sentence)
    with open(out, "w") as to:
        to.write("<!doctype html><html lang=en><meta charset=utf-8><title>Few shots</title><style>"
                 "body{font:15px system-ui;max-width:60em;margin:2em auto;padding:0 1em}"
                 "svg{max-width:640px;font-size:12px}svg text{fill:currentColor}.g{stroke:#8884}"
                 "td,th{padding:.2em .5em;text-align:left;font-size:13px}"
                 "@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}}</style>\n" +
                 "<h1>Few shots</h1>\n" + "\n".join(body) + "</html>\n")
    print(f"report: {out}")


main()
