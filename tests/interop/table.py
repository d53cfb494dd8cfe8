# SPDX-License-Identifier: Apache-2.0
"""What came out, as a table in Markdown, which is also readable as text."""

import re

import cases

ORDER = ("FAILED", "ok", "not built", "not in Linux")


def _cell(outcomes):
    """outcomes: of all cases with this suite and protocol."""
    count = {word: sum(o == word for o in outcomes) for word in ORDER}
    if not outcomes:
        return ""
    if count["FAILED"]:
        return f"**{count['FAILED']} of {len(outcomes)} FAILED**"
    if count["ok"]:
        return str(count["ok"])
    return "not built" if count["not built"] else "Linux: no"


def markdown(results):
    """results: (case, outcome, why) of each. The numbers are cases that passed; suites
    that could not be tried at all have no row."""
    columns = [p for p in cases.PROTOCOLS if any(c.protocol == p for c, _, _ in results)]
    rows, cells = [], {}
    for case, outcome, _ in results:
        row = case.suite.name
        if row not in rows:
            rows.append(row)
        cells.setdefault((row, case.protocol), []).append(outcome)
    lines = [["algorithms", *columns]]
    lines += [[row, *(_cell(cells.get((row, column), [])) for column in columns)] for row in rows
              if any(o in ("ok", "FAILED") for c in columns for o in cells.get((row, c), []))]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["| " + " | ".join(part.ljust(width) for part, width in zip(line, widths)) + " |"
            for line in lines]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def missing(ours, theirs):
    """Which algorithms were not tried: lines. Both: {algorithm: what its side said}"""
    lines = []
    for words, which in (("Postern does not have", ours), ("Linux does not have", theirs)):
        if which:
            lines.append(f"{words}: " + ", ".join(sorted(a.name for a in which)) + ".")
    # Another sentence than "is no ... algorithm here" is news.
    lines += [f"Postern says of {a.name}: {why.splitlines()[-1]}"
              for a, why in ours.items() if "algorithm here" not in why]
    lines += [f"Not tried: {name} (tests/interop/cases.py)."
              for name, there in cases.CAPABILITIES.items() if not there]
    return lines


def write(path, text):
    """Puts the text where the document has the last one."""
    document = path.read_text(encoding="utf-8")
    marks = "<!-- by scripts/interop --all --write -->", "<!-- end -->"
    pattern = re.escape(marks[0]) + ".*" + re.escape(marks[1])
    new, count = re.subn(pattern, lambda _: f"{marks[0]}\n\n{text}\n\n{marks[1]}", document,
                         flags=re.S)
    if count != 1:
        raise ValueError(f"{path} has no place for the table")
    path.write_text(new, encoding="utf-8")
