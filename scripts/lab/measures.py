# SPDX-License-Identifier: Apache-2.0
"""One measurement each, through one tunnel; what the numbers mean is said here.

    gbit_per_s          TCP payload that arrived, one stream
    cpu_s_per_gigabyte  user and system time of the tunnel's processes, both
                        ends; for 10^9 octets of that payload. What the kernel
                        does for them in softirqs falls to whoever runs then
    kpps                datagrams a second that arrived, at the highest rate at
                        which no more than 0.5 % were lost
    reordered           datagrams behind one with a higher number
    memory_mib          largest resident size of the larger process, under a
                        flood of small datagrams
"""

import json
import os
import pathlib
import re
import statistics
import subprocess

import lab
import pair

MOST_LOST = 0.005
# Of payload: packets of 1,400 octets, which is the MTU of all tunnels.
LARGE = pair.INNER_MTU - 28
TCP_PORT, ECHO_PORT, SINK_PORT = 5201, 7201, 7400
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(processes):
    """(user, system) of processes and of their threads, also of ended ones."""
    user = system = 0
    for process in processes:
        fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        user, system = user + int(fields[11]), system + int(fields[12])
    return user / TICK, system / TICK


def forget_peaks(processes):
    """VmHWM starts anew (proc(5): 5 resets it)."""
    for process in processes:
        pathlib.Path(f"/proc/{process}/clear_refs").write_text("5")


def peak_mib(processes):
    peaks = []
    for process in processes:
        text = pathlib.Path(f"/proc/{process}/status").read_text()
        peaks.append(int(re.search(r"VmHWM:\s+(\d+)", text)[1]) / 1024)
    return round(max(peaks), 1) if peaks else None


class Probe:
    """The programs at both ends of one tunnel, and what is measured with them."""

    # Of the sink. Several: as many flows at a time.
    ports = 1

    def __init__(self, tunnel, options):
        self.tunnel, self.options = tunnel, options
        self.two = tunnel.two
        self.left, self.right = tunnel.pair.sides
        self.far = tunnel.address(self.right)
        self.traffic = str(self.two.build / "bench" / "traffic" / "postern_traffic")
        self.serve_tcp()
        self.serve("echo", ECHO_PORT)
        self.sink = self.serve("sink", SINK_PORT, self.ports)

    def serve_tcp(self):
        log = self.two.directory / f"iperf3-{self.tunnel.name}.log"
        command = self.tunnel.command(self.right, "iperf3", "-s", "-B", self.far, "-p",
                                      TCP_PORT, "--forceflush")
        pair.spawn(self.two, [str(word) for word in command], log=log)
        lab.wait_until(lambda: "listening" in log.read_text(), f"{self.tunnel.name}: iperf3 listens")

    def serve(self, part, port, *more):
        command = self.tunnel.command(self.right, self.traffic, part, self.far, port, *more)
        server = pair.spawn(self.two, command, stdin=subprocess.PIPE)
        if server.stdout.readline() != "ready\n":
            raise lab.LabError(f"{self.tunnel.name}: postern_traffic {part} does not serve")
        return server

    def at_left(self, *command, timeout=30):
        command = self.tunnel.command(self.left, *command)
        return pair.run(command, timeout=timeout).stdout

    def tcp(self, way):
        """`way`: "there" or "back"."""
        daemons = self.tunnel.daemons()
        before = cpu_seconds(daemons)
        line = ["iperf3", "-J", "-c", self.far, "-p", str(TCP_PORT),
                "-t", str(self.options.seconds)] + (["-R"] if way == "back" else [])
        end = json.loads(self.at_left(*line, timeout=self.options.seconds + 30))["end"]
        after = cpu_seconds(daemons)
        octets = end["sum_received"]["bytes"]
        user, system = (now - then for now, then in zip(after, before))
        per_gigabyte = lambda seconds: (
            round(seconds / (octets / 1e9), 3) if octets and daemons else None)
        return {"gbit_per_s": round(end["sum_received"]["bits_per_second"] / 1e9, 3),
                "retransmits": end["sum_sent"].get("retransmits"),
                "cpu_s_per_gigabyte": per_gigabyte(user + system),
                "user_s_per_gigabyte": per_gigabyte(user)}

    def say(self, word):
        self.sink.stdin.write(word + "\n")
        self.sink.stdin.flush()
        return self.sink.stdout.readline()

    def flood(self, octets, per_second, seconds, per_flow=0, ports=1):
        """What was sent and what came. `per_second` 0: as fast as the sender can."""
        self.say("begin")
        sent = json.loads(self.at_left(self.traffic, "send", self.far, SINK_PORT, octets,
                                       int(per_second), seconds, per_flow, ports))
        came = json.loads(self.say("report"))
        return {"asked": per_second, "sent": sent["sent"] / sent["seconds"],
                "came": came["received"] / sent["seconds"],
                "lost": 1 - came["received"] / max(1, sent["sent"]),
                "reordered": came["reordered"]}

    def highest_rate(self, octets, per_flow=0, ports=1):
        """By bisection. A rate that loses too much gets a second chance, because
        one hiccup of a shared machine must not decide."""
        seconds = self.options.flood_seconds
        first = self.flood(octets, 0, seconds, per_flow, ports)
        reordered = first["reordered"]
        best = first["came"] if first["lost"] <= MOST_LOST else 0
        low, high = best, first["sent"]
        for _ in range(self.options.bisections if not best else 0):
            rate = (low + high) / 2
            for _ in range(2):
                tried = self.flood(octets, rate, seconds, per_flow, ports)
                reordered += tried["reordered"]
                if tried["lost"] <= MOST_LOST:
                    break
            if tried["lost"] <= MOST_LOST:
                low, best = rate, max(best, tried["came"])
            else:
                high = rate
        return {"kpps": round(best / 1000, 1), "offered_kpps": round(first["sent"] / 1000, 1),
                "flood_kpps": round(first["came"] / 1000, 1),
                "reordered": reordered if not per_flow else None}

    def memory(self):
        """Under a flood as fast as the sender can."""
        forget_peaks(self.tunnel.daemons())
        self.flood(64, 0, 2 * self.options.flood_seconds)
        return {"memory_mib": peak_mib(self.tunnel.daemons())}

    def ping(self):
        told = self.at_left("ping", "-n", "-i", "0.004", "-c", self.options.pings, self.far)
        times = sorted(float(t) for t in re.findall(r"time=([\d.]+) ms", told))
        if len(times) < 2:
            raise lab.LabError(f"{self.tunnel.name}: ping had {len(times)} answers")
        percentiles = statistics.quantiles(times, n=100, method="inclusive")
        return {"p50_ms": round(percentiles[49], 3), "p99_ms": round(percentiles[98], 3)}

    def ask(self):
        return json.loads(self.at_left(self.traffic, "ask", self.far, ECHO_PORT, 64,
                                       self.options.questions))

    def round(self):
        """Everything that is asked for once: {measure: {what: number}}."""
        if self.options.latency:
            return {"ping": self.ping(), "ask": self.ask()}
        return {"tcp_there": self.tcp("there"), "tcp_back": self.tcp("back"),
                "udp_64": self.highest_rate(64), "udp_1400": self.highest_rate(LARGE),
                "ping": self.ping(), "ask": self.ask(), "flood": self.memory()}
