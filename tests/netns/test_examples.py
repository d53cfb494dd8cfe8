# SPDX-License-Identifier: Apache-2.0
"""The programs of examples/ with real daemons: each does what its head says.

The C++ and the Python client, the draft's fragments, and a program as it is
written for OpenBSD. What they do on the wire is judged by tshark.
API-01 API-24 API-27 API-33 API-35
"""

import subprocess
import unittest

import lab
import wire

HELLO = "hello through the postern\n"
EVERYTHING = {c: "require" for c in lab.CATEGORIES}
CLEAR = {c: "bypass" for c in lab.CATEGORIES}


class Examples(unittest.TestCase):
    def both(self, levels=None, sas=lab.CATEGORIES):
        two = self.enterContext(lab.Lab())
        self.sas = lab.all_sas(sas)
        two.start(sas=self.sas, levels=levels)
        return two

    def shapes(self, two, work):
        """The shapes on the wire while work() ran, without TCP's flags."""
        capture = two.capture()
        work()
        frames = [f for f in wire.read(capture.stop(), self.sas) if not f.has("icmpv6")]
        return {f.shape.replace(f"({f.tcp})", "") for f in frames}

    def say(self, two, *command):
        done = two.alice.run(*command)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_clients_in_cxx_and_python(self):
        two = self.both()
        server = lab.Agent(two.bob)
        python = lab.ROOT / "examples" / "python_client.py"
        for family in (4, 6):
            port = server.ask("serve", family=family, protocol="tcp",
                              levels={"ah": "require"})["port"]
            for client in ([two.program("cxx_client")], ["/usr/bin/python3", python]):
                with self.subTest(client=client, family=family):
                    def talk():
                        said = self.say(two, *client, two.bob.address(family), port)
                        self.assertEqual(said, HELLO)
                    self.assertEqual(self.shapes(two, talk), {f"IPv{family}+AH+TCP"})

    def test_clients_in_cxx_and_python_refuse_to_go_on(self):
        two = self.both()
        port = lab.Agent(two.bob).ask("serve", family=4, protocol="tcp")["port"]
        python = ["/usr/bin/python3", lab.ROOT / "examples" / "python_client.py"]
        to_bob = [two.bob.address(4), str(port)]
        # Outside of every virtual host, and in Python without the library.
        outside = [([two.program("cxx_client")], "Network is unreachable"),
                   (python, "Protocol not available")]
        for client, advice in outside:
            done = subprocess.run([*client, *to_bob], capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, 1)
            self.assertIn(advice, done.stderr)

    def test_the_drafts_server_and_client(self):
        two = self.both(sas=["ah"])
        for port, flavour in ((7200, ""), (7201, "_cxx")):
            def talk():
                server = two.bob.spawn(two.program(f"draft_3_1_server{flavour}"), port)
                lab.wait_until(lambda: two.bob.listening(port), "the server listens")
                said = self.say(two, two.program(f"draft_3_3_client{flavour}"),
                                two.bob.address(6), port)
                self.assertIn("hello\n", said)
                self.assertEqual(server.wait(10), 0)
            self.assertEqual(self.shapes(two, talk), {"IPv6+AH+TCP"})

    def test_the_drafts_bypass(self):
        two = self.both(levels=EVERYTHING)
        for flavour in ("", "_cxx"):
            self.say(two, two.program(f"draft_3_2_bypass{flavour}"))

    def test_a_program_for_openbsd(self):
        two = self.both(levels=EVERYTHING)
        server = lab.Agent(two.bob)
        program = two.program("openbsd_style")
        for family in (4, 6):
            bob, ip = two.bob.address(family), f"IPv{family}"
            clear = server.ask("serve", family=family, protocol="udp", levels=CLEAR)["port"]
            self.assertEqual(
                self.shapes(two, lambda: self.say(two, program, "bypass", family, bob, clear)),
                {f"{ip}+UDP"})
            port = server.ask("serve", family=family, protocol="tcp")["port"]
            self.assertEqual(
                self.shapes(two, lambda: self.say(two, program, "require", family, bob, port)),
                {f"{ip}+ESP({ip}+AH+ESP(TCP))"})


if __name__ == "__main__":
    unittest.main()
