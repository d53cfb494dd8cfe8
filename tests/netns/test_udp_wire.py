# SPDX-License-Identifier: Apache-2.0
"""Two hosts with udp wires, in two namespaces joined by a veth pair.

       alice ── posternd ══ 192.0.2.1 ───veth─── 192.0.2.2 ══ posternd ── bob

ESP in UDP (RFC 3948) between them and nothing else, judged by tshark; trains;
what such a wire refuses; strangers.
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

ESP = ("esp_transport", "esp_network")
SCAPY_PEER = pathlib.Path(__file__).with_name("scapy_udp_peer.py")
FLOOD = """
import os, random, socket, sys
family, source, destination, source_port, count, seed = sys.argv[1:]
family = socket.AF_INET6 if family == "6" else socket.AF_INET
dice = random.Random(int(seed))
with socket.socket(family, socket.SOCK_DGRAM) as sock:
    sock.bind((source, int(source_port)))
    for i in range(int(count)):
        size = i % 129 if i < 129 * 4 else dice.randrange(1400)
        head = (b"", b"\\0\\0\\0\\0", b"\\xff", bytes([0, 0, 16, dice.randrange(256)]))[i % 4]
        sock.sendto((head + dice.randbytes(size))[:size], (destination, 4500))
"""
CLEAR_SENDER = """
import socket, sys
family, source, destination, port = sys.argv[1:]
family = socket.AF_INET6 if family == "6" else socket.AF_INET
with socket.socket(family, socket.SOCK_DGRAM) as sock:
    sock.bind((source, 4711))
    for _ in range(5):
        sock.sendto(b"from below", (destination, int(port)))
"""
ECN_SENDER = """
import socket, sys
v6 = sys.argv[1] == "6"
sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
option = (socket.IPPROTO_IPV6, socket.IPV6_TCLASS) if v6 else (socket.IPPROTO_IP, socket.IP_TOS)
sock.setsockopt(*option, int(sys.argv[3]))
sock.sendto(b"x" * 50, (sys.argv[2], 4711))
"""
ECN_RECEIVER = """
import socket, sys
v6 = sys.argv[1] == "6"
sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(*((socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS) if v6 else
                  (socket.IPPROTO_IP, socket.IP_RECVTOS)), 1)
