# SPDX-License-Identifier: Apache-2.0
"""Hostile packets from both sides and hostile messages on the API socket.

The daemon goes on, counts each refusal by its name, and lets nothing clear out.
"""

import array
import errno
import os
import random
import socket
import struct
import subprocess
import unittest

import lab
import wire

MAGIC = int.from_bytes(b"PSTN", "big")
SET_LEVEL = 2
INJECT = """
import random, socket, sys
sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
seeds = [bytes.fromhex(text) for text in sys.argv[3:]]
dice = random.Random(int(sys.argv[2]))
for i in range(4000):
    packet = bytearray(dice.choice(seeds))
    for _ in range(dice.randrange(4)):
        packet[dice.randrange(len(packet))] = dice.randrange(256)
    if dice.random() < 0.5:
        del packet[dice.randrange(1, len(packet)):]
    protocol = 0x86dd if packet[0] >> 4 == 6 else 0x0800
    sock.sendto(bytes(packet), (sys.argv[1], protocol))
"""


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(source, destination, protocol, payload, options=b""):
    header = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0,
                         20 + len(options) + len(payload), 1, 0, 64, protocol, 0,
                         socket.inet_aton(source), socket.inet_aton(destination)) + options
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ipv6(source, destination, next_header, payload):
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), next_header, 64,
                       socket.inet_pton(socket.AF_INET6, source),
                       socket.inet_pton(socket.AF_INET6, destination)) + payload


def seeds(source, destination):
    """One packet of each kind that a parser has to survive."""
    s4, d4 = source[4], destination[4]
    s6, d6 = source[6], destination[6]
    tcp = struct.pack("!HHIIBBHHH", 1234, 80, 1, 0, 0x50, 2, 1000, 0, 0)
    udp = struct.pack("!HHHH", 1234, 53, 16, 0) + b"12345678"
    esp = struct.pack("!II", 0x1002, 7) + bytes(64)
    ah = struct.pack("!BBHII", 6, 5, 0, 0x1102, 7) + bytes(16)
    options = struct.pack("!BBBB", 0x94, 4, 0, 0) + bytes([7, 7, 4, 0, 0, 0, 0, 0])
    hop = bytes([60, 0, 1, 4, 0, 0, 0, 0])
    dest = bytes([6, 0, 0x3e, 4, 1, 2, 3, 4])
    fragment = struct.pack("!BBHI", 50, 0, 1, 99)
    return [ipv4(s4, d4, 6, tcp), ipv4(s4, d4, 17, udp, options), ipv4(s4, d4, 50, esp),
            ipv4(s4, d4, 51, ah + tcp), ipv4(s4, d4, 4, ipv4(s4, d4, 6, tcp)),
            ipv6(s6, d6, 6, tcp), ipv6(s6, d6, 0, hop + dest + tcp), ipv6(s6, d6, 50, esp),
            ipv6(s6, d6, 51, ah + tcp), ipv6(s6, d6, 44, fragment + esp)]


class HostilePackets(unittest.TestCase):
    # DEF-13, DEF-14, DEF-15, DEF-25, DEF-30, DEF-38
    def test_neither_side_breaks_the_daemon_and_nothing_gets_through(self):
        require = {c: "require" for c in lab.CATEGORIES}
        with lab.Lab() as two:
            sas = lab.all_sas()
            two.start(sas=sas, levels=require)
            capture = two.capture(device="wire-bob", direction="in")
            alice, bob = (lab.ADDRESSES[name] for name in ("alice", "bob"))
            inside = [s.hex() for s in seeds(bob, alice)]
            outside = [s.hex() for s in seeds(alice, bob)]
            for seed in ("1", "2"):
                run = two.bob.run("/usr/bin/python3", "-c", INJECT, "tun0", seed, *inside, timeout=60)
                self.assertEqual(run.returncode, 0, run.stderr)
                self.inject("wire-bob", seed, outside)
            stats = two.bob.json("stats")
            drops = {k: v for k, v in stats["drops"].items() if v}
            lab.wait_until(two.bob.ready, "bob answers")

            # The host still works.
            agents = lab.Agent(two.alice), lab.Agent(two.bob)
            port = agents[1].ask("serve", family=4, protocol="tcp")["port"]
            answer = agents[0].ask("talk", family=4, protocol="tcp", port=port, to=bob[4])
            self.assertEqual(answer["result"], "ok")
            frames = wire.read(capture.stop(), sas)

        for name in ("truncated", "bad_ip_header", "no_sa_for_spi", "policy_requires_esp_transport"):
            self.assertIn(name, drops)
        self.assertNotIn("forgotten", drops)
        # What bob's daemon sent is protected, all of it.
        self.assertTrue(frames)
        clear = [f for f in frames if f.layers[1:2] != ["esp"]]
        self.assertEqual([f.shape for f in clear], [])

    @staticmethod
    def inject(device, seed, packets):
        subprocess.run(["/usr/bin/python3", "-c", INJECT, device, seed, *packets],
                       check=True, timeout=60)


