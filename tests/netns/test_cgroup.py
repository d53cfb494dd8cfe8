# SPDX-License-Identifier: Apache-2.0
"""Levels by cgroup: programs that libpostern cannot be preloaded into.

The rules come from `postern exec --cgroup`, from [[cgroup]] in the configuration
and from `postern cgroup set`; tshark and scapy judge the wire. Programs outside
of the cgroups are as they were. API-17 API-18 API-30 API-34

Each cgroup has this process's number in its name and is removed at the end.
"""

import contextlib
import os
import pathlib
import sys
import unittest

import lab
import pcap
import wire
from test_ownership import PING

ROUNDS = 15
OTHERS = 7401
SERVED = 7402

# Reads a word a line; says the word of the moment in datagram after datagram.
FLOOD = """
import socket, sys, threading
word = sys.stdin.readline().strip()
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print("up", flush=True)
def send():
    while word != "end":
        said = word
        try:
            sock.sendto(said.encode(), ("10.9.2.1", 9))
        except OSError:
            pass
        if said != heard.get("word"):
            heard["word"] = said
            print(said, flush=True)
heard = {}
thread = threading.Thread(target=send)
thread.start()
for line in sys.stdin:
    word = line.strip()
thread.join()
"""

# Accepts one connection, reads a line, and is gone without a word to its peer.
VANISH = """
import socket, sys
TCP_REPAIR = 19
server = socket.create_server(("0.0.0.0", 7403))
print("up", flush=True)
child, peer = server.accept()
child.recv(100)
child.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
child.close()
server.close()
print("gone", flush=True)
sys.stdin.readline()
"""
LINGER = """
import socket, sys
sock = socket.create_connection(("10.9.2.1", 7403), 5)
sock.sendall(b"hello")
sys.stdin.readline()
sock.sendall(b"anybody?")
try:
    sock.recv(1)
except ConnectionResetError:
    print("reset", flush=True)
"""


