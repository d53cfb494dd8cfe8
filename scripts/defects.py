#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/defects.md: which defect of another stack which test looks for here.

    scripts/defects.py           says what is wrong with the page
    scripts/defects.py --write   writes docs/defects.md anew

The defects are in tests/conformance/defects.tsv. A test looks for one by citing
it, as in `// DEF-36`; what no test can look for has its reason in
tests/conformance/not_done.tsv. Exit status 1: a defect has neither or both,
something cites or excuses one that is not there, a row has an empty cell, or the
page is not what this would write.
"""

import sys

import citations
from citations import row_of

AREAS = {"DEF"}
INTRODUCTION = """# Defects of other stacks, and the tests that look for them here

Made by `scripts/defects.py --write` from `tests/conformance/defects.tsv`; the lint test `lint.defects` holds it to what
is in `tests/`. Each row is a defect that another IPsec or tunnelling stack had, or still has; what must hold for Postern
not to have it; and the tests that would notice. Names are commits of that project, numbers behind a `#` its issues.
"""


def bad_rows(defects):
    for one, row in defects.items():
        if len(row) != 2 or not all(cell.strip() for cell in row):
            yield f"{one}: defects.tsv must say what it was and what must hold, and no more"


def page(defects, shown, not_done):
    lines = [*INTRODUCTION.splitlines(), "",
             "| Id | Whose defect | What must hold | Looked for by |", "|---|---|---|---|"]
    for one, row in defects.items():
        if one in shown:
            by = ", ".join(f"`{name}`" for name in shown[one])
        else:
            by = f"*not here*: {(not_done.get(one) or ['?'])[0]}"
        lines.append(row_of([one, *row, by]))
    return "\n".join(lines) + "\n"


def main():
    defects = citations.table("defects.tsv")
    not_done = citations.reasons(lambda one: one.startswith("DEF-"))
    shown = citations.citations(AREAS)
    wrong = [*bad_rows(defects), *citations.complaints("defect", defects, shown, not_done)]
    return citations.hold("defects.md", page(defects, shown, not_done), "defects.py", wrong)


if __name__ == "__main__":
    sys.exit(main())
