# SPDX-License-Identifier: Apache-2.0
"""Segmentation offload on the TUN: super-packets inside, ordinary ones outside.

Alice and bob exchange bulk TCP and rows of datagrams in both families, in clear
and protected, with every packet stamped where the kernel lets us. Judged by the
SHA-256 of what arrives, by the counters (nothing is dropped, and super-packets
there were), and by captures: tcpdump's place in alice's namespace sees packets
larger than the MTU, the wire never does.
"""

import json
import subprocess
import unittest

import lab
import pcap

OCTETS = 20_000_000
PORT = 7400
MTU = 1314  # of the TUN, by default

# Each connection says whether it brings or wants octets.
SERVER = f"""
import hashlib, os, socket, sys
listener = socket.create_server(("", {PORT}), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    sock, _ = listener.accept()
    with sock:
        if sock.recv(1, socket.MSG_WAITALL) == b"w":
            octets = os.urandom({OCTETS})
            sock.sendall(hashlib.sha256(octets).digest() + octets)
        else:
            seen = hashlib.sha256()
            while some := sock.recv(1 << 20):
                seen.update(some)
            sock.sendall(seen.digest())
"""

CLIENT = f"""
import hashlib, os, socket, sys
with socket.create_connection((sys.argv[1], {PORT}), 60) as sock:
    octets = os.urandom({OCTETS})
    sock.sendall(b"b" + octets)
    sock.shutdown(socket.SHUT_WR)
    assert sock.recv(32, socket.MSG_WAITALL) == hashlib.sha256(octets).digest(), "there"
with socket.create_connection((sys.argv[1], {PORT}), 60) as sock:
    sock.sendall(b"w")
    digest = sock.recv(32, socket.MSG_WAITALL)
    seen = hashlib.sha256()
    while some := sock.recv(1 << 20):
        seen.update(some)
    assert seen.digest() == digest, "back"
print("whole")
"""

# Rows of datagrams, each row sent as one by the sender's kernel and answered by
# the receiver once it is whole: the sizes and the digest of what came.
ROWS, SIZE, ROW = 50, 1000, 20_300

RECEIVER = f"""
import hashlib, json, socket
sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
sock.bind(("", {PORT}))
print("ready", flush=True)
sizes, seen = [], hashlib.sha256()
while True:
    octets, peer = sock.recvfrom(65536)
    sizes.append(len(octets))
    seen.update(octets)
    if sum(sizes) == {ROW}:
        sock.sendto(json.dumps([sizes, seen.hexdigest()]).encode(), peer)
        sizes, seen = [], hashlib.sha256()
"""

SENDER = f"""
import hashlib, json, os, socket, sys
UDP_SEGMENT = 103
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
expected = [{SIZE}] * ({ROW} // {SIZE}) + [{ROW} % {SIZE}]
with socket.socket(family, socket.SOCK_DGRAM) as sock:
    sock.settimeout(10)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, {SIZE})
    sock.connect((sys.argv[1], {PORT}))
    for _ in range({ROWS}):
        octets = os.urandom({ROW})
        sock.send(octets)
        sizes, digest = json.loads(sock.recv(65536))
        assert sizes == expected, sizes
        assert digest == hashlib.sha256(octets).hexdigest()
print("whole")
"""

# The sizes of alice's own packets, as tcpdump would see them on her TUN.
WATCHER = """
import json, select, socket, sys
sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
sock.bind(("tun0", 3))
print("ready", flush=True)
largest = {}
while True:
    for ready in select.select([sock, sys.stdin], [], [])[0]:
        if ready is sys.stdin:
            print(json.dumps(largest), flush=True)
            sys.exit()
        octets, address = sock.recvfrom(1 << 17)
        way = "out" if address[2] == socket.PACKET_OUTGOING else "in"
        largest[way] = max(largest.get(way, 0), len(octets))
"""


