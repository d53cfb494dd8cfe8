# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the daemons, again and again, in living hosts full of sockets.

After each restart every socket has the levels it had, connections go on, and no
clear byte was ever on the wire. API-44

Both hosts' namespaces have names, so that they outlive their daemons; /run,
where those names are, is this test's own.
"""

import os
import pathlib
import subprocess
import sys
import unittest

import lab
import test_cgroup
import wire

HERE = pathlib.Path(__file__).resolve().parent
MARK = b"POSTERN-CLEAR-TEXT-MARK-"
RESTARTS = 20
REQUIRE = {"esp_transport": "require"}
AUTHENTIC = {"ah": "require", "esp_transport": "use"}
TUNNEL = {"esp_network": "require", "ah": "avail"}
# Sockets that are nowhere bound: no list of the kernel has them.
UNBOUND = {
    "nowhere-tcp4": (4, "tcp", {"ah": "use", "esp_network": "require"}),
    "nowhere-tcp6": (6, "tcp", {"esp_transport": "bypass"}),
    "nowhere-udp4": (4, "udp", {"esp_transport": "avail"}),
    "nowhere-udp6": (6, "udp", {"ah": "require"}),
}


# Never ends by itself.
FLOOD = f"""
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    try:
        sock.sendto({MARK!r}, ("10.9.2.1", 9))
    except OSError:
        pass
