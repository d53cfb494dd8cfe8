#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples must contain the draft's fragments as they were printed.

    fragments_test.py <examples folder> <fragments folder>

<fragments folder>/<name>.in holds the lines of draft-mcdonald-simple-ipsec-
api-01 between the two "..." of a fragment, without its page breaks.
"""

import pathlib
import sys


def main():
    examples, fragments = map(pathlib.Path, sys.argv[1:3])
    printed = sorted(fragments.glob("*.in"))
    missing = [
        fragment.stem for fragment in printed
        if fragment.read_text() not in
        (examples / f"{fragment.stem}.c").read_text()]
    for name in missing:
        print(f"{name}.c does not contain {name}.in")
    return 1 if missing or len(printed) != 3 else 0


if __name__ == "__main__":
    sys.exit(main())
