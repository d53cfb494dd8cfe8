# SPDX-License-Identifier: Apache-2.0
"""Postern beside other tunnels: see scripts/bench-peers."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import signal
import sys
import types

import lab
import measures
import page
import pair
import peers_report
import profile_shares
import tunnels

sys.path.insert(0, str(lab.ROOT / "bench"))
import plot  # noqa: E402

FULL = types.SimpleNamespace(rounds=5, seconds=3, flood_seconds=1.0, bisections=7,
                             pings=500, questions=5000)
QUICK = types.SimpleNamespace(rounds=1, seconds=1, flood_seconds=0.4, bisections=5,
                              pings=100, questions=1000)


def arguments():
    parser = argparse.ArgumentParser(prog="bench-peers")
    parser.add_argument("--rounds", type=int, help="5")
    parser.add_argument("--quick", action="store_true",
                        help="one short round: shows that it runs, not how fast")
    parser.add_argument("--only", help="of " + ",".join(k.name for k in tunnels.KINDS))
    parser.add_argument("--wire", default="udp", choices=("udp", "tun"), help="Postern's; udp")
    parser.add_argument("--threads", type=int, default=2, choices=(1, 2),
                        help="Postern's [host] threads; 2")
    parser.add_argument("--busy-poll-us", type=int, default=0,
                        help="Postern's [host] busy_poll_us; 0")
    parser.add_argument("--latency", action="store_true",
                        help="ping and question and answer alone")
    parser.add_argument("--json", type=pathlib.Path, help="keep the results here")
    parser.add_argument("--from", dest="source", type=pathlib.Path,
                        help="measure nothing: print what --json kept")
    parser.add_argument("--markdown", action="store_true",
                        help="write tables and charts into docs/ as well")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else [k.name for k in tunnels.KINDS]
    unknown = set(names) - {k.name for k in tunnels.KINDS}
    if unknown:
        parser.error(f"--only: there is no {', '.join(sorted(unknown))}")
    options.names = names
    size = QUICK if options.quick else FULL
    for name, value in vars(size).items():
        if getattr(options, name, None) is None:
            setattr(options, name, value)
    return options


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    kernel = ".".join(platform.release().split(".")[:2])
    return {"processor": model, "cores": os.cpu_count(), "kernel": kernel,
            "date": datetime.date.today().isoformat()}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    """All tunnels that can stand, at the same time; measured in turn."""

    def __init__(self, two, options):
        self.options = options
        self.probes = {}
        self.results = {"machine": machine(), "rounds": options.rounds,
                        "quick": options.quick, "tunnels": {}, "absent": {}, "failed": []}
        both = pair.Pair(two)
        for kind in tunnels.KINDS:
            if kind.name in options.names:
                self.stand(kind(both, options) if kind is tunnels.Postern else kind(both))

    def stand(self, tunnel):
        try:
            tunnel.start()
            self.probes[tunnel.name] = measures.Probe(tunnel, self.options)
        except lab.LabError as error:
            self.give_up(tunnel, error)
            return
        self.results["tunnels"][tunnel.name] = {
            "label": tunnel.label, "version": tunnel.version(), "rounds": []}

    def give_up(self, tunnel, error):
        say(f"{tunnel.label}: cannot be measured here: {error}")
        self.results["absent"][tunnel.name] = f"{tunnel.label}: {error}"
        self.probes.pop(tunnel.name, None)

    def run(self):
        for number in range(1, self.options.rounds + 1):
            for probe in list(self.probes.values()):
                self.measure(probe, number)
        postern = next((p for n, p in self.probes.items() if n.startswith("postern")), None)
        if postern and not self.options.latency:
            self.results["profile"] = profile_shares.of(postern, self.options)
        kept = self.results["tunnels"]
        self.results["tunnels"] = {n: t for n, t in kept.items() if t["rounds"]}
        return self.results

    def measure(self, probe, number):
        """A round that fails is told and left out; the second one ends the tunnel's part."""
        name = probe.tunnel.name
        say(f"round {number} of {self.options.rounds}: {name}")
        try:
            self.results["tunnels"][name]["rounds"].append(probe.round())
        except (lab.LabError, OSError, ValueError, KeyError) as error:
            failed = self.results["failed"]
            failed.append(f"{probe.tunnel.label}, round {number}: {error}")
            if sum(line.startswith(probe.tunnel.label) for line in failed) > 1:
                self.give_up(probe.tunnel, error)


def measure(options):
    with lab.Lab() as two:
        return Bench(two, options).run()


def main():
    # As process 1 of a namespace we get no signal that we do not ask for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = arguments()
    if options.source:
        results = json.loads(options.source.read_text())
    else:
        results = measure(options)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    print(peers_report.text(results))
    if options.markdown and options.latency:
        page.write("bench-latency", peers_report.markdown(results))
    elif options.markdown:
        charts = "".join(f"\n\n![{title}]({file.name})" for file, title in plot.draw(results))
        page.write("bench-peers", peers_report.markdown(results) + charts)
    return 0 if results["tunnels"] else 1


if __name__ == "__main__":
    sys.exit(main())
