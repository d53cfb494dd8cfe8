#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/drop-reasons.md says what core/drop_reason.cc says. --write mends it."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "drop-reasons.md"
HEAD = """# Why packets are dropped

Every refusal has a name and a counter (`postern stats HOST`). This page is written by
`scripts/check_drop_reasons.py --write` from `core/drop_reason.cc`.

| Name | Because | Source |
|---|---|---|
"""


def page():
    source = (ROOT / "core" / "drop_reason.cc").read_text()
    rows = re.findall(r'\{R::k\w+,((?:\s*"[^"]*",?)+)\}', source)
    lines = []
    for row in rows:
        fields = re.findall(r'"([^"]*)"', row)
        name, source_section = fields[0], fields[-1]
        lines.append(f"| `{name}` | {''.join(fields[1:-1])} | {source_section} |\n")
    return HEAD + "".join(lines)


def main():
    if "--write" in sys.argv:
        PAGE.write_text(page())
    elif not PAGE.exists() or PAGE.read_text() != page():
        sys.exit("docs/drop-reasons.md is not what core/drop_reason.cc says: "
                 "run scripts/check_drop_reasons.py --write")


if __name__ == "__main__":
    main()
