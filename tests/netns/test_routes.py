# SPDX-License-Identifier: Apache-2.0
"""Levels by route: the draft's table of section 4, both directions, real sockets.

Alice has the table; no socket of hers has levels. Bob has an address in each of
its networks and protects as much or as little as each case says. The programs
judge what arrives, tshark what alice sends. Packets of a tunnel's far end are
made by scapy, outside of Postern. API-15 API-36
"""

import json
import socket
import subprocess
import unittest

import lab
import wire
from scapy.layers.inet import IP, UDP
from scapy.layers.ipsec import ESP, SecurityAssociation

# The draft's section 4. Whom a network's host is, what binds traffic with it.
ROUTES = """
[[route]]
prefix = "10.21.12.0/24"
ah = "require"
[[route]]
prefix = "10.51.50.0/24"
esp_transport = "require"
ah = "require"
[[route]]
prefix = "10.91.25.0/24"
"""
BOB = {
    "10.77.0.21": {"esp_transport": "none", "ah": "avail"},
    "10.78.0.21": {"esp_transport": "none", "ah": "avail"},  # no SA to be had
    "10.21.12.21": {"esp_transport": "none", "ah": "require"},
    "10.51.50.21": {"esp_transport": "require", "ah": "require"},
    "10.91.25.21": {"esp_transport": "none", "ah": "none"},
}
WITHOUT_SA = "10.78.0.21"
# What bob puts on his packets.
ANSWERS = ({}, {"ah": "avail"}, {"esp_transport": "avail"},
           {"ah": "avail", "esp_transport": "avail"})
TABLE_SAS = ("esp_transport", "ah")


def sa_with(address, category, sender, number):
    """An SA between alice and one more address of bob's, with its own key."""
    sa = lab.Sa(category, 4, sender)
    setattr(sa, "destination" if sender == "alice" else "source", address)
    sa.spi = f"0x{0x2000 + number:08x}"
    name = f"{number}{sender}{category}"
    if category == "ah":
        sa.integrity_key = lab.key_of(name, 32)
    else:
        sa.encryption_key = lab.key_of(name, 20)
    return sa


def shape(categories):
    inner = "ESP(TCP)" if "esp_transport" in categories else "TCP"
    return f"IPv4+AH+{inner}" if "ah" in categories else f"IPv4+{inner}"


def wanted(address):
    """What alice puts on packets to there."""
    if address == WITHOUT_SA:
        return set()
    return {c for c, level in BOB[address].items() if level != "none"}


def carried(address, answer):
    return set() if address == WITHOUT_SA else set(answer)


def accepted(address, answer):
    required = {c for c, level in BOB[address].items() if level == "require"}
    return required <= carried(address, answer)


