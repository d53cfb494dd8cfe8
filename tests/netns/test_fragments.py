# SPDX-License-Identifier: Apache-2.0
"""Datagrams larger than the wire, and ways that are narrower than it.

Real sockets; the outer namespace's kernel forwards, cuts and complains as any
router does. What is on the wire is judged on the capture, by IP's own fields.
IN-01 OUT-11 OUT-13 FRAG-01 PMTU-02 PMTU-03 PMTU-04 PMTU-05 PMTU-08
"""

import subprocess
import unittest

import lab
import pcap

NARROW = 1300  # of the way to bob, once somebody has made it so
ROUTER = ("10.99.0.1/32", "fd00:99::1/128")


def protocol_of(octets):
    """Behind IPv6's fragment header, if there is one."""
    if octets[0] >> 4 == 4:
        return octets[9]
    return octets[40] if octets[6] == 44 else octets[6]


def is_fragment(octets):
    """Of AH or ESP."""
    if octets[0] >> 4 == 4:
        return octets[9] in (50, 51) and octets[6] & 0x3f | octets[7] != 0
    return octets[6] == 44 and octets[40] in (50, 51)


class Fragments(unittest.TestCase):
    def setUp(self):
        self.two = self.enterContext(lab.Lab())

    def start(self, category):
        for address in ROUTER:
            subprocess.run(["ip", "address", "replace", address, "dev", "lo"], check=True)
        self.levels = {category: "require"}
        self.two.start(sas=lab.all_sas([category]), levels=self.levels)
        self.agents = lab.Agent(self.two.alice), lab.Agent(self.two.bob)

    def narrow(self):
        subprocess.run(["ip", "link", "set", "wire-bob", "mtu", str(NARROW)], check=True)

    def talk(self, family, protocol, octets, timeout=5.0):
        port = self.agents[1].ask("serve", family=family, protocol=protocol)["port"]
        return self.agents[0].ask("talk", family=family, protocol=protocol, port=port,
                                  octets=octets, timeout=timeout,
                                  to=self.two.bob.address(family))["result"]

    def assert_big_datagrams_pass(self, category, wants_fragments):
        self.start(category)
        capture = self.two.capture("big")
        for family in (4, 6):
            for octets in (1200, 2000, 4000, 9000):
                self.assertEqual(self.talk(family, "udp", octets), "ok", (family, octets))
        packets = [octets for _, octets in pcap.octets_of(capture.stop())]
        self.assertEqual([len(p) for p in packets if len(p) > 1500], [])
        self.assertEqual({protocol_of(p) for p in packets} & {6, 17}, set())
        fragments = [p for p in packets if is_fragment(p)]
        ways = {(p[0] >> 4, p[12:16] if p[0] >> 4 == 4 else p[8:24]) for p in fragments}
        self.assertEqual(len(ways), 4 if wants_fragments else 0)  # both ways, both families
        # The router's multicast reports come in clear.
        for host in self.two.hosts:
            self.assertLessEqual(set(host.drops()), {f"policy_requires_{category}"})

    def test_esp_transport(self):
        self.assert_big_datagrams_pass("esp_transport", True)

    def test_ah(self):
        self.assert_big_datagrams_pass("ah", True)

    # The kernel's own fragments pass inside of the tunnel, each in one packet.
    def test_esp_network(self):
        self.assert_big_datagrams_pass("esp_network", False)

    def assert_converges(self, category):
        self.start(category)
        for family in (4, 6):
            self.assertEqual(self.talk(family, "tcp", 100_000), "ok")
        self.narrow()
        for family in (4, 6):
            before = self.counts()
            self.assertEqual(self.talk(family, "tcp", 300_000, 20.0), "ok", family)
            after = self.counts()
            self.assertEqual(after["path_mtu_lowered"], before["path_mtu_lowered"] + 1)
            self.assertGreater(after["too_big_told"], before["too_big_told"])
            # A datagram that is too large is the kernel's to cut, from now on.
            self.talk(family, "udp", 1250, 1.0)
            self.assertEqual(self.talk(family, "udp", 1250), "ok", family)
            self.assertEqual(self.talk(family, "udp", 5000), "ok", family)

    def counts(self):
        return self.two.alice.json("stats")["counts"]

    def test_tcp_finds_the_narrow_way_in_transport_mode(self):
        self.assert_converges("esp_transport")

    def test_tcp_finds_the_narrow_way_in_a_tunnel(self):
        self.assert_converges("esp_network")


if __name__ == "__main__":
    unittest.main()
