#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws bar charts of what scripts/bench-peers --json kept.

    bench/plot.py FILE [FOLDER]      docs/performance-{tcp,udp,cpu,latency}.svg

Plain SVG, written here: one bar for each tunnel and measure, medians, with their
numbers. A scale that starts at zero, always.
"""

import json
import pathlib
import sys
from xml.sax.saxutils import escape

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts" / "lab"))
import peers_report  # noqa: E402

# file: title, unit, measures as (measure, number, what the bar is called)
CHARTS = {
    "tcp": ("TCP, one stream", "Gbit/s",
            (("tcp_there", "gbit_per_s", "there"), ("tcp_back", "gbit_per_s", "back"))),
    "udp": ("UDP, highest rate with at most 0.5 % lost", "thousand packets a second",
            (("udp_64", "kpps", "64 octets"), ("udp_1400", "kpps", "packets of 1,400"))),
    "cpu": ("CPU of the tunnel, both ends, under TCP", "seconds for a gigabyte",
            (("tcp_there", "cpu_s_per_gigabyte", "there"),
             ("tcp_back", "cpu_s_per_gigabyte", "back"))),
    "latency": ("UDP question and answer", "microseconds",
                (("ask", "p50_us", "p50"), ("ask", "p99_us", "p99"))),
}
WIDTH, LEFT, RIGHT, TOP_EDGE = 720, 200, 110, 64
BAR, GAP = 16, 14
OURS, THEIRS = ("#1f6f8b", "#7fb3c4"), ("#767676", "#b4b4b4")


def bars(results, measures):
    """[(tunnel's label, is it ours, [(bar's name, value)])], without empty ones."""
    groups = []
    for name, tunnel in results["tunnels"].items():
        values = [(title, peers_report.median(results, name, (measure, number)))
                  for measure, number, title in measures]
        if any(value for _, value in values):
            groups.append((tunnel["label"], name in peers_report.OURS,
                           [(title, value or 0) for title, value in values]))
    return groups


def text(x, y, words, anchor="start", size=13, weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}" '
            f'font-weight="{weight}">{escape(words)}</text>')


def chart(title, unit, groups, footer):
    most = max(value for _, _, values in groups for _, value in values)
    scale = (WIDTH - LEFT - RIGHT) / most
    parts, y = [], TOP_EDGE
    for label, is_ours, values in groups:
        middle = y + BAR * len(values) / 2 + 5
        parts.append(text(LEFT - 10, middle, label, "end", weight="bold" if is_ours else "normal"))
        for shade, (name, value) in zip(OURS if is_ours else THEIRS, values):
            length = max(1.0, value * scale)
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 2}" '
                         f'fill="{shade}"/>')
            parts.append(text(LEFT + length + 6, y + BAR - 4,
                              f"{peers_report.shown(value)} {name}", size=11))
            y += BAR
        y += GAP
    height = y + 24
    head = ['<!-- SPDX-License-Identifier: Apache-2.0; drawn by bench/plot.py -->',
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
            f'<title>{escape(title)}</title>',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            text(16, 26, title, size=16, weight="bold"),
            text(16, 46, unit, size=12)]
    return "\n".join(head + parts + [text(16, height - 10, footer, size=10), "</svg>", ""])


def draw(results, folder=TOP / "docs"):
    """Returns (file, title) of each chart that it has written."""
    drawn = []
    for name, (title, unit, measures) in CHARTS.items():
        groups = bars(results, measures)
        if groups:
            file = folder / f"performance-{name}.svg"
            file.write_text(chart(title, unit, groups, peers_report.heading(results)))
            drawn.append((file, title))
    return drawn


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    results = json.loads(pathlib.Path(sys.argv[1]).read_text())
    for file, _ in draw(results, *map(pathlib.Path, sys.argv[2:])):
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
