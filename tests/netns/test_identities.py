# SPDX-License-Identifier: Apache-2.0
"""Whom a socket talks to, and how strongly: the draft's section 4 on the wire.

    alice                                      bob
    ESP 0x2001 to fqdn:bob.example, 128 bits --> from fqdn:alice.example
    ESP 0x2002 to fqdn:mallory.example, 256  --> from fqdn:alice.example
    ESP 0x2101 from fqdn:bob.example         <-- to fqdn:alice.example

The newest SA, 0x2002, is what a socket without wishes takes.
API-37 API-39
"""

import unittest

import lab

ALICE, BOB, MALLORY = "fqdn:alice.example", "fqdn:bob.example", "fqdn:mallory.example"
REQUIRE = {"esp_transport": "require"}


def sa(spi, sender, octets, local, peer):
    key = lab.key_of(f"identities{spi}", octets + 4)
    return f"""
[[sa]]
protocol = "esp"
mode = "transport"
spi = "{spi}"
source = "{lab.ADDRESSES[sender][4]}"
destination = "{lab.ADDRESSES[lab.PEER[sender]][4]}"
encryption = "aes-gcm-16"
encryption_key = "{key}"
local_identity = "{local}"
peer_identity = "{peer}"
"""


class Identities(unittest.TestCase):
    def setUp(self):
        self.two = lab.Lab()
        self.two.__enter__()
        self.addCleanup(self.two.__exit__)
        self.two.alice.configure(extra=sa("0x2001", "alice", 16, ALICE, BOB)
                                 + sa("0x2002", "alice", 32, ALICE, MALLORY)
                                 + sa("0x2101", "bob", 16, ALICE, BOB))
        self.two.bob.configure(extra=sa("0x2001", "alice", 16, BOB, ALICE)
                               + sa("0x2002", "alice", 32, BOB, ALICE)
                               + sa("0x2101", "bob", 16, BOB, ALICE))
        for host in self.two.hosts:
            host.start()
        self.alice, self.bob = lab.Agent(self.two.alice), lab.Agent(self.two.bob)

    def serve(self, protocol="tcp", wishes=None):
        return self.bob.ask("serve", family=4, protocol=protocol, levels=REQUIRE,
                            wishes=wishes or {})["port"]

    def talk(self, port, wishes, protocol="tcp", timeout=5.0):
        return self.alice.ask("talk", family=4, protocol=protocol, levels=REQUIRE,
                              to=self.two.bob.address(4), port=port, wishes=wishes,
                              tell=True, timeout=timeout)

    def test_the_peers_identity_chooses_the_sa(self):
        for protocol in ("tcp", "udp"):
            port = self.serve(protocol)
            answer = self.talk(port, {"setpeercert": "fqdn:Bob.example"}, protocol)
            self.assertEqual(answer["result"], "ok")
            self.assertEqual(answer["peer"], BOB)
            status = answer["status"]["esp_transport"]
            self.assertEqual((status["spi_out"], status["spi_in"]), (0x2001, 0x2101))
            self.assertEqual((status["level"], status["key_bits"]), (3, 128))
            self.assertEqual(status["algorithms"], "aes-gcm-16")
            self.assertEqual(status["peer"], BOB)
            self.assertEqual(answer["status"]["ah"]["spi_out"], 0)
        # The server learns who came, at accept().
        self.assertEqual(self.bob.ask("peers")["peers"], [ALICE])

    def test_nobody_else_will_do(self):
        port = self.serve()
        answer = self.talk(port, {"setpeercert": "fqdn:carol.example"}, timeout=0.5)
        self.assertEqual(answer["result"], "timeout")
        # The answers come from bob: that is not whom this socket wished.
        answer = self.talk(port, {"setpeercert": MALLORY}, timeout=0.5)
        self.assertEqual(answer["result"], "timeout")
        port = self.serve(wishes={"setpeercert": MALLORY})
        listed = self.two.bob.json("socket list")["sockets"]
        self.assertIn({"peer": MALLORY}, [one.get("wishes") for one in listed])
        before = self.two.bob.drops().get("policy_requires_esp_transport", 0)
        answer = self.talk(port, {"setpeercert": BOB}, timeout=0.5)
        self.assertEqual(answer["result"], "timeout")
        self.assertGreater(self.two.bob.drops()["policy_requires_esp_transport"], before)

    def test_strength_and_algorithms_choose_the_sa(self):
        port = self.serve()
        answer = self.talk(port, {"ipsec_set_algorithms": "aes128gcm16"})
        self.assertEqual(answer["result"], "ok")
        self.assertEqual(answer["status"]["esp_transport"]["spi_out"], 0x2001)
        answer = self.talk(port, {"ipsec_set_strength": 128})
        self.assertEqual(answer["result"], "ok")
        self.assertEqual(answer["status"]["esp_transport"]["spi_out"], 0x2002)
        # Bob's only SA has 128 bits.
        answer = self.talk(port, {"ipsec_set_strength": 256}, timeout=0.5)
        self.assertEqual(answer["result"], "timeout")


if __name__ == "__main__":
    unittest.main()