"""


class Holder(lab.Agent):
    """tests/netns/holder.py in one host."""

    def __init__(self, host):
        self.host = host
        self.process = host.spawn("/usr/bin/python3", HERE / "holder.py",
                                  stdin=subprocess.PIPE)

    def levels(self):
        answer = self.ask("levels")
        return {name: answer[name] for name in sorted(answer)}

    def hold_unbound(self):
        for name, (family, protocol, levels) in UNBOUND.items():
            self.ask("hold", name=name, family=family, protocol=protocol, levels=levels)


class Restart(unittest.TestCase):
    def setUp(self):
        self.two = lab.Lab()
        self.two.__enter__()
        self.addCleanup(self.two.__exit__)
        for host in self.two.hosts:
            host.configure(sas=lab.all_sas(), namespace=f"postern-{host.name}")
            host.start()
        self.server = Holder(self.two.bob)
        self.client = Holder(self.two.alice)

    def open_sockets(self):
        bob = self.two.bob.address
        server, client = self.server, self.client
        for family, port, levels in ((4, 7001, AUTHENTIC), (6, 7002, TUNNEL)):
            server.ask("hold", name=f"listener{family}", family=family,
                       protocol="tcp", to="listen", port=port, levels=levels)
            client.ask("hold", name=f"stream{family}", family=family, protocol="tcp",
                       to="connect", peer=bob(family), port=port, levels=levels)
            server.ask("accept", name=f"child{family}", listener=f"listener{family}")
            server.ask("echo", name=f"child{family}")
            client.ask("ask", name=f"stream{family}")
        # The children keep what they inherited.
        server.ask("change", name="listener4", levels={"ah": "none", "esp_transport": "none"})
        server.ask("hold", name="listener", family=6, protocol="tcp", to="listen",
                   port=7003, levels=REQUIRE)
        server.ask("hold", name="datagrams", family=4, protocol="udp", to="bind",
                   port=7004, levels=REQUIRE)
        server.ask("echo", name="datagrams")
        client.ask("hold", name="datagrams", family=4, protocol="udp", to="connect",
                   peer=bob(4), port=7004, levels=REQUIRE)
        client.ask("ask", name="datagrams")
        for holder in (server, client):
            holder.hold_unbound()
        refused = client.try_("hold", name="refused", family=6, protocol="tcp", to="connect",
                              peer=bob(6), port=7999, levels={"ah": "use"})
        self.assertEqual(refused, {"error": "ECONNREFUSED"})

    def wait_for_echoes(self):
        """Every connection and every datagram socket is heard again."""
        before = self.client.ask("count")

        def more():
            now = self.client.ask("count")
            self.assertNotIn(-1, now.values(), "a connection broke")
            return all(now[name] > before[name] + 2 for name in before)
        lab.wait_until(more, f"echoes after {before}", 30)

    def open_another(self, number):
        """A new connection to a listener that lived through the restart."""
        name = f"new{number}"
        self.client.ask("hold", name=name, family=6, protocol="tcp", to="connect",
                        peer=self.two.bob.address(6), port=7003, levels=REQUIRE)
        self.server.ask("accept", name=name, listener="listener")

    def test_every_level_survives(self):
        self.open_sockets()
        self.wait_for_echoes()
        capture = self.two.capture(device="any", name="restarts")
        for number in range(RESTARTS):
            wanted = {holder: holder.levels() for holder in (self.server, self.client)}
            self.assertEqual(wanted[self.server]["child4"],
                             {"ah": 3, "esp_transport": 2, "esp_network": 0})
            for host in self.hosts_of(number):
                host.kill()
            for host in self.hosts_of(number):
                host.start()
            for holder, levels in wanted.items():
                self.assertEqual(holder.levels(), levels, f"{holder.host.name}, restart {number}")
            self.wait_for_echoes()
            self.open_another(number)
        self.judge(capture)

    def hosts_of(self, number):
        """Alice, bob, both, alice ..."""
        return [[self.two.alice], [self.two.bob], list(self.two.hosts)][number % 3]

    def judge(self, capture):
        octets = capture.cut().read_bytes()
        frames = wire.read(capture.file)
        self.assertEqual(octets.count(MARK), 0)
        clear = [f.shape for f in frames
                 if (f.has("tcp") or f.has("udp")) and not f.has("esp") and not f.has("ah")]
        self.assertEqual(clear, [])
        self.assertGreater(len(frames), 1000)
        self.assertTrue(any(f.has("ah") for f in frames))

    def test_every_wish_survives(self):
        """The lab's keys have 128 bits: who wishes 256 hears nobody."""
        server, client = lab.Agent(self.two.bob), lab.Agent(self.two.alice)
        ports = {bits: server.ask("serve", family=4, protocol="udp", levels=REQUIRE,
                                  wishes={"ipsec_set_strength": bits})["port"]
                 for bits in (128, 256)}

        def talk(bits, timeout):
            return client.ask("talk", family=4, protocol="udp", levels=REQUIRE,
                              to=self.two.bob.address(4), port=ports[bits],
                              timeout=timeout)["result"]
        for _ in range(2):
            self.assertEqual((talk(128, 5.0), talk(256, 0.5)), ("ok", "timeout"))
            self.two.bob.kill()
            self.two.bob.start()
        self.assertEqual((talk(128, 5.0), talk(256, 0.5)), ("ok", "timeout"))

    def test_a_cgroups_rule_binds_before_the_first_packet(self):
        if reason := test_cgroup.why_not():
            self.skipTest(reason)
        name = f"postern-{os.getpid()}-restart"
        self.two.alice.kill()
        self.two.alice.configure(sas=lab.all_sas(), namespace="postern-alice", extra=(
            f'\n[[cgroup]]\npath = "/{name}"\nesp_transport = "require"\n\n'))
        self.two.alice.start()
        self.flood_through_restarts(name)

    def test_a_cgroups_rule_of_run_time_binds_before_the_first_packet(self):
        if reason := test_cgroup.why_not():
            self.skipTest(reason)
        name = f"postern-{os.getpid()}-run-time"
        self.two.alice.postern("cgroup set", f"/{name}", "--esp-transport", "require")
        self.flood_through_restarts(name)
        self.two.alice.postern("cgroup delete", f"/{name}")
        self.two.alice.kill()
        self.two.alice.start()
        self.assertEqual(self.two.alice.json("cgroup list")["cgroups"], [])

    def flood_through_restarts(self, name):
        """Programs of this cgroup send on while alice is killed: nothing leaves in clear."""
        capture = self.two.capture(direction="out")
        flood = self.two.alice.spawn("/usr/bin/python3", "-c", FLOOD, cgroup=name)
        self.addCleanup(test_cgroup.remove, test_cgroup.hierarchy() / name)
        self.addCleanup(lab.end_process, flood)
        for _ in range(RESTARTS // 4):
            before = self.two.alice.json("stats")["counts"]["outbound_protected"]
            lab.wait_until(lambda: self.two.alice.json("stats")["counts"]["outbound_protected"]
                           > before + 100, "datagrams leave")
            self.two.alice.kill()
            self.two.alice.start()
        lab.end_process(flood)
        octets = capture.stop().read_bytes()
        self.assertNotIn(MARK, octets)
        self.assertGreater(len(octets), 100 * RESTARTS // 4)

    def test_a_damaged_memory_is_refused_with_advice(self):
        self.client.hold_unbound()
        self.two.alice.kill()
        memory = pathlib.Path(self.two.environment["POSTERN_RUN_DIR"], "alice", "sockets")
        sound = memory.read_bytes()
        memory.write_bytes(sound[:5000] + bytes([sound[5000] ^ 1]) + sound[5001:])
        with self.assertRaises(lab.LabError) as refused:
            self.two.alice.start()
        self.assertIn("delete the file", str(refused.exception))
        memory.write_bytes(sound)
        self.two.alice.start()
        self.assertEqual(self.client.levels()["nowhere-udp6"]["ah"], 3)


def with_own_run_directory():
    """This program again, in a mount namespace in which /run is empty."""
    os.environ["POSTERN_TEST_HAS_OWN_RUN"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "--",
                          sys.executable, *sys.argv])


if __name__ == "__main__":
    if "POSTERN_TEST_HAS_OWN_RUN" not in os.environ:
        with_own_run_directory()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    unittest.main()
