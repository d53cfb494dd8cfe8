# SPDX-License-Identifier: Apache-2.0
"""An unmodified python3 and an unmodified netcat under `postern exec --ah require`.

Every packet carries AH, first SYN to last FIN, by tshark; without the option the
SYN to the same server is dropped and counted under its name. API-27 API-34
"""

import subprocess
import unittest

import lab
import wire

PORT = 7200
SERVER = f"""
import socket
server = socket.create_server(("0.0.0.0", {PORT}))
for _ in range(1):
    child, peer = server.accept()
    with child:
        child.sendall(b"hello " + child.recv(100))
"""


class UnmodifiedPrograms(unittest.TestCase):
    def test_python3_and_netcat(self):
        require = {"ah": "require"}
        with lab.Lab() as two:
            sas = lab.all_sas(["ah"])
            two.start(sas=sas)
            capture = two.capture()
            server = two.bob.spawn("/usr/bin/python3", "-c", SERVER, levels=require)
            lab.wait_until(lambda: two.bob.listening(PORT), "python3 listens")

            plain = two.alice.run("nc", "-w", "1", two.bob.address(4), PORT, stdin=None, input="x")
            self.assertNotEqual(plain.returncode, 0)
            self.assertGreater(two.bob.drops().get("policy_requires_ah", 0), 0)

            secure = two.alice.run("nc", "-N", "-w", "5", two.bob.address(4), PORT,
                                   levels=require, stdin=None, input="netcat")
            self.assertEqual(secure.stdout, "hello netcat", secure.stderr)
            server.wait(10)

            def ended():
                frames = [f for f in wire.read(two.directory / "wire.pcap", sas) if f.has("ah")]
                ends = [f.source for f in frames if f.tcp and "fin" in f.tcp]
                return len(set(ends)) == 2 and frames
            lab.wait_until(ended, "both FINs are on the wire")
            frames = wire.read(capture.stop(), sas)

        tcp = [f for f in frames if f.tcp]
        self.assertEqual({f.tcp for f in tcp if not f.has("ah")}, {"syn"})
        self.assertEqual({f.source for f in tcp if not f.has("ah")}, {lab.ADDRESSES["alice"][4]})
        secure = [f for f in tcp if f.has("ah")]
        self.assertEqual([f.tcp for f in secure[:2]], ["syn", "syn/ack"])
        self.assertEqual(len({f.source for f in secure if "fin" in f.tcp}), 2)


if __name__ == "__main__":
    unittest.main()
