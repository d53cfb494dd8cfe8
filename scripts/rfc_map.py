#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/rfc-map.md: which requirement of the RFCs which test shows.

    scripts/rfc_map.py           says what is wrong with the map
    scripts/rfc_map.py --write   writes docs/rfc-map.md anew

The requirements are in tests/conformance/requirements.tsv. A test shows one by
citing it, as in `// RPL-05` or `# UDP-01, UDP-14`; what no test shows has its
reason in tests/conformance/not_done.tsv. Exit status 1: a requirement has
neither or both, something cites or excuses one that is not there, or the page
is not what this would write.
"""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "conformance"
PAGE = ROOT / "docs" / "rfc-map.md"

AREAS = {
    "API": "Levels of sockets (the draft)", "SPD": "Policy database", "SEL": "Selectors",
    "SAD": "Security association database", "PAD": "Peer authorization database",
    "OUT": "Outbound processing", "TUN": "Tunnel headers", "ECN": "Congestion marks",
    "IN": "Inbound processing", "ICMP": "ICMP", "FRAG": "Fragments",
    "PMTU": "Path MTU", "AUD": "Auditing", "AH": "AH", "ESP": "ESP",
    "RPL": "Sequence numbers and replays", "ALG": "Which algorithms", "CBC": "CBC and NULL",
    "CTR": "AES-CTR", "GCM": "AES-GCM and GMAC", "CCM": "AES-CCM",
    "CHA": "ChaCha20-Poly1305", "AUT": "Integrity algorithms", "IIV": "Implicit IVs",
    "UDP": "ESP in UDP", "PFK": "PF_KEY", "PFX": "PF_KEY as daemons use it",
    "OPT": "Later or optional",
}
SOURCES = {".cc", ".h", ".py", ".sh", ".c"}
CITATION = re.compile(r"(?<![-\w])([A-Z]{2,4})-(\d{2})(?:(?: to |\.\.)(?:\1-)?(\d{2}))?")
CPP_TEST = re.compile(r"^(?:TYPED_)?TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)")
PYTHON_TEST = re.compile(r"^(?:    )?def (test_\w+)|^class (\w+)\b.*:")
PYTHON_END = re.compile(r"^(?:    )?(?:def|class|async def) |^[\w@]")
MOST_NAMES = 4


def table(name):
    rows = [line.split("\t") for line in (DATA / name).read_text().splitlines()
            if line and not line.startswith("#")]
    return {row[0]: row[1:] for row in rows}


def cited_on(line):
    for area, first, last in CITATION.findall(line):
        if area in AREAS:
            for number in range(int(first), int(last or first) + 1):
                yield f"{area}-{number:02d}"


def is_comment(line):
    return line.lstrip().startswith(("//", "#", "*"))


def statements(lines):
    """(line number, text), a C++ test's two-line head in one."""
    for number, line in enumerate(lines):
        if line.startswith(("TEST", "TYPED_TEST")) and "," in line and ")" not in line:
            line += lines[number + 1].strip() if number + 1 < len(lines) else ""
        yield number, line


def is_above(line):
    """Whether the line belongs to what is below it."""
    return is_comment(line) or line.lstrip().startswith("@")


def ends_test(lines, number):
    """Whether what is behind this line belongs to no test until the next head."""
    below = lines[number + 1] if number + 1 < len(lines) else ""
    return lines[number] == "}" and not below


def test_names(lines, is_python):
    """The name of the test that each line belongs to."""
    heads = {}
    for number, line in statements(lines):
        if found := PYTHON_TEST.match(line) if is_python else None:
            heads[number] = found[1] or found[2]
        elif is_python and PYTHON_END.match(line):
            heads[number] = None  # a function that is no test
        elif found := CPP_TEST.match(line):
            heads[number] = f"{found[1]}.{found[2]}"
    names, current = [], None
    for number in range(len(lines)):
        current = heads.get(number, current)
        names.append(current)
        if not is_python and ends_test(lines, number):
            current = None
    # A comment is of the test that it stands above.
    for number in range(len(lines) - 2, -1, -1):
        below = number + 1
        if is_above(lines[number]) and (below in heads or is_above(lines[below])):
            names[number] = names[below]
    return names


def citations():
    """{requirement: names of the tests that show it, in order}"""
    shown = collections.defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("*")):
        if path.suffix not in SOURCES and not (path.is_file() and path.name == "CMakeLists.txt"):
            continue
        lines = path.read_text().splitlines()
        names = test_names(lines, path.suffix == ".py")
        file = str(path.relative_to(ROOT / "tests"))
        for line, name in zip(lines, names):
            for requirement in cited_on(line):
                label = f"{file}: {name}" if name else file
                if label not in shown[requirement]:
                    shown[requirement].append(label)
    return shown


def complaints(requirements, shown, not_done):
    for requirement in requirements:
        if requirement not in shown and requirement not in not_done:
            yield f"{requirement}: no test cites it and not_done.tsv has no reason"
        if requirement in shown and requirement in not_done:
            yield f"{requirement}: not_done.tsv has a reason, but {shown[requirement][0]} shows it"
    for requirement, where in shown.items():
        if requirement not in requirements:
            yield f"{requirement}: {where[0]} cites it, but there is no such requirement"
    for requirement in not_done:
        if requirement not in requirements:
            yield f"{requirement}: not_done.tsv excuses it, but there is no such requirement"
        if not any(not_done[requirement]):
            yield f"{requirement}: not_done.tsv gives no reason"


def row_of(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def cell(names):
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(f"`{name}`" for name in names[:MOST_NAMES]) + more


def page(requirements, shown, not_done):
    lines = ["# Requirements and the tests that show them", "",
             "Made by `scripts/rfc_map.py --write`; the lint test `lint.rfc_map` holds it to what is in `tests/`. A bare",
             "section is one of the area's main document: the draft for API, RFC 4302 for AH, RFC 4303 for ESP, RFC 2367 for",
             "PFK. *Not done* is what no test shows, with the reason.", "",
             "| Area | | done | not done |", "|---|---|---|---|"]
    of = collections.defaultdict(list)
    for requirement in requirements:
        of[requirement.split("-")[0]].append(requirement)
    for area, rows in of.items():
        done = sum(row in shown for row in rows)
        lines.append(f"| [{area}](#{area.lower()}) | {AREAS[area]} | {done} | {len(rows) - done} |")
    done = sum(row in shown for row in requirements)
    lines += [f"| **all** | | {done} | {len(requirements) - done} |", ""]
    for area, rows in of.items():
        lines += [f"## {area}", "", f"{AREAS[area]}.", "",
                  "| Id | Source | Level | Requirement | Shown by |", "|---|---|---|---|---|"]
        for row in rows:
            source, level, text = requirements[row]
            reason = (not_done.get(row) or ["?"])[0]
            by = cell(shown[row]) if row in shown else f"*not done*: {reason}"
            lines.append(row_of([row, source, level, text, by]))
        lines.append("")
    return "\n".join(lines)


def main():
    requirements, not_done = table("requirements.tsv"), table("not_done.tsv")
    shown = citations()
    wrong = list(complaints(requirements, shown, not_done))
    text = page(requirements, shown, not_done)
    if "--write" in sys.argv[1:]:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        wrong.append("docs/rfc-map.md is old: run scripts/rfc_map.py --write")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
