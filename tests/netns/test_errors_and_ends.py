# SPDX-License-Identifier: Apache-2.0
"""What comes after an error or an end is protected as the flow was.

ICMP errors about a REQUIRE flow from anybody on the wire, an SA that is deleted
in the middle of it; and the segments that the kernel sends by itself: SYN-ACKs
again and again, half-closed connections, TIME_WAIT, resets of sockets that are
gone. Scapy makes what nobody else would send; whether any TCP or UDP of the flow
is in clear is judged on the capture by IP protocol numbers. API-27 API-30 API-44
"""

import socket
import struct
import subprocess
import unittest

import lab
import pcap
import wire
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6ParamProblem,
                                ICMPv6TimeExceeded, IPv6)
from scapy.layers.ipsec import ESP, SecurityAssociation

PORT = 7300
REQUIRE = {"esp_transport": "require"}
ROUTER = {4: "10.99.0.1", 6: "fd00:99::1"}
# (type, code) about which RFC 792 and 1812 know; frag-needed says 576.
ERRORS4 = [(3, code) for code in range(16)] + [(4, 0), (5, 1), (11, 0), (12, 0)]
ERRORS6 = ([ICMPv6DestUnreach(code=code) for code in range(7)] +
           [ICMPv6PacketTooBig(mtu=mtu) for mtu in (1280, 68)] +
           [ICMPv6TimeExceeded(), ICMPv6ParamProblem(code=1)])

# A connected socket that says a word for each line that comes in, whatever
# error it hears; TCP or UDP.
TALKER = """
import os, socket, sys
address, port, kind = sys.argv[1:4]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
sock = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
sock.connect((address, int(port)))
print(sock.getsockname()[1], flush=True)
for line in sys.stdin:
    try:
        sock.send(line.encode() * 50)
        print("sent", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""

# Clients and servers in TCP's last states; "go" by a line.
HALF_CLOSED = """
import socket, sys
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
sock.shutdown(socket.SHUT_WR)
print(len(sock.makefile("rb").read()), flush=True)
"""
TALKS_AFTER_THE_END = f"""
import socket
server = socket.create_server(("", {PORT}))
child, _ = server.accept()
while child.recv(1000):
    pass
child.sendall(bytes(500_000))
"""
WAITS = """
import socket, struct, sys
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print("connected", flush=True)
sys.stdin.readline()
if sys.argv[3] == "reset":
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
sock.close()
print("closed", flush=True)
sys.stdin.readline()
"""
ANSWERS = f"""
import socket, sys
server = socket.create_server(("", {PORT}))
child, _ = server.accept()
print("accepted", flush=True)
for line in sys.stdin:
    if line == "close\\n":
        child.close()
    else:
        child.send(b"anybody there?")
    print("done", flush=True)
"""


def go(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def inject(packet):
    """Onto the wires between the hosts, as a router would."""
    family = socket.AF_INET if packet.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(bytes(packet), (packet.dst, 0))


def errors_about(quoted):
    """Every ICMP error about this packet of alice's."""
    head = bytes(quoted)[:60 if quoted.version == 4 else 100]
    if quoted.version == 6:
        for error in ERRORS6:
            yield IPv6(src=ROUTER[6], dst=quoted.src) / error / head
        return
    for kind, code in ERRORS4:
        word = {(3, 4): 576, (5, 1): int.from_bytes(socket.inet_aton(ROUTER[4]))}
        unused = struct.pack(">I", word.get((kind, code), 0))
        octets = bytes([kind, code, 0, 0]) + unused + head
        checked = bytearray(octets)
        checked[2:4] = bytes(ICMP(octets))[2:4]
        icmp = ICMP(bytes(checked))
        del icmp.chksum
        yield IP(src=ROUTER[4], dst=quoted.src) / icmp


