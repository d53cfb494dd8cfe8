#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists the project's files: what git knows and what it does not ignore.

    scripts/source_files.py [suffix...]

Outside a git checkout (a release tarball) every file counts that is not below
build/ or a hidden folder.
"""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def from_git(root):
    if not (root / ".git").exists():
        return None
    answer = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        capture_output=True, check=False)
    if answer.returncode != 0:
        return None
    names = answer.stdout.decode().split("\0")
    return [name for name in names if name and (root / name).is_file()]


def from_disk(root):
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders
                         if name != "build" and not name.startswith(".")]
        found += [os.path.relpath(os.path.join(folder, name), root)
                  for name in names]
    return found


def source_files(root=ROOT, suffixes=()):
    """Paths relative to `root`, sorted; all files when `suffixes` is empty."""
    names = from_git(root)
    if names is None:
        names = from_disk(root)
    return sorted(name for name in set(names)
                  if not suffixes or name.endswith(tuple(suffixes)))


if __name__ == "__main__":
    print("\n".join(source_files(ROOT, sys.argv[1:])))
