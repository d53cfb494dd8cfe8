# SPDX-License-Identifier: Apache-2.0
"""Each packet obeys the levels of the very socket that sent it.

Two kinds of sockets send: secret ones at REQUIRE and public ones without levels,
in ways that sock_diag cannot tell apart. What they send says which they are, so
scapy can judge the wire: whatever says "secret" in clear is a leak, and what says
"public" must be there to be read. API-27 API-30
"""

import errno
import unittest

import lab
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw
from scapy.utils import RawPcapReader

ROUNDS = 200
PRELUDE = """
import socket, struct, sys
ESP_TRANSPORT, REQUIRE = 0x49500002, 3
HERE, THERE = "10.9.1.1", ("10.9.2.1", 7301)

def opened(kind, type=socket.SOCK_DGRAM, protocol=0):
    sock = socket.socket(socket.AF_INET, type, protocol)
    if kind == "secret":
        sock.setsockopt(socket.IPPROTO_IP, ESP_TRANSPORT, REQUIRE)
    return sock

def words(kind, i):
    return f"{kind} {i}".encode()
"""

SIBLINGS = PRELUDE + """
siblings = {}
for kind in ("secret", "public"):
    siblings[kind] = opened(kind)
    siblings[kind].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    siblings[kind].bind((HERE, 7300))
for i in range(ROUNDS):
    for kind, sock in siblings.items():
        sock.sendto(words(kind, i), THERE)
"""

# Bound to one address, sending from another.
SOURCE = PRELUDE + """
IP_PKTINFO = 8
source = struct.pack("=I4s4s", 0, socket.inet_aton(HERE), bytes(4))
socks = {kind: opened(kind) for kind in ("secret", "public")}
for sock in socks.values():
    sock.bind(("127.0.0.1", 0))
for i in range(ROUNDS):
    for kind, sock in socks.items():
        sock.sendmsg([words(kind, i)], [(socket.IPPROTO_IP, IP_PKTINFO, source)], 0, THERE)
"""

# One port, a new socket for each datagram, closed at once.
HANDS = PRELUDE + """
for i in range(ROUNDS):
    for kind in ("secret", "public"):
        with opened(kind) as sock:
            sock.bind((HERE, 7302))
            sock.sendto(words(kind, i), THERE)
"""

# A datagram of several fragments has ports in the first only. As many as fit
# into the TUN's queue.
FRAGMENTS = PRELUDE + """
for i in range(100):
    with opened("public") as sock:
        sock.sendto(words("public", i) + bytes(4000), THERE)
"""

PING = PRELUDE + """
def echo(kind):
    octets = struct.pack(">BBHHH", 8, 0, 0, 7, 1) + words(kind, 0)
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    total = (total >> 16) + (total & 0xffff)
    return octets[:2] + struct.pack(">H", ~total & 0xffff) + octets[4:]

def ping(kind, type, patience):
    with opened(kind, type, socket.IPPROTO_ICMP) as sock:
        sock.settimeout(patience)
        sock.sendto(echo(kind), ("10.9.2.1", 0))
        try:
            sock.recv(1500)
            return "answered"
        except TimeoutError:
            return "timeout"

def refused_by_peer():
    with opened("public") as sock:
        sock.connect(("10.9.2.1", 9))
        sock.settimeout(5)
        sock.send(b"anybody?")
        try:
            sock.recv(1)
        except ConnectionRefusedError:
            return True
"""
KINDS = ("socket.SOCK_DGRAM", "socket.SOCK_RAW")


def octets_of(file):
    packets = RawPcapReader(str(file))
    try:
        return [octets for octets, _ in packets]
    finally:
        packets.close()


def clear(file):
    """(says, packet) of what everybody can read on the wire."""
    for octets in octets_of(file):
        packet = IPv6(octets) if octets[0] >> 4 == 6 else IP(octets)
        if packet.haslayer(Raw) and packet.fields.get("proto") != 50:
            yield bytes(packet[Raw].load), packet


def sealed(file):
    """How many IPv4 packets are ESP."""
    return sum(octets[0] >> 4 == 4 and octets[9] == 50 for octets in octets_of(file))


