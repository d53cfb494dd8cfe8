#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules about one file at a time that need no compiler.

    scripts/check_source.py spdx|shape|names [root]

spdx   every source file starts with its licence
shape  files of at most 400 lines (tests 600), functions of at most 60
names  include guards after the path; no Manager, Handler, Helper, Util, Impl,
       do_ or process_; no bool parameters: an enum with two names

Prints one line per finding; exit status 1 if there is one.
"""

import pathlib
import re
import sys

import source_files

CXX = (".h", ".cc", ".c")
SPDX = "SPDX-License-Identifier: Apache-2.0"
MAX_FILE = 400
MAX_TEST_FILE = 600  # a list of sentences, not a thing with parts
MAX_FUNCTION = 60

# Formats without comments, texts for people, and data.
UNMARKED = re.compile(
    r".*\.(json|jsonl|md|txt|pcap|hex|in|supp)|LICENSE|.*/corpus/.*|"
    r"\.(gitignore|clang-format|clang-tidy|gitattributes)|.*\.service")

# clang-format puts a function's braces where this finds them: its head starts
# in the first column (or the third, inside a class) and so does its last line.
FUNCTION_END = re.compile(r"( {2})?\}$")
NOT_A_FUNCTION = re.compile(
    r"\s*(namespace|class|struct|union|enum|extern|using|template<|#|\}|//|"
    r"(inline )?(static )?(constexpr|const) [^(]*\{$)")

BAD_TYPE = re.compile(
    r"\b(?:class|struct|enum class|enum|concept)\s+"
    r"(\w*(?:Manager|Handler|Helper|Utils?|Impl))\b")
BAD_FUNCTION = re.compile(r"\b((?:do|process)_[a-z]\w*)\s*\(")
BAD_FILE = re.compile(r"(^|_)(manager|handler|helper|utils?|impl)s?(_|\.)")
# One called `value` is what is stored or told, not a switch.
BOOL_PARAMETER = re.compile(
    r"[(,]\s*(?:const\s+)?bool\s+(?!value\b)[a-z_]\w*\s*[,)=]")


def check_spdx(path, text):
    if UNMARKED.fullmatch(path):
        return
    lines = text.splitlines()[:2]
    if lines and lines[0].startswith("#!"):
        lines = lines[1:]
    if not lines or SPDX not in lines[0]:
        yield 1, f"the first line must say {SPDX}"


def functions(lines):
    """(first line, length) of each function definition, counted from 1."""
    for indent in ("", "  "):
        start = None
        for number, line in enumerate(lines, 1):
            if not line.startswith(indent) or line[len(indent):][:1] in ("", " "):
                continue
            if line == indent + "}":
                if start is not None:
                    yield start, number - start + 1
                start = None
            elif NOT_A_FUNCTION.match(line):
                start = None
            elif start is None or not line.rstrip().endswith(":"):
                start = number


def check_shape(path, text):
    if not path.endswith(CXX):
        return
    lines = text.splitlines()
    most = MAX_TEST_FILE if path.startswith("tests/") else MAX_FILE
    if len(lines) > most:
        yield 1, f"{len(lines)} lines (at most {most}): it is two things"
    for start, length in functions(lines):
        if length > MAX_FUNCTION:
            yield start, f"a function of {length} lines (at most {MAX_FUNCTION})"


def guard_of(path):
    # The one header that is installed is included as <postern/...>.
    words = re.sub(r"\W", "_", path).upper()
    words = re.sub(r"^(SOCKAPI_)?(INCLUDE_)?POSTERN_", "", words)
    return f"POSTERN_{words}_"


def check_names(path, text):
    if not path.endswith(CXX):
        return
    if BAD_FILE.search(pathlib.PurePath(path).name):
        yield 1, "the file's name does not say what is in it"
    if path.endswith(".h") and f"#ifndef {guard_of(path)}\n" not in text:
        yield 1, f"the include guard must be {guard_of(path)}"
    for number, line in enumerate(text.splitlines(), 1):
        code = re.sub(r"//.*", "", line)
        for pattern in (BAD_TYPE, BAD_FUNCTION):
            for match in pattern.finditer(code):
                yield number, f"{match[1]}: a name that says nothing"
        if path.endswith(".h") and BOOL_PARAMETER.search(code):
            yield number, "a bool parameter: make it an enum with two names"


RULES = {"spdx": check_spdx, "shape": check_shape, "names": check_names}


def main():
    rule = RULES[sys.argv[1]]
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else source_files.ROOT)
    checked = findings = 0
    for path in source_files.source_files(root):
        try:
            text = (root / path).read_text()
        except UnicodeDecodeError:
            continue
        checked += 1
        for line, finding in rule(path, text):
            print(f"{path}:{line}: {finding}")
            findings += 1
    print(f"{checked} files checked, {findings} findings")
    return 1 if findings or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
