# SPDX-License-Identifier: Apache-2.0
"""Ports that pass from socket to socket with alternating levels: none is mixed up.

port_recycler opens a socket, exchanges one message with bob, closes it at once
and opens the next one at the same port, at AH REQUIRE and NONE by turns; TCP and
UDP, IPv4 and IPv6 at the same time. Bob is content with both. Each message says
which level its socket had; every packet of the exchange, from the SYN to the
reset, is judged on the capture by its IP protocol number. API-27 API-30

10,000 exchanges; POSTERN_PORT_REUSES sets another number.
"""

import json
import os
import socket
import struct
import time
import unittest

import lab
import pcap

PORT = 7300
EXCHANGES = int(os.environ.get("POSTERN_PORT_REUSES", "10000"))
KINDS = [(protocol, family) for protocol in ("tcp", "udp") for family in (4, 6)]
NONE, REQUIRE = 0, 3
SYN, RST, ACK = 0x02, 0x04, 0x10


def level_in(payload):
    """What a message says its socket's level is; None if it is no message."""
    if payload[:4] != b"PORT":
        return None
    return struct.unpack_from(">I", payload, 4)[0]


class Verdict:
    """Counts what a capture says of alice's exchanges and of bob's answers."""

    def __init__(self, file):
        self.exchanges = {kind: 0 for kind in KINDS}
        self.levels = {NONE: 0, REQUIRE: 0}
        self.packets, self.wrong, self.clear_answers = 0, 0, 0
        self.connections = {}  # (family, port): (initial sequence number, packets)
        alice = {socket.inet_pton(socket.AF_INET if f == 4 else socket.AF_INET6, a)
                 for f, a in lab.ADDRESSES["alice"].items()}
        for packet in pcap.packets(file):
            if PORT not in (packet.source_port, packet.destination_port):
                continue
            if packet.source not in alice:
                # Resets for connections that are gone are nobody's.
                self.clear_answers += "ah" not in packet.layers and not packet.flags & RST
            elif packet.layers[-1] == "udp":
                self.judge(("udp", packet.family), [packet])
            else:
                self.collect(packet)
        for (family, _), (_, packets) in self.connections.items():
            self.judge(("tcp", family), packets)

    def collect(self, packet):
        """A SYN with another sequence number begins the next connection."""
        end = packet.family, packet.source_port
        first, packets = self.connections.get(end, (None, []))
        if packet.flags & (SYN | ACK) == SYN and packet.sequence != first:
            self.judge(("tcp", packet.family), packets)
            first, packets = packet.sequence, []
        packets.append(packet)
        self.connections[end] = first, packets

    def judge(self, kind, packets):
        levels = {level_in(p.payload) for p in packets} - {None}
        if len(levels) != 1:
            self.wrong += len(levels)
            return
        level = levels.pop()
        self.exchanges[kind] += 1
        self.levels[level] += 1
        self.packets += len(packets)
        self.wrong += sum(("ah" in p.layers) != (level == REQUIRE) for p in packets)


class PortReuse(unittest.TestCase):
    def run_exchanges(self, count, alice=None):
        """What the capture and the clients say; alice: her system levels."""
        two = self.enterContext(lab.Lab())
        for host, levels in ((two.alice, alice), (two.bob, None)):
            host.configure(sas=lab.all_sas(["ah"]), levels=levels)
            host.start()
        if two.alice.json("status")["ownership"] != "bpf":
            self.skipTest("sock_diag tells late who has a port (docs/semantics.md)")
        program = two.build / "tests" / "netns" / "port_recycler"
        server = two.bob.spawn(program, "serve", PORT, levels={"auth": "avail"})
        self.assertEqual(server.stdout.readline(), "ready\n")
        for protocol in ("tcp", "udp"):
            lab.wait_until(lambda: two.bob.listening(PORT, protocol), "bob serves")
        capture = two.capture(device="wire-alice")
        start, each = time.monotonic(), count // len(KINDS)
        clients = [two.alice.spawn(program, protocol, lab.ADDRESSES["bob"][family], PORT,
                                   7400 + 20 * i, each)
                   for i, (protocol, family) in enumerate(KINDS)]
        told = [client.stdout.read() for client in clients]
        seconds = time.monotonic() - start
        self.assertTrue(all(t.startswith("{") for t in told), told)
        unanswered = sum(json.loads(t)["unanswered"] for t in told)
        verdict = Verdict(capture.stop())
        print(f"{each * len(KINDS)} exchanges in {seconds:.1f} s, {unanswered} unanswered: "
              f"{verdict.packets} packets judged, {verdict.wrong} wrong, "
              f"{verdict.clear_answers} answers in clear; "
              f"drops {[host.drops() for host in two.hosts]}")
        return verdict, unanswered

    def test_alternating_levels(self):
        verdict, unanswered = self.run_exchanges(EXCHANGES)
        self.assertEqual((verdict.wrong, verdict.clear_answers, unanswered), (0, 0, 0))
        for kind, count in verdict.exchanges.items():
            self.assertGreater(count, 0.98 * EXCHANGES // len(KINDS), kind)
        for level, count in verdict.levels.items():
            self.assertGreater(count, 0.48 * EXCHANGES, level)

    def test_a_level_mixed_up_would_be_seen(self):
        verdict, _ = self.run_exchanges(400, alice={"ah": "avail"})
        self.assertEqual(verdict.levels[NONE], 200)
        self.assertGreaterEqual(verdict.wrong, 200)


if __name__ == "__main__":
    unittest.main()