class Ownership(unittest.TestCase):
    def both(self, bob=None):
        two = self.enterContext(lab.Lab())
        for host, levels in ((two.alice, None), (two.bob, bob)):
            host.configure(sas=lab.all_sas(["esp_transport"]), levels=levels)
            host.start()
        two.alice.run("sysctl", "-qw", "net.ipv4.ping_group_range=0 0", check=True)
        if two.alice.json("status")["ownership"] != "bpf":
            self.skipTest("the kernel does not let us stamp packets")
        return two

    def send(self, two, program):
        program = program.replace("ROUNDS", str(ROUNDS))
        done = two.alice.run("/usr/bin/python3", "-c", program, levels={}, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)

    def wire(self, program):
        """What of the program's packets alice's kernel-side wire shows."""
        two = self.both()
        capture = two.capture(device="wire-alice", direction="in")
        self.send(two, program)
        file = capture.stop()
        self.assertEqual(two.alice.drops(), {})
        said = [says for says, packet in clear(file) if packet.haslayer(UDP)]
        return said, sealed(file)

    def judge(self, program):
        said, esp = self.wire(program)
        self.assertEqual([s for s in said if s.startswith(b"secret")], [])
        public = [s for s in said if s.startswith(b"public")]
        self.assertEqual(len(set(public)), ROUNDS)
        self.assertEqual(esp, ROUNDS)

    def test_siblings_of_one_port(self):
        self.judge(SIBLINGS)

    def test_a_source_that_the_socket_is_not_bound_to(self):
        self.judge(SOURCE)

    def test_a_port_that_changes_hands_and_senders_that_are_gone(self):
        self.judge(HANDS)

    def test_fragments(self):
        two = self.both()
        capture = two.capture(device="wire-alice", direction="in")
        hold = two.alice.spawn("/usr/bin/python3", "-c",
                               PRELUDE + "s = opened('secret'); print('up', flush=True); input()",
                               levels={}, stdin=-1)
        self.assertEqual(hold.stdout.readline().strip(), "up")
        self.addCleanup(hold.stdin.close)
        self.send(two, FRAGMENTS)
        file = capture.stop()
        self.assertEqual(two.alice.drops(), {})
        fragments = [p for _, p in clear(file) if p.haslayer(IP) and (p.frag or p.flags.MF)]
        self.assertEqual(len(fragments), 4 * 100)

    def say(self, host, program):
        done = host.run("/usr/bin/python3", "-c", PING + program, levels={})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def test_icmp_sockets_protect_what_they_send(self):
        two = self.both(bob={"esp_transport": "avail"})
        capture = two.capture(device="wire-alice", direction="in")
        for kind in KINDS:
            answer = self.say(two.alice, f"print(ping('secret', {kind}, 5))")
            self.assertEqual(answer, "answered", kind)
        file = capture.stop()
        self.assertEqual(list(clear(file)), [])
        self.assertEqual(sealed(file), len(KINDS))

    def test_icmp_sockets_refuse_what_comes_in_clear(self):
        two = self.both()
        for count, kind in enumerate(KINDS, 1):
            answer = self.say(two.alice, f"print(ping('secret', {kind}, 0.5))")
            self.assertEqual(answer, "timeout", kind)
            self.assertEqual(two.alice.drops(), {"policy_requires_esp_transport": count})
        # Closed, they bind nobody else for long.
        for kind in KINDS:
            lab.wait_until(lambda: self.say(
                two.alice, f"print(ping('public', {kind}, 0.5))") == "answered",
                "other programs get their replies again")

    def test_icmp_sockets_keep_no_error_from_others(self):
        two = self.both()
        answer = self.say(two.alice, """
listens = opened("secret", socket.SOCK_RAW, socket.IPPROTO_ICMP)
print(refused_by_peer())
""")
        self.assertEqual(answer, "True")

    def test_packets_without_a_stamp_are_dropped_by_name(self):
        two = self.both()
        two.alice.run("tc", "qdisc", "del", "dev", "tun0", "clsact", check=True)
        capture = two.capture(device="wire-alice", direction="in")
        self.send(two, HANDS)
        self.assertEqual(list(clear(capture.stop())), [])
        self.assertEqual(two.alice.drops(), {"not_stamped": 2 * ROUNDS})


class SockDiag(unittest.TestCase):
    def test_can_be_asked_for(self):
        with lab.Lab() as two:
            two.ownership = "sock_diag"
            two.alice.configure()
            two.alice.start()
            self.assertEqual(two.alice.json("status")["ownership"], "sock_diag")

    def test_refuses_what_it_cannot_tell_and_keeps_ping_sockets_from_leaking(self):
        with lab.Lab() as two:
            two.ownership = "sock_diag"
            two.alice.configure(sas=lab.all_sas(["esp_transport"]))
            two.alice.start()
            two.alice.run("sysctl", "-qw", "net.ipv4.ping_group_range=0 0", check=True)
            capture = two.capture(device="wire-alice", direction="in")
            done = two.alice.run("/usr/bin/python3", "-c", PING + """
try:
    opened("secret", socket.SOCK_RAW, socket.IPPROTO_ICMP)
except OSError as error:
    print(error.errno)
print(ping("secret", socket.SOCK_DGRAM, 0.1))
""", levels={})
            self.assertEqual(done.stdout.split(), [str(errno.EOPNOTSUPP), "timeout"], done.stderr)
            file = capture.stop()
            self.assertEqual(list(clear(file)), [])
            self.assertEqual(sealed(file), 1)


if __name__ == "__main__":
    unittest.main()