def message(kind=SET_LEVEL, version=1, magic=MAGIC, size=None, body=bytes([2, 4, 5, 0])):
    size = 16 + len(body) if size is None else size
    return struct.pack("!IHHII", magic, version, kind, 1, size) + body


class HostileMessages(unittest.TestCase):
    def setUp(self):
        self.two = lab.Lab().__enter__()
        self.addCleanup(self.two.__exit__)
        self.two.start(sas=lab.all_sas(["ah"]))
        self.path = str(self.two.directory / "run" / "bob" / "api.sock")

    def connect(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.settimeout(5)
        sock.connect(self.path)
        return sock

    def ask(self, data, descriptors=()):
        """The errno of the daemon's reply; None when it hung up instead."""
        with self.connect() as sock:
            fds = array.array("i", descriptors)
            extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if descriptors else []
            sock.sendmsg([data], extra)
            try:
                reply = sock.recv(4096)
            except ConnectionResetError:
                return None
        return int.from_bytes(reply[16:20], "big") if len(reply) == 24 else None

    # DEF-16
    def test_bad_messages_are_refused_and_the_daemon_goes_on(self):
        with socket.socket() as ours:
            bad = [message(size=5), message(magic=1), message(kind=77), message(body=b""),
                   message(body=bytes(4)), message(body=bytes([2, 4, 99, 0])),
                   message() + bytes(4000), b"", b"x", os.urandom(20)]
            for data in bad:
                self.assertIn(self.ask(data or b"\0", [ours.fileno()]),
                              (None, errno.EINVAL, errno.EPROTO), data)
            self.assertIn(self.ask(message(version=99), [ours.fileno()]), (None, errno.EPROTO))
            self.assertIn(self.ask(message()), (None, errno.EINVAL, errno.EPROTO))
            self.assertIn(self.ask(message(), [ours.fileno()] * 5), (None, errno.EINVAL, errno.EPROTO))
        self.assertTrue(self.two.bob.ready())

    def test_descriptors_that_are_no_socket_of_this_host(self):
        with open("/dev/null") as null:
            self.assertEqual(self.ask(message(), [null.fileno()]), errno.ENOTSOCK)
        with socket.socket(socket.AF_UNIX) as unix:
            self.assertIn(self.ask(message(), [unix.fileno()]), (errno.EOPNOTSUPP, errno.ENETUNREACH))
        with socket.socket() as elsewhere:  # of the outer namespace
            self.assertEqual(self.ask(message(), [elsewhere.fileno()]), errno.ENETUNREACH)
        self.assertTrue(self.two.bob.ready())

    def test_ten_thousand_connections(self):
        kept = []
        refused = 0
        try:
            for _ in range(10_000):
                sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
                try:
                    sock.connect(self.path)
                    kept.append(sock)
                except OSError:
                    refused += 1
                    sock.close()
        except OSError as error:  # our own descriptor limit
            self.assertEqual(error.errno, errno.EMFILE)
        self.assertTrue(self.two.bob.ready())
        for sock in kept:
            sock.close()
        agent = lab.Agent(self.two.bob)
        lab.wait_until(lambda: "error" not in agent.try_(
            "serve", family=4, protocol="tcp", levels={"ah": "require"}), "sockets set levels again")


if __name__ == "__main__":
    random.seed(1)
    unittest.main()
