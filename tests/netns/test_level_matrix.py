# SPDX-License-Identifier: Apache-2.0
"""Every built level, in every category, between real sockets, judged by tshark.

The expectation is written from the draft's 1.2.2, not from the code:
  outbound    AVAIL, USE and REQUIRE apply the category (SAs exist for all)
  inbound     REQUIRE accepts only what carries the category
API-02 API-08 API-12 API-15 API-17 API-18 API-28 API-34 API-45
"""

import itertools
import unittest

import lab
import wire

LEVELS = ("none", "avail", "use", "require")
LAYER = {"esp_transport": "esp", "ah": "ah", "esp_network": "esp"}


def applied(levels):
    return {c for c, level in levels.items() if level != "none"}


def required(levels):
    return {c for c, level in levels.items() if level == "require"}


def works(client, server):
    return required(server) <= applied(client) and required(client) <= applied(server)


def shape(family, protocol, categories):
    """The draft's notation for a packet with these categories applied."""
    ip = f"IPv{family}"
    inner = protocol.upper()
    if "esp_transport" in categories:
        inner = f"ESP({inner})"
    inner = f"{ip}+AH+{inner}" if "ah" in categories else f"{ip}+{inner}"
    return f"{ip}+ESP({inner})" if "esp_network" in categories else inner


def cases():
    for category, client, server in itertools.product(lab.CATEGORIES, LEVELS, LEVELS):
        yield {category: client}, {category: server}
    everything = {c: "require" for c in lab.CATEGORIES}
    yield everything, everything
    yield {}, everything
    for missing in lab.CATEGORIES:
        yield {c: "require" for c in lab.CATEGORIES if c != missing}, everything
    yield {"ah": "use", "esp_transport": "avail"}, {"ah": "require"}


class LevelMatrix(unittest.TestCase):
    # DEF-32
    def test_every_level_is_enforced_on_the_wire(self):
        with lab.Lab() as two:
            self.sas = lab.all_sas()
            two.start(sas=self.sas)
            capture = two.capture()
            alice, bob = lab.Agent(two.alice), lab.Agent(two.bob)
            ran = [self.run_case(alice, bob, family, protocol, client, server)
                   for client, server in cases()
                   for family, protocol in ((4, "tcp"), (6, "udp"), (6, "tcp"), (4, "udp"))]
            frames = wire.read(capture.stop(), self.sas, "not arp and not igmp")
            self.judge(frames, ran)
            forgotten = [h.drops().get("forgotten", 0) for h in two.hosts]
        self.assertEqual(forgotten, [0, 0])
        print(f"{len(ran)} cases, {len(frames)} frames")

    def run_case(self, alice, bob, family, protocol, client, server):
        port = bob.ask("serve", family=family, protocol=protocol, levels=server)["port"]
        expected = "ok" if works(client, server) else "timeout"
        answer = alice.ask(
            "talk", family=family, protocol=protocol, levels=client, port=port,
            to=lab.ADDRESSES["bob"][family], timeout=5.0 if expected == "ok" else 0.25)
        case = (family, protocol, client, server)
        self.assertEqual(answer["result"], expected, case)
        return case + (answer["local_port"], port)

    def judge(self, frames, ran):
        by_ports = {}
        for frame in frames:
            if frame.has("icmpv6"):  # the kernel's own: multicast reports
                continue
            ends = [tuple(frame.field[f"{p}.{e}port"].split(",")[-1] for e in ("src", "dst"))
                    for p in ("tcp", "udp") if frame.field[f"{p}.srcport"]]
            self.assertTrue(ends, f"tshark cannot see into {frame.shape}")
            by_ports.setdefault(ends[0], []).append(frame)
        for family, protocol, client, server, local, port in ran:
            case = (family, protocol, client, server)
            there = by_ports.get((str(local), str(port)), [])
            back = by_ports.get((str(port), str(local)), [])
            self.assertTrue(there, f"nothing sent: {case}")
            self.expect(there, shape(family, protocol, applied(client)), case)
            self.expect(back, shape(family, protocol, applied(server)), case)
            if not required(server) <= applied(client):
                self.assertEqual(back, [], f"an answer to a refused packet: {case}")

    def expect(self, frames, expected, case):
        for frame in frames:
            plain = frame.shape.replace(f"({frame.tcp})", "") if frame.tcp else frame.shape
            self.assertEqual(plain, expected, case)


if __name__ == "__main__":
    unittest.main()
