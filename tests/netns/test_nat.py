# SPDX-License-Identifier: Apache-2.0
"""ESP in UDP by the SAs themselves (RFC 3948), on wires that carry anything.

Judged by tshark, which finds UDP, ESP and keepalives by their octets. UDP-01
UDP-06 UDP-09
"""

import unittest

import lab
import wire

ESP = ("esp_transport", "esp_network")
LEVELS = {"esp_transport": "require", "esp_network": "require"}
PORT = 4500
ASK = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
sock = socket.socket(family, socket.SOCK_DGRAM)
sock.settimeout(15)
sock.sendto(b"?" * 700, (sys.argv[1], 4711))
sys.exit(sock.recv(2000) != b"!" * 700)
"""
ANSWER = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
sock = socket.socket(family, socket.SOCK_DGRAM)
sock.bind((sys.argv[1], 4711))
print("bound", flush=True)
_, sender = sock.recvfrom(2000)
sock.sendto(b"!" * 700, sender)
"""


class InUdp(lab.Sa):
    """Of a bundle only what the wire sees is in UDP."""

    def toml(self):
        text = super().toml()
        if self.category == "esp_network":
            text += "udp = { keepalive_seconds = 1 }\n"
        return text


class Nat(unittest.TestCase):
    def setUp(self):
        self.two = lab.Lab().__enter__()
        self.addCleanup(self.two.__exit__)
        self.sas = [InUdp(category, family, sender) for category in ESP
                    for family in (4, 6) for sender in ("alice", "bob")]
        self.two.start(sas=self.sas, levels=LEVELS)

    def ask(self, family):
        far = self.two.bob.address(family)
        answerer = self.two.bob.spawn("/usr/bin/python3", "-c", ANSWER, far)
        self.assertEqual(answerer.stdout.readline(), "bound\n")
        asked = self.two.alice.run("/usr/bin/python3", "-c", ASK, far)
        self.assertEqual(asked.returncode, 0, asked.stderr)
        self.assertEqual(answerer.wait(15), 0)

    # DEF-21
    def test_questions_and_answers_go_in_udp(self):
        capture = self.two.capture()
        for family in (4, 6):
            self.ask(family)
        file = capture.stop()
        esp = wire.read(file, display_filter=f"udp.port == {PORT} && esp")
        self.assertGreaterEqual(len(esp), 4)
        sas = {sa.spi for sa in self.sas if sa.category == "esp_network"}
        self.assertEqual({f.field["esp.spi"] for f in esp}, sas)
        # The outer kernel's own listener reports are not alice's.
        others = wire.read(file, display_filter=f"!(udp.port == {PORT}) && !icmpv6")
        self.assertEqual([f.shape for f in others], [])

    def test_a_nat_keepalive_goes_where_nothing_else_does(self):
        capture = self.two.capture()
        # Both hosts', in both families.
        lab.wait_until(lambda: self.two.bob.drops().get("nat_keepalive", 0) >= 4
                       and self.two.alice.drops().get("nat_keepalive", 0) >= 4,
                       "keepalives arrive")
        frames = wire.read(capture.stop(), display_filter=f"udp.port == {PORT}")
        self.assertEqual({f.source for f in frames},
                         {host.address(family) for host in (self.two.alice, self.two.bob)
                          for family in (4, 6)})
        self.assertFalse([f for f in frames if f.has("esp")])


if __name__ == "__main__":
    unittest.main()
