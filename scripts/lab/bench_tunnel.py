# SPDX-License-Identifier: Apache-2.0
"""iperf3 through two posternds: bundles interleaved, medians at the end."""

import argparse
import json
import os
import statistics

import lab

# Which of them each kind of wire carries.
EVERYTHING = ("clear", "ah", "esp_transport", "esp_network", "all")
CARRIED = {"tun": EVERYTHING, "tap": EVERYTHING, "packet": EVERYTHING,
           "udp": ("esp_transport", "esp_network", "both_esp")}
BUNDLES = {
    "clear": {},
    "ah": {"ah": "require"},
    "esp_transport": {"esp_transport": "require"},
    "esp_network": {"esp_network": "require"},
    "both_esp": {"esp_transport": "require", "esp_network": "require"},
    "all": {category: "require" for category in lab.CATEGORIES},
}


def cpu_seconds(host):
    fields = open(f"/proc/{host.process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(host):
    for line in open(f"/proc/{host.process.pid}/status"):
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    return None


def datagrams_per_call(before, after, way, calls):
    """What one system call of a udp wire carried; None for other wires."""
    grown = lambda key: after[key] - before[key]
    made = grown(f"wire_{calls}_calls")
    return round(grown(f"wire_datagrams_{way}") / made, 1) if made else None


class Bench:
    def __init__(self, two, seconds, streams=1):
        self.two, self.seconds, self.streams = two, seconds, streams
        self.port = 5201
        server = ["iperf3", "-s", "-p", self.port]
        two.bob.spawn(*server)
        lab.wait_until(lambda: two.bob.listening(self.port), "iperf3 listens")

    def route(self, levels):
        """Both hosts at these system levels, so that every socket obeys them."""
        for host in self.two.hosts:
            arguments = ["0.0.0.0/0"]
            for category in lab.CATEGORIES:
                arguments += [f"--{category.replace('_', '-')}", levels.get(category, "none")]
            host.postern("route set", *arguments)

    def run(self, bundle, protocol):
        self.route(BUNDLES[bundle])
        before = [cpu_seconds(h) for h in self.two.hosts]
        counts = [h.json("stats")["counts"] for h in self.two.hosts]
        replays = sum(h.drops().get("replay_too_old", 0) for h in self.two.hosts)
        command = ["iperf3", "-J", "-c", self.two.bob.address(4), "-p", self.port,
                   "-t", self.seconds, "-P", self.streams]
        if protocol == "udp":
            command += ["-u", "-b", "0", "-l", "1200"]
        shown = self.two.alice.run(*command, timeout=self.seconds + 30)
        end = json.loads(shown.stdout).get("end", {})
        received = end.get("sum_received") or end.get("sum") or {}
        octets = received.get("bytes", 0)
        later = [h.json("stats")["counts"] for h in self.two.hosts]
        cpu = sum(cpu_seconds(h) for h in self.two.hosts) - sum(before)
        return {
            "bundle": bundle, "protocol": protocol, "seconds": self.seconds,
            "gbit_per_s": round(received.get("bits_per_second", 0) / 1e9, 3),
            "lost_percent": round(end["sum"]["lost_percent"], 2) if protocol == "udp" else None,
            "retransmits": end.get("sum_sent", {}).get("retransmits"),
            "replay_too_old": sum(h.drops().get("replay_too_old", 0)
                                  for h in self.two.hosts) - replays,
            "cpu_s_per_gigabyte": round(cpu / (octets / 1e9), 2) if octets else None,
            "datagrams_per_call": [datagrams_per_call(counts[0], later[0], "sent", "send"),
                                   datagrams_per_call(counts[1], later[1], "received", "receive")],
            "memory_mib": [memory_mib(h) for h in self.two.hosts],
        }


def median(results, key):
    values = [r[key] for r in results if r[key] is not None]
    return round(statistics.median(values), 3) if values else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--wire", choices=CARRIED, default="tun")
    parser.add_argument("--streams", type=int, default=1, help="of iperf3, at once")
    parser.add_argument("--pairs", type=int, default=1, help="[host] pairs")
    parser.add_argument("--threads", type=int, default=2, help="[host] threads, of a pair")
    parser.add_argument("--bundle", choices=BUNDLES, help="only this one")
    options = parser.parse_args()
    results = []
    bundles = (options.bundle,) if options.bundle else CARRIED[options.wire]
    categories = [c for c in lab.CATEGORIES if c != "ah" or options.wire != "udp"]
    with lab.Lab(wire=options.wire) as two:
        two.pairs, two.threads = options.pairs, options.threads
        two.start(sas=lab.all_sas(categories, families=(4,)))
        bench = Bench(two, options.seconds, options.streams)
        for _ in range(options.runs):
            for bundle in bundles:
                for protocol in ("tcp", "udp"):
                    results.append(bench.run(bundle, protocol))
                    print(json.dumps(results[-1]), flush=True)
    for protocol in ("tcp", "udp"):
        kinds = {b: [r for r in results if (r["bundle"], r["protocol"]) == (b, protocol)]
                 for b in bundles}
        clear = median(kinds.get("clear", []), "gbit_per_s")
        for bundle, runs in kinds.items():
            speed = median(runs, "gbit_per_s")
            print(json.dumps({
                "median_of": len(runs), "bundle": bundle, "protocol": protocol,
                "wire": options.wire, "pairs": options.pairs, "threads": options.threads,
                "streams": options.streams, "gbit_per_s": speed,
                "retransmits": median(runs, "retransmits"),
                "replay_too_old": median(runs, "replay_too_old"),
                "memory_mib": median([{"of": max(r["memory_mib"])} for r in runs], "of"),
                "of_clear": round(speed / clear, 3) if clear else None,
                "cpu_s_per_gigabyte": median(runs, "cpu_s_per_gigabyte")}), flush=True)


if __name__ == "__main__":
    main()
