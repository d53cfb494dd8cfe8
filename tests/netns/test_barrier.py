# SPDX-License-Identifier: Apache-2.0
"""When setsockopt() has returned, every later packet obeys: under a flood.

level_flipper floods from one socket whose AH level it flips between REQUIRE and
NONE. Each datagram says what was promised when it was sent; whether it was kept
is judged on the capture, by the IP protocol numbers alone. The same for the
system's level and for a route's, flipped by postern. API-19 API-45

The numbers are printed: flips, packets judged, and the rates that this machine
reached.
"""

import json
import struct
import subprocess
import unittest

import lab
import pcap

PORT = 7300
THREADS = 2
PROMISES = {1: "protected", 2: "clear"}


class Verdict:
    """What a capture says of the promises in it."""

    def __init__(self, file):
        self.judged, self.unjudged, self.wrong = 0, 0, 0
        self.flips = set()
        first = last = None
        for packet in pcap.packets(file):
            if packet.destination_port != PORT or packet.payload[:4] != b"FLIP":
                continue
            first = first or packet.seconds
            last = packet.seconds
            promise, flip = struct.unpack_from(">II", packet.payload, 4)
            if promise not in PROMISES:
                self.unjudged += 1
                continue
            self.judged += 1
            self.flips.add(flip)
            self.wrong += ("ah" in packet.layers) != (PROMISES[promise] == "protected")
        self.seconds = last - first if first else 0

    def rate(self):
        """Of the wire, in 1,000 packets a second."""
        return (self.judged + self.unjudged) / self.seconds / 1000


class Barrier(unittest.TestCase):
    def setUp(self):
        self.two = self.enterContext(lab.Lab())
        self.alice = self.two.alice
        self.alice.configure(sas=lab.all_sas(["ah"]))
        self.alice.start()
        # Bob is a hole: nobody answers, and nobody takes alice's time.
        for family, network in ((4, "10.9.2.0/24"), (6, "fd00:9:2::/64")):
            subprocess.run(["ip", f"-{family}", "route", "replace", "blackhole", network], check=True)

    def flood(self, family, flips, rate, mode, flip=None):
        """One run; flip(level) changes the level in mode "ask"."""
        capture = self.two.capture(device="wire-alice", direction="in")
        program = self.two.build / "tests" / "netns" / "level_flipper"
        process = self.alice.spawn(program, lab.ADDRESSES["bob"][family], PORT, flips,
                                   THREADS, rate, mode, stdin=subprocess.PIPE)
        line = process.stdout.readline()
        while line in ("require\n", "none\n"):
            flip(line.strip())
            process.stdin.write("done\n")
            process.stdin.flush()
            line = process.stdout.readline()
        self.assertTrue(line.startswith("{"), line)
        process.wait(10)
        told, verdict = json.loads(line), Verdict(capture.stop())
        print(f"IPv{family}, {mode}: {flips} flips in {told['seconds']:.1f} s; "
              f"{told['sent']} packets sent, {told['sent'] / told['seconds'] / 1000:.0f} kpps; "
              f"{verdict.rate():.0f} kpps on the wire; {verdict.judged} judged, "
              f"{verdict.unjudged} sent during a call, {verdict.wrong} wrong")
        return verdict

    def judge(self, verdict, flips):
        self.assertEqual(verdict.wrong, 0)
        self.assertGreater(verdict.judged, flips)
        self.assertGreater(len(verdict.flips), 0.5 * flips)

    def test_setsockopt(self):
        for family in (4, 6):
            self.judge(self.flood(family, 1000, 100_000, "call"), 1000)

    def test_level_set(self):
        def flip(level):
            self.alice.postern("level set", "--auth", level)
        self.judge(self.flood(4, 100, 100_000, "ask", flip), 100)

    def test_route_set(self):
        def flip(level):
            self.alice.postern("route set", "fd00:9:2::/64", "--auth", level)
        self.judge(self.flood(6, 100, 100_000, "ask", flip), 100)

    def test_a_broken_promise_would_be_seen(self):
        self.assertGreater(self.flood(4, 100, 100_000, "early").wrong, 0)


if __name__ == "__main__":
    unittest.main()
