#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds every #include to the layer table.

    scripts/check_layers.py [root]

Who may include whom is data: the layer(... DEPENDS ...) lines of
CMakeLists.txt, and the tables below for what is not a layer() and for headers
that are not ours. Also refused: a cycle of layers or of files, and memcmp() or
its like where keys and ICVs are compared (it tells by its time how much was equal).

Prints one line per finding; exit status 1 if there is one.
"""

import pathlib
import re
import sys

import source_files

# What is linked by its own CMakeLists.txt and not by layer().
PROGRAMS = {
    "sockapi": {"core", "control"},
    "cli": {"core", "control", "offline"},
    "daemon": {"core", "esp", "ah", "sadb", "policy", "pipeline", "tun",
               "wire", "state", "control", "settings"},
}

# These may include anything.
UNBOUND = {"tests", "bench", "examples"}

# Headers of others: (prefix of the header, where it may be included).
THIRD_PARTY = [
    ("openssl/", ["core/crypto/"]),
    ("intel-ipsec-mb.h", ["core/crypto/ipsec_mb/"]),
    ("spdlog/", ["core/log"]),
    ("sanitizer/", ["core/rcu"]),
    ("urcu", ["core/rcu", "sadb/", "policy/"]),
    ("bpf/", ["tun/"]),
    ("sqlite3.h", ["state/"]),
    ("boost/", ["daemon/"]),
    ("toml++/", ["settings/"]),
    ("CLI/", ["cli/"]),
    ("nlohmann/", ["cli/", "daemon/"]),
    ("linux/", ["tun/", "wire/"]),
    # Only what includes postern/ipsec.h as a program would.
    ("postern/", ["sockapi/"]),
]

# The layers that do no I/O, start no thread and read no clock.
PURE = ("esp/", "ah/", "pipeline/")
IMPURE_HEADERS = re.compile(
    r"(sys/(socket|ioctl|epoll|mman|uio|un|eventfd|timerfd)|unistd|fcntl|poll|"
    r"time|pthread)\.h|ctime|cstdio|iostream|fstream|thread|mutex|filesystem|"
    r"future|condition_variable|shared_mutex")

# Whoever adds a dependency adds it to a table above, not in passing.
LIBC = re.compile(
    r"(sys|net|netinet|arpa|bits|asm)/\w+\.h|(assert|ctype|dirent|dlfcn|endian|"
    r"errno|fcntl|getopt|grp|ifaddrs|limits|netdb|poll|pthread|pwd|sched|"
    r"signal|spawn|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|"
    r"strings|syslog|termios|time|unistd)\.h")
STANDARD = re.compile(r"[a-z_]+")

CONSTANT_TIME = ("core/crypto/", "esp/", "ah/")
EARLY_ENDING = re.compile(
    r"\b(memcmp|bcmp|strn?cmp|(?:std::|ranges::)(?:equal|mismatch)|"
    r"lexicographical_compare(?:_three_way)?)\s*\(")

LAYER = re.compile(r"^\s*layer\(\s*(\w+)([^)]*)\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)
COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def layer_table(cmake_text):
    """{folder: folders it may include from}, itself among them."""
    text = re.sub(r"#[^\n]*", "", cmake_text)
    table = {}
    for name, rest in LAYER.findall(text):
        words = re.split(r"\b(DEPENDS|PUBLIC|PRIVATE)\b", rest)
        depends = words[words.index("DEPENDS") + 1] if "DEPENDS" in words else ""
        table[name] = set(depends.split())
    table.update({name: set(below) for name, below in PROGRAMS.items()})
    return {name: below | {name} for name, below in table.items()}


def first_cycle(graph):
    """A path [a, b, ..., a] in {node: next nodes}, or None."""
    done = set()
    for start in sorted(graph):
        path, stack = [], [(start, iter(sorted(graph[start])))]
        if start in done:
            continue
        path.append(start)
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                done.add(path.pop())
            elif following in path:
                return path[path.index(following):] + [following]
            elif following in graph and following not in done:
                path.append(following)
                stack.append((following, iter(sorted(graph[following]))))
    return None


def third_party_finding(path, header):
    for prefix, places in THIRD_PARTY:
        if header.startswith(prefix):
            if path.startswith(tuple(places)):
                return None
            return f"<{header}> may only be included in {', '.join(places)}"
    if path.startswith(PURE) and IMPURE_HEADERS.fullmatch(header):
        return f"<{header}>: this layer does no I/O and knows no clock"
    if STANDARD.fullmatch(header) or LIBC.fullmatch(header):
        return None
    return f"<{header}> is in no table of scripts/check_layers.py"


def own_finding(path, header, table):
    folder, target = path.split("/")[0], header.split("/")[0]
    if "/" not in header or target not in table:
        return f'"{header}": name it from the top of the tree, or in <>'
    if target not in table[folder]:
        allowed = ", ".join(sorted(table[folder] - {folder})) or "nothing"
        return (f'"{header}" breaks the layers: {folder}/ may include from '
                f"{allowed} and itself")
    return None


def check(root):
    table = layer_table((root / "CMakeLists.txt").read_text())
    findings = []
    cycle = first_cycle({name: below - {name}
                         for name, below in table.items()})
    if cycle:
        findings.append("CMakeLists.txt: layers in a circle: " +
                        " -> ".join(cycle))

    includes = {}
    checked = 0
    for path in source_files.source_files(root, (".h", ".cc", ".c")):
        folder = path.split("/")[0]
        if folder in UNBOUND:
            continue
        if folder not in table:
            findings.append(f"{path}: {folder}/ is no layer of CMakeLists.txt")
            continue
        checked += 1
        text = (root / path).read_text()
        includes[path] = set()
        for match in INCLUDE.finditer(text):
            ours, header = match[1] == '"', match[2]
            if ours:
                includes[path].add(header)
            finding = (own_finding(path, header, table) if ours
                       else third_party_finding(path, header))
            if finding:
                line = text.count("\n", 0, match.start(2)) + 1
                findings.append(f"{path}:{line}: {finding}")
        if path.startswith(CONSTANT_TIME):
            code = COMMENT_OR_STRING.sub(
                lambda found: "\n" * found[0].count("\n"), text)
            for match in EARLY_ENDING.finditer(code):
                line = code.count("\n", 0, match.start()) + 1
                findings.append(f"{path}:{line}: {match[1]}() near keys and ICVs: "
                                "use ConstantTimeEqual()")
    cycle = first_cycle(includes)
    if cycle:
        findings.append("files include each other: " + " -> ".join(cycle))
    if checked == 0:
        findings.append(f"no source file found below {root}")
    return findings, checked


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else source_files.ROOT)
    findings, checked = check(root.resolve())
    for finding in findings:
        print(finding)
    print(f"{checked} files checked, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
