#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks and prints a table, with the ratio to the bare calls of
the crypto backend in use.

    bench/report.py [--bench FILE] [--filter REGEX] [--quick] [--json FILE]
                    [--from FILE]

Medians of several repetitions, which are interleaved at random so that both
sides of a ratio meet the same noise. Build first: scripts/build release
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
OURS, BARE = "postern", ("libcrypto", "ipsec-mb")


def run(options, out):
    command = [options.bench, f"--benchmark_filter={options.filter}",
               f"--benchmark_out={out}", "--benchmark_out_format=json",
               f"--benchmark_repetitions={3 if options.quick else 7}",
               f"--benchmark_min_time={0.02 if options.quick else 0.1}",
               "--benchmark_enable_random_interleaving=true",
               "--benchmark_report_aggregates_only=true"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def medians(results):
    """{(operation, argument): {whose: (nanoseconds, octets per second)}}."""
    table = {}
    for entry in results["benchmarks"]:
        if entry.get("error_occurred"):
            raise SystemExit(f"{entry['name']}: {entry['error_message']}")
        if entry.get("aggregate_name") != "median":
            continue
        operation, *rest = entry["run_name"].split("/")
        argument = rest.pop() if rest and rest[-1].isdigit() else ""
        whose = rest.pop() if rest and rest[-1] in (OURS, *BARE) else OURS
        operation = "/".join([operation, *rest])
        scale = {"ns": 1, "us": 1e3, "ms": 1e6}[entry["time_unit"]]
        # Of one packet, where an iteration has a batch of them.
        time = entry["cpu_time"] * scale / entry.get("packets", 1)
        table.setdefault((operation, argument), {})[
            OURS if whose == OURS else BARE] = (
            time, entry.get("bytes_per_second", 0))
    return table


def transform_in(operation):
    """The transform whose bare calls a pipeline is compared with, or itself."""
    way = "out_in" if operation.startswith("pipeline_out_in_") else "out"
    for protocol, one_way, both_ways in (("esp", "esp_seal", "esp_seal_open"),
                                         ("ah", "ah_sign", "ah_sign_verify")):
        prefix = f"pipeline_{way}_{protocol}_"
        if operation.startswith(prefix):
            suite = operation.removeprefix(prefix).replace("_64_flows", "")
            return f"{both_ways if way == 'out_in' else one_way}_{suite}"
    return operation


def by_size(row):
    (operation, argument), _ = row
    return operation, int(argument or 0)


def print_table(table):
    print(f"{'operation':45} {'size':>8} {'ns':>9} {'bare':>9} "
          f"{'ratio':>6} {'Gbit/s':>7}")
    last = None
    for (operation, argument), times in sorted(table.items(), key=by_size):
        if OURS not in times:
            continue
        ours, rate = times[OURS]
        bare = table.get((transform_in(operation), argument), {}).get(
            BARE, (0, 0))[0]
        if last not in (None, operation):
            print()
        last = operation
        print(f"{operation:45} {argument:>8} {ours:9.0f} "
              f"{f'{bare:.0f}' if bare else '-':>9} "
              f"{f'{ours / bare:.2f}' if bare else '-':>6} "
              f"{f'{rate * 8 / 1e9:.1f}' if rate else '-':>7}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bench",
                        default=str(TOP / "build/release/bench/postern_bench"))
    parser.add_argument("--filter", default=".", help="regular expression")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", help="keep the results here")
    parser.add_argument("--from", dest="source",
                        help="print results that --json kept; run nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = options.source or options.json or f"{folder}/results.json"
        if not options.source:
            run(options, out)
        table = medians(json.loads(pathlib.Path(out).read_text()))
    print_table(table)
    return 0 if table else 1


if __name__ == "__main__":
    sys.exit(main())