class Offload(unittest.TestCase):
    def exchange(self, two, server, client, family):
        serving = two.bob.spawn("/usr/bin/python3", "-c", server)
        self.assertEqual(serving.stdout.readline(), "ready\n")
        shown = two.alice.run("/usr/bin/python3", "-c", client, two.bob.address(family),
                              timeout=120)
        self.assertEqual(shown.stdout, "whole\n", shown.stderr)
        lab.end_process(serving)

    def drops(self, host):
        """Without what the outer namespace's kernel says on a new wire by itself,
        which is clear: two reports of IPv6 multicast listeners."""
        return {reason: count for reason, count in host.drops().items()
                if not (reason.startswith("policy_requires_") and count <= 4)}

    def counts(self, host):
        counts = host.json("stats")["counts"]
        return {name: count for name, count in counts.items() if "super" in name or
                "segments" in name}

    def bulk(self, levels):
        with lab.Lab() as two:
            two.start(sas=lab.all_sas(), levels=levels)
            for family in (4, 6):
                self.exchange(two, SERVER, CLIENT, family)
            for host in two.hosts:
                counts = self.counts(host)
                print(levels, host.name, counts, host.drops())
                self.assertEqual(self.drops(host), {})
                # 31,000 packets of TCP went each way.
                self.assertGreater(counts["super_packets_read"], 100)
                self.assertGreater(counts["segments_read"], 20_000)
                self.assertGreater(counts["super_packets_written"], 100)
                self.assertGreater(counts["segments_written"], 10_000)

    def test_tcp_in_clear(self):
        self.bulk({})

    def test_tcp_in_esp_transport(self):
        self.bulk({"esp_transport": "require"})

    def test_tcp_in_all_categories(self):
        self.bulk({category: "require" for category in lab.CATEGORIES})

    # DEF-36
    def test_datagrams(self):
        for levels in ({}, {"esp_network": "require"}):
            with lab.Lab() as two:
                two.start(sas=lab.all_sas(), levels=levels)
                if two.alice.json("status")["tun"]["offload"] != "tcp_and_udp":
                    self.skipTest("this kernel cuts datagrams itself")
                for family in (4, 6):
                    self.exchange(two, RECEIVER, SENDER, family)
                sent, received = self.counts(two.alice), self.counts(two.bob)
                print(levels, sent, received)
                for host in two.hosts:
                    self.assertEqual(self.drops(host), {})
                self.assertEqual(sent["super_packets_read"], 2 * ROWS)
                self.assertEqual(sent["segments_read"], 2 * ROWS * (ROW // SIZE + 1))
                self.assertGreater(received["super_packets_written"], 0)

    def test_without_offload(self):
        with lab.Lab() as two:
            two.offload = "false"
            two.start(sas=lab.all_sas(), levels={"esp_transport": "require"})
            for family in (4, 6):
                self.exchange(two, SERVER, CLIENT, family)
            for host in two.hosts:
                self.assertEqual(set(self.counts(host).values()), {0})
                self.assertEqual(self.drops(host), {})
                self.assertEqual(host.json("status")["tun"]["offload"], "none")
                self.assertNotIn("tun_offload", host.log.read_text())

    def test_says_what_was_granted(self):
        with lab.Lab() as two:
            two.start()
            for host in two.hosts:
                granted = host.json("status")["tun"]["offload"]
                self.assertIn(granted, ("none", "checksum", "tcp", "tcp_and_udp"))
                lines = [line for line in host.log.read_text().splitlines()
                         if "tun_offload" in line]
                self.assertEqual(len(lines), 1, lines)
                self.assertIn(granted, lines[0])

    def test_super_packets_stay_inside(self):
        with lab.Lab() as two:
            two.start(sas=lab.all_sas(), levels={"esp_transport": "require"})
            capture = two.capture(direction="inout")
            watcher = two.alice.spawn("/usr/bin/python3", "-c", WATCHER, stdin=subprocess.PIPE)
            self.assertEqual(watcher.stdout.readline(), "ready\n")
            self.exchange(two, SERVER, CLIENT, 4)
            watcher.stdin.write("tell\n")
            watcher.stdin.flush()
            largest = json.loads(watcher.stdout.readline())
            outside = max(len(octets) for _, octets in pcap.octets_of(capture.stop()))
            print("inside:", largest, "on the wire:", outside)
            self.assertGreater(largest["out"], 10 * MTU)
            self.assertGreater(largest["in"], 2 * MTU)
            self.assertLessEqual(outside, 1500)
            self.assertEqual(two.alice.json("status")["tun"]["mtu"], MTU)


if __name__ == "__main__":
    unittest.main()
