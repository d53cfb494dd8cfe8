#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions that a packet costs, and compares with what it cost.

    bench/instructions.py [--write] [--json FILE] [--tolerance PERCENT]

Times on a shared machine are noise; instructions are not. callgrind runs
build/count/bench/instructions/postern_count (built here) and this divides what
it saw by the packets, for each step of a packet's life:

    own          instructions of our own code: what is compared
    calls        out of our own code into libraries: compared, too
    allocations  operator new: compared, too
    crypto       instructions in libcrypto, for information: a Debian update may
                 change them
    libraries    the same for the C and C++ libraries

Exit status 1, with a sentence for each, if a step costs more than
bench/instructions.json says, by more than the tolerance; and if it costs that
much less, too, so that the file follows what is gained: --write writes it.
77, which ctest calls skipped, if another compiler than the file's made the code.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts" / "lab"))
import page  # noqa: E402
KEPT = TOP / "bench" / "instructions.json"
PROGRAM = TOP / "build" / "count" / "bench" / "instructions" / "postern_count"
COMPARED = {"own": "own instructions", "calls": "calls into libraries",
            "allocations": "allocations"}
# Below that a difference is the odd branch, whatever the percentage says.
LEAST = {"own": 2.0, "calls": 0.25, "allocations": 0.1}
# Functions worth a line in the file: instructions for a packet.
WORTH = 4.0
SKIPPED = 77


def owner(path):
    name = pathlib.PurePath(path).name
    if name == PROGRAM.name:
        return "own"
    return "crypto" if name.startswith("libcrypto") else "libraries"


def short(function):
    """The qualified name without arguments, return type and template's tail."""
    name = re.sub(r"\(anonymous namespace\)", "(anonymous)", function)
    name = re.split(r"(?<!operator)\((?!anonymous)", name)[0]
    return re.sub(r"<.*>", "<>", name).split(" ")[-1]


class Profile:
    """One dump of callgrind, written with --compress-strings=no."""

    def __init__(self, text):
        self.instructions = collections.Counter()  # by owner
        self.functions = collections.Counter()     # our own
        self.calls = self.allocations = 0
        self.step = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
        self.step = self.step[1] if self.step else None
        at = function = called = whose = ""
        is_call = False
        for line in text.splitlines():
            key, _, value = line.partition("=")
            if key == "ob":
                at = owner(value)
            elif key == "fn":
                function, called, whose = value, "", at
            elif key == "cob":
                whose = owner(value)
            elif key == "cfn":
                called = value
            elif key == "calls":
                self.count_calls(int(value.split()[0]), at, whose, called)
                is_call, whose = True, at
            elif line[:1].isdigit():
                # Behind "calls=" stands what the callee cost, which is counted
                # there. A line without a cost has none.
                _, *cost = line.split()
                if cost and not is_call:
                    self.count_cost(int(cost[0]), at, function)
                is_call = False

    def count_cost(self, cost, at, function):
        self.instructions[at] += cost
        if at == "own":
            self.functions[short(function)] += cost

    def count_calls(self, count, at, whose, called):
        if at == "own" and whose != "own":
            self.calls += count
        if called.startswith("operator new"):
            self.allocations += count

    def of_a_packet(self, packets):
        each = lambda count: round(count / packets, 2)
        # Largest first, and by name: the file changes where the code does.
        functions = sorted(self.functions.items(), key=lambda item: (-item[1], item[0]))
        return {"own": round(self.instructions["own"] / packets), "calls": each(self.calls),
                "allocations": each(self.allocations),
                "crypto": round(self.instructions["crypto"] / packets),
                "libraries": round(self.instructions["libraries"] / packets),
                "functions": {name: round(cost / packets) for name, cost in functions
                              if cost / packets >= WORTH}}