class ErrorsAndEnds(unittest.TestCase):
    def setUp(self):
        self.two = self.enterContext(lab.Lab())
        self.sas = lab.all_sas(["esp_transport"])
        self.two.start(sas=self.sas)
        self.capture = self.two.capture(device="wire-alice")

    def python(self, host, program, *arguments):
        return host.spawn("/usr/bin/python3", "-c", program, *arguments,
                          levels={"esp-transport": "require"}, stdin=subprocess.PIPE)

    def sa(self, family, sender):
        return next(sa for sa in self.sas
                    if sa.family == family and sa.source == lab.ADDRESSES[sender][family])

    def delete_sa(self, host, family, sender):
        """From here on `host` knows no SA for what `sender` sends."""
        sa = self.sa(family, sender)
        host.postern("sa delete", "esp", sa.spi, sa.destination)

    def scapy_sa(self, family, sender):
        sa = self.sa(family, sender)
        return SecurityAssociation(ESP, int(sa.spi, 0), crypt_algo="AES-GCM",
                                   crypt_key=bytes.fromhex(sa.encryption_key[2:]))

    def protected(self, sender):
        """The ESP packets of this host on the wire so far, oldest first."""
        sources = [socket.inet_pton(f, a) for f, a in
                   zip((socket.AF_INET, socket.AF_INET6), lab.ADDRESSES[sender].values())]
        return [octets for seconds, octets in pcap.octets_of(self.capture.file)
                if (packet := pcap.dissect(seconds, octets)).source in sources
                and packet.layers == ("esp",)]

    def wait_for_more(self, sender, count):
        before = len(self.protected(sender))
        lab.wait_until(lambda: len(self.protected(sender)) >= before + count,
                       f"{sender} sends {count} more protected packets")

    def judge(self):
        """No clear TCP or UDP; returns what tshark sees in ESP."""
        frames = wire.read(self.capture.stop(), self.sas)
        self.assertEqual([f.shape for f in frames if not f.has("esp")
                          and not f.has("icmp") and not f.has("icmpv6")], [])
        return [f for f in frames if f.has("esp")]

    # DEF-35
    def test_icmp_errors(self):
        bob = lab.Agent(self.two.bob)
        injected, heard = 0, set()
        for family in (4, 6):
            for kind in ("tcp", "udp"):
                port = bob.ask("serve", family=family, protocol=kind, levels=REQUIRE)["port"]
                talker = self.python(self.two.alice, TALKER, self.two.bob.address(family), port,
                                     kind)
                talker.stdout.readline()
                before = len(self.protected("alice"))
                self.assertEqual(go(talker, "word"), "sent")
                lab.wait_until(lambda: len(self.protected("alice")) > before, "the word is sent")
                # What the wire shows, and what only somebody with the key knows.
                outer = (IP if family == 4 else IPv6)(self.protected("alice")[-1])
                inner = self.scapy_sa(family, "alice").decrypt(outer)
                for quoted in (outer, inner):
                    for error in errors_about(quoted):
                        inject(error)
                        injected += 1
                        heard.add((kind, go(talker, "word")))
                self.wait_for_the_echo(talker, kind)
        self.judge()
        # Half of them tell of the flow, by a port that only keys show: dropped.
        self.assertEqual({word for kind, word in heard}, {"sent"})
        self.assertEqual(
            self.two.alice.drops().get("policy_requires_esp_transport"), injected // 2)
        print(f"{injected} ICMP errors, none answered in clear, none of them heard")

    def wait_for_the_echo(self, talker, kind):
        """Bob still hears it: he sends one more packet than he had."""
        before = len(self.protected("bob"))
        go(talker, "word")
        lab.wait_until(lambda: len(self.protected("bob")) > before, f"bob echoes {kind}")

    # DEF-04
    def test_an_sa_deleted_in_the_middle_of_a_flow(self):
        bob = lab.Agent(self.two.bob)
        talkers = []
        for family in (4, 6):
            for kind in ("tcp", "udp"):
                port = bob.ask("serve", family=family, protocol=kind, levels=REQUIRE)["port"]
                talkers.append(self.python(self.two.alice, TALKER,
                                           self.two.bob.address(family), port, kind))
                talkers[-1].stdout.readline()
                self.assertEqual(go(talkers[-1], "word"), "sent")
                self.wait_for_the_echo(talkers[-1], kind)
        for family in (4, 6):
            self.delete_sa(self.two.alice, family, "alice")
        before = len(self.protected("alice"))
        for talker in talkers:
            for _ in range(5):
                go(talker, "word")
        lab.wait_until(lambda: sum(self.two.alice.drops().values()) >= 10,
                       "what has no SA is dropped", 60)
        self.assertEqual(len(self.protected("alice")), before)
        self.judge()

    # DEF-35
    def test_half_closed(self):
        server = self.python(self.two.bob, TALKS_AFTER_THE_END)
        lab.wait_until(lambda: self.two.bob.listening(PORT), "bob listens")
        client = self.python(self.two.alice, HALF_CLOSED, self.two.bob.address(4), PORT)
        self.assertEqual(client.stdout.readline(), "500000\n")
        self.assertEqual(server.wait(10), 0)
        alice = [f.tcp for f in self.judge() if f.source == self.two.alice.address(4)]
        self.assertGreater(len(alice) - alice.index("ack/fin"), 5)

    def connected(self, how):
        """Alice's client, which will close in this way, and bob's server."""
        server = self.python(self.two.bob, ANSWERS)
        lab.wait_until(lambda: self.two.bob.listening(PORT), "bob listens")
        client = self.python(self.two.alice, WAITS, self.two.bob.address(4), PORT, how)
        self.assertEqual(client.stdout.readline(), "connected\n")
        self.assertEqual(server.stdout.readline(), "accepted\n")
        return client, server

    # DEF-35
    def test_time_wait(self):
        """Bob does not hear the last ACK, and sends his FIN again and again."""
        client, server = self.connected("close")
        self.assertEqual(go(client, "close"), "closed")
        lab.wait_until(lambda: self.is_in("fin-wait-2"), "bob acknowledges alice's FIN")
        self.delete_sa(self.two.bob, 4, "alice")
        self.assertEqual(go(server, "close"), "done")
        self.wait_for_more("alice", 4)
        self.assertTrue(self.is_in("time-wait"))
        self.judge()

    def is_in(self, state):
        """Whether alice has a connection in this state."""
        shown = self.two.alice.run("ss", "-Htn", "state", state, "dport", "=", f":{PORT}")
        return bool(shown.stdout.strip())

    # DEF-35
    def test_resets_of_a_socket_that_is_gone(self):
        """Bob does not hear the reset, and goes on sending."""
        client, server = self.connected("reset")
        self.delete_sa(self.two.bob, 4, "alice")
        self.assertEqual(go(client, "close"), "closed")
        self.assertEqual(go(server, "say"), "done")
        self.wait_for_more("alice", 4)
        resets = [f for f in self.judge() if f.tcp and "rst" in f.tcp
                  and f.source == self.two.alice.address(4)]
        self.assertGreater(len(resets), 3)

    def test_a_handshake_that_never_ends(self):
        """Scapy's SYN, and no ACK: bob repeats his SYN-ACK."""
        self.two.alice.stop()
        subprocess.run(["ip", "route", "add", "blackhole", "10.9.1.0/24"], check=True)
        self.capture = self.two.capture("handshake")
        self.python(self.two.bob, ANSWERS)
        lab.wait_until(lambda: self.two.bob.listening(PORT), "bob listens")
        maker = self.scapy_sa(4, "alice")
        syn = IP(src=self.two.alice.address(4), dst=self.two.bob.address(4)) / TCP(
            sport=40000, dport=PORT, flags="S", seq=1)
        inject(maker.encrypt(IP(bytes(syn)), seq_num=1))
        lab.wait_until(lambda: len(self.protected("bob")) >= 3, "three SYN-ACKs")
        # An end of it in clear is nobody's.
        for flags in ("A", "R"):
            inject(IP(bytes(IP(src=syn[IP].src, dst=syn[IP].dst) / TCP(
                sport=40000, dport=PORT, flags=flags, seq=2, ack=1))))
        lab.wait_until(lambda: self.two.bob.drops() == {"policy_requires_esp_transport": 2},
                       "bob drops what is in clear")
        frames = wire.read(self.capture.stop(), self.sas)
        bob = [f for f in frames if f.source == self.two.bob.address(4) and not f.has("icmp")]
        self.assertEqual({f.shape for f in bob}, {"IPv4+ESP(TCP(syn/ack))"})


if __name__ == "__main__":
    unittest.main()
