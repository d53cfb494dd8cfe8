# SPDX-License-Identifier: Apache-2.0
"""Hosts that are stations of an Ethernet, by wires of the kinds packet and tap.

    packet   alice ── under-alice ───veth─── under-bob ── bob
                                                 └─────── the kernel there: "station"

    tap      alice ── wire-alice ─┬─ lab0 ─┬─ wire-bob ── bob
                               the kernel: "station"

The judge of ARP and Neighbour Discovery is Linux: it is a third station.
"""

import hashlib
import json
import pathlib
import random
import subprocess
import unittest

import lab
import underlay
import wire

ROUTER = {4: "10.9.3.1", 6: "fd00:9:3::1"}
LENGTH = {4: 16, 6: 32}
FAR = {4: "198.51.100.1", 6: "2001:db8:f::1"}  # behind the station
NOBODY = {4: "10.9.7.7", 6: "fd00:9:7::7"}
STATION_MAC = "02:00:00:00:03:01"
CLAIM = """
import sys
from scapy.all import ARP, Ether, ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6, sendp
device, mac, v4, v6 = sys.argv[1:]
sendp(Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=mac, psrc=v4, pdst=v4),
      iface=device, verbose=False)
sendp(Ether(src=mac, dst="33:33:00:00:00:01") / IPv6(src=v6, dst="ff02::1", hlim=255) /
      ICMPv6ND_NA(tgt=v6, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac),
      iface=device, verbose=False)
"""
HOSTILE = """
import random, sys
from scapy.all import ARP, Ether, ICMPv6ND_NA, ICMPv6ND_NS, IPv6, Raw, fuzz, raw, sendp
device, mac, ours, v4, v6, seed = sys.argv[1:]
random.seed(int(seed))
front = lambda to, kind: Ether(src=mac, dst=to, type=kind)
frames = []
for _ in range(150):
    whole = raw(random.choice([
        front(random.choice([ours, "ff:ff:ff:ff:ff:ff"]), 0x806) / fuzz(ARP(hwlen=6, plen=4)),
        front(ours, 0x86dd) / IPv6(src=v6, dst=v6, hlim=255) / fuzz(ICMPv6ND_NA()),
        front(ours, 0x86dd) / IPv6(src=v6, dst=v6, hlim=255) / fuzz(ICMPv6ND_NS()),
        front(ours, random.choice([0x800, 0x86dd, 0x88cc, 0x8100, 0])) /
        Raw(random.randbytes(random.randrange(60))),
    ]))
    frames.append(Ether(whole[:random.randrange(14, len(whole) + 1)]))
sendp(frames, iface=device, verbose=False)
"""


