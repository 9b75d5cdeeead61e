#!/usr/bin/env python3
"""From the lines that `run` wrote: the table, where segno-scheme loses, what it promises, a chart.

    table.py [--svg FILE] RESULTS
"""

import argparse
import math
import sys
from html import escape

OURS = "segno-scheme"
COLOURS = {
    OURS: "#26629e",
    "guile": "#b8860b",
    "chez": "#8c8c8c",
    "racket": "#b55a5a",
    "chicken": "#5f9e6e",
    "gambit": "#8a6fb0",
}

# What one line costs as a multiple of another's, on the same system.
WITHIN = [("ctak", "tak"), ("generator-deep", "generator")]

# A name, the measured value, the bound, whether it is the least allowed or the most.
PROMISES = [
    ("ctak / tak", lambda t: t(OURS, "ctak") / t(OURS, "tak"), 3, "at most"),
    ("generator, ns a yield", lambda t: t(OURS, "generator"), 300, "at most"),
    (
        "generator-deep / generator",
        lambda t: t(OURS, "generator-deep") / t(OURS, "generator"),
        1.2,
        "at most",
    ),
    *(
        (f"Guile's {name} / ours", lambda t, n=name: t("guile", n) / t(OURS, n), 10, "at least")
        for name in ("ctak", "fibc", "tree-generator", "same-fringe")
    ),
    *(
        (f"our {name} / Guile's", lambda t, n=name: t(OURS, n) / t("guile", n), 20, "at most")
        for name in ("tak", "fib")
    ),
]


def read(path):
    """The versions by system, and the least time by system and name; results must agree."""
    versions, times, results = {}, {}, {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            kind, system, *rest = line.rstrip("\n").split("\t")
            if kind == "version":
                versions[system] = rest[0]
                continue
            name, result, time = rest
            first = results.setdefault(name, (system, result))
            if result != first[1]:
                sys.exit(f"{name}: {result} on {system}, but {first[1]} on {first[0]}")
            # Shorter than can be printed is not nothing.
            time = max(float(time), 0.01)
            times[system, name] = min(time, times.get((system, name), time))
    return versions, times, list(results)


def digits(number):
    """Two or three digits that count, and no exponent."""
    if number >= 100:
        return f"{number:,.0f}"
    if number >= 10:
        return f"{number:.1f}"
    return f"{number:.2f}" if number >= 0.1 else f"{number:.4f}"


def row(cells):
    print("| " + " | ".join(cells) + " |")


def table(versions, times, names):
    systems = list(versions)
    print("; ".join(versions.values()) + ".")
    if OURS in versions:
        print(f"In brackets, what {OURS} takes as a multiple of it; in bold where that is more than 1.")
    print()
    row(["ns"] + systems)
    row(["---"] + ["---:"] * len(systems))
    for name in names:
        cells = []
        for system in systems:
            time, ours = times.get((system, name)), times.get((OURS, name))
            if time is None:
                cells.append("—")
            elif system == OURS or ours is None:
                cells.append(digits(time))
            else:
                ratio = f"({digits(ours / time)})"
                cells.append(f"{digits(time)} " + (f"**{ratio}**" if ours > time else ratio))
        row([name] + cells)
    for one, other in WITHIN:
        if one in names and other in names:
            pairs = [(times.get((s, one)), times.get((s, other))) for s in systems]
            row([f"{one} / {other}"] + [digits(a / b) if a and b else "—" for a, b in pairs])
    print()


def losses(versions, times, names):
    """Against each system, the benchmarks that it does faster, the worst first."""
    print(f"Where {OURS} loses, and by what factor:\n")
    for system in versions:
        if system == OURS:
            continue
        both = [n for n in names if (system, n) in times and (OURS, n) in times]
        factors = sorted(((times[OURS, n] / times[system, n], n) for n in both), reverse=True)
        lost = ", ".join(f"{n} {digits(f)}" for f, n in factors if f > 1)
        print(f"- {system}, {sum(f > 1 for f, _ in factors)} of {len(both)}: {lost or 'nothing'}")
    print()


def promises(times):
    row(["promise", "bound", "measured", ""])
    row(["---", "---:", "---:", "---"])
    for text, value, bound, kind in PROMISES:
        try:
            measured = value(lambda system, name: times[system, name])
        except KeyError:
            continue
        kept = measured <= bound if kind == "at most" else measured >= bound
        row([text, f"{kind} {bound}", digits(measured), "kept" if kept else "**missed**"])
    print()


def draw(path, versions, times, names):
    """A group of bars for each benchmark; a step to the right is a factor of ten."""
    left, top, decade, thick, gap = 170, 76, 130, 9, 12
    low = math.floor(math.log10(min(times.values())))
    high = math.ceil(math.log10(max(times.values())))
    step = thick * len(versions) + gap
    bottom = top + step * len(names)
    width, height = left + decade * (high - low) + 90, bottom + 36
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        ' font-family="sans-serif" font-size="13" fill="#282828">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]

    def write(x, y, text, anchor="start", size=13):
        out.append(f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>')

    def bar(x, y, length, height, colour):
        out.append(f'<rect x="{x}" y="{y}" width="{length:.1f}" height="{height}" fill="{colour}"/>')

    write(24, 26, "Nanoseconds for a unit of work; each line to the right is ten times as long", size=18)
    x = 24
    for system in versions:
        bar(x, 46, 14, 10, COLOURS[system])
        write(x + 19, 56, system)
        x += 40 + 8 * len(system)
    for power in range(low, high + 1):
        x = left + decade * (power - low)
        out.append(f'<path d="M{x} {top - 6}V{bottom}" stroke="#dcdcdc"/>')
        text = {0: "1 ns", 3: "1 µs", 6: "1 ms", 9: "1 s"}.get(power) or f"{10.0**power:,g}"
        write(x, bottom + 18, text, "middle")
    for i, name in enumerate(names):
        y = top + step * i
        write(left - 10, y + (step - gap) / 2 + 4, name, "end")
        for j, system in enumerate(versions):
            time = times.get((system, name))
            if time is None:
                continue
            length = max(decade * (math.log10(time) - low), 1)
            bar(left, y + thick * j, length, thick - 1, COLOURS[system])
            write(left + length + 4, y + thick * (j + 1) - 2, digits(time), size=9)
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--svg")
    parser.add_argument("results")
    options = parser.parse_args()
    versions, times, names = read(options.results)
    if not times:
        sys.exit("nothing was measured")
    table(versions, times, names)
    if OURS in versions:
        losses(versions, times, names)
        promises(times)
    if options.svg:
        draw(options.svg, versions, times, names)


main()