class Routes(unittest.TestCase):
    def both(self, sas, routes="", levels=None):
        two = self.enterContext(lab.Lab())
        two.alice.configure(sas=sas, routes=routes, levels=levels)
        two.bob.configure(sas=sas, also=[f"{a}/32" for a in BOB])
        for host in two.hosts:
            host.start()
        return two

    def table_sas(self):
        names = [(a, c, s) for a in BOB if a != WITHOUT_SA
                 for c in TABLE_SAS for s in ("alice", "bob")]
        return [sa_with(*name, number) for number, name in enumerate(names)]

    def test_the_drafts_table(self):
        sas = self.table_sas()
        two = self.both(sas, ROUTES, levels={"ah": "avail"})
        capture = two.capture()
        alice, bob = lab.Agent(two.alice), lab.Agent(two.bob)
        here = alice.ask("serve", family=4, protocol="tcp")["port"]
        ran = []
        for answer in ANSWERS:
            there = bob.ask("serve", family=4, protocol="tcp", levels=answer)["port"]
            for address in BOB:
                works = accepted(address, answer)
                ask = {"family": 4, "protocol": "tcp", "timeout": 5.0 if works else 0.25}
                before = sum(two.alice.drops().values())
                out = alice.ask("talk", to=address, port=there, **ask)
                back = bob.ask("talk", to=two.alice.address(4), port=here, levels=answer,
                               local_address=address, **ask)
                case = (address, answer)
                expected = "ok" if works else "timeout"
                self.assertEqual((out["result"], back["result"]), (expected, expected), case)
                if not works:
                    self.assertGreater(sum(two.alice.drops().values()), before, case)
                ran.append((address, works, (out["local_port"], there),
                            (here, back["local_port"])))
        self.assertLessEqual(set(two.alice.drops()),
                             {"policy_requires_ah", "policy_requires_esp_transport"})
        self.judge(wire.read(capture.stop(), sas), ran)

    def judge(self, frames, ran):
        sent = {}
        for frame in frames:
            if frame.source == lab.ADDRESSES["alice"][4]:
                ports = [frame.field[f"tcp.{end}port"] for end in ("src", "dst")]
                self.assertTrue(all(ports), f"tshark cannot see into {frame.shape}")
                sent.setdefault((frame.destination, *map(int, ports)), []).append(frame)
        for address, works, out, back in ran:
            self.assertTrue(sent.get((address, *out)), (address, out))
            answers = sent.get((address, *back), [])
            # What is refused gets no answer of any kind.
            self.assertEqual(bool(answers), works, (address, back))
            for frame in sent[address, *out] + answers:
                self.assertEqual(frame.shape.replace(f"({frame.tcp})", ""),
                                 shape(wanted(address)), (address, frame.tcp))
        print(f"{2 * len(ran)} cases, {len(frames)} frames")

    def test_changes_at_run_time(self):
        """Discard, a longer prefix, and the route's end: each binds at once."""
        sas = self.table_sas()
        two = self.both(sas, levels={"ah": "avail"})
        alice, bob = lab.Agent(two.alice), lab.Agent(two.bob)
        there = bob.ask("serve", family=4, protocol="tcp")["port"]
        here = alice.ask("serve", family=4, protocol="tcp")["port"]
        address = "10.51.50.21"

        def talk(expected):
            ask = {"family": 4, "protocol": "tcp", "timeout": 5.0 if expected == "ok" else 0.25}
            return {alice.ask("talk", to=address, port=there, **ask)["result"],
                    bob.ask("talk", to=two.alice.address(4), port=here, local_address=address,
                            **ask)["result"]} == {expected}
        self.assertTrue(talk("ok"))
        two.alice.postern("route set", "10.51.0.0/16", "--discard")
        self.assertTrue(talk("timeout"))
        self.assertEqual(set(two.alice.drops()), {"discard_route"})
        two.alice.postern("route set", "10.51.50.0/24", "--auth", "use")
        self.assertTrue(talk("ok"))
        two.alice.postern("route set", "10.51.50.21/32", "--auth", "require")
        self.assertTrue(talk("timeout"))
        self.assertEqual(set(two.alice.drops()), {"discard_route", "policy_requires_ah"})
        two.alice.postern("route delete", "10.51.50.21/32")
        self.assertTrue(talk("ok"))
        two.alice.postern("route delete", "10.51.50.0/24")
        self.assertTrue(talk("timeout"))
        two.alice.postern("route delete", "10.51.0.0/16")
        self.assertTrue(talk("ok"))

    def test_a_gateway(self):
        """The draft's 10.8.0.0/16 inside datagrams bound for a tunnel's end."""
        sas = [lab.Sa("esp_network", 4, sender) for sender in ("alice", "bob")]
        gateway = lab.ADDRESSES["bob"][4]
        two = self.both(sas, f"""
[[route]]
prefix = "10.8.0.0/24"
esp_network = "require"
gateway = "{gateway}"
""")
        port = lab.Agent(two.alice).ask("serve", family=4, protocol="udp")["port"]
        capture = two.capture(device="wire-alice")
        monitor = subprocess.Popen(
            [two.program("postern"), "monitor", "alice", "--json", "--count", "2"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=two.environment)
        two.processes.append(monitor)
        self.assertEqual(json.loads(monitor.stdout.readline()), {"event": "ready"})
        # An echo to each packet that is let in.
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            for number, source in enumerate(("10.8.0.21", "10.8.1.21", "10.8.0.22"), 1):
                raw.sendto(self.tunnelled(sas[1], source, port, number),
                           (two.alice.address(4), 0))
            # In clear, from behind the gateway.
            raw.sendto(bytes(IP(src="10.8.0.21", dst=two.alice.address(4)) /
                             UDP(sport=7000, dport=port) / b"word"), (two.alice.address(4), 0))
        lab.wait_until(lambda: sum(two.alice.drops().values()) == 2, "alice drops two")
        self.assertEqual(two.alice.drops(), {"selector_mismatch": 1,
                                             "policy_requires_esp_network": 1})
        told = json.loads(monitor.communicate(timeout=15)[0])  # IN-07
        self.assertEqual((told["event"], told["spi"], told["flow"]["source"], told["untold"]),
                         ("selector_mismatch", sas[1].spi, "10.8.1.21", 0))
        answers = [f for f in wire.read(capture.stop(), sas)
                   if f.source == two.alice.address(4)]
        self.assertEqual({(f.shape, f.destination) for f in answers},
                         {("IPv4+ESP(IPv4+UDP)", gateway)})
        self.assertEqual({f.field["ip.dst"] for f in answers},
                         {f"{gateway},10.8.0.21", f"{gateway},10.8.0.22"})

    def tunnelled(self, sa, source, port, number):
        """A datagram from `source`, behind the gateway, as scapy makes it."""
        maker = SecurityAssociation(
            ESP, int(sa.spi, 0), seq_num=number, crypt_algo="AES-GCM",
            crypt_key=bytes.fromhex(sa.encryption_key[2:]),
            tunnel_header=IP(src=sa.source, dst=sa.destination))
        inner = IP(src=source, dst=sa.destination) / UDP(sport=7000, dport=port) / b"word"
        return bytes(maker.encrypt(IP(bytes(inner))))


if __name__ == "__main__":
    unittest.main()
