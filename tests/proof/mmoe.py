"""The three claims of the MMoE paper's synthetic experiment, from the errors that proof-mmoe wrote:
a table, a page with plots, and for each claim whether it holds here.

    mmoe.py ERRORS.csv PAGE.html SETTING
"""
import collections
import csv
import html
import random
import statistics
import sys

NAMES = ["shared-bottom", "one-gate", "mmoe"]
COLOURS = {"shared-bottom": "#8c6d31", "one-gate": "#3182bd", "mmoe": "#31a354"}


def read(path):
    errors, parameters = collections.defaultdict(dict), {}
    for row in csv.DictReader(open(path)):
        error = (float(row["error_1"]) + float(row["error_2"])) / 2
        errors[float(row["p"]), row["network"]][int(row["run"])] = error
        parameters[row["network"]] = int(row["parameters"])
    return errors, parameters


def mean(values):
    return sum(values) / len(values)


def interval(runs, figure, samples=4000):
    """95 % of resampled runs; a run keeps its three networks, so differences stay paired."""
    draw = random.Random(7)
    seen = sorted(figure([draw.choice(runs) for _ in runs]) for _ in range(samples))
    return seen[int(0.025 * samples)], seen[int(0.975 * samples) - 1]


def claims(errors, points, runs):
    of = lambda p, name, some: mean([errors[p, name][run] for run in some])
    low, high = points[-1], points[0]  # the least related, the same task twice

    tie = lambda some: of(high, "mmoe", some) / of(high, "one-gate", some) - 1
    a, b = interval(runs, tie)
    told = [(a <= 0 <= b or abs(tie(runs)) < 0.05,
             f"at p = {high:g} one gate and many tie: mmoe's error is {100 * tie(runs):+.1f} % of one gate's "
             f"[{100 * a:+.1f}, {100 * b:+.1f}]")]

    grows = lambda name, some: of(low, name, some) / of(high, name, some) - 1
    apart = lambda some: grows("one-gate", some) - grows("mmoe", some)
    a, b = interval(runs, apart)
    told.append((a > 0, f"as p falls to {low:g} one gate degrades by {100 * grows('one-gate', runs):.1f} %, mmoe by "
                        f"{100 * grows('mmoe', runs):.1f} %: {100 * apart(runs):+.1f} apart [{100 * a:+.1f}, {100 * b:+.1f}]"))

    sd = lambda p, name: statistics.pstdev(errors[p, name].values())
    ratios = [sd(p, "shared-bottom") / max(sd(p, "one-gate"), sd(p, "mmoe")) for p in points]
    told.append((min(ratios) > 1, "the shared bottom has the widest spread over runs: "
                 + ", ".join(f"{ratio:.1f} times the next at p = {p:g}" for p, ratio in zip(points, ratios))))
    best = {name: min(min(errors[p, name].values()) for p in points) for name in NAMES}
    spread = sd(low, "shared-bottom")
    told.append((max(best.values()) - min(best.values()) < 2 * spread,
                 "the lowest errors are comparable, not more than two of its deviations apart: "
                 + ", ".join(f"{name} {best[name]:.4f}" for name in NAMES)))
    return told


def scale(top, height, value):
    return height - 30 - (height - 50) * value / top