def build(program=PROGRAM.name):
    built = subprocess.run([TOP / "scripts" / "build", "count", program], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if built.returncode:
        raise SystemExit(built.stdout)


def compiler():
    told = subprocess.run(["readelf", "-p", ".comment", PROGRAM], check=True, text=True,
                          capture_output=True).stdout
    return "g++ " + re.search(r"GCC: .* ([\d.]+)$", told, re.MULTILINE)[1]


def count():
    """{step: costs of a packet}."""
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run(
            ["valgrind", "-q", "--tool=callgrind", "--collect-atstart=no",
             "--compress-strings=no", "--compress-pos=no",
             f"--callgrind-out-file={folder}/dump", PROGRAM],
            check=True, text=True, capture_output=True, timeout=300).stdout
        packets = dict(line.split() for line in told.splitlines())
        profiles = [Profile(file.read_text()) for file in pathlib.Path(folder).glob("dump.*")]
    steps = {p.step: p.of_a_packet(int(packets[p.step])) for p in profiles if p.step}
    if set(steps) != set(packets):
        raise SystemExit(f"callgrind did not dump {set(packets) - set(steps)}")
    return {step: steps[step] for step in packets}


def grown(before, now):
    """The functions whose costs changed most, in words."""
    names = set(before["functions"]) | set(now["functions"])
    change = {n: now["functions"].get(n, 0) - before["functions"].get(n, 0) for n in names}
    sign = 1 if now["own"] > before["own"] else -1
    most = sorted(names, key=lambda n: sign * change[n], reverse=True)[:3]
    return ", ".join(f"{n} {change[n]:+.0f}" for n in most if sign * change[n] >= 1)


def differences(before, now, tolerance):
    """Sentences: (those of what got dearer, those of what got cheaper)."""
    dearer, cheaper = [], []
    for step in before.keys() | now.keys():
        if step not in before or step not in now:
            cheaper.append(f"{step}: a step that only "
                           f"{'the file' if step in before else 'the program'} knows")
            continue
        for key, name in COMPARED.items():
            old, new = before[step][key], now[step][key]
            if abs(new - old) <= max(LEAST[key], old * tolerance / 100):
                continue
            percent = f" ({100 * (new - old) / old:+.1f} %)" if old else ""
            where = grown(before[step], now[step]) if key == "own" else ""
            sentence = (f"{step}: a packet costs {new:g} {name} instead of {old:g}{percent}"
                        + (f"; most of it in {where}" if where else ""))
            (dearer if new > old else cheaper).append(sentence)
    return sorted(dearer), sorted(cheaper)


COLUMNS = ("own", "calls", "allocations", "crypto", "libraries")


def print_table(steps):
    print(f"{'step':26}" + "".join(f"{c:>12}" for c in COLUMNS))
    for step, costs in steps.items():
        print(f"{step:26}" + "".join(f"{costs[c]:12g}" for c in COLUMNS))


def table(steps):
    return [["step", *COLUMNS]] + [[step, *(f"{costs[c]:.0f}" for c in COLUMNS)]
                                   for step, costs in steps.items()]


def compare(kept, steps, made_by, tolerance):
    if kept["compiler"] != made_by:
        print(f"not compared: {KEPT.name} is of {kept['compiler']}, this code of {made_by}")
        return SKIPPED
    dearer, cheaper = differences(kept["steps"], steps, tolerance)
    for sentence in dearer:
        print(f"dearer: {sentence}")
    for sentence in cheaper:
        print(f"other than kept: {sentence}")
    if dearer:
        print("Make it cheaper; or, if the packet's path must cost that, say why in the "
              "commit and write it down with bench/instructions.py --write.")
    elif cheaper:
        print("Write down what was gained: bench/instructions.py --write.")
    return 1 if dearer or cheaper else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"write {KEPT.name}, and the table in docs/performance.md")
    parser.add_argument("--json", type=pathlib.Path, help="keep the counts here")
    parser.add_argument("--tolerance", type=float, default=3.0, help="percent; 3")
    options = parser.parse_args()
    build()
    if not PROGRAM.exists():
        print("there is no valgrind/callgrind.h to count with (Debian: valgrind)")
        return SKIPPED
    counted = {"compiler": compiler(), "steps": count()}
    print_table(counted["steps"])
    text = json.dumps(counted, indent=1) + "\n"
    if options.json:
        options.json.write_text(text)
    if options.write:
        KEPT.write_text(text)
        page.write("instructions", page.as_markdown(table(counted["steps"])))
        return 0
    return compare(json.loads(KEPT.read_text()), counted["steps"], counted["compiler"],
                   options.tolerance)


if __name__ == "__main__":
    sys.exit(main())
