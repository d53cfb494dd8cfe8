# SPDX-License-Identifier: Apache-2.0
"""Tables in documents that programs write, between markers:

    <!-- NAME: begin -->
    <!-- NAME: end -->
"""

import lab

PERFORMANCE = lab.ROOT / "docs" / "performance.md"


def machine_line(machine, rounds):
    """What bench_peers.machine() found, and how often it was measured."""
    return (f"{machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}, "
            f"{machine['date']}; medians of {rounds}")


def as_markdown(table):
    """The first column is text, the others are numbers."""
    head, *rows = table
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def write(name, text, file=PERFORMANCE):
    """Between the markers, and nothing else of the document."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    before, rest = file.read_text().split(begin, 1)
    _, after = rest.split(end, 1)
    file.write_text(f"{before}{begin}\n{text}\n\n{end}{after}")