def lines(errors, points, width=460, height=300):
    top = 1.1 * max(mean(list(errors[key].values())) + statistics.pstdev(errors[key].values()) for key in errors)
    place = lambda i: 60 + i * (width - 100) / (len(points) - 1)
    out = [f'<svg viewBox="0 0 {width} {height}" role="img"><title>mean error by p, with a deviation</title>']
    for tick in range(5):
        y = scale(top, height, top * tick / 5)
        out.append(f'<line x1="50" x2="{width - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                   f'<text x="44" y="{y + 4:.1f}" text-anchor="end">{top * tick / 5:.3f}</text>')
    for i, p in enumerate(points):
        out.append(f'<text x="{place(i):.1f}" y="{height - 10}" text-anchor="middle">p = {p:g}</text>')
    for n, name in enumerate(NAMES):
        at = [(place(i) + 5 * (n - 1), list(errors[p, name].values())) for i, p in enumerate(points)]
        path = " ".join(f"{x:.1f},{scale(top, height, mean(v)):.1f}" for x, v in at)
        out.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        for x, v in at:
            a, b = (scale(top, height, mean(v) + s * statistics.pstdev(v)) for s in (-1, 1))
            out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{a:.1f}" y2="{b:.1f}" stroke="{COLOURS[name]}"/>')
        out.append(f'<text x="{width - 130}" y="{24 + 16 * n}" fill="{COLOURS[name]}">{name}</text>')
    return "".join(out) + "</svg>"


def dots(errors, p, runs, width=460, height=300):
    """Every run as a dot: the spread, and where the best ones lie."""
    top = 1.05 * max(max(values.values()) for values in errors.values())
    out = [f'<svg viewBox="0 0 {width} {height}" role="img"><title>every run at p = {p:g}</title>']
    for tick in range(6):
        y = scale(top, height, top * tick / 5)
        out.append(f'<line x1="50" x2="{width - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                   f'<text x="44" y="{y + 4:.1f}" text-anchor="end">{top * tick / 5:.3f}</text>')
    for n, name in enumerate(NAMES):
        centre = 120 + 130 * n
        out.append(f'<text x="{centre}" y="{height - 10}" text-anchor="middle">{name}</text>')
        for i, run in enumerate(sorted(runs)):
            x = centre + 60 * ((i * 0.618) % 1 - 0.5)
            y = scale(top, height, errors[p, name][run])
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{COLOURS[name]}" fill-opacity=".6"/>')
    return "".join(out) + "</svg>"


def main():
    errors, parameters = read(sys.argv[1])
    points = sorted({p for p, _ in errors}, reverse=True)
    runs = sorted(set.intersection(*(set(values) for values in errors.values())))
    table = [f"{'p':>5} {'network':<14} {'parameters':>10} {'mean':>8} {'sd':>8} {'least':>8} {'median':>8} {'most':>8}"]
    for p in points:
        for name in NAMES:
            v = list(errors[p, name].values())
            table.append(f"{p:>5g} {name:<14} {parameters[name]:>10} {mean(v):>8.4f} {statistics.pstdev(v):>8.4f} "
                         f"{min(v):>8.4f} {statistics.median(v):>8.4f} {max(v):>8.4f}")
    told = claims(errors, points, runs)
    head = f"{len(runs)} runs a point; {sys.argv[3]}"
    print(head, *table, "", *(f"{'holds' if holds else 'DOES NOT HOLD':<14} {text}" for holds, text in told), sep="\n")
    with open(sys.argv[2], "w") as page:
        page.write("<!doctype html><html lang=en><meta charset=utf-8><title>Mixtures of experts</title><style>"
                   "body{font:15px sans-serif;max-width:60em;margin:2em auto}svg{width:30em;font:12px sans-serif}"
                   "pre{background:#f4f4f4;padding:1em;overflow-x:auto}</style>"
                   "<h1>One gate, many gates, one trunk</h1><p>Mean squared error of two tasks on fresh rows; p is the "
                   f"correlation of what they depend on. {html.escape(head)}.</p><ul>")
        page.writelines(f"<li><b>{'holds' if holds else 'does not hold'}</b>: {html.escape(text)}</li>" for holds, text in told)
        page.write("</ul>" + lines(errors, points))
        page.writelines(f"<h2>Every run at p = {p:g}</h2>" + dots(errors, p, runs) for p in points)
        page.write(f"<h2>Figures</h2><pre>{html.escape(chr(10).join(table))}</pre></html>\n")
    return 0 if all(holds for holds, _ in told) else 1


sys.exit(main())
