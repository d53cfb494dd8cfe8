# SPDX-License-Identifier: Apache-2.0
"""What tests cite, and pages that say so: shared by rfc_map.py and defects.py.

A test cites an id in a comment of its own, as in `// RPL-05`, `# UDP-01, UDP-14`
or `// DEF-08b`. The ids are the first column of a table in tests/conformance;
what no test shows has its reason in not_done.tsv there.
"""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "conformance"

SOURCES = {".cc", ".h", ".py", ".sh", ".c"}
CITATION = re.compile(
    r"(?<![-\w])([A-Z]{2,4})-(\d{2})(?:([a-z])\b|(?: to |\.\.)(?:\1-)?(\d{2}))?")
CPP_TEST = re.compile(r"^(?:TYPED_)?TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)")
PYTHON_TEST = re.compile(r"^(?:    )?def (test_\w+)|^class (\w+)\b.*:")
PYTHON_END = re.compile(r"^(?:    )?(?:def|class|async def) |^[\w@]")


def table(name):
    """{id: the other columns} of a table."""
    rows = [line.split("\t") for line in (DATA / name).read_text().splitlines()
            if line and not line.startswith("#")]
    return {row[0]: row[1:] for row in rows}


def reasons(is_mine):
    """The rows of not_done.tsv whose id is."""
    return {one: row for one, row in table("not_done.tsv").items() if is_mine(one)}


def cited_on(line, areas):
    for area, first, letter, last in CITATION.findall(line):
        if area in areas:
            for number in range(int(first), int(last or first) + 1):
                yield f"{area}-{number:02d}{letter}"


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


def citations(areas):
    """{id: names of the tests that show it, in order}"""
    shown = collections.defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("*")):
        if path.suffix not in SOURCES and not (path.is_file() and path.name == "CMakeLists.txt"):
            continue
        lines = path.read_text().splitlines()
        names = test_names(lines, path.suffix == ".py")
        file = str(path.relative_to(ROOT / "tests"))
        for line, name in zip(lines, names):
            for cited in cited_on(line, areas):
                label = f"{file}: {name}" if name else file
                if label not in shown[cited]:
                    shown[cited].append(label)
    return shown


def complaints(kind, ids, shown, not_done):
    for one in ids:
        if one not in shown and one not in not_done:
            yield f"{one}: no test cites it and not_done.tsv has no reason"
        if one in shown and one in not_done:
            yield f"{one}: not_done.tsv has a reason, but {shown[one][0]} shows it"
    for one, where in shown.items():
        if one not in ids:
            yield f"{one}: {where[0]} cites it, but there is no such {kind}"
    for one, row in not_done.items():
        if one not in ids:
            yield f"{one}: not_done.tsv excuses it, but there is no such {kind}"
        if not any(row):
            yield f"{one}: not_done.tsv gives no reason"


def row_of(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def hold(page, text, script, wrong):
    """Writes the page (--write) or compares it, and prints what is wrong: the exit status."""
    path = ROOT / "docs" / page
    if "--write" in sys.argv[1:]:
        path.write_text(text)
    elif not path.exists() or path.read_text() != text:
        wrong.append(f"docs/{page} is old: run scripts/{script} --write")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0