sock.bind((sys.argv[2], 4711))
sock.settimeout(10)
print("bound", flush=True)
_, extra, _, _ = sock.recvmsg(100, 100)
print(extra[0][2][0], flush=True)
"""



def random_file(directory, octets):
    path = directory / "sent"
    path.write_bytes(random.Random(1).randbytes(octets))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


class UdpWire(unittest.TestCase):
    def setUp(self):
        self.two = lab.Lab(wire="udp").__enter__()
        self.addCleanup(self.two.__exit__)

    def start(self, **configuration):
        self.sas = lab.all_sas(ESP)
        self.two.start(sas=self.sas, **configuration)

    def counts(self, host):
        return host.json("stats")["counts"]

    def copy(self, family, octets, levels=None):
        """Sends a file by TCP from alice to bob; returns both hashes."""
        two = self.two
        sent, digest = random_file(two.directory, octets)
        got = two.directory / "got"
        port = 7000 + family
        with open(got, "wb") as out:
            server = subprocess.Popen(
                two.bob.command("nc", "-l", two.bob.address(family), port, levels=levels),
                stdin=subprocess.DEVNULL, stdout=out, env=two.environment)
            two.processes.append(server)
            lab.wait_until(lambda: two.bob.listening(port), "nc listens")
            with open(sent, "rb") as data:
                client = two.alice.run("nc", "-N", two.bob.address(family), port,
                                       levels=levels, stdin=data, timeout=60)
            self.assertEqual(client.returncode, 0, client.stderr)
            self.assertEqual(server.wait(30), 0)
        return digest, hashlib.sha256(got.read_bytes()).hexdigest()

    def talk_everywhere(self, levels):
        """TCP and UDP in both families, with several sizes."""
        agents = lab.Agent(self.two.alice), lab.Agent(self.two.bob)
        for family in (4, 6):
            for protocol in ("tcp", "udp"):
                port = agents[1].ask("serve", family=family, protocol=protocol, levels=levels)["port"]
                for octets in (1, 100, 1100):
                    answer = agents[0].ask(
                        "talk", family=family, protocol=protocol, port=port, octets=octets,
                        to=self.two.bob.address(family), levels=levels)
                    self.assertEqual(answer["result"], "ok", (family, protocol, octets))

    def capture(self, name):
        return lab.Capture(self.two, underlay.device("alice"), self.two.directory / f"{name}.pcap",
                           prefix=self.two.outside("alice"))

    # DEF-21: an independent decoder reads ports and lengths.
    def test_only_esp_in_udp_is_on_the_wire_and_tshark_opens_it(self):
        self.start()
        self.two.underlay.cut_up_before_captures()
        capture = self.capture("below")
        for categories in (ESP[:1], ESP[1:], ESP):
            self.talk_everywhere({c: "require" for c in categories})
        levels = {"esp_transport": "require"}
        for family in (4, 6):
            sent, got = self.copy(family, 300_000, levels)
            self.assertEqual(sent, got)
        frames = wire.read(capture.stop(), [underlay.Seen(sa) for sa in self.sas],
                           "not icmpv6 and not arp")
        self.assertGreater(len(frames), 500)
        ends = {underlay.ENDS[name][family] for name in ("alice", "bob") for family in (4, 6)}
        for frame in frames:
            self.assertEqual(frame.layers[1:4], ["udp", "udpencap", "esp"], frame.layers)
            self.assertLessEqual({frame.source, frame.destination}, ends)
            first = lambda name: frame.field[name].split(",")[0]
            self.assertEqual((first("udp.srcport"), first("udp.dstport")), ("4500", "4500"))
            self.assertNotIn("0", frame.field["esp.icv_good"].split(","))
            self.assertNotEqual(frame.field["esp.icv_good"], "")
            self.assertLessEqual(int(first("udp.length")), 1480)
        shapes = {tuple(f.layers[3:]) for f in frames}
        self.assertIn(("esp", "tcp"), shapes)
        self.assertTrue(any(s[:2] == ("esp", "ip") and "esp" in s[2:] for s in shapes), shapes)
        # The octets that nobody may see, in no frame.
        secret = (self.two.directory / "sent").read_bytes()[5000:5016]
        self.assertNotIn(secret, capture.file.read_bytes())
        for host in self.two.hosts:
            self.assertNotIn("forgotten", host.drops())

    def test_scapy_is_a_peer(self):
        self.start(levels={"esp_transport": "require"})
        two = self.two
        two.bob.stop()  # scapy takes its place
        agent = lab.Agent(two.alice)
        for family in (4, 6):
            port = agent.ask("serve", family=family, protocol="udp")["port"]
            to, back = (next({"spi": sa.spi, "key": sa.encryption_key} for sa in self.sas
                             if (sa.category, sa.source) == ("esp_transport", host.address(family)))
                        for host in (two.bob, two.alice))
            request = {"family": family, "here": underlay.ENDS["bob"][family],
                       "there": underlay.ENDS["alice"][family], "host": two.bob.address(family),
                       "peer": two.alice.address(family), "port": port, "outbound": to,
                       "inbound": back}
            ran = two.underlay.run("bob", "/usr/bin/python3", SCAPY_PEER, json.dumps(request),
                                   capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            told = json.loads(ran.stdout)
            self.assertEqual(told["right"], told["of"])
        self.assertEqual(two.alice.drops(), {})

    # DEF-36
    def test_bulk_leaves_and_comes_in_trains(self):
        self.start()
        for family in (4, 6):
            sent, got = self.copy(family, 20_000_000, {"esp_network": "require"})
            self.assertEqual(sent, got)
        sender, receiver = self.counts(self.two.alice), self.counts(self.two.bob)
        self.assertGreater(sender["wire_trains_sent"], 100)
        # Datagrams are more than calls, or nothing was saved.
        self.assertGreater(sender["wire_datagrams_sent"], 1.5 * sender["wire_send_calls"])
        self.assertGreater(receiver["wire_trains_received"], 100)
        self.assertGreater(receiver["wire_datagrams_received"], 1.5 * receiver["wire_receive_calls"])
        for host in self.two.hosts:
            self.assertNotIn("udp_segmentation_is_off", host.log.read_text())

    def test_status_and_mtus_follow_from_the_interface(self):
        self.two.underlay.run("alice", "ip", "link", "set", "under-alice", "mtu", "1420")
        self.start()
        status = self.two.alice.json("status")
        self.assertEqual(status["wire"]["kind"], "udp")
        self.assertEqual(status["wire"]["mtu"], 1412)
        self.assertEqual(status["wire"]["listen"][0], "192.0.2.1:4500")
        self.assertEqual(status["wire"]["peers"][1],
                         {"host": "fd00:9:2::1", "at": "[2001:db8:1::2]:4500"})
        self.assertEqual(status["tun"]["mtu"], 1280)
        self.assertEqual(self.two.bob.json("status")["wire"]["mtu"], 1492)
        self.assertEqual(self.two.bob.json("status")["tun"]["mtu"], 1306)

    # The MTU shrinks under the daemon: what no longer fits is dropped by name,
    # never fragmented (RFC 4301 8), and small packets go on.
    def test_what_the_interface_no_longer_takes_is_too_big(self):
        self.start()
        self.two.underlay.cut_up_before_captures()
        self.two.underlay.run("alice", "ip", "link", "set", "under-alice", "mtu", "1280")
        capture = self.capture("shrunk")
        levels = {"esp_network": "require"}
        agents = lab.Agent(self.two.alice), lab.Agent(self.two.bob)
        for family in (4, 6):
            port = agents[1].ask("serve", family=family, protocol="udp", levels=levels)["port"]
            talk = lambda octets: agents[0].ask(
                "talk", family=family, protocol="udp", port=port, octets=octets, timeout=0.5,
                to=self.two.bob.address(family), levels=levels)["result"]
            self.assertEqual(talk(1240), "timeout")
            self.assertEqual(talk(1000), "ok")
        self.assertEqual(self.two.alice.drops(), {"too_big": 2})
        fragments = wire.read(capture.stop(), (), "ip.flags.mf == 1 or ip.frag_offset > 0 or ipv6.fraghdr")
        self.assertEqual(fragments, [])
        self.assertNotIn("udp_segmentation_is_off", self.two.alice.log.read_text())

    # DEF-28
    # RFC 6040: the inner packet's ECN is on the outer header, and comes back.
    def test_ecn_survives_both_headers(self):
        self.start(levels={"esp_network": "require"})
        capture = self.capture("ecn")
        for family, ect in ((4, 2), (6, 1)):
            receiver = self.two.bob.spawn(
                "/usr/bin/python3", "-c", ECN_RECEIVER, family, self.two.bob.address(family))
            self.assertEqual(receiver.stdout.readline(), "bound\n")
            sent = self.two.alice.run("/usr/bin/python3", "-c", ECN_SENDER, family,
                                      self.two.bob.address(family), ect)
            self.assertEqual(sent.returncode, 0, sent.stderr)
            self.assertEqual(receiver.stdout.readline(), f"{ect}\n")
        below = wire.read(capture.stop(), (), "udp.port == 4500")
        self.assertEqual([f.field["ip.dsfield.ecn"] + f.field["ipv6.tclass.ecn"] for f in below],
                         ["2", "1"])

    def test_what_it_cannot_carry_is_refused_with_a_sentence(self):
        self.start()
        alice, key = self.two.alice, lab.key_of("x", 32)
        ends = alice.address(4), self.two.bob.address(4)

        def refused(verb, *arguments):
            ran = alice.postern(verb, *arguments, check=False)
            self.assertNotEqual(ran.returncode, 0, (verb, arguments))
            return ran.stderr
        integrity = ["--integrity", "hmac-sha2-256-128", "--integrity-key", key]
        self.assertIn("carries ESP only", refused(
            "sa add", "ah", "transport", "0x7001", "--from", ends[0], "--to", ends[1], *integrity))
        self.assertIn("no peer 10.9.7.7", refused(
            "sa add", "esp", "tunnel", "0x7001", "--from", ends[0], "--to", "10.9.7.7", *integrity))
        self.assertIn("AH", refused("route set", "10.9.2.0/24", "--ah", "require"))
        self.assertIn("no peer 10.9.7.7", refused(
            "route set", "10.8.0.0/16", "--esp-network", "require", "--gateway", "10.9.7.7"))
        self.assertIn("AH", refused("level set", "--ah", "use"))
        self.assertIn("AH", refused("cgroup set", "/x", "--ah", "use"))
        agent = lab.Agent(alice)
        # Linux gives one number two names.
        self.assertIn(agent.try_("serve", family=4, protocol="tcp", levels={"ah": "use"})["error"],
                      ("EOPNOTSUPP", "ENOTSUP"))
        self.assertIn("port", agent.try_("serve", family=4, protocol="tcp", levels={"ah": "avail"}))

    def test_clear_packets_have_nowhere_to_go(self):
        self.start()
        agents = lab.Agent(self.two.alice), lab.Agent(self.two.bob)
        port = agents[1].ask("serve", family=4, protocol="udp")["port"]
        capture = self.capture("clear")
        answer = agents[0].ask("talk", family=4, protocol="udp", port=port, timeout=0.5,
                               to=self.two.bob.address(4))
        self.assertEqual(answer["result"], "timeout")
        self.assertEqual(self.two.alice.drops(), {"wire_carries_esp_only": 1})
        self.assertEqual(wire.read(capture.stop(), (), "udp"), [])

    # DEF-30: a host's addresses are its TUN's alone. Who is on the network below,
    # and sends there in the peer's name, reaches no socket, whatever its level.
    def test_the_network_below_is_no_way_in(self):
        self.start()
        two, alice = self.two, self.two.alice
        agents = lab.Agent(alice), lab.Agent(two.bob)
        for family in (4, 6):
            # It demands nothing of what comes in.
            port = agents[0].ask("serve", family=family, protocol="udp",
                                 levels={"esp_transport": "avail"})["port"]
            bob, to, bits = two.bob.address(family), alice.address(family), 32 if family == 4 else 128
            nodad = ["nodad"] if family == 6 else []
            below = underlay.device("bob")
            two.underlay.run("bob", "ip", "address", "add", f"{bob}/{bits}", "dev", below, *nodad)
            two.underlay.run("bob", "ip", "route", "add", to, "via", underlay.ENDS["alice"][family],
                             "dev", below)
            before = self.received(alice)
            capture = self.capture(f"below-{family}")
            two.underlay.run("bob", "/usr/bin/python3", "-c", CLEAR_SENDER, family, bob, to, port)
            # What comes after it in the right way does arrive.
            answer = agents[1].ask("talk", family=family, protocol="udp", port=port, to=to,
                                   levels={"esp_transport": "require"})
            self.assertEqual(answer["result"], "ok")
            clear = wire.read(capture.stop(), (), f"udp.dstport == {port} and not udp.port == 4500")
            self.assertEqual(len(clear), 5)
            self.assertEqual(self.received(alice) - before, 1)

    @staticmethod
    def received(host):
        """The datagrams that its sockets have got."""
        v4 = host.run("cat", "/proc/net/snmp").stdout.splitlines()
        names, values = (line.split() for line in v4 if line.startswith("Udp:"))
        v6 = dict(line.split() for line in host.run("cat", "/proc/net/snmp6").stdout.splitlines())
        return int(values[names.index("InDatagrams")]) + int(v6["Udp6InDatagrams"])

    # DEF-15, DEF-20, DEF-38: every length, markers, keepalives and noise, from the
    # peer's own endpoint and from strangers, at a rate.
    def test_hostile_datagrams_are_counted_and_the_wire_goes_on(self):
        self.start(levels={"esp_transport": "require"})
        bob = self.two.bob
        bob.stop()  # its port is free for a liar
        for family in ("4", "6"):
            ends = [underlay.ENDS[name][int(family)] for name in ("bob", "alice")]
            for port in ("4500", "5555"):
                self.two.underlay.run("bob", "/usr/bin/python3", "-c", FLOOD, family, *ends,
                                      port, "20000", port, timeout=60)
        alice = self.two.alice
        lab.wait_until(lambda: alice.drops().get("unknown_peer"), "strangers are counted")
        size = alice.log.stat().st_size
        bob.start()
        self.talk_everywhere({"esp_transport": "require"})
        drops = alice.drops()
        for name in ("truncated", "non_esp_marker", "nat_keepalive", "unknown_peer", "no_sa_for_spi"):
            self.assertIn(name, drops)
        self.assertNotIn("forgotten", drops)
        self.assertLess(size, 200_000, "a line for each packet fills disks")

    def test_icmp_errors_of_the_way_do_not_end_it(self):
        self.start(levels={"esp_transport": "require"})
        self.two.bob.kill()  # the port is closed: errors come back
        agent = lab.Agent(self.two.alice)
        for _ in range(5):
            agent.ask("talk", family=4, protocol="udp", port=9, timeout=0.1,
                      to=self.two.bob.address(4))
        self.assertTrue(self.two.alice.ready())
        self.two.bob.start()
        self.talk_everywhere({"esp_transport": "require"})


if __name__ == "__main__":
    unittest.main()