class Stations:
    """What holds for both kinds."""

    kind = None

    def setUp(self):
        self.two = lab.Lab(wire=self.kind).__enter__()
        self.addCleanup(self.two.__exit__)
        self.sas = lab.all_sas()

    def start(self, **configuration):
        configuration.setdefault("sas", self.sas)
        self.two.start(**configuration)

    def station(self, *command, **more):
        """Runs a command in the station's namespace."""
        more.setdefault("check", True)
        more.setdefault("timeout", 30)
        return subprocess.run([*self.prefix(), *(str(c) for c in command)], text=True,
                              capture_output=True, **more)

    def begin_station(self):
        """The kernel gets addresses on the Ethernet, and others behind it."""
        self.station("ip", "link", "set", self.device, "address", STATION_MAC)
        self.station("ip", "link", "set", "lo", "up")
        for family in (4, 6):
            nodad = ["nodad"] if family == 6 else []
            self.station("ip", "address", "add", f"{ROUTER[family]}/{LENGTH[family]}",
                         "dev", self.device, *nodad)
            self.station("ip", "address", "replace", FAR[family], "dev", "lo", *nodad)

    def mac(self, host):
        return host.json("status")["wire"]["mac"]

    def pings(self, run, address):
        ran = run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "5", address, check=False)
        return "2 received" in ran.stdout

    def neighbour(self, family, host):
        """What the station's kernel remembers of a host."""
        shown = self.station("ip", "-j", "neighbour", "show", "dev", self.device,
                             host.address(family))
        entries = json.loads(shown.stdout or "[]")
        return entries[0].get("lladdr") if entries else None

    # RFC 826, RFC 4861 7.2
    def test_every_bundle_in_every_family(self):
        self.start()
        capture = lab.Capture(self.two, self.device, self.two.directory / "seen.pcap",
                              prefix=self.prefix())
        agents = lab.Agent(self.two.alice), lab.Agent(self.two.bob)
        bundles = [{}] + [{c: "require"} for c in lab.CATEGORIES]
        bundles.append({c: "require" for c in lab.CATEGORIES})
        for levels in bundles:
            for family in (4, 6):
                for protocol in ("tcp", "udp"):
                    port = agents[1].ask("serve", family=family, protocol=protocol,
                                         levels=levels)["port"]
                    for octets in (1, 1100):
                        answer = agents[0].ask(
                            "talk", family=family, protocol=protocol, port=port, octets=octets,
                            to=self.two.bob.address(family), levels=levels)
                        self.assertEqual(answer["result"], "ok", (family, protocol, levels))
        self.two.alice.run("true")
        frames = wire.read(capture.stop(), self.sas, "ip or ipv6.nxt != 58")
        shapes = {frame.shape for frame in frames}
        for start in ("IPv4+TCP", "IPv6+UDP", "IPv4+AH+TCP", "IPv6+ESP(TCP", "IPv4+ESP(IPv4+",
                      "IPv6+ESP(IPv6+AH+ESP(TCP"):
            self.assertTrue(any(s.startswith(start) for s in shapes), (start, shapes))
        asked = wire.read(capture.file, (), "arp.opcode == 1 or icmpv6.type == 135")
        self.assertTrue(asked)
        for host in self.two.hosts:
            self.assertLessEqual(set(host.drops()), self.others)
            self.assertIn(self.mac(host), capture_macs(capture.file))

    def test_linux_is_a_neighbour(self):
        self.start()
        self.begin_station()
        for family in (4, 6):
            self.assertTrue(self.pings(self.two.alice.run, ROUTER[family]))
            self.assertEqual(self.neighbour(family, self.two.alice), self.mac(self.two.alice))
            # It asks again, now alone (RFC 4861 7.3.3), and is content.
            self.station("ip", "neighbour", "flush", "dev", self.device)
            self.assertTrue(self.pings(self.station, self.two.alice.address(family)))
        # It moves. What it asks tells its neighbours (RFC 826).
        self.station("ip", "link", "set", self.device, "address", "02:00:00:00:03:02")
        for family in (4, 6):
            self.assertTrue(self.pings(self.station, self.two.alice.address(family)), family)
            self.assertTrue(self.pings(self.two.alice.run, ROUTER[family]), family)

    def test_what_is_not_on_the_ethernet_goes_by_a_gateway(self):
        self.begin_station()
        self.gateways = f'gateways = ["{ROUTER[4]}", "{ROUTER[6]}"]\n'
        toml = self.two.wire_toml
        self.two.wire_toml = lambda name: toml(name) + (self.gateways if name == "alice" else "")
        self.start()
        for family in (4, 6):
            self.assertTrue(self.pings(self.two.alice.run, FAR[family]))
            self.assertFalse(self.pings(self.two.bob.run, FAR[family]))
        self.assertGreaterEqual(self.two.bob.drops()["no_gateway"], 2)

    # RFC 4861 7.2.2, RFC 1122 2.3.2.1
    def test_who_does_not_answer_is_asked_three_times(self):
        self.start()
        alice = self.two.alice
        before = alice.json("stats")["counts"]["neighbour_questions"]
        for family in (4, 6):
            ran = alice.run("ping", "-n", "-c", "1", "-W", "1", NOBODY[family])
            self.assertIn("0 received", ran.stdout)
        lab.wait_until(lambda: alice.drops().get("no_neighbour") == 2, "both are given up")
        self.assertEqual(alice.json("stats")["counts"]["neighbour_questions"] - before, 6)

    # RFC 5227 2.4, RFC 4862 5.4.3
    def test_addresses_are_defended(self):
        self.start()
        self.begin_station()
        alice = self.two.alice
        # Duplicate address detection, by Linux.
        self.station("ip", "address", "add", f"{alice.address(6)}/32", "dev", self.device)
        shown = lambda: self.station("ip", "-6", "address", "show", "dev", self.device).stdout
        lab.wait_until(lambda: "dadfailed" in shown(), "Linux finds the address taken")
        self.station("ip", "address", "del", f"{alice.address(6)}/32", "dev", self.device)
        # Somebody who does not ask.
        self.station("/usr/bin/python3", "-c", CLAIM, self.device, STATION_MAC,
                     alice.address(4), alice.address(6))
        conflicts = lambda: alice.json("stats")["counts"]["address_conflicts"]
        lab.wait_until(lambda: conflicts() == 2, "both conflicts are seen")
        self.assertEqual(alice.log.read_text().count("address_conflict"), 2)
        for family in (4, 6):
            self.assertTrue(self.pings(self.station, alice.address(family)))

    # DEF-36: the kernel's super-packets, where a device passes them whole.
    def test_bulk_in_clear_from_a_kernel_without_ipsec(self):
        self.start()
        self.begin_station()
        sent = self.two.directory / "sent"
        sent.write_bytes(random.Random(1).randbytes(8_000_000))
        for family in (4, 6):
            got = self.two.directory / f"got{family}"
            port, address = 7000 + family, self.two.alice.address(family)
            with open(got, "wb") as out:
                server = subprocess.Popen(
                    self.two.alice.command("nc", "-l", address, port), stdin=subprocess.DEVNULL,
                    stdout=out, env=self.two.environment)
                self.two.processes.append(server)
                lab.wait_until(lambda: self.two.alice.listening(port), "nc listens")
                with open(sent, "rb") as data:
                    self.station("nc", "-N", address, port, stdin=data, timeout=60)
                self.assertEqual(server.wait(30), 0)
            digests = [hashlib.sha256(f.read_bytes()).hexdigest() for f in (sent, got)]
            self.assertEqual(digests[0], digests[1])
        self.assertLessEqual(set(self.two.alice.drops()), self.others)

    # Whoever is on the Ethernet must not set the host up anew.
    def test_routers_have_no_say(self):
        self.start()
        self.begin_station()
        alice = self.two.alice
        look = lambda: (alice.run("ip", "-6", "route").stdout,
                        alice.run("cat", "/proc/sys/net/ipv6/conf/tun0/hop_limit").stdout)
        before = look()
        self.station("/usr/bin/python3", "-c", ROUTER_SPEAKS, self.device, STATION_MAC,
                     self.mac(alice))
        lab.wait_until(lambda: alice.drops().get("foreign_frame", 0) >= 2, "both are refused")
        self.assertEqual(look(), before)
        for key in ("accept_ra", "accept_redirects"):
            self.assertEqual(
                alice.run("cat", f"/proc/sys/net/ipv6/conf/tun0/{key}").stdout, "0\n")

    # Every message cut anywhere and with any content: nothing stops.
    def test_hostile_frames(self):
        self.start()
        self.begin_station()
        alice = self.two.alice
        for seed in range(3):
            self.station("/usr/bin/python3", "-c", HOSTILE, self.device, STATION_MAC,
                         self.mac(alice), ROUTER[4], ROUTER[6], seed, timeout=60)
        lab.wait_until(lambda: alice.drops().get("bad_neighbour_message", 0) > 20,
                       "they are counted")
        for family in (4, 6):
            self.assertTrue(self.pings(alice.run, ROUTER[family]))
        self.assertNotIn("forgotten", alice.drops())
        self.assertLess(alice.log.stat().st_size, 200_000)


