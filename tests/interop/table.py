# SPDX-License-Identifier: Apache-2.0
"""What came out, as a table in Markdown, which is also readable as text."""

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
    """results: (case, outcome, why) of each. The numbers are cases that passed."""
    columns = [p for p in cases.PROTOCOLS if any(c.protocol == p for c, _, _ in results)]
    rows, cells = [], {}
    for case, outcome, _ in results:
        row = case.suite.name
        if row not in rows:
            rows.append(row)
        cells.setdefault((row, case.protocol), []).append(outcome)
    lines = [["algorithms", *columns]]
    lines += [[row, *(_cell(cells.get((row, column), [])) for column in columns)] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["| " + " | ".join(part.ljust(width) for part, width in zip(line, widths)) + " |"
            for line in lines]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)
