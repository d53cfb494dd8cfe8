# SPDX-License-Identifier: Apache-2.0
"""Postern's pipelines beside DPDK's librte_ipsec: see scripts/bench-librte."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

import bench_peers
import lab
import page
import peers_report

sys.path.insert(0, str(lab.ROOT / "bench"))
import report  # noqa: E402

THEIRS = lab.ROOT / "build" / "librte" / "librte_bench"
OURS = lab.ROOT / "build" / "release" / "bench" / "postern_bench"
SIZES = ("64", "1408")
WAYS = ("cpu", "lookaside")
OPERATIONS = {"out": "out", "out_in": "out and in"}
SUITE = "esp_aes_128_gcm_mb"
# Ours, by the names that librte_bench gives its own.
PIPELINES = {"fill": "pipeline_fill", "out": f"pipeline_out_{SUITE}",
             "out_in": f"pipeline_out_in_{SUITE}"}
BARE = {name: report.transform_in(PIPELINES[name]) for name in OPERATIONS}


def postern_round():
    """{"postern": {row: ns}, "bare": {row: ns}}."""
    names = "|".join([f"{name}/postern" for name in PIPELINES.values()] +
                     [f"{name}/ipsec-mb" for name in BARE.values()])
    answer = subprocess.run(
        [OURS, f"--benchmark_filter=^({names})/({'|'.join(SIZES)})$",
         "--benchmark_format=json", "--benchmark_repetitions=5",
         "--benchmark_min_time=0.05", "--benchmark_enable_random_interleaving=true",
         "--benchmark_report_aggregates_only=true"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return rows_of(report.medians(json.loads(answer.stdout)))


def rows_of(medians):
    """What bench/report.py makes of postern_bench's results, by librte_bench's names."""
    taken = lambda names, whose: {
        f"{name}/{size}": medians[operation, size][whose][0]
        for name, operation in names.items() for size in SIZES}
    return {"postern": taken(PIPELINES, report.OURS), "bare": taken(BARE, report.BARE)}


def librte_round():
    answer = subprocess.run([THEIRS], check=True, stdout=subprocess.PIPE, text=True)
    # Before the JSON stands what DPDK may have to say.
    return json.loads(answer.stdout[answer.stdout.index("{"):])


def measure(rounds):
    # Both on the same core: the last, which has the fewest interrupts as a rule.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    results = {"machine": bench_peers.machine(), "rounds": []}
    for number in range(rounds):
        bench_peers.say(f"round {number + 1} of {rounds}")
        results["rounds"].append({"librte": librte_round(), **postern_round()})
    return results


def median(results, whose, row):
    return statistics.median(one[whose][row] for one in results["rounds"])


def table(results):
    lines = [["", "bare", "librte_ipsec", "Postern", "librte_ipsec / bare", "Postern / bare",
              "Postern / librte_ipsec", "librte_ipsec less fill", "Postern less fill",
              "Postern / librte_ipsec less fill"]]
    for way in WAYS:
        for name, title in OPERATIONS.items():
            for size in SIZES:
                bare = median(results, "bare", f"{name}/{size}")
                theirs = median(results, "librte", f"{name}_{way}/{size}")
                ours = median(results, "postern", f"{name}/{size}")
                their_own = theirs - median(results, "librte", f"fill/{size}")
                our_own = ours - median(results, "postern", f"fill/{size}")
                lines.append(
                    [f"{title}, {size}, {way}"] +
                    [f"{time:.1f}" for time in (bare, theirs, ours)] +
                    [f"{ratio:.2f}" for ratio in (theirs / bare, ours / bare, ours / theirs)] +
                    [f"{time:.1f}" for time in (their_own, our_own)] +
                    [f"{our_own / their_own:.2f}"])
    return lines


def heading(results):
    machine = results["machine"]
    return (f"{machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}, "
            f"{machine['date']}; {results['rounds'][0]['librte']['version']}; "
            f"ns of CPU time for a packet, medians of {len(results['rounds'])}")


def replays(results):
    """What librte_bench saw when it sent packets a second time."""
    theirs = results["rounds"][0]["librte"]
    return f"Of {theirs['replayed']} replayed packets librte_ipsec took {theirs['taken']}."


def markdown(results):
    return f"{heading(results)}.\n\n{page.as_markdown(table(results))}\n\n{replays(results)}"


def text(results):
    return f"{heading(results)}\n\n{peers_report.plain(table(results))}\n\n{replays(results)}"


def arguments():
    parser = argparse.ArgumentParser(prog="bench-librte", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="5")
    parser.add_argument("--json", type=pathlib.Path, help="keep the results here")
    parser.add_argument("--from", dest="source", type=pathlib.Path,
                        help="print results that --json kept; measure nothing")
    parser.add_argument("--markdown", action="store_true",
                        help="write the table into docs/performance.md")
    return parser.parse_args()


def main():
    options = arguments()
    if options.source:
        results = json.loads(options.source.read_text())
    else:
        results = measure(options.rounds)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    print(text(results))
    if options.markdown:
        page.write("bench-librte", markdown(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