def capture_macs(file):
    shown = subprocess.run(["tshark", "-n", "-r", str(file), "-T", "fields", "-e", "eth.src"],
                           capture_output=True, text=True, check=True, timeout=60)
    return set(shown.stdout.split())


ROUTER_SPEAKS = """
import sys
from scapy.all import (Ether, ICMPv6ND_RA, ICMPv6NDOptMTU, ICMPv6NDOptPrefixInfo, IPv6,
                       IPv6ExtHdrDestOpt, sendp)
device, mac, ours = sys.argv[1:]
said = (ICMPv6ND_RA(chlim=1, routerlifetime=1800, prf=1) / ICMPv6NDOptMTU(mtu=1280) /
        ICMPv6NDOptPrefixInfo(prefix="2001:db8:bad::", prefixlen=64))
front = Ether(src=mac, dst=ours) / IPv6(src="fe80::bad", dst="ff02::1", hlim=255)
for frame in (front / said, front / IPv6ExtHdrDestOpt() / said):
    sendp(frame, iface=device, verbose=False)
"""


class PacketWire(Stations, unittest.TestCase):
    kind = "packet"
    device = underlay.device("bob")
    others = set()  # the filter lets nothing else in

    def prefix(self):
        return self.two.underlay.prefix("bob")

    def test_status_and_mtus_follow_from_the_interface(self):
        self.two.underlay.run("alice", "ip", "link", "set", "under-alice", "mtu", "1420")
        self.start()
        status = self.two.alice.json("status")["wire"]
        self.assertEqual((status["kind"], status["name"], status["mtu"]),
                         ("packet", "under-alice", 1420))

    # The interface is the machine's all the same.
    def test_the_machine_keeps_its_interface(self):
        self.start()
        for name, other in lab.PEER.items():
            for family in (4, 6):
                ran = self.two.underlay.run(
                    name, "ping", "-n", "-c", "2", "-i", "0.2", "-W", "5",
                    underlay.ENDS[other][family], check=False, capture_output=True, text=True)
                self.assertIn("2 received", ran.stdout)
        for host in self.two.hosts:
            self.assertEqual(host.drops(), {})

    def test_bulk_in_clear_comes_in_super_packets(self):
        self.test_bulk_in_clear_from_a_kernel_without_ipsec()
        counts = self.two.alice.json("stats")["counts"]
        self.assertGreater(counts["super_packets_read"], 100)
        self.assertGreater(counts["segments_read"], 2 * counts["super_packets_read"])

    def test_a_link_may_go_down_and_come_back(self):
        self.start()
        alice, bob = self.two.alice, self.two.bob
        self.assertTrue(self.pings(alice.run, bob.address(4)))
        self.two.underlay.run("alice", "ip", "link", "set", "under-alice", "down")
        self.assertFalse(self.pings(alice.run, bob.address(4)))
        self.two.underlay.run("alice", "ip", "link", "set", "under-alice", "up")
        lab.wait_until(lambda: self.pings(alice.run, bob.address(4)), "the link is back")
        self.assertIsNone(alice.process.poll())

    def test_without_its_interface_a_host_ends(self):
        self.start()
        self.two.underlay.run("alice", "ip", "link", "delete", "under-alice")
        self.assertNotEqual(self.two.alice.process.wait(20), 0)

    # The kernel tells once that it is down, and not that it is gone.
    def test_nor_with_one_that_was_down_before(self):
        self.start()
        flood = self.two.alice.spawn("ping", "-f", "-c", "100000", self.two.bob.address(4))
        for command in (("set", "under-alice", "down"), ("delete", "under-alice")):
            self.two.underlay.run("alice", "ip", "link", *command)
        self.assertNotEqual(self.two.alice.process.wait(20), 0)
        lab.end_process(flood)