def hierarchy():
    """Where cgroup2 is mounted; None without it."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        if words[words.index("-") + 1] == "cgroup2" and words[3] == "/":
            return pathlib.Path(words[4])
    return None


def why_not():
    """Why this machine cannot run these tests; None if it can."""
    root = hierarchy()
    if root is None:
        return "no cgroup2 hierarchy is mounted"
    trial = root / f"postern-trial-{os.getpid()}"
    try:
        trial.mkdir()
        trial.rmdir()
    except OSError as error:
        return f"{root} is not writable: {error.strerror}"
    if pathlib.Path("/proc/self/uid_map").read_text().split()[2] != str(2**32 - 1):
        return "in a user namespace no daemon may open cgroups by their numbers"
    if not static("client").exists():
        return "this machine links no static programs"
    return None


def static(kind):
    return pathlib.Path(os.environ["POSTERN_BUILD"]) / "tests" / "netns" / f"static_level_{kind}"


def remove(top):
    """Removes a cgroup and those below once their programs have ended."""
    def removed(directory):
        try:
            directory.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True
    for directory in sorted(top.glob("**/"), reverse=True):
        lab.wait_until(lambda: removed(directory), f"{directory} is empty")


class Cgroups(unittest.TestCase):
    def setUp(self):
        self.made = []
        self.addCleanup(self.remove_cgroups)
        self.two = self.enterContext(lab.Lab())

    def name(self, what):
        """A cgroup's name, which is removed when the test is over."""
        name = f"postern-{os.getpid()}-{what}"
        self.made.append(hierarchy() / name)
        return name

    def remove_cgroups(self):
        with contextlib.ExitStack() as every_one:
            for top in self.made:
                every_one.callback(remove, top)

    def start(self, category, alice="", bob=""):
        for host, extra in ((self.two.alice, alice), (self.two.bob, bob)):
            host.configure(sas=lab.all_sas([category]), extra=extra)
            host.start()

    @staticmethod
    def rule(path, **levels):
        lines = "".join(f'{category} = "{level}"\n' for category, level in levels.items())
        return f'\n[[cgroup]]\npath = "{path}"\n{lines}\n'

    def serve(self, name, port):
        """A static echo server for one client, in this cgroup of bob's."""
        server = self.two.bob.spawn(static("server"), "0.0.0.0", port, cgroup=name)
        self.assertIn("listening", server.stdout.readline())
        return server

    def converse(self, port, **how):
        return self.two.alice.run(static("client"), "-t", "2", self.two.bob.address(4), port, **how)

    def frames(self, capture, port):
        """The TCP packets of this port once both FINs are on the wire."""
        def ended():
            seen = wire.read(self.two.directory / "wire.pcap", (), f"tcp.port == {port}")
            return len({f.source for f in seen if "fin" in f.tcp}) == 2
        lab.wait_until(ended, "both FINs are on the wire")
        return wire.read(capture.stop(), (), f"tcp.port == {port}")

    def test_static_programs_at_both_ends(self):
        clients, servers = self.name("clients"), self.name("servers")
        self.start("ah", bob=self.rule(f"/{servers}", ah="require"))
        capture = self.two.capture()
        self.serve(servers, SERVED)
        refused = self.converse(SERVED)
        self.assertNotEqual(refused.returncode, 0)
        self.assertGreater(self.two.bob.drops().get("policy_requires_ah", 0), 0)

        done = self.converse(SERVED, cgroup=clients, levels={"ah": "require"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("hello through the postern", done.stdout)
        frames = self.frames(capture, SERVED)
        clear = [f for f in frames if not f.has("ah")]
        self.assertEqual({f.tcp for f in clear}, {"syn"})
        secure = [f for f in frames if f.has("ah")]
        self.assertEqual([f.tcp for f in secure[:2]], ["syn", "syn/ack"])
        self.assertEqual(len({f.source for f in secure if "fin" in f.tcp}), 2)
        self.assertEqual([rule["path"] for rule in self.two.alice.json("cgroup list")["cgroups"]],
                         [f"/{clients}"])

    def test_other_programs_are_as_they_were(self):
        servers = self.name("servers")
        rule = self.rule(f"/{servers}", ah="require")
        self.start("ah", alice=rule, bob=rule)
        capture = self.two.capture()
        outside = self.two.bob.spawn(static("server"), "0.0.0.0", OTHERS,
                                     cgroup=self.name("others"))
        self.assertIn("listening", outside.stdout.readline())
        done = self.converse(OTHERS)
        self.assertEqual(done.returncode, 0, done.stderr)
        frames = self.frames(capture, OTHERS)
        self.assertEqual([f for f in frames if f.has("ah")], [])
        # What raw sockets in a cgroup could get is refused, TCP is not.
        self.assertNotIn("protocol=6 ", self.two.bob.log.read_text())

    def test_cgroups_below_obey_the_closest_rule(self):
        top = self.name("top")
        self.start("ah", bob=self.rule(f"/{top}", ah="require")
                   + self.rule(hierarchy() / top / "free", ah="none"))
        for below, port, level in (("below/deep", 7404, "require"), ("free/below", 7405, "none")):
            directory = hierarchy() / top / below
            directory.mkdir(parents=True)
            server = self.two.bob.spawn(
                "/bin/sh", "-c", f'echo $$ > {directory}/cgroup.procs && exec "$@"', "sh",
                static("server"), "0.0.0.0", port, cgroup=top)
            self.assertIn("listening", server.stdout.readline())
            works = self.converse(port).returncode == 0
            self.assertEqual(works, level == "none", below)

    def test_a_cgroup_that_bypasses(self):
        free = self.name("free")
        self.start("ah", alice=self.rule(f"/{free}", ah="bypass"))
        self.two.alice.postern("level set", "--ah", "require")
        self.assertNotEqual(self.talk_to_others(), 0)
        self.assertEqual(self.talk_to_others(cgroup=free), 0)

    def test_a_rule_at_require_refuses_pings_in_clear(self):
        name = self.name("raw")
        self.start("ah", bob=self.rule(f"/{name}", ah="require"))

        def echo():
            program = PING + "print(ping('public', socket.SOCK_RAW, 0.5))"
            return self.two.alice.run("/usr/bin/python3", "-c", program).stdout.strip()
        self.assertEqual(echo(), "timeout")
        self.assertGreater(self.two.bob.drops().get("policy_requires_ah", 0), 0)
        self.two.bob.postern("cgroup delete", f"/{name}")
        self.assertEqual(echo(), "answered")

    def talk_to_others(self, **how):
        server = self.serve(None, OTHERS)
        status = self.converse(OTHERS, **how).returncode
        lab.end_process(server)
        server.stdout.close()
        self.two.processes.remove(server)
        return status

    def test_a_change_binds_every_later_packet(self):
        name = self.name("flood")
        self.start("esp_transport")
        capture = self.two.capture(device="wire-alice", direction="in")
        flood = self.two.alice.spawn("/usr/bin/python3", "-c", FLOOD, cgroup=name, stdin=-1)
        self.addCleanup(flood.stdin.close)

        def say(word):
            flood.stdin.write(word + "\n")
            flood.stdin.flush()
            while flood.stdout.readline().strip() != word:
                self.assertIsNone(flood.poll())
        flood.stdin.write("public\n")
        flood.stdin.flush()
        self.assertEqual(flood.stdout.readline().strip(), "up")
        for _ in range(ROUNDS):
            self.two.alice.postern("cgroup set", f"/{name}", "--esp-transport", "require")
            say("secret")
            say("public")
            self.drained()
            self.two.alice.postern("cgroup delete", f"/{name}")
        flood.stdin.write("end\n")
        flood.stdin.close()
        self.assertEqual(flood.wait(10), 0)
        said = {b"secret": 0, b"public": 0}
        sealed = 0
        for _, octets in pcap.octets_of(capture.stop()):
            sealed += octets[9] == pcap.ESP
            for word in said:
                said[word] += octets.endswith(word)
        self.assertEqual(said[b"secret"], 0)
        self.assertGreater(said[b"public"], ROUNDS)
        self.assertGreaterEqual(sealed, ROUNDS)

    def drained(self):
        """True once what alice has sent by now has left the TUN's queue."""
        queue = 2 * 500
        def carried():
            return self.two.alice.json("stats")["counts"]["outbound_packets"]
        until = carried() + queue
        lab.wait_until(lambda: carried() > until, "the queue has moved on")

    def test_a_reset_after_the_end_obeys_the_rule(self):
        name = self.name("vanish")
        rule = self.rule(f"/{name}", ah="require")
        self.start("ah", alice=rule, bob=rule)
        capture = self.two.capture()
        server = self.two.bob.spawn("/usr/bin/python3", "-c", VANISH, cgroup=name, stdin=-1)
        self.addCleanup(server.stdin.close)
        self.assertEqual(server.stdout.readline().strip(), "up")
        client = self.two.alice.spawn("/usr/bin/python3", "-c", LINGER, cgroup=name, stdin=-1)
        self.addCleanup(client.stdin.close)
        self.assertEqual(server.stdout.readline().strip(), "gone")
        client.stdin.write("\n")
        client.stdin.flush()
        self.assertEqual(client.stdout.readline().strip(), "reset")
        frames = wire.read(capture.stop(), (), "tcp.port == 7403")
        self.assertIn((self.two.bob.address(4), "rst"), [(f.source, f.tcp) for f in frames])
        self.assertEqual([f.shape for f in frames if not f.has("ah")], [])


if __name__ == "__main__":
    if reason := why_not():
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
