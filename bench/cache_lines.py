#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which cache lines one warm packet touches in each pipeline.

    bench/cache_lines.py [--json FILE] [--write]

valgrind's lackey tells every access to memory of
build/count/bench/instructions/postern_lines (built here); this keeps the last
packet's and sorts its lines of 64 octets:

    packet       the packet's buffer
    stack        the pipelines' own frames
    program      constants, static variables
    libraries    touched only by libcrypto and the C library: key schedules, tables
    heap         the rest, which is ours: flow, SA, counters; by who touches it
                 first. Lines that a packet touches and the next one, too, cost
                 little; those of its flow and SA are what a host with many of
                 them pays for

The instructions' own lines are counted, too. One packet of 1,408 octets of UDP,
ESP transport, AES-128-GCM by libcrypto.
"""

import argparse
import bisect
import collections
import json
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "bench"))
import instructions  # noqa: E402
import page  # noqa: E402

PROGRAM = instructions.PROGRAM.with_name("postern_lines")
LINE = 64
# valgrind loads programs below, libraries above.
PROGRAM_END = 0x4000000
ROOM = 512  # of a packet's buffer before and behind it
WAYS = ("outbound", "inbound")
AREAS = ("packet", "stack", "program", "libraries", "heap")
# Between two stores to the marker: what the trace keeps.
BETWEEN = 'index($0, " S " marker) == 1 { on = !on; print "marker"; next } on'


def where():
    """{"marker": address, "packet": (address, size), "stack": address}."""
    told = subprocess.run(["valgrind", "-q", "--tool=none", PROGRAM], check=True, text=True,
                          capture_output=True, timeout=120).stdout
    words = {line.split()[0]: line.split()[1:] for line in told.splitlines()}
    address, size = words["packet"]
    return {"marker": int(words["marker"][0], 16), "stack": int(words["stack"][0], 16),
            "packet": (int(address, 16), int(size))}


def accesses(marker):
    """The trace of the last packet: a list of lines for each way."""
    valgrind = subprocess.Popen(
        ["valgrind", "-q", "--tool=lackey", "--trace-mem=yes", "--log-fd=1", PROGRAM],
        stdout=subprocess.PIPE)
    kept = subprocess.run(["awk", "-v", f"marker={marker:08x}", BETWEEN], check=True, text=True,
                          stdin=valgrind.stdout, capture_output=True, timeout=600).stdout
    valgrind.stdout.close()
    if valgrind.wait():
        raise SystemExit(f"{PROGRAM.name} under lackey: exit status {valgrind.returncode}")
    windows = [w.splitlines() for w in kept.split("marker\n")]
    windows = [w for w in windows if w]
    return dict(zip(WAYS, windows[-len(WAYS):]))


class Symbols:
    """Functions of the program, by address."""

    def __init__(self, marker):
        told = subprocess.run(["nm", "-C", "-n", "--defined-only", PROGRAM], check=True,
                              text=True, capture_output=True).stdout
        table = [line.split(" ", 2) for line in told.splitlines()]
        base = marker - next(int(a, 16) for a, _, name in table if name == "postern_marker")
        functions = [(base + int(a, 16), instructions.short(name))
                     for a, kind, name in table if kind in "tTwW"]
        self.starts = [start for start, _ in functions]
        self.names = [name for _, name in functions]

    def at(self, address):
        if address >= PROGRAM_END:
            return None  # a library's
        return self.names[bisect.bisect(self.starts, address) - 1]


class Lines:
    """What one way of one packet touched."""

    def __init__(self, trace, places, symbols):
        self.code = {"own": set(), "libraries": set()}
        self.users = collections.defaultdict(list)  # line: functions, first one first
        self.written = set()
        user = None
        for entry in trace:
            kind, _, rest = entry.strip().partition(" ")
            if kind not in ("I", "L", "S", "M"):
                continue
            address, size = rest.strip().split(",")
            first = int(address, 16)
            lines = range(first // LINE, (first + int(size) - 1) // LINE + 1)
            if kind == "I":
                user = symbols.at(first)
                self.code["own" if user else "libraries"].update(lines)
                continue
            for line in lines:
                if user not in self.users[line]:
                    self.users[line].append(user)
                if kind != "L":
                    self.written.add(line)
        self.places = places

    def area(self, line):
        address, (packet, size) = line * LINE, self.places["packet"]
        if packet - ROOM <= address < packet + size + ROOM:
            return "packet"
        # The stack grows down from what main() had on it.
        if abs(address - self.places["stack"]) < 1 << 20:
            return "stack"
        if address < PROGRAM_END:
            return "program"
        return "heap" if any(self.users[line]) else "libraries"

    def told(self):
        areas, heap = collections.Counter(), collections.Counter()
        for line, users in self.users.items():
            area = self.area(line)
            areas[area] += 1
            if area == "heap":
                heap[next(user for user in users if user)] += 1
        return {"data": {a: areas[a] for a in AREAS},
                "heap_written": sum(self.area(line) == "heap" for line in self.written),
                "heap": dict(heap.most_common()),
                "code": {whose: len(lines) for whose, lines in self.code.items()}}


def row(title, told, number):
    return [title, *(str(number(told[way])) for way in WAYS)]


def tables(told):
    table = [["lines of 64 octets", *WAYS]]
    table += [row(area, told, lambda t, a=area: t["data"][a]) for area in AREAS]
    table.append(row("of the heap's, written", told, lambda t: t["heap_written"]))
    table += [row(f"instructions, {whose}", told, lambda t, w=whose: t["code"][w])
              for whose in ("own", "libraries")]
    parts = [page.as_markdown(table)]
    for way in WAYS:
        heap = ", ".join(f"{count} {name.removeprefix('postern::')}"
                         for name, count in told[way]["heap"].items())
        parts.append(f"The heap's lines {way}, by who touches them first: {heap}.")
    return "\n\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=pathlib.Path, help="keep the counts here")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    instructions.build("postern_lines")
    places = where()
    symbols = Symbols(places["marker"])
    told = {way: Lines(trace, places, symbols).told()
            for way, trace in accesses(places["marker"]).items()}
    if options.json:
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    print(tables(told))
    if options.write:
        page.write("cache-lines", tables(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
