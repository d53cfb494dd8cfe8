# SPDX-License-Identifier: Apache-2.0
"""Section 3.1 of the draft, with the kernel's TCP, in IPv6 and IPv4.

A server whose fragment is the draft's own requires AH. ClientA connects plainly
and gets nothing, ClientB sets the option first and gets the handshake and data.
API-27 API-32 API-33 API-34 API-35
"""

import unittest

import lab
import wire


class DraftServer(unittest.TestCase):
    def test_section_3_1(self):
        with lab.Lab() as two:
            sas = lab.all_sas(["ah"])
            two.start(sas=sas)
            for family, port in ((6, 7106), (4, 7104)):
                with self.subTest(family=family):
                    self.one_family(two, sas, family, port)

    def one_family(self, two, sas, family, port):
        address = two.bob.address(family)
        capture = two.capture(f"draft{family}")
        server = two.bob.spawn(two.program("level_server"), "-t", "30", address, port, "ah=require")
        lab.wait_until(lambda: two.bob.listening(port), "the server listens")

        before = two.bob.drops().get("policy_requires_ah", 0)
        client_a = two.alice.run(two.program("level_client"), "-t", "2", address, port)
        self.assertNotEqual(client_a.returncode, 0, client_a.stdout)
        self.assertGreater(two.bob.drops()["policy_requires_ah"], before)

        client_b = two.alice.run(two.program("level_client"), "-t", "2", address, port, "ah=require")
        self.assertEqual(client_b.returncode, 0, client_b.stdout + client_b.stderr)
        lab.end_process(server)

        frames = [f for f in wire.read(capture.stop(), sas) if f.tcp]
        clear = [f for f in frames if not f.has("ah")]
        secure = [f for f in frames if f.has("ah")]
        # ClientA: nothing but its own SYNs, and no answer of any kind.
        self.assertTrue(clear)
        self.assertEqual({f.tcp for f in clear}, {"syn"})
        self.assertEqual({f.source for f in clear}, {two.alice.address(family)})
        # ClientB: handshake, data and end, every segment with AH.
        self.assertEqual([f.tcp for f in secure[:3]], ["syn", "syn/ack", "ack"])
        self.assertIn("data", [f.tcp for f in secure])
        self.assertEqual({f.field["frame.protocols"].split(":")[2] for f in secure}, {"ah"})


if __name__ == "__main__":
    unittest.main()
