#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header must compile on its own, and twice.

    scripts/check_headers.py build-folder [header...]

Compiles each header alone, below build-folder/headers, with the flags that the
build folder's compile_commands.json has for a source file of the same folder
(through ccache if that is built so, which makes the second time quick).
Exit status 1 if one does not compile.
"""

import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys

import source_files

ROOT = source_files.ROOT
# What the flags of a compilation carry besides warnings and paths.
WITH_ARGUMENT = {"-o", "-c", "-MF", "-MT", "-MQ"}
ALONE = {"-MD", "-MMD", "-g"}


def launcher_of(build):
    """ccache, if the folder compiles through it: compile_commands.json leaves it out."""
    cache = build / "CMakeCache.txt"
    settings = dict(line.split("=", 1) for line in
                    (cache.read_text().splitlines() if cache.exists() else ())
                    if line.startswith("POSTERN_CCACHE"))
    program = settings.get("POSTERN_CCACHE_PROGRAM:FILEPATH", "")
    wanted = settings.get("POSTERN_CCACHE:BOOL") == "ON"
    return [program] if wanted and pathlib.Path(program).is_file() else []


def flags_by_folder(build):
    """{folder: (directory, compiler and flags)} of some C++ file in it."""
    commands = json.loads((build / "compile_commands.json").read_text())
    flags, launcher = {}, launcher_of(build)
    for entry in commands:
        path = pathlib.Path(entry["directory"], entry["file"])
        if path.suffix != ".cc" or ROOT not in path.parents:
            continue
        words = shlex.split(entry["command"])
        kept, skip = list(launcher), False
        for word in words:
            if skip or word in WITH_ARGUMENT:
                skip = not skip
            elif word not in ALONE:
                kept.append(word)
        folder = path.parent.relative_to(ROOT)
        while str(folder) != ".":
            flags.setdefault(str(folder), (entry["directory"], kept))
            folder = folder.parent
    return flags


def nearest(flags, header):
    folder = pathlib.PurePath(header).parent
    while str(folder) != ".":
        if str(folder) in flags:
            return flags[str(folder)]
        folder = folder.parent
    return flags["core"]


def errors_of(header, flags, build):
    """What the compiler says to this header alone; "" when nothing."""
    directory, command = nearest(flags, header)
    source = build / "headers" / f"{header}.cc"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(f'#include "{ROOT / header}"\n' * 2)
    answer = subprocess.run(
        command + ["-Werror", "-c", source, "-o", f"{source}.o"],
        text=True, cwd=directory, capture_output=True, check=False)
    return answer.stderr if answer.returncode else ""


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    flags = flags_by_folder(build)
    headers = sys.argv[2:] or source_files.source_files(ROOT, (".h",))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda header: errors_of(header, flags,
                                                         build), headers))
    failed = 0
    for header, errors in zip(headers, answers):
        if errors:
            failed += 1
            print(f"{header} does not compile on its own:\n{errors}")
    print(f"{len(headers)} headers checked, {failed} findings")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
