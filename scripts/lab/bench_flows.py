# SPDX-License-Identifier: Apache-2.0
"""New flows a second: see scripts/bench-flows."""

import argparse
import json
import signal
import statistics
import subprocess
import sys

import bench_peers
import lab
import measures
import page
import pair
import peers_report
import tunnels

ACCEPT_PORT = 7202
# What we want, flows a second.
AIMS = {"udp": 100_000, "tcp": 20_000}
KINDS = {"udp": "UDP", "sockets": "a socket each", "tcp": "TCP"}


class Probe(measures.Probe):
    """Short flows through one tunnel."""

    def __init__(self, tunnel, options):
        super().__init__(tunnel, options)
        self.serve("accept", ACCEPT_PORT)

    ports = 256

    def udp(self):
        """One datagram for each flow; every 256 flows share a socket, so that the
        sender does not spend its time in socket() and close()."""
        return self.short_flows(self.ports)

    def sockets(self):
        """The same, each flow with a socket of its own."""
        return self.short_flows(1)

    def short_flows(self, ports):
        before = sum(measures.cpu_seconds(self.tunnel.daemons()))
        rate = self.highest_rate(64, per_flow=1, ports=ports)
        used = sum(measures.cpu_seconds(self.tunnel.daemons())) - before
        return {"per_second": round(1000 * rate["kpps"]),
                "offered": round(1000 * rate["offered_kpps"]),
                "flooded": round(1000 * rate["flood_kpps"]), "cpu_seconds": round(used, 2)}

    def tcp(self):
        """Connections that are reset as soon as they stand."""
        told = json.loads(self.at_left(self.traffic, "connect", self.far, ACCEPT_PORT,
                                       self.options.seconds, self.options.outstanding))
        return {"per_second": round(told["connections"] / told["seconds"]),
                "refused": told["refused"], "p50_us": told["p50_us"], "p99_us": told["p99_us"]}


# A socket that has a level, until its input ends.
HOLDER = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("", 0))
print("open", flush=True)
sys.stdin.read()
"""


def give_level(postern):
    """From now on a socket at each end has a level, so that the kernel must be asked
    whose a new flow is."""
    for host in postern.hosts.values():
        holder = host.spawn("/usr/bin/python3", "-c", HOLDER, stdin=subprocess.PIPE,
                            levels={"ah": "avail"})
        if holder.stdout.readline() != "open\n":
            raise lab.LabError(f"{host.name}: no socket gets a level")


def drops(tunnel):
    """What Postern refused, by name and end."""
    hosts = getattr(tunnel, "hosts", {})
    return {side.name: host.drops() for side, host in hosts.items()}


def measure(options):
    results = {}
    with lab.Lab() as two:
        both = pair.Pair(two)
        stand = [tunnels.Postern(both, options), tunnels.NullForwarder(both),
                 tunnels.NoTunnel(both)]
        probes = []
        for tunnel in stand:
            tunnel.start()
            probes.append(Probe(tunnel, options))
            results[tunnel.name] = {"label": tunnel.label, **{kind: [] for kind in KINDS}}
        if options.levels:
            give_level(stand[0])
        for number in range(options.rounds):
            for probe in probes:
                print(f"round {number + 1} of {options.rounds}: {probe.tunnel.name}",
                      file=sys.stderr, flush=True)
                for kind in KINDS:
                    results[probe.tunnel.name][kind].append(getattr(probe, kind)())
        for tunnel in stand:
            results[tunnel.name]["memory_mib"] = measures.peak_mib(tunnel.daemons())
            results[tunnel.name]["drops"] = drops(tunnel)
    return results


def table(results):
    """A line for each tunnel."""
    rows = [["flows a second"] + list(KINDS.values()) + ["TCP p50, us", "p99, us", "MiB"]]
    for result in results.values():
        middle = lambda kind, key: statistics.median(r[key] for r in result[kind])
        rows.append([result["label"]]
                    + [f"{middle(kind, 'per_second'):,.0f}" for kind in KINDS]
                    + [f"{middle('tcp', 'p50_us'):,.0f}", f"{middle('tcp', 'p99_us'):,.0f}",
                       f"{result['memory_mib'] or 0:.1f}"])
    return rows


def remarks(results):
    """What was dropped, and what became of the aims."""
    lines = [f"{result['label']}: dropped at the {side}: {refused}"
             for result in results.values() for side, refused in result["drops"].items()
             if refused]
    ours = next(iter(results.values()))
    for kind, aim in AIMS.items():
        rate = statistics.median(r["per_second"] for r in ours[kind])
        verdict = "reached" if rate >= aim else "not reached"
        lines.append(f"{KINDS[kind]}: {rate:,.0f} a second, asked for {aim:,}: {verdict}")
    return lines


def print_table(results):
    print(peers_report.plain(table(results)))
    print("\n".join(remarks(results)))


def write(options, results):
    """Into docs/performance.md."""
    heading = page.machine_line(bench_peers.machine(), options.rounds)
    page.write("bench-flows-levels" if options.levels else "bench-flows",
               f"{heading}.\n\n{page.as_markdown(table(results))}\n\n"
               + "\n".join(f" - {line}" for line in remarks(results)))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(prog="bench-flows")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--outstanding", type=int, default=64,
                        help="TCP connections on their way at a time; 64")
    parser.add_argument("--wire", default="udp", choices=("udp", "tun"))
    parser.add_argument("--levels", action="store_true",
                        help="a socket at each end has a level")
    parser.add_argument("--markdown", action="store_true",
                        help="write the table into docs/ as well")
    parser.add_argument("--threads", type=int, default=2, choices=(1, 2),
                        help="Postern's, of each daemon; 2")
    parser.add_argument("--busy-poll-us", type=int, default=0, help="Postern's; 0")
    parser.add_argument("--json", help="keep the results here")
    options = parser.parse_args()
    options.flood_seconds, options.bisections = options.seconds / 2, 6
    results = measure(options)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=1)
    print_table(results)
    if options.markdown:
        write(options, results)


if __name__ == "__main__":
    main()
