# SPDX-License-Identifier: Apache-2.0
"""Many sockets with levels of their own: latency, CPU and memory of each."""

import argparse
import json
import subprocess
import time

import lab
from bench_tunnel import cpu_seconds, memory_mib

PORT = 7300


class Bench:
    def __init__(self, two, options):
        self.two, self.options = two, options
        program = two.build / "tests" / "netns" / "socket_crowd"
        server = two.bob.spawn(program, "serve", PORT,
                               levels={c: "avail" for c in lab.CATEGORIES})
        if server.stdout.readline() != "ready\n":
            raise lab.LabError("socket_crowd does not serve")
        self.program = program
        self.idle = self.entries("living")
        self.tell("idle")

    def entries(self, kind):
        counts = []
        for host in self.two.hosts:
            status = host.json("status")
            gone = status["lingering_sockets"] if kind == "living" else 0
            counts.append(status["sockets"] - gone)
        return counts

    def tell(self, phase, **more):
        print(json.dumps({"phase": phase, **more,
                          "memory_mib": [memory_mib(h) for h in self.two.hosts]}), flush=True)

    def cpu(self):
        return [cpu_seconds(h) for h in self.two.hosts]

    def open(self):
        before = self.cpu()
        self.crowd = self.two.alice.spawn(
            self.program, "open", self.two.bob.address(4), self.two.bob.address(6), PORT,
            self.options.sockets, self.options.per_second, stdin=subprocess.PIPE)
        line = self.crowd.stdout.readline()
        if not line.startswith("{"):
            raise lab.LabError(f"socket_crowd: {line}")
        used = [round((now - then) / self.options.sockets * 1e6, 1)
                for now, then in zip(self.cpu(), before)]
        told = json.loads(line)
        new = told["udp_first_us"]["median"] - told["udp_again_us"]["median"]
        self.tell("open", **told, udp_new_flow_us=new, cpu_us_per_socket=used,
                  drops=[h.drops() for h in self.two.hosts])

    def close(self):
        self.crowd.stdin.write("close\n")
        self.crowd.stdin.flush()
        start = time.monotonic()
        self.crowd.stdout.readline()
        for phase, kind, left, bound in (("closed", "living", self.idle, 30),
                                         ("forgotten", "all", self.idle, 150)):
            lab.wait_until(lambda: self.entries(kind) == left, f"entries are {phase}", bound)
            self.tell(phase, seconds=round(time.monotonic() - start, 1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sockets", type=int, default=10000)
    parser.add_argument("--per-second", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with lab.Lab() as two:
        two.start(sas=lab.all_sas())
        bench = Bench(two, options)
        for _ in range(options.rounds):
            bench.open()
            bench.close()


if __name__ == "__main__":
    main()