class TapWire(Stations, unittest.TestCase):
    kind = "tap"
    device = lab.BRIDGE
    others = {"foreign_frame"}  # a bridge floods what is for all

    def prefix(self):
        return []

    def test_it_is_a_port_of_the_bridge(self):
        self.start()
        shown = subprocess.run(["ip", "-j", "link", "show", "master", lab.BRIDGE],
                               capture_output=True, text=True, check=True)
        self.assertEqual({link["ifname"] for link in json.loads(shown.stdout)},
                         {"wire-alice", "wire-bob"})

    # RFC 3810, RFC 4861 7.2.1: a switch that looks into MLD lets it be found.
    def test_a_bridge_that_snoops_lets_neighbours_be_found(self):
        for key in ("mcast_querier", "mcast_snooping"):
            subprocess.run(["ip", "link", "set", lab.BRIDGE, "type", "bridge", key, "1"],
                           check=True)
        self.start()
        self.begin_station()
        groups = lambda: subprocess.run(["bridge", "mdb"], capture_output=True, text=True,
                                        check=True).stdout
        lab.wait_until(lambda: groups().count("ff02::1:ff00:1") >= 1, "the bridge has heard")
        self.assertTrue(self.pings(self.station, self.two.alice.address(6)))
        self.assertTrue(self.pings(self.two.bob.run, self.two.alice.address(6)))

    def test_a_bridge_that_is_not_there_is_named(self):
        toml = self.two.wire_toml
        self.two.wire_toml = lambda name: toml(name).replace(lab.BRIDGE, "nobridge")
        with self.assertRaises(lab.LabError) as refused:
            self.start()
        self.assertIn("nobridge", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
